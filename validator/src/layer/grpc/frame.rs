//! The frame around a gRPC message
//! (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>, "Length-Prefixed-Message").

use crate::validator::Rejection;

/// Bytes before the message: a flag and a big-endian length.
pub const FRAME_HEADER: usize = 5;

/// The message of a body that is exactly one uncompressed frame, at most `limit` bytes long.
pub fn unary_message(body: &[u8], limit: usize) -> Result<&[u8], Rejection> {
    let Some(([flag, length @ ..], message)) = body.split_first_chunk::<FRAME_HEADER>() else {
        return Err(Rejection::MalformedBody("A call must carry exactly one message."));
    };
    match flag {
        0 => {}
        1 => return Err(Rejection::Compressed),
        _ => return Err(Rejection::MalformedBody("The compressed flag must be 0 or 1.")),
    }
    let length = u32::from_be_bytes(*length) as usize;
    if length > limit {
        return Err(Rejection::TooLarge);
    }
    if length != message.len() {
        return Err(Rejection::MalformedBody("A call must carry exactly one message."));
    }
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_whole_frame_gives_its_message() {
        assert_eq!(unary_message(b"\0\0\0\0\x03abc", 3), Ok(&b"abc"[..]));
        assert_eq!(unary_message(b"\0\0\0\0\0", 0), Ok(&b""[..]));
    }

    #[test]
    fn e8_anything_but_one_whole_frame_is_malformed() {
        for bad in [
            &b""[..],
            b"\0\0\0\0",
            b"\0\0\0\0\x03ab",
            b"\0\0\0\0\x03abcd",
            b"\0\0\0\0\x03abc\0\0\0\0\0",
            b"\x02\0\0\0\x03abc",
            b"\xff\0\0\0\x03abc",
        ] {
            assert!(matches!(unary_message(bad, 64), Err(Rejection::MalformedBody(_))), "{bad:?}");
        }
    }

    #[test]
    fn e8_a_length_prefix_of_four_gibibytes_is_too_large() {
        assert_eq!(unary_message(b"\0\xff\xff\xff\xffabc", 1 << 20), Err(Rejection::TooLarge));
        assert_eq!(unary_message(b"\0\0\0\0\x03abc", 2), Err(Rejection::TooLarge));
    }

    #[test]
    fn a31_compressed_messages_are_refused_unopened() {
        assert_eq!(unary_message(b"\x01\0\0\0\x03abc", 64), Err(Rejection::Compressed));
    }
}

//! Percent encoding as SigV4 wants it, and lower-case hex.

use super::refusal::Refusal;

/// Where a text stands: what it keeps and what `+` means differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// Keeps `/`.
    Path,
    /// Keeps nothing; `+` is a space.
    Query,
}

/// Appends `text`, which may be encoded already, in the one form that encodes all but unreserved characters (RFC 3986,
/// section 2.3) once, with upper-case escapes. An escaped `/` stays escaped.
pub(super) fn encode_once(text: &str, place: Place, out: &mut String) -> Result<(), Refusal> {
    let mut rest = text;
    loop {
        let plain = rest.bytes().take_while(|byte| is_unreserved(*byte)).count();
        let (kept, tail) = rest.split_at(plain);
        out.push_str(kept);
        let [first, after @ ..] = tail.as_bytes() else { return Ok(()) };
        let mut used = 1;
        match (first, place) {
            (b'%', _) => {
                push_escape(escaped_byte(after)?, out);
                used = 3;
            }
            (b'+', Place::Query) => out.push_str("%20"),
            (b'/', Place::Path) => out.push('/'),
            _ => used = push_escaped_char(tail, out),
        }
        rest = &tail[used..];
    }
}

/// Appends `text` with everything encoded but unreserved characters, also what was encoded before.
pub(super) fn encode(text: &str, place: Place, out: &mut String) {
    let mut rest = text;
    while !rest.is_empty() {
        let is_kept = |byte: &u8| is_unreserved(*byte) || (*byte == b'/' && place == Place::Path);
        let plain = rest.bytes().take_while(is_kept).count();
        let (kept, tail) = rest.split_at(plain);
        out.push_str(kept);
        rest = &tail[push_escaped_char(tail, out)..];
    }
}

/// Refuses a `%` that two hex digits do not follow.
pub(super) fn check_escapes(text: &str) -> Result<(), Refusal> {
    text.split('%').skip(1).try_for_each(|after| escaped_byte(after.as_bytes()).map(drop))
}

/// Whether a path is its own encoding, whichever way it is encoded.
pub(super) fn is_plain_path(path: &str) -> bool {
    path.bytes().all(|byte| is_unreserved(byte) || byte == b'/')
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8; 32]) -> [u8; 64] {
    let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' - 10 + value };
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    text
}

/// [`hex`] as text.
pub(super) fn hex_string(bytes: &[u8; 32]) -> String {
    hex(bytes).iter().copied().map(char::from).collect()
}

/// Reads 64 digits of lower-case hex. Upper case would be a second form of the same value.
pub(super) fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    // Looks at all digits, come what may: that is faster than to stop at the first wrong one.
    let values = digits.map(hex_value);
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(values.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1] & 15;
    }
    values.iter().fold(true, |all, value| all & (*value < 16)).then_some(bytes)
}

/// The value of a lower-case digit; 255 for what is none.
fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => 255,
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn escaped_byte(after_percent: &[u8]) -> Result<u8, Refusal> {
    let digit = |c: &u8| Some(hex_value(c.to_ascii_lowercase())).filter(|value| *value < 16);
    match after_percent {
        [high, low, ..] => digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low),
        _ => None,
    }
    .ok_or(Refusal::MalformedQuery("A percent sign must be followed by two hexadecimal digits."))
}

/// Escapes the first character and returns its length in bytes.
fn push_escaped_char(text: &str, out: &mut String) -> usize {
    let length = text.chars().next().map_or(0, char::len_utf8);
    text.bytes().take(length).for_each(|byte| push_escape(byte, out));
    length
}

/// Writes an unreserved byte as itself, any other as an escape.
fn push_escape(byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if is_unreserved(byte) {
        out.push(char::from(byte));
    } else {
        out.push('%');
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

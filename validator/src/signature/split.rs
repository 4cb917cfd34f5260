//! Splitting at an ASCII byte: on short texts, several times as fast as the standard search for a `char`.

use memchr::memchr;

/// [`str::split_once`].
pub(super) fn split_once(text: &str, at: u8) -> Option<(&str, &str)> {
    let end = memchr(at, text.as_bytes())?;
    Some((&text[..end], &text[end + 1..]))
}

/// [`str::split`].
pub(super) fn split(text: &str, at: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let Some((piece, after)) = split_once(text, at) else { return Some(text) };
        rest = Some(after);
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_the_standard_library_does() {
        for text in ["", "/", "//", "a", "a/", "/a", "a/b", "é/ü//b/"] {
            assert_eq!(split_once(text, b'/'), text.split_once('/'));
            assert!(split(text, b'/').eq(text.split('/')), "{text}");
        }
    }
}

//! Text with `?` in it, compared many bytes a step.

/// ASCII text in which some places stand for any character.
///
/// A search for `*?a?a?a…` compares at every place of the text. Byte for byte under a mask that stays quick.
#[derive(Clone, Debug, Default)]
pub(super) struct Masked {
    bytes: Vec<u8>,
    /// Zero where any character will do, else all ones.
    mask: Vec<u8>,
}

impl Masked {
    /// Adds a `?`.
    pub(super) fn push_any(&mut self) {
        self.bytes.push(0);
        self.mask.push(0);
    }

    /// Adds text, which must be ASCII.
    pub(super) fn push_ascii(&mut self, text: &str) {
        debug_assert!(text.is_ascii());
        self.bytes.extend_from_slice(text.as_bytes());
        self.mask.resize(self.bytes.len(), u8::MAX);
    }

    /// What is left of `text` after this.
    pub(super) fn strip<'t>(&self, text: &'t str) -> Option<&'t str> {
        let places = self.bytes.iter().zip(&self.mask);
        match text.split_at_checked(self.bytes.len()) {
            // Without an early end, so that the compiler can take many places at once.
            Some((head, rest)) if head.is_ascii() => {
                let wrong = places.zip(head.bytes()).fold(0, |wrong, ((byte, mask), c)| wrong | ((byte ^ c) & mask));
                (wrong == 0).then_some(rest)
            }
            _ => {
                let mut rest = text.chars();
                for (byte, mask) in places {
                    rest.next().filter(|c| *mask == 0 || *c == char::from(*byte))?;
                }
                Some(rest.as_str())
            }
        }
    }
}

//! The nearest known word, for messages.

/// The word of `known` that was probably meant: the same but for case, else a few typing errors away.
pub(super) fn nearest(word: &str, known: impl IntoIterator<Item = impl AsRef<str>>) -> Option<String> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let errors = (word.len() / 3).min(3);
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate.as_ref()), candidate))
        .filter(|(distance, _)| *distance <= errors)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.as_ref().to_owned())
}

/// Levenshtein's distance, blind to case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let substituted = diagonal + usize::from(!x.eq_ignore_ascii_case(y));
            diagonal = *cell;
            left = substituted.min(*cell + 1).min(left + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant_and_nothing_far_away() {
        let known = ["Effect", "Action", "NotAction", "Sid"];
        for (word, meant) in [("effect", Some("Effect")), ("Actoin", Some("Action")), ("Actions", Some("Action"))] {
            assert_eq!(nearest(word, known).as_deref(), meant, "{word}");
        }
        for word in ["Principal", "", "x", &"Effect".repeat(100)] {
            assert_eq!(nearest(word, known), None, "{word}");
        }
    }
}

//! Equality that ignores case.

/// The character that stands for all its cases.
///
/// Never takes a character from outside ASCII into ASCII: the Kelvin sign is not a `k`, so that no name made of look-alikes
/// equals one that is not.
pub(super) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) if !one.is_ascii() => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b21_look_alikes_do_not_fold_into_ascii() {
        assert_eq!((fold('K'), fold('É')), ('k', 'é'));
        assert_eq!((fold('\u{212a}'), fold('İ')), ('\u{212a}', 'İ'));
    }
}

//! Arguments that give a name values.

/// `KEY=VALUE[,VALUE…]`
pub(super) type Pair = (String, Vec<String>);

/// Reads a [`Pair`].
pub(super) fn pair(text: &str) -> Result<Pair, String> {
    let (key, values) = text.split_once('=').ok_or("KEY=VALUE is expected")?;
    let values = values.split(',').filter(|_| !values.is_empty()).map(str::to_owned).collect();
    Ok((key.to_owned(), values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_have_any_number_of_values() {
        let pair = |text| pair(text).unwrap();
        assert_eq!(pair("a:b=c=d"), ("a:b".into(), vec!["c=d".into()]));
        assert_eq!(pair("a:b=c,,d"), ("a:b".into(), vec!["c".into(), String::new(), "d".into()]));
        assert_eq!(pair("a:b="), ("a:b".into(), vec![]));
        assert!(super::pair("a:b").is_err());
    }
}

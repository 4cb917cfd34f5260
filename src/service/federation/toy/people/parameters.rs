//! The parameters of an OAuth request (RFC 6749 §3.1, §3.2): those without a value are as good as absent, none may occur
//! twice, and unknown ones mean nothing.

use std::collections::{BTreeMap, BTreeSet};

/// Parameters from a query string or a form.
pub struct Parameters {
    values: BTreeMap<String, String>,
    repeated: BTreeSet<String>,
}

impl Parameters {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn read(form: &[u8]) -> Self {
        let mut read = Self { values: BTreeMap::new(), repeated: BTreeSet::new() };
        for (name, value) in form_urlencoded::parse(form) {
            if read.values.insert(name.to_string(), value.into_owned()).is_some() {
                read.repeated.insert(name.into_owned());
            }
        }
        read
    }

    /// The one value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        if self.repeated.contains(name) {
            return None;
        }
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter that occurs more than once.
    pub(super) fn repeated(&self) -> Option<&str> {
        self.repeated.first().map(String::as_str)
    }
}

impl std::fmt::Debug for Parameters {
    /// Shows no value, which may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_has_one_value_or_none() {
        let parameters = Parameters::read(b"a=1%202&b=&c&d=x+y");
        assert_eq!((parameters.get("a"), parameters.get("d")), (Some("1 2"), Some("x y")));
        assert_eq!((parameters.get("b"), parameters.get("c"), parameters.get("e")), (None, None, None));
        assert_eq!(parameters.repeated(), None);
        let twice = Parameters::read(b"a=1&b=2&a=1");
        assert_eq!((twice.get("a"), twice.get("b"), twice.repeated()), (None, Some("2"), Some("a")));
        assert!(!format!("{twice:?}").contains('2'));
    }
}

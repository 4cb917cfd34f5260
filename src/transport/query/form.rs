//! The parameters of an AWS Query request: one strict reading of query string and form body, in which every name occurs
//! once and every parameter must be used.

use std::collections::{BTreeMap, HashSet};

use crate::service::error::{Error, Kind};

/// Most parameters of one request: more than the fullest operation can use.
const MAX_PARAMETERS: usize = 512;
/// Highest index of a list, which is the longest list that any operation takes.
const MAX_MEMBERS: usize = 50;

/// Names whose meaning must not depend on who folds case, and how.
const CASE_BOUND: [&str; 9] = [
    "Action",
    "Version",
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// Parameters that wait to be taken by an operation.
#[derive(Debug)]
pub struct Form {
    parameters: BTreeMap<String, String>,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded` from the query string and the body of one request.
    ///
    /// [`Kind::MalformedQueryString`]: a bad percent escape, bytes that are not UTF-8, an empty name, a name that occurs
    /// twice in any spelling and place, or a case variant of a name that decides what the request is.
    /// [`Kind::ValidationError`]: more parameters than any operation takes.
    ///
    /// `X-Amz-*` parameters of the query string belong to the signature, which covers and reads them; they are dropped.
    pub fn read(query: &str, body: &[u8]) -> Result<Self, Error> {
        let mut parameters = BTreeMap::new();
        let mut seen = HashSet::new();
        let pairs = |bytes| split(bytes).filter(|pair: &&[u8]| !pair.is_empty());
        let in_query = pairs(query.as_bytes()).map(|pair| (pair, true));
        let in_body = pairs(body).map(|pair| (pair, false));
        for (count, (pair, in_query)) in in_query.chain(in_body).enumerate() {
            if count == MAX_PARAMETERS {
                return Err(Error::validation(format!("A request has at most {MAX_PARAMETERS} parameters.")));
            }
            let (name, value) = read_pair(pair)?;
            if !seen.insert(name.to_ascii_lowercase()) {
                return Err(malformed(format!("The parameter {} occurs more than once.", quoted(&name))));
            }
            if !(in_query && has_prefix(&name, "x-amz-")) {
                parameters.insert(name, value);
            }
        }
        Ok(Self { parameters })
    }

    /// Takes a parameter. An absent one is `None`; one without a value is the empty string.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.parameters.remove(name)
    }

    /// Takes `Name.member.1`, `Name.member.2`, … in order. `Name=` alone is an empty list, as is nothing at all.
    pub fn take_list(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let members = self.take_structs(name, [""])?;
        Ok(members.into_iter().map(|[value]| value.unwrap_or_default()).collect())
    }

    /// Takes a list of structures: `Name.member.1.Field`, …. Absent fields are `None`; unknown ones are refused.
    pub fn take_structs<const N: usize>(
        &mut self,
        name: &str,
        fields: [&str; N],
    ) -> Result<Vec<[Option<String>; N]>, Error> {
        let mut members: BTreeMap<usize, [Option<String>; N]> = BTreeMap::new();
        for (path, value) in self.take_below(name) {
            let place = read_member(&path[name.len()..])
                .and_then(|(index, field)| Some((index, fields.iter().position(|known| *known == field)?)));
            let Some((index, field)) = place else {
                return Err(Error::validation(format!("The parameter {} is not valid.", quoted(&path))));
            };
            members.entry(index).or_insert([const { None }; N])[field] = Some(value);
        }
        if members.keys().zip(1..).any(|(index, expected)| *index != expected) {
            return Err(Error::validation(format!("The members of {name} must be numbered from 1 without gaps.")));
        }
        match self.take(name) {
            None => Ok(members.into_values().collect()),
            Some(value) if value.is_empty() && members.is_empty() => Ok(Vec::new()),
            Some(_) => Err(Error::validation(format!("The parameter {name} is a list: write {name}.member.1."))),
        }
    }

    /// Refuses what no one has taken, because a parameter that is ignored is a promise that is not kept.
    pub fn finish(self) -> Result<(), Error> {
        match self.parameters.into_keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(Error::validation(format!("The parameter {} is not known to this operation.", quoted(&name))))
            }
        }
    }

    /// Takes everything named `Name.…`.
    fn take_below(&mut self, name: &str) -> Vec<(String, String)> {
        let prefix = format!("{name}.");
        let paths: Vec<String> = self
            .parameters
            .range(prefix.clone()..)
            .map(|(path, _)| path.clone())
            .take_while(|path| path.starts_with(&prefix))
            .collect();
        paths.into_iter().filter_map(|path| self.parameters.remove_entry(&path)).collect()
    }
}

fn split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'&')
}

fn read_pair(pair: &[u8]) -> Result<(String, String), Error> {
    let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
        Some(equals) => (&pair[..equals], &pair[equals + 1..]),
        None => (pair, &[][..]),
    };
    let (name, value) = (decode(name)?, decode(value)?);
    if name.is_empty() {
        return Err(malformed("A parameter has no name."));
    }
    if CASE_BOUND.iter().any(|bound| name != *bound && name.eq_ignore_ascii_case(bound)) {
        return Err(malformed(format!("The parameter {} is written in the wrong case.", quoted(&name))));
    }
    Ok((name, value))
}

/// Percent decoding that refuses what it cannot read, `+` being a space.
fn decode(encoded: &[u8]) -> Result<String, Error> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => decoded.push(b' '),
            b'%' => {
                let [high, low, tail @ ..] = tail else {
                    return Err(malformed("A percent escape is incomplete."));
                };
                let (Some(high), Some(low)) = (hex(*high), hex(*low)) else {
                    return Err(malformed("A percent escape is not two hexadecimal digits."));
                };
                decoded.push(high << 4 | low);
                rest = tail;
            }
            byte => decoded.push(*byte),
        }
    }
    String::from_utf8(decoded).map_err(|_| malformed("A parameter is not UTF-8."))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// `.member.N` or `.member.N.Field`: the index and the field, which is empty in the first form.
fn read_member(path: &str) -> Option<(usize, &str)> {
    let path = path.strip_prefix(".member.")?;
    let (index, field) = match path.split_once('.') {
        Some((_, "")) => return None,
        Some((index, field)) => (index, field),
        None => (path, ""),
    };
    let canonical = index.bytes().all(|byte| byte.is_ascii_digit()) && !index.starts_with('0');
    let index = index.parse().ok().filter(|index| canonical && (1..=MAX_MEMBERS).contains(index))?;
    Some((index, field))
}

fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Text that a stranger chose, fit for a message: escaped and cut.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(128).flat_map(char::escape_debug).collect()
}

fn quoted(name: &str) -> String {
    format!("'{}'", shown(name))
}

fn malformed(message: impl Into<String>) -> Error {
    Error::new(Kind::MalformedQueryString, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kind(query: &str, body: &[u8]) -> Kind {
        Form::read(query, body).unwrap_err().kind()
    }

    fn form(body: &str) -> Form {
        Form::read("", body.as_bytes()).unwrap()
    }

    #[test]
    fn parameters_come_from_query_and_body_alike() {
        let mut form = Form::read("Action=AssumeRole&empty", b"&&Name=a+b%20%C3%A9%2b&raw=\xc3\xa9&").unwrap();
        assert_eq!(form.take("Action").as_deref(), Some("AssumeRole"));
        assert_eq!(form.take("Name").as_deref(), Some("a b é+"));
        assert_eq!(form.take("empty").as_deref(), Some(""));
        assert_eq!(form.take("raw").as_deref(), Some("é"));
        assert_eq!(form.take("raw"), None);
        form.finish().unwrap();
    }

    #[test]
    fn a4_a_name_that_occurs_twice_is_refused_wherever_it_stands() {
        assert_eq!(kind("", b"Action=AssumeRole&Action=GetCallerIdentity"), Kind::MalformedQueryString);
        assert_eq!(kind("Action=A&Action=A", b""), Kind::MalformedQueryString);
        assert_eq!(kind("Action=AssumeRole", b"Action=GetCallerIdentity"), Kind::MalformedQueryString);
        assert_eq!(kind("Actio%6e=AssumeRole", b"Action=AssumeRole"), Kind::MalformedQueryString);
        assert_eq!(kind("X-Amz-Date=1", b"X-Amz-Date=2"), Kind::MalformedQueryString);
    }

    #[test]
    fn a5_names_are_case_sensitive_and_variants_refused() {
        for body in ["action=A", "ACTION=A", "version=1", "x-amz-expires=1", "Action=A&action=A", "RoleArn=a&rolearn=a"]
        {
            assert_eq!(kind("", body.as_bytes()), Kind::MalformedQueryString, "{body}");
        }
        assert_eq!(kind("X-Amz-Expires=60&x-amz-expires=9999", b""), Kind::MalformedQueryString);
    }

    #[test]
    fn a18_what_cannot_be_decoded_is_refused() {
        for body in ["a=%", "a=%4", "a=%zz", "a=%u0041", "a=%+1", "%=a", "a=%C0%AF", "a=%ff", "=a"] {
            assert_eq!(kind("", body.as_bytes()), Kind::MalformedQueryString, "{body}");
            assert_eq!(kind(body, b""), Kind::MalformedQueryString, "{body}");
        }
        assert_eq!(kind("", b"a=\xff"), Kind::MalformedQueryString);
        assert_eq!(form("a=%00%2f%2F").take("a").as_deref(), Some("\0//"));
    }

    #[test]
    fn parameters_of_the_signature_are_dropped_from_the_query_alone() {
        Form::read("X-Amz-Signature=1&X-Amz-Date=2&x-amz-user-agent=js", b"").unwrap().finish().unwrap();
        let left = form("X-Amz-Signature=1").finish().unwrap_err();
        assert_eq!(left.kind(), Kind::ValidationError);
    }

    #[test]
    fn a_parameter_that_nobody_takes_is_named() {
        let left = form("Action=A&Surprise%0a=1").finish().unwrap_err();
        assert_eq!(left.kind(), Kind::ValidationError);
        assert_eq!(left.message(), "The parameter 'Action' is not known to this operation.");
        let left = form("Surprise%0a=1").finish().unwrap_err();
        assert_eq!(left.message(), "The parameter 'Surprise\\n' is not known to this operation.");
    }

    #[test]
    fn lists_are_taken_in_the_order_of_their_numbers() {
        let mut tenth_first = form("Key.member.10=j&Key.member.2=b&Key.member.1=a&Key.member.3=&Keys=&Empty=");
        assert_eq!(tenth_first.take_list("Key").unwrap_err().kind(), Kind::ValidationError);

        let mut form = form("Key.member.2=b&Key.member.1=a&Key.member.3=&Empty=");
        assert_eq!(form.take_list("Key").unwrap(), ["a", "b", ""]);
        assert_eq!(form.take_list("Empty").unwrap(), [""; 0]);
        assert_eq!(form.take_list("Absent").unwrap(), [""; 0]);
        form.finish().unwrap();
    }

    #[test]
    fn structures_keep_absent_and_empty_apart() {
        let mut form = form("Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Value=b");
        let tags = form.take_structs("Tags", ["Key", "Value"]).unwrap();
        assert_eq!(tags, [[Some("a".into()), Some("".into())], [None, Some("b".into())]]);
        form.finish().unwrap();
    }

    #[test]
    fn e5_indices_out_of_bounds_are_refused() {
        for index in ["0", "51", "-1", "01", "+1", " 1", "2147483648", "99999999999999999999", "", "x", "1.", "1.Key.x"]
        {
            let body = format!("Tags.member.{}.Key=a", index.replace('+', "%2B"));
            let error = form(&body).take_structs("Tags", ["Key", "Value"]).unwrap_err();
            assert_eq!(error.kind(), Kind::ValidationError, "{body}");
        }
        for body in ["Tags.member.2.Key=a", "Tags.1.Key=a", "Tags.member.1=a", "Tags.member.1.key=a", "Tags=a", "Tags."]
        {
            let error = form(body).take_structs("Tags", ["Key", "Value"]).unwrap_err();
            assert_eq!(error.kind(), Kind::ValidationError, "{body}");
        }
        let both = form("Tags=&Tags.member.1.Key=a").take_structs("Tags", ["Key", "Value"]).unwrap_err();
        assert_eq!(both.kind(), Kind::ValidationError);
    }

    #[test]
    fn e5_a_flood_of_parameters_is_refused() {
        let flood: Vec<String> = (1..=100_000).map(|n| format!("Tags.member.{n}.Key=k")).collect();
        assert_eq!(kind("", flood.join("&").as_bytes()), Kind::ValidationError);
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(values in proptest::collection::vec(any::<String>(), 0..8)) {
            let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
            let body: Vec<String> = values.iter().enumerate().map(|(n, v)| format!("L.member.{}={}", n + 1, encode(v))).collect();
            prop_assert_eq!(form(&body.join("&")).take_list("L").unwrap(), values);
        }

        #[test]
        fn no_bytes_can_make_the_reader_panic(query in any::<String>(), body in any::<Vec<u8>>()) {
            if let Ok(mut form) = Form::read(&query, &body) {
                let _ = form.take_structs("a", ["b"]);
            }
        }
    }
}

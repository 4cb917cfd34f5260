//! ARNs, kept as written.

use std::fmt;
use std::str::FromStr;

use super::{AccountId, InvalidName};

/// `arn:partition:service:region:account:resource`, kept as written.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Arn {
    text: String,
    /// Ends of the first five parts.
    ends: [u16; 5],
}

impl Arn {
    /// Longest ARN that AWS accepts.
    pub const MAX_LENGTH: usize = 2048;

    /// Joins the parts of an ARN in the partition `aws`.
    pub fn new(service: &str, region: &str, account: Option<AccountId>, resource: &str) -> Self {
        let account = account.as_ref().map_or("", AccountId::as_str);
        let text = format!("arn:aws:{service}:{region}:{account}:{resource}");
        let ends = colons(&text).unwrap_or_default();
        Self { text, ends }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `aws`, usually.
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// `iam`, `sts`, `s3`, …
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// Empty for global services.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account part as written; may be empty.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// Everything after the fifth colon.
    pub fn resource(&self) -> &str {
        &self.text[usize::from(self.ends[4]) + 1..]
    }

    fn part(&self, i: usize) -> &str {
        &self.text[usize::from(self.ends[i - 1]) + 1..usize::from(self.ends[i])]
    }
}

fn colons(text: &str) -> Option<[u16; 5]> {
    let mut found = text.bytes().enumerate().filter(|(_, c)| *c == b':').map(|(i, _)| u16::try_from(i).ok());
    let mut ends = [0; 5];
    for end in &mut ends {
        *end = found.next()??;
    }
    Some(ends)
}

impl FromStr for Arn {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = InvalidName { what: "ARN" };
        if text.len() > Self::MAX_LENGTH || !text.starts_with("arn:") || text.bytes().any(|c| c <= b' ' || c == 0x7f) {
            return Err(invalid);
        }
        let arn = Self { text: text.to_owned(), ends: colons(text).ok_or(invalid)? };
        if arn.partition().is_empty() || arn.service().is_empty() || arn.resource().is_empty() {
            return Err(invalid);
        }
        Ok(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_split_into_their_parts_and_keep_colons_of_the_resource() {
        let arn: Arn = "arn:aws:s3:eu-west-1:123456789012:a/b:c".parse().unwrap();
        assert_eq!(
            (arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()),
            ("aws", "s3", "eu-west-1", "123456789012", "a/b:c")
        );
    }

    #[test]
    fn malformed_arns_are_refused() {
        for bad in [
            "",
            "arn:aws:iam",
            "arn:aws:iam::123456789012:",
            "urn:a:b:c:d:e",
            "arn:aws:iam::1:role/a b",
            "arn::iam::1:x",
        ] {
            assert!(bad.parse::<Arn>().is_err(), "{bad}");
        }
        assert!(format!("arn:aws:s3:::{}", "x".repeat(2048)).parse::<Arn>().is_err());
    }
}

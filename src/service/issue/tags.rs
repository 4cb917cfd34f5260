//! Session tags: those that were passed, and those that a session inherits from the one before it.

use std::collections::HashSet;

use brevet_validator::policy::Context;
use brevet_validator::token::SessionTag;

use super::input::TagInput;
use super::parameters::{TAG_KEY, TAG_VALUE, check_count};
use crate::service::error::Error;

/// Most tags of a session, inherited ones included.
pub(super) const MAX_TAGS: usize = 50;

/// The tags of a session to be: keys unique without regard to case, at most [`MAX_TAGS`].
#[derive(Clone, Debug, Default)]
pub(super) struct SessionTags {
    passed: Vec<SessionTag>,
    inherited: Vec<SessionTag>,
}

impl SessionTags {
    /// Reads what was passed, on top of what is inherited. An inherited tag can be neither replaced nor dropped.
    pub(super) fn read(
        tags: &[TagInput],
        transitive_keys: &[String],
        inherited: Vec<SessionTag>,
    ) -> Result<Self, Error> {
        check_count(tags.len(), MAX_TAGS, "tags")?;
        check_count(transitive_keys.len(), MAX_TAGS, "transitiveTagKeys")?;
        let mut passed = Vec::with_capacity(tags.len());
        for (tag, n) in tags.iter().zip(1..) {
            let key = TAG_KEY.required(&tag.key, &format!("tags.{n}.member.key"))?;
            let value = TAG_VALUE.required(&tag.value, &format!("tags.{n}.member.value"))?;
            if folded(key).starts_with("aws:") {
                return Err(Error::validation("Tag keys that start with aws: are reserved."));
            }
            passed.push(SessionTag { key: key.to_owned(), value: value.to_owned(), transitive: false });
        }

        let keys: HashSet<String> = passed.iter().map(|tag| folded(&tag.key)).collect();
        if keys.len() < passed.len() {
            return Err(Error::validation("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
        }
        if inherited.iter().any(|tag| keys.contains(&folded(&tag.key))) {
            return Err(Error::validation(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key \
                 from the calling session.",
            ));
        }
        check_count(passed.len() + inherited.len(), MAX_TAGS, "tags")?;

        let mut transitive = HashSet::new();
        for (key, n) in transitive_keys.iter().zip(1..) {
            transitive.insert(folded(TAG_KEY.check(key, &format!("transitiveTagKeys.{n}"))?));
        }
        if !transitive.is_subset(&keys) {
            return Err(Error::validation("The specified transitive tag key must be included in the requested tags."));
        }
        for tag in &mut passed {
            tag.transitive = transitive.contains(&folded(&tag.key));
        }
        Ok(Self { passed, inherited })
    }

    /// Whether the session will have none.
    pub(super) fn is_empty(&self) -> bool {
        self.passed.is_empty() && self.inherited.is_empty()
    }

    /// Whether the request passed any.
    pub(super) fn were_passed(&self) -> bool {
        !self.passed.is_empty()
    }

    /// Bytes of all keys and values.
    pub(super) fn size(&self) -> usize {
        self.passed.iter().chain(&self.inherited).map(|tag| tag.key.len() + tag.value.len()).sum()
    }

    /// `aws:RequestTag/…`, `aws:TagKeys` and `sts:TransitiveTagKeys`: what the request passed, not what is inherited.
    pub(super) fn add_to(&self, context: &mut Context) {
        for tag in &self.passed {
            context.set(&format!("aws:RequestTag/{}", tag.key), tag.value.as_str());
        }
        let keys =
            |of: fn(&SessionTag) -> bool| self.passed.iter().filter(move |tag| of(tag)).map(|tag| tag.key.clone());
        context.set_all("aws:TagKeys", keys(|_| true));
        context.set_all("sts:TransitiveTagKeys", keys(|tag| tag.transitive));
    }

    /// As the token carries them.
    pub(super) fn into_claims(self) -> Vec<SessionTag> {
        let mut tags = self.inherited;
        tags.extend(self.passed);
        tags
    }
}

/// A key without its case.
fn folded(key: &str) -> String {
    key.to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::service::error::Kind;

    fn tag(key: &str, value: &str) -> TagInput {
        TagInput { key: Some(key.to_owned()), value: Some(value.to_owned()) }
    }

    fn inherited(keys: &[&str]) -> Vec<SessionTag> {
        let tag = |key: &&str| SessionTag { key: (*key).to_owned(), value: "inherited".to_owned(), transitive: true };
        keys.iter().map(tag).collect()
    }

    fn refused(tags: &[TagInput], transitive: &[&str], from: &[&str]) -> String {
        let transitive: Vec<_> = transitive.iter().map(|key| (*key).to_owned()).collect();
        let error = SessionTags::read(tags, &transitive, inherited(from)).unwrap_err();
        assert_eq!(error.kind(), Kind::ValidationError);
        error.message().to_owned()
    }

    #[test]
    fn c12_an_inherited_tag_is_neither_replaced_nor_recased() {
        for key in ["team", "TEAM", "Team"] {
            assert!(
                refused(&[tag(key, "blue")], &[], &["team"]).starts_with("One of the specified transitive tag keys")
            );
        }
    }

    #[test]
    fn c12_an_inherited_tag_is_kept_and_stays_transitive() {
        let tags = SessionTags::read(&[tag("project", "x")], &[], inherited(&["team"])).unwrap().into_claims();
        let found: Vec<_> = tags.iter().map(|tag| (tag.key.as_str(), tag.transitive)).collect();
        assert_eq!(found, [("team", true), ("project", false)]);
    }

    #[test]
    fn c12_fifty_tags_are_the_most_and_inherited_ones_count() {
        let many: Vec<_> = (0..50).map(|n| tag(&format!("k{n}"), "")).collect();
        assert!(SessionTags::read(&many, &[], Vec::new()).is_ok());
        assert!(refused(&many, &[], &["team"]).contains("less than or equal to 50"));
        let more: Vec<_> = (0..51).map(|n| tag(&format!("k{n}"), "")).collect();
        assert!(refused(&more, &[], &[]).contains("less than or equal to 50"));
    }

    #[test]
    fn keys_that_differ_in_case_alone_are_duplicates() {
        assert!(refused(&[tag("Team", "a"), tag("team", "b")], &[], &[]).starts_with("Duplicate tag keys"));
        assert!(refused(&[tag("ÉTÉ", "a"), tag("été", "b")], &[], &[]).starts_with("Duplicate tag keys"));
    }

    #[test]
    fn keys_of_the_system_are_reserved() {
        for key in ["aws:x", "AWS:x", "Aws:PrincipalTag"] {
            assert!(refused(&[tag(key, "a")], &[], &[]).contains("reserved"));
        }
    }

    #[test]
    fn a_missing_key_or_value_is_named_by_its_place() {
        let no_value = TagInput { key: Some("k".to_owned()), value: None };
        assert!(refused(&[tag("a", ""), no_value], &[], &[]).contains("at 'tags.2.member.value'"));
        let no_key = TagInput { key: None, value: Some("v".to_owned()) };
        assert!(refused(&[no_key], &[], &[]).contains("at 'tags.1.member.key'"));
    }

    #[test]
    fn only_passed_tags_can_be_made_transitive() {
        assert!(refused(&[tag("a", "")], &["b"], &[]).contains("must be included"));
        assert!(refused(&[], &["team"], &["team"]).contains("must be included"));
        let tags = SessionTags::read(&[tag("Team", "")], &["team".to_owned()], Vec::new()).unwrap().into_claims();
        assert!(tags[0].transitive);
    }

    proptest! {
        #[test]
        fn c12_what_is_inherited_survives_whatever_is_passed(
            passed in prop::collection::vec(("[a-cA-C]{1,2}", "[a-z]{0,3}"), 0..6),
            transitive in prop::collection::vec("[a-cA-C]{1,2}", 0..4),
            from in prop::collection::hash_set("[a-c]{1,2}", 0..4),
        ) {
            let from: Vec<_> = from.iter().map(String::as_str).collect();
            let from = inherited(&from);
            let tags: Vec<_> = passed.iter().map(|(key, value)| tag(key, value)).collect();
            if let Ok(read) = SessionTags::read(&tags, &transitive, from.clone()) {
                let claims = read.into_claims();
                prop_assert!(from.iter().all(|tag| claims.contains(tag)));
                let keys: HashSet<_> = claims.iter().map(|tag| folded(&tag.key)).collect();
                prop_assert_eq!(keys.len(), claims.len());
                prop_assert_eq!(claims.len(), tags.len() + from.len());
                for tag in &claims[from.len()..] {
                    prop_assert_eq!(tag.transitive, transitive.iter().any(|key| folded(key) == folded(&tag.key)));
                }
            }
        }
    }
}

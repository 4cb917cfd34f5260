//! The condition keys of one request.

use super::fold::fold;

/// The condition keys of one request. Keys are case-insensitive; a key may have several values.
///
/// Server-derived keys are set by the server alone: nothing that a client names goes in by a client's name.
///
/// Values are text, as a policy writes them: numbers in decimal, dates in ISO 8601 or epoch seconds, booleans as
/// `true` and `false`, binary values in standard base64.
#[derive(Clone, Debug, Default)]
pub struct Context {
    entries: Vec<(String, Values)>,
    assumption: Option<Assuming>,
}

/// How conditions turn out whose key has a value that nobody knows yet. With both asked, one learns whether a request
/// would be allowed always, never, or depending on them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Assumption {
    /// In favour of the caller: those of an Allow hold, those of a Deny do not.
    Favourable,
    /// Against the caller: those of an Allow do not hold, those of a Deny do.
    Unfavourable,
}

#[derive(Clone, Copy, Debug)]
struct Assuming {
    assumption: Assumption,
    /// Whether all there is to know of a folded key is in the context, so that one that is not there is missing.
    is_known: fn(&str) -> bool,
}

#[derive(Clone, Debug)]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Values {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

/// The condition keys of a claim in a web identity's token: by its provider (the issuer without `https://`), as in AWS, and
/// by a name that is the same for all providers.
pub fn claim_keys(provider: &str, claim: &str) -> [String; 2] {
    [provider, "oidc"].map(|prefix| format!("{prefix}:{claim}"))
}

impl Context {
    /// Sets a single-valued key.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.put(key, Values::One(value.into()));
    }

    /// Sets a multi-valued key, such as `aws:TagKeys`. A key without values is a key that is not there.
    pub fn set_all(&mut self, key: &str, values: impl IntoIterator<Item = String>) {
        self.put(key, Values::Many(values.into_iter().collect()));
    }

    /// Assumes how conditions turn out on keys that are not here, but for those that `is_known` says are complete. It is
    /// asked with the key in lower case.
    pub fn assume(&mut self, assumption: Assumption, is_known: fn(&str) -> bool) {
        self.assumption = Some(Assuming { assumption, is_known });
    }

    /// Whether a key was set, be it to no values.
    pub fn has(&self, key: &str) -> bool {
        self.find(&ContextKey::new(key)).is_some()
    }

    /// The most bytes that the values of one key have together: what comparing with a pattern can cost.
    pub fn widest(&self) -> usize {
        let width = |(_, values): &(String, Values)| values.as_slice().iter().map(String::len).sum();
        self.entries.iter().map(width).max().unwrap_or(0)
    }

    /// Whether conditions on a key are assumed to turn out one way, because its value is not known.
    pub fn assumes(&self, key: &str) -> bool {
        self.assumed(&ContextKey::new(key)).is_some()
    }

    /// What is assumed of conditions on a key.
    pub(super) fn assumed(&self, key: &ContextKey) -> Option<Assumption> {
        let Assuming { assumption, is_known } = self.assumption?;
        (self.find(key).is_none() && !is_known(&key.0)).then_some(assumption)
    }

    /// All keys, folded, and their values; without those that have none.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &[String])> {
        let entries = self.entries.iter().map(|(key, values)| (key.as_str(), values.as_slice()));
        entries.filter(|(_, values)| !values.is_empty())
    }

    /// The values of a folded key; empty if it is not there.
    pub(super) fn values(&self, key: &ContextKey) -> &[String] {
        self.find(key).map_or(&[], Values::as_slice)
    }

    /// The value of a key as a policy variable: [only single-valued keys][1] can be variables.
    ///
    /// [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
    pub(super) fn variable(&self, key: &ContextKey) -> Variable<'_> {
        match self.find(key) {
            Some(Values::One(value)) => Variable::Value(value),
            Some(Values::Many(values)) if !values.is_empty() => Variable::Several,
            _ => Variable::Missing,
        }
    }

    fn find(&self, key: &ContextKey) -> Option<&Values> {
        // A request has some twenty keys: a scan beats a map.
        self.entries.iter().find(|(name, _)| *name == key.0).map(|(_, values)| values)
    }

    fn put(&mut self, key: &str, values: Values) {
        let key = ContextKey::new(key).0;
        match self.entries.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = values,
            None => self.entries.push((key, values)),
        }
    }
}

/// What a policy variable stands for in one request.
#[derive(Debug)]
pub(super) enum Variable<'a> {
    Value(&'a str),
    Several,
    Missing,
}

/// The name of a condition key, folded so that equal keys are equal bytes.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct ContextKey(String);

impl ContextKey {
    pub(super) fn new(key: &str) -> Self {
        Self(key.chars().map(fold).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_blind_to_case_after_the_slash_too() {
        let mut context = Context::default();
        context.set("aws:PrincipalTag/Team", "red");
        assert_eq!(context.values(&ContextKey::new("AWS:principaltag/TEAM")), ["red"]);
        context.set("AWS:PrincipalTag/team", "blue");
        assert_eq!(context.values(&ContextKey::new("aws:PrincipalTag/Team")), ["blue"]);
    }

    #[test]
    fn the_widest_key_counts_all_its_values() {
        let mut context = Context::default();
        assert_eq!(context.widest(), 0);
        context.set("k:x", "abc");
        context.set_all("k:y", ["ab".to_owned(), "cd".to_owned()]);
        assert_eq!(context.widest(), 4);
    }

    #[test]
    fn what_was_set_or_is_known_to_be_missing_is_not_assumed() {
        let mut context = Context::default();
        assert!(!context.assumes("aws:SourceIp"));
        context.set("aws:username", "ada");
        context.assume(Assumption::Favourable, |key| key.starts_with("aws:principaltag/"));
        assert!(context.assumes("aws:SourceIp"));
        assert!(!context.assumes("AWS:UserName") && !context.assumes("aws:PrincipalTag/Team"));
    }

    #[test]
    fn a_key_without_values_is_not_there() {
        let mut context = Context::default();
        context.set_all("aws:TagKeys", []);
        assert!(context.has("AWS:tagkeys") && !context.has("aws:username"));
        assert!(context.values(&ContextKey::new("aws:TagKeys")).is_empty());
        assert!(matches!(context.variable(&ContextKey::new("aws:TagKeys")), Variable::Missing));
    }
}

//! What a policy may allow, and to whom, as far as that can be told without a question.

use std::collections::HashSet;

use super::compiled::Policy;
use super::context::Context;
use super::document::Verb;
use super::principal::{NamedPrincipal, PrincipalElement};

impl Policy {
    /// Whom the `Allow` statements name, in their order, each once.
    pub fn allowed_principals(&self) -> Vec<NamedPrincipal> {
        let allows =
            self.statements().map(|(statement, _)| statement).filter(|statement| statement.verb == Verb::Allow);
        let mut known = HashSet::new();
        let named = allows.filter_map(|statement| statement.principal.as_ref()).flat_map(PrincipalElement::named);
        named.filter(|principal| known.insert(principal.clone())).collect()
    }

    /// Whether an `Allow` statement is about this action at all, whomever it names and on whatever condition.
    pub fn may_allow(&self, action: &str) -> bool {
        let nothing = Context::default();
        self.statements().any(|(s, _)| s.verb == Verb::Allow && s.action.accepts(action, &nothing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Kind;

    #[test]
    fn whom_and_what_a_policy_may_allow_is_told_without_a_question() {
        let policy = Policy::parse(
            r#"{"Statement": [
                {"Effect": "Allow", "Principal": {"AWS": ["123456789012", "arn:aws:iam::123456789012:user/ada"],
                 "Federated": "idp.example.com", "Service": "x.amazonaws.com"}, "Action": "sts:Assume*"},
                {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"},
                {"Effect": "Allow", "NotPrincipal": {"AWS": "210987654321"}, "Action": "sts:AssumeRole"},
                {"Effect": "Deny", "Principal": {"AWS": "333333333333"}, "Action": "sts:*"}]}"#,
            Kind::Trust,
        )
        .unwrap();
        let named = policy.allowed_principals();
        let account = NamedPrincipal::Account("123456789012".parse().unwrap());
        let ada = NamedPrincipal::Arn { arn: "arn:aws:iam::123456789012:user/ada".parse().unwrap(), id: None };
        let provider = NamedPrincipal::Federated("idp.example.com".into());
        assert_eq!(named, [account, ada, provider, NamedPrincipal::Everyone]);
        assert!(policy.may_allow("sts:AssumeRoleWithWebIdentity") && !policy.may_allow("sts:TagSession"));
    }
}

//! A statement as the rules look at it: operators taken apart, issuers recognised.

use super::super::condition::{Condition, Operator, Quantifier};
use super::super::context::Context;
use super::super::document::{self, Kind, PrincipalKind, Principals, Verb, Version};
use super::super::json::Text;
use super::super::pattern::Pattern;
use super::providers::{PROVIDERS, Provider};

/// Of more issuers in one statement only these are looked at: every condition is held against every issuer.
const MOST_ISSUERS: usize = 32;

pub(super) struct Statement<'a> {
    pub(super) written: &'a document::Statement,
    pub(super) version: Version,
    pub(super) kind: Kind,
    pub(super) tests: Vec<Test<'a>>,
    /// The OpenID Connect issuers among the principals.
    pub(super) issuers: Vec<Issuer<'a>>,
}

/// A condition: one operator, one key.
pub(super) struct Test<'a> {
    pub(super) operator: Operator,
    compiled: Condition,
    pub(super) written: &'a document::Condition,
}

/// An issuer that a statement trusts.
pub(super) struct Issuer<'a> {
    /// As in its URL, without the scheme.
    pub(super) name: &'a str,
    /// The principal that names it.
    pub(super) at: usize,
    pub(super) provider: &'static Provider,
}

impl<'a> Statement<'a> {
    pub(super) fn new(written: &'a document::Statement, version: Version, kind: Kind) -> Self {
        let tests = written.conditions.iter().filter_map(|written| {
            let operator = Operator::parse(&written.operator).ok()?;
            Some(Test { operator, compiled: Condition::compile(written, version).ok()?, written })
        });
        let listed = match &written.principal {
            Some(principal) if !principal.negated => match &principal.value {
                Principals::Listed(listed) => listed.as_slice(),
                Principals::Everyone => &[],
            },
            _ => &[],
        };
        let federated = listed.iter().filter(|(kind, _)| *kind == PrincipalKind::Federated);
        let issuers = federated.filter_map(|(_, text)| Issuer::of(text)).take(MOST_ISSUERS).collect();
        Self { written, version, kind, tests: tests.collect(), issuers }
    }

    pub(super) fn allows(&self) -> bool {
        self.written.effect == Verb::Allow
    }

    /// Where the principals name everyone, if they do.
    pub(super) fn everyone(&self) -> Option<usize> {
        let principal = self.written.principal.as_ref().filter(|principal| !principal.negated)?;
        match &principal.value {
            Principals::Everyone => Some(principal.at),
            Principals::Listed(listed) => {
                let everyone = listed.iter().find(|(kind, name)| *kind == PrincipalKind::Aws && name.value == "*");
                everyone.map(|(_, name)| name.at)
            }
        }
    }
}

impl Test<'_> {
    pub(super) fn key(&self) -> &str {
        &self.written.key.value
    }

    pub(super) fn is_on(&self, key: &str) -> bool {
        self.key().eq_ignore_ascii_case(key)
    }

    /// Whether a request without the key may meet the condition for want of it: `…IfExists`, `ForAllValues`.
    pub(super) fn passes_when_missing(&self) -> bool {
        self.operator.if_exists || matches!(self.operator.quantifier, Some(Quantifier::ForAllValues))
    }

    pub(super) fn values(&self) -> &[Text] {
        &self.written.values
    }

    /// Whether the condition holds for a request that has this value of the key, or none.
    pub(super) fn holds(&self, value: Option<&str>) -> bool {
        let mut context = Context::default();
        if let Some(value) = value {
            context.set(self.key(), value);
        }
        self.compiled.holds(&context)
    }
}

impl<'a> Issuer<'a> {
    /// The issuer that a federated principal names; `None` for a SAML provider.
    fn of(principal: &'a Text) -> Option<Self> {
        let text = principal.value.as_str();
        let name = match text.split_once(":oidc-provider/") {
            Some((_, name)) => name,
            None if text.starts_with("arn:") => return None,
            None => text.strip_prefix("https://").unwrap_or(text),
        };
        let provider = PROVIDERS.iter().find(|provider| glob(provider.issuer, name))?;
        Some(Self { name, at: principal.at, provider })
    }

    /// What to call it in a message.
    pub(super) fn title(&self) -> &'a str {
        if self.provider.claims.is_empty() { self.name } else { self.provider.name }
    }

    /// The claim that a condition key speaks of, if it is one of this issuer: `<issuer>:claim` or `oidc:claim`.
    pub(super) fn claim<'k>(&self, key: &'k str) -> Option<&'k str> {
        [self.name, "oidc"].into_iter().find_map(|prefix| {
            let (head, rest) = key.split_at_checked(prefix.len())?;
            rest.strip_prefix(':').filter(|_| head.eq_ignore_ascii_case(prefix))
        })
    }
}

/// Whether a text matches a pattern of `*` and `?`, whatever the case of its letters.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    Pattern::action(pattern).matches(text, &Context::default())
}

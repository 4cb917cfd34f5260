//! `PolicyExclusionList`: what a simulation leaves out of the policies that are attached.

use super::invalid;
use crate::service::error::Error;
use crate::service::iam::owner::OwnerKind;
use crate::service::iam::parameters;
use crate::service::iam::request::{InlinePolicyIdentifierInput, PolicyIdentifierInput};
use crate::service::parameters::{check_count, shown};

/// AWS's `PolicyExclusionsListType`.
const MOST: usize = 256;

/// Policies that are left out. What matches none is ignored, as in AWS.
pub(super) struct Exclusions(Vec<Exclusion>);

enum Exclusion {
    Inline,
    Managed,
    Boundary,
    /// AWS managed policies and an organization's: there are none.
    Nothing,
    /// All managed policies with this ARN.
    Arn(Wildcard),
    /// A policy by its name, in all users or roles of this name; in groups, of which there are none.
    InlineOf {
        policy: String,
        kind: Option<OwnerKind>,
        owner: Wildcard,
    },
}

impl Exclusions {
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn read(input: Vec<PolicyIdentifierInput>) -> Result<Self, Error> {
        check_count(input.len(), MOST, "policyExclusionList")?;
        input.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an inline policy is left out.
    pub(super) fn inline(&self, of: OwnerKind, owner: &str, name: &str) -> bool {
        self.0.iter().any(|exclusion| match exclusion {
            Exclusion::Inline => true,
            Exclusion::InlineOf { policy, kind, owner: pattern } => {
                *kind == Some(of) && policy == name && pattern.matches(owner)
            }
            Exclusion::Managed | Exclusion::Boundary | Exclusion::Nothing | Exclusion::Arn(_) => false,
        })
    }

    /// Whether an attached policy is left out.
    pub(super) fn managed(&self, arn: &str) -> bool {
        self.0.iter().any(|exclusion| match exclusion {
            Exclusion::Managed => true,
            Exclusion::Arn(pattern) => pattern.matches(arn),
            Exclusion::Inline | Exclusion::Boundary | Exclusion::Nothing | Exclusion::InlineOf { .. } => false,
        })
    }

    /// Whether the boundary is left out.
    pub(super) fn boundary(&self) -> bool {
        self.0.iter().any(|exclusion| matches!(exclusion, Exclusion::Boundary))
    }
}

fn read(input: PolicyIdentifierInput) -> Result<Exclusion, Error> {
    match (input.policy_type, input.policy_arn, input.inline_policy_identifier) {
        (Some(word), None, None) => of_type(&word),
        (None, Some(arn), None) => of_arn(arn),
        (None, None, Some(inline)) => of_inline(inline),
        _ => Err(invalid("A policy identifier has exactly one of PolicyType, PolicyArn and InlinePolicyIdentifier.")),
    }
}

fn of_type(word: &str) -> Result<Exclusion, Error> {
    match word {
        "inline" => Ok(Exclusion::Inline),
        "user-managed" => Ok(Exclusion::Managed),
        "permission-boundary" => Ok(Exclusion::Boundary),
        "aws-managed" | "scp" | "rcp" => Ok(Exclusion::Nothing),
        other => Err(invalid(format!("The policy type '{}' is not valid.", shown(other)))),
    }
}

/// Wildcards stand in the name alone.
fn of_arn(value: String) -> Result<Exclusion, Error> {
    let arn = parameters::arn("policyExclusionList.policyArn", Some(value))?;
    let (before, name) = arn.as_str().rsplit_once('/').unwrap_or_default();
    let is_policy = arn.service() == "iam" && arn.region().is_empty() && arn.resource().starts_with("policy/");
    if is_policy
        && !before.contains(['*', '?'])
        && let Some(pattern) = Wildcard::new(arn.as_str()).filter(|_| !name.is_empty())
    {
        return Ok(Exclusion::Arn(pattern));
    }
    Err(parameters::invalid_arn(arn.as_str()))
}

fn of_inline(input: InlinePolicyIdentifierInput) -> Result<Exclusion, Error> {
    let kind = match parameters::required("attachmentType", input.attachment_type)?.as_str() {
        "user" => Some(OwnerKind::User),
        "role" => Some(OwnerKind::Role),
        "group" => None,
        other => return Err(invalid(format!("The attachment type '{}' is not valid.", shown(other)))),
    };
    let policy = parameters::policy_name(input.policy_name)?;
    let name = parameters::required("attachmentName", input.attachment_name)?;
    let owner = Wildcard::new(&name).filter(|_| (1..=128).contains(&name.chars().count()));
    let owner = owner.ok_or_else(|| invalid(format!("The attachment name '{}' is not valid.", shown(&name))))?;
    Ok(Exclusion::InlineOf { policy, kind, owner })
}

/// A text with at most one `*` and any number of `?`.
struct Wildcard {
    before: String,
    after: Option<String>,
}

impl Wildcard {
    fn new(text: &str) -> Option<Self> {
        match text.split_once('*') {
            Some((_, after)) if after.contains('*') => None,
            Some((before, after)) => Some(Self { before: before.to_owned(), after: Some(after.to_owned()) }),
            None => Some(Self { before: text.to_owned(), after: None }),
        }
    }

    fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let same = |pattern: &str, text: &[char]| {
            pattern.chars().count() == text.len() && pattern.chars().zip(text).all(|(p, c)| p == '?' || p == *c)
        };
        let Some(after) = &self.after else { return same(&self.before, &text) };
        let (begin, end) = (self.before.chars().count(), after.chars().count());
        text.len() >= begin + end && same(&self.before, &text[..begin]) && same(after, &text[text.len() - end..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_and_any_number_of_question_marks() {
        let matches = |pattern: &str, text: &str| Wildcard::new(pattern).unwrap().matches(text);
        for (pattern, text) in
            [("a", "a"), ("*", ""), ("a*", "a"), ("*b", "ab"), ("a*b", "ab"), ("a?*", "ab"), ("?", "é")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "A"), ("a*a", "a"), ("a?", "a"), ("a*b", "abc"), ("", "a")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        assert!(Wildcard::new("a*b*").is_none());
    }
}

//! Session policies, and the budget that they share with session tags.

use brevet_validator::identity::AccountId;
use brevet_validator::policy::{Kind as PolicyKind, Policy};

use super::parameters::{POLICY, POLICY_ARN, check_count, shown};
use super::tags::SessionTags;
use crate::service::directory::Snapshot;
use crate::service::error::{Error, Kind};

/// Most managed session policies.
const MAX_ARNS: usize = 10;
/// Bytes that session policies, their ARNs and session tags may take together.
const BUDGET: usize = 2_100;

/// Session policies as they were passed, in form.
#[derive(Clone, Debug)]
pub(super) struct SessionPolicies {
    inline: Option<String>,
    arns: Vec<String>,
}

impl SessionPolicies {
    pub(super) fn read(inline: &Option<String>, arns: &[String]) -> Result<Self, Error> {
        POLICY.optional(inline, "policy")?;
        check_count(arns.len(), MAX_ARNS, "policyArns")?;
        for (arn, n) in arns.iter().zip(1..) {
            POLICY_ARN.check(arn, &format!("policyArns.{n}.member.arn"))?;
        }
        Ok(Self { inline: inline.clone(), arns: arns.to_vec() })
    }

    /// The inline policy must be one, and each managed policy one of the account.
    pub(super) fn check(&self, snapshot: &Snapshot, account: AccountId) -> Result<(), Error> {
        if let Some(inline) = &self.inline {
            Policy::parse(inline, PolicyKind::Session)
                .map_err(|invalid| Error::new(Kind::MalformedPolicyDocument, invalid.to_string()))?;
        }
        for arn in &self.arns {
            if snapshot.policy_by_arn(arn).is_none_or(|policy| policy.account != account) {
                let arn = shown(arn);
                return Err(Error::validation(format!("Policy {arn} does not exist or is not attachable.")));
            }
        }
        Ok(())
    }

    /// As the token carries them.
    pub(super) fn into_claims(self) -> (Option<String>, Vec<String>) {
        (self.inline, self.arns)
    }

    fn were_passed(&self) -> bool {
        self.inline.is_some() || !self.arns.is_empty()
    }

    fn size(&self) -> usize {
        self.inline.as_ref().map_or(0, String::len) + self.arns.iter().map(String::len).sum::<usize>()
    }
}

/// `PackedPolicySize`: the share of the budget that is used, in per cent, rounded up; `None` if the request passed
/// neither policies nor tags. Inherited tags take their share too.
pub(super) fn packed_size(policies: &SessionPolicies, tags: &SessionTags) -> Result<Option<u32>, Error> {
    let percent = percent(policies.size() + tags.size());
    if percent > 100 {
        return Err(too_large(format!(
            "Packed policy consumes {percent}% of allotted space, please use smaller policy."
        )));
    }
    Ok((policies.were_passed() || tags.were_passed()).then_some(percent))
}

/// More than a token can carry.
pub(super) fn too_large(message: impl Into<String>) -> Error {
    Error::new(Kind::PackedPolicyTooLarge, message)
}

fn percent(bytes: usize) -> u32 {
    u32::try_from((bytes * 100).div_ceil(BUDGET)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(policy: Option<String>) -> Result<Option<u32>, Error> {
        packed_size(&SessionPolicies { inline: policy, arns: Vec::new() }, &SessionTags::default())
    }

    #[test]
    fn the_share_is_rounded_up_and_absent_when_nothing_was_passed() {
        assert_eq!(packed(None).unwrap(), None);
        for (bytes, percent) in [(1, 1), (21, 1), (22, 2), (1050, 50), (2079, 99), (2080, 100), (2100, 100)] {
            assert_eq!(packed(Some("x".repeat(bytes))).unwrap(), Some(percent), "{bytes}");
        }
    }

    #[test]
    fn c7_more_than_the_budget_is_refused_with_the_share() {
        let error = packed(Some("x".repeat(2101))).unwrap_err();
        assert_eq!(error.kind(), Kind::PackedPolicyTooLarge);
        assert_eq!(error.message(), "Packed policy consumes 101% of allotted space, please use smaller policy.");
    }

    #[test]
    fn c7_characters_of_two_bytes_count_twice() {
        assert_eq!(packed(Some("é".repeat(1050))).unwrap(), Some(100));
        assert_eq!(packed(Some("é".repeat(2048))).unwrap_err().kind(), Kind::PackedPolicyTooLarge);
    }

    #[test]
    fn c7_ten_managed_policies_are_the_most() {
        let arns = |n| vec!["arn:aws:iam::123456789012:policy/p".to_owned(); n];
        assert!(SessionPolicies::read(&None, &arns(10)).is_ok());
        let error = SessionPolicies::read(&None, &arns(11)).unwrap_err();
        assert!(error.message().contains("at 'policyArns' failed"), "{error}");
    }

    proptest! {
        #[test]
        fn more_bytes_never_take_a_smaller_share(bytes in 0usize..5_000, more in 0usize..5_000) {
            prop_assert!(percent(bytes) <= percent(bytes + more));
            prop_assert!(usize::try_from(percent(bytes)).unwrap() * BUDGET >= bytes * 100);
        }
    }
}

//! The policies that a role is made with: each is asked for and checked as if it were given by the operation of its own.

use brevet_validator::identity::Arn;

use super::call::Call;
use super::request::PolicyText;
use super::{attachments, inline, parameters};
use crate::service::directory::Role;
use crate::service::error::Error;

/// An inline policy and managed ones, if there are any.
pub(super) struct NewPolicies {
    /// Name and text.
    inline: Option<(String, String)>,
    attached: Vec<Arn>,
}

impl NewPolicies {
    /// An inline policy has a name and a document, or there is none.
    pub(super) fn read(name: Option<String>, document: Option<PolicyText>, arns: Vec<String>) -> Result<Self, Error> {
        let inline = match (name, document) {
            (None, None) => None,
            (name, document) => {
                Some((parameters::policy_name(name)?, parameters::document("policyDocument", document)?))
            }
        };
        let arn = |(index, arn)| parameters::policy_arn(&format!("policyArns.{}.member", index + 1), Some(arn));
        Ok(Self { inline, attached: arns.into_iter().enumerate().map(arn).collect::<Result<_, _>>()? })
    }

    /// The role with these policies, if the caller may give them to it.
    pub(super) fn give(&self, call: Call<'_>, mut role: Role) -> Result<Role, Error> {
        for arn in &self.attached {
            let call = Call { operation: "AttachRolePolicy", ..call };
            let question = call.existing(role.arn(), Ok(&role)).key("iam:PolicyARN", arn.as_str());
            question.current_boundary().permit()?;
            role = attachments::with(&role, arn)?;
        }
        if let Some((name, text)) = &self.inline {
            let call = Call { operation: "PutRolePolicy", ..call };
            call.existing(role.arn(), Ok(&role)).current_boundary().permit()?;
            role = inline::with(&role, name.clone(), text)?;
        }
        Ok(role)
    }

    /// The managed policies that the role will refer to, each once.
    pub(super) fn and_boundary<'a>(&'a self, boundary: Option<&'a Arn>) -> Vec<&'a Arn> {
        let mut arns: Vec<&Arn> = self.attached.iter().chain(boundary).collect();
        arns.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        arns.dedup();
        arns
    }
}

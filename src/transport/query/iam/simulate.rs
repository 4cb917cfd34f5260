//! The operations that simulate policies: their parameters, which nest, and their results.

use brevet_validator::policy::{Effect, Position};

use super::parse::{page, policy};
use crate::service::error::Error;
use crate::service::iam::*;
use crate::service::simulation::{MatchedStatement, Outcome};
use crate::transport::query::form::{Form, LONG_LIST, MAX_MEMBERS};
use crate::transport::query::xml::Xml;

/// Reads the parameters of an action; `None` if it is none of these.
pub(super) fn parse(action: &str, form: &mut Form) -> Result<Option<Request>, Error> {
    let request = match action {
        "SimulateCustomPolicy" => Request::SimulateCustomPolicy(SimulateCustomPolicy {
            ordered_organization_policy_input_list: levels(form)?,
            simulation: simulation(form)?,
        }),
        "SimulatePrincipalPolicy" => Request::SimulatePrincipalPolicy(SimulatePrincipalPolicy {
            policy_source_arn: form.take("PolicySourceArn"),
            policy_exclusion_list: exclusions(form)?,
            simulation: simulation(form)?,
        }),
        "GetContextKeysForCustomPolicy" => Request::GetContextKeysForCustomPolicy(GetContextKeysForCustomPolicy {
            policy_input_list: policies(form, "PolicyInputList")?,
        }),
        "GetContextKeysForPrincipalPolicy" => {
            Request::GetContextKeysForPrincipalPolicy(GetContextKeysForPrincipalPolicy {
                policy_source_arn: form.take("PolicySourceArn"),
                policy_input_list: policies(form, "PolicyInputList")?,
            })
        }
        _ => return Ok(None),
    };
    Ok(Some(request))
}

fn simulation(form: &mut Form) -> Result<SimulationInput, Error> {
    Ok(SimulationInput {
        policy_input_list: policies(form, "PolicyInputList")?,
        permissions_boundary_policy_input_list: policies(form, "PermissionsBoundaryPolicyInputList")?,
        action_names: form.take_long_list("ActionNames")?,
        resource_arns: form.take_long_list("ResourceArns")?,
        resource_policy: policy(form, "ResourcePolicy"),
        resource_owner: form.take("ResourceOwner"),
        caller_arn: form.take("CallerArn"),
        context_entries: members(form, "ContextEntries", MAX_MEMBERS, |entry| {
            Ok(ContextEntryInput {
                context_key_name: entry.take("ContextKeyName"),
                context_key_values: entry.take_list("ContextKeyValues")?,
                context_key_type: entry.take("ContextKeyType"),
            })
        })?,
        resource_handling_option: form.take("ResourceHandlingOption"),
        page: page(form),
    })
}

fn policies(form: &mut Form, name: &str) -> Result<Vec<PolicyText>, Error> {
    Ok(form.take_list(name)?.into_iter().map(PolicyText).collect())
}

fn levels(form: &mut Form) -> Result<Vec<OrganizationPolicyInput>, Error> {
    members(form, "OrderedOrganizationPolicyInputList", MAX_MEMBERS, |level| {
        Ok(OrganizationPolicyInput {
            service_control_policy_input_list: policies(level, "ServiceControlPolicyInputList")?,
        })
    })
}

fn exclusions(form: &mut Form) -> Result<Vec<PolicyIdentifierInput>, Error> {
    members(form, "PolicyExclusionList", LONG_LIST, |exclusion| {
        let inline_policy_identifier = match exclusion.take_struct("InlinePolicyIdentifier") {
            None => None,
            Some(mut inline) => {
                let identifier = InlinePolicyIdentifierInput {
                    policy_name: inline.take("PolicyName"),
                    attachment_type: inline.take("AttachmentType"),
                    attachment_name: inline.take("AttachmentName"),
                };
                inline.finish()?;
                Some(identifier)
            }
        };
        let (policy_type, policy_arn) = (exclusion.take("PolicyType"), exclusion.take("PolicyArn"));
        Ok(PolicyIdentifierInput { policy_type, policy_arn, inline_policy_identifier })
    })
}

/// A list of structures, of each of which `read` takes all there is.
fn members<T>(
    form: &mut Form,
    name: &str,
    most: usize,
    read: impl Fn(&mut Form) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let members = form.take_members(name, most)?.into_iter().enumerate();
    let read = members.map(|(i, mut member)| {
        let value = read(&mut member)?;
        member.all_taken(name, i)?;
        Ok(value)
    });
    read.collect()
}

/// One `EvaluationResult`. Where a resource was named, what concerns it is said once more, in `ResourceSpecificResults`,
/// and there alone which keys are missing.
pub(super) fn evaluation_result(xml: &mut Xml, outcome: &Outcome) {
    let specific = outcome.resource != "*";
    xml.leaf("EvalActionName", &outcome.action);
    xml.leaf("EvalResourceName", &outcome.resource);
    xml.leaf("EvalDecision", word(outcome.decision.effect));
    xml.list("MatchedStatements", &outcome.matched, statement);
    xml.list("MissingContextValues", outcome.missing.iter().filter(|_| !specific), |xml, key| xml.text(key));
    if let Some(organization) = outcome.sides.organization {
        xml.element("OrganizationsDecisionDetail", |xml| {
            xml.leaf("AllowedByOrganizations", organization == Effect::Allow);
        });
    }
    boundary(xml, outcome);
    if outcome.cross_account || specific {
        decision_details(xml, outcome);
    }
    if specific {
        xml.list("ResourceSpecificResults", [outcome], |xml, outcome| {
            xml.leaf("EvalResourceName", &outcome.resource);
            xml.leaf("EvalResourceDecision", word(outcome.decision.effect));
            xml.list("MatchedStatements", &outcome.matched, statement);
            xml.list("MissingContextValues", &*outcome.missing, |xml, key| xml.text(key));
            if outcome.cross_account {
                decision_details(xml, outcome);
            }
            boundary(xml, outcome);
        });
    }
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "allowed",
        Effect::ExplicitDeny => "explicitDeny",
        Effect::ImplicitDeny => "implicitDeny",
    }
}

fn statement(xml: &mut Xml, statement: &MatchedStatement) {
    let position = |xml: &mut Xml, position: Position| {
        xml.leaf("Line", position.line);
        xml.leaf("Column", position.column);
    };
    xml.leaf("SourcePolicyId", &statement.policy);
    xml.leaf("SourcePolicyType", statement.source.as_str());
    xml.element("StartPosition", |xml| position(xml, statement.span.begin));
    xml.element("EndPosition", |xml| position(xml, statement.span.end));
}

fn boundary(xml: &mut Xml, outcome: &Outcome) {
    if let Some(boundary) = outcome.sides.boundary {
        xml.element("PermissionsBoundaryDecisionDetail", |xml| {
            xml.leaf("AllowedByPermissionsBoundary", boundary == Effect::Allow);
        });
    }
}

/// Across accounts, what each side says by itself; in one account nothing, as AWS has it. What an organization denies is
/// not looked at any further.
fn decision_details(xml: &mut Xml, outcome: &Outcome) {
    if outcome.sides.organization.is_some_and(|effect| effect != Effect::Allow) {
        return;
    }
    xml.element("EvalDecisionDetails", |xml| {
        if outcome.cross_account {
            let resource = outcome.sides.resource.unwrap_or(Effect::ImplicitDeny);
            for (key, effect) in [("IAM Policy", outcome.sides.identity), ("Resource Policy", resource)] {
                xml.element("entry", |xml| {
                    xml.leaf("key", key);
                    xml.leaf("value", word(effect));
                });
            }
        }
    });
}

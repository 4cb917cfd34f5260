//! What both simulations take from the request: read before permission is asked, compiled after it.

use brevet_validator::identity::{AccountId, Arn};
use brevet_validator::policy::{Context, Kind as PolicyKind, Subject};

use super::{invalid, scenario};
use crate::service::error::Error;
use crate::service::iam::answer::Answer;
use crate::service::iam::call::Call;
use crate::service::iam::parameters;
use crate::service::iam::request::{ContextEntryInput, OrganizationPolicyInput, PolicyText, SimulationInput};
use crate::service::paging::Paging;
use crate::service::parameters::{check_count, shown};
use crate::service::simulation::{
    ActionName, ContextEntries, ContextKeyType, Holder, PolicySource, ResourceName, Rule, SimulatedPolicy, Simulation,
};

/// AWS's `OrganizationPolicyListType`.
const MOST_LEVELS: usize = 7;

/// The parameters that both simulations have.
pub(super) struct Given {
    paging: Paging,
    begin: usize,
    policies: Vec<String>,
    boundary: Option<String>,
    resource_policy: Option<String>,
    resource_owner: Option<AccountId>,
    caller: Option<Subject>,
    actions: Vec<ActionName>,
    resources: Vec<ResourceName>,
    context: Context,
}

impl Given {
    pub(super) fn read(call: Call<'_>, input: SimulationInput) -> Result<Self, Error> {
        let paging = Paging::read(call, input.page)?;
        let begin = paging.begin()?;
        let policies = texts("policyInputList", input.policy_input_list)?;
        let mut boundaries = texts("permissionsBoundaryPolicyInputList", input.permissions_boundary_policy_input_list)?;
        let boundary = boundaries.pop();
        if !boundaries.is_empty() {
            return Err(invalid("Only one permissions boundary can be simulated."));
        }
        let resource_policy = input.resource_policy.map(|text| parameters::document("resourcePolicy", Some(text)));
        parameters::required("actionNames", input.action_names.first())?;
        let actions = input.action_names.iter().map(|name| ActionName::parse(name)).collect::<Result<_, _>>()?;
        let mut resources: Vec<_> =
            input.resource_arns.iter().map(|name| ResourceName::parse(name)).collect::<Result<_, _>>()?;
        if resources.is_empty() {
            resources.push(ResourceName::any());
        }
        if let Some(option) = &input.resource_handling_option {
            scenario::check(option, &resources)?;
        }
        let given = Self {
            paging,
            begin,
            policies,
            boundary,
            resource_policy: resource_policy.transpose()?,
            resource_owner: input.resource_owner.as_deref().map(owner).transpose()?,
            caller: input.caller_arn.as_deref().map(caller).transpose()?,
            actions,
            resources,
            context: context(input.context_entries)?,
        };
        given.check_resource_policy()?;
        Ok(given)
    }

    /// A resource's policy is of one owner, and of no role: a role has a trust policy, which another rule combines.
    fn check_resource_policy(&self) -> Result<(), Error> {
        if self.resource_policy.is_none() {
            return Ok(());
        }
        for resource in &self.resources {
            let name = shown(resource.as_str());
            if resource.as_str().starts_with("arn:aws:iam:") && resource.as_str().contains(":role/") {
                return Err(invalid(format!("Resource policies of IAM roles cannot be simulated: {name}.")));
            }
            if self.resource_owner.is_some() && resource.account().is_some_and(|of| Some(of) != self.resource_owner) {
                return Err(invalid(format!(
                    "The resource policy is not applicable to {name}, which has another owner."
                )));
            }
        }
        Ok(())
    }

    /// The caller, or one whom no policy can name. Without a caller there is no other account either.
    pub(super) fn caller_or_stranger(&self, account: AccountId) -> Result<Subject, Error> {
        if let Some(caller) = &self.caller {
            return Ok(caller.clone());
        }
        if self.resource_policy.is_some() {
            return Err(invalid("CallerArn is required with ResourcePolicy."));
        }
        let account = self.resource_owner.unwrap_or(account);
        let arn = Arn::new("iam", "", Some(account), "user/simulated");
        Ok(Subject { account, arn, role_or_user_arn: None, unique_id: None, federated: None })
    }

    /// The caller, or the user or role whose policies they are.
    pub(super) fn caller_or(&self, holder: Holder<'_>) -> Result<Subject, Error> {
        let itself = holder.subject();
        match &self.caller {
            Some(caller) if caller.arn == itself.arn => Ok(itself),
            Some(caller) => Ok(caller.clone()),
            None if self.resource_policy.is_some() && !holder.is_user() => {
                Err(invalid("CallerArn is required with ResourcePolicy where PolicySourceArn is not that of a user."))
            }
            None => Ok(itself),
        }
    }

    /// The question, with the policies that were passed.
    pub(super) fn simulation(&self, caller: Subject) -> Result<Simulation, Error> {
        let boundary = |text: &String| one("PermissionsBoundaryPolicyInputList.1", text);
        let of_resource = |text: &String| {
            SimulatedPolicy::parse("ResourcePolicy", PolicySource::Resource, text, PolicyKind::Resource)
        };
        Ok(Simulation {
            caller,
            identity: compile("PolicyInputList", &self.policies)?,
            boundary: self.boundary.as_ref().map(boundary).transpose()?,
            session: None,
            organization: Vec::new(),
            resource_policy: self.resource_policy.as_ref().map(of_resource).transpose()?,
            resource_owner: self.resource_owner,
            rule: Rule::Resource,
            actions: self.actions.clone(),
            resources: self.resources.clone(),
            context: self.context.clone(),
        })
    }

    /// The piece of the answer that was asked for.
    pub(super) fn answer(&self, simulation: &Simulation) -> Result<Answer, Error> {
        let piece = simulation.piece(self.begin, self.paging.limit(), |outcome, _| outcome)?;
        Ok(Answer::Simulated(self.paging.page(piece.items, piece.next)))
    }
}

/// Documents of the right length and characters.
pub(super) fn texts(at: &str, documents: Vec<PolicyText>) -> Result<Vec<String>, Error> {
    documents.into_iter().map(|document| parameters::document(at, Some(document))).collect()
}

/// Policies that were passed, named by the list and their place in it.
pub(super) fn compile(list: &str, texts: &[String]) -> Result<Vec<SimulatedPolicy>, Error> {
    texts.iter().enumerate().map(|(i, text)| one(&format!("{list}.{}", i + 1), text)).collect()
}

pub(super) fn levels(input: Vec<OrganizationPolicyInput>) -> Result<Vec<Vec<String>>, Error> {
    let at = "orderedOrganizationPolicyInputList";
    check_count(input.len(), MOST_LEVELS, at)?;
    input.into_iter().map(|level| texts(at, level.service_control_policy_input_list)).collect()
}

pub(super) fn compile_levels(levels: &[Vec<String>]) -> Result<Vec<Vec<SimulatedPolicy>>, Error> {
    let list = |i| format!("OrderedOrganizationPolicyInputList.{}.ServiceControlPolicyInputList", i + 1);
    levels.iter().enumerate().map(|(i, texts)| compile(&list(i), texts)).collect()
}

fn one(id: &str, text: &str) -> Result<SimulatedPolicy, Error> {
    SimulatedPolicy::parse(id, PolicySource::None, text, PolicyKind::Identity)
}

/// An account, by its ARN or its number alone.
fn owner(text: &str) -> Result<AccountId, Error> {
    let account = || {
        let arn: Arn = text.parse().ok()?;
        let is_root = arn.service() == "iam" && arn.region().is_empty() && arn.resource() == "root";
        arn.account().parse().ok().filter(|_| is_root)
    };
    text.parse().ok().or_else(account).ok_or_else(|| {
        invalid(format!("ResourceOwner '{}' is not valid: arn:aws:iam::ACCOUNT:root is expected.", shown(text)))
    })
}

/// A user: sessions and services cannot be callers.
fn caller(text: &str) -> Result<Subject, Error> {
    let is_user = |arn: &Arn| arn.service() == "iam" && arn.resource().starts_with("user/");
    let arn: Option<Arn> = text.parse().ok().filter(is_user);
    arn.and_then(|arn| Subject::named(&arn))
        .ok_or_else(|| invalid(format!("CallerArn '{}' is not valid: the ARN of a user is expected.", shown(text))))
}

fn context(entries: Vec<ContextEntryInput>) -> Result<Context, Error> {
    let mut context = ContextEntries::default();
    for (i, entry) in entries.into_iter().enumerate() {
        let at = |field: &str| format!("contextEntries.{}.member.{field}", i + 1);
        let name = parameters::required(&at("contextKeyName"), entry.context_key_name)?;
        let word = parameters::required(&at("contextKeyType"), entry.context_key_type)?;
        if let Some(of) = parameters::choice(&at("contextKeyType"), Some(word), &ContextKeyType::WORDS)? {
            context.add(&name, of, entry.context_key_values)?;
        }
    }
    Ok(context.finish())
}

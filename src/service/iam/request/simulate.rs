//! The parameters of the operations that simulate policies.

use serde::Serialize;

use super::{PageInput, PolicyText};

parameters! {
    /// One member of `ContextEntries`.
    ContextEntryInput {
        context_key_name: Option<String>,
        context_key_values: Vec<String>,
        context_key_type: Option<String>,
    }
    /// One member of `OrderedOrganizationPolicyInputList`: a level of an organization.
    OrganizationPolicyInput { service_control_policy_input_list: Vec<PolicyText> }
    /// One member of `PolicyExclusionList`: one of the three.
    PolicyIdentifierInput {
        #[serde(skip_serializing_if = "Option::is_none")]
        policy_type: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        policy_arn: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        inline_policy_identifier: Option<InlinePolicyIdentifierInput>,
    }
    /// A policy inside users or roles.
    InlinePolicyIdentifierInput {
        policy_name: Option<String>,
        attachment_type: Option<String>,
        attachment_name: Option<String>,
    }
    /// What both simulations take.
    SimulationInput {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        policy_input_list: Vec<PolicyText>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        permissions_boundary_policy_input_list: Vec<PolicyText>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        action_names: Vec<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        resource_arns: Vec<String>,
        resource_policy: Option<PolicyText>,
        resource_owner: Option<String>,
        caller_arn: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        context_entries: Vec<ContextEntryInput>,
        resource_handling_option: Option<String>,
        #[serde(flatten)]
        page: PageInput,
    }
    /// `SimulateCustomPolicy`
    SimulateCustomPolicy {
        #[serde(flatten)]
        simulation: SimulationInput,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        ordered_organization_policy_input_list: Vec<OrganizationPolicyInput>,
    }
    /// `SimulatePrincipalPolicy`
    SimulatePrincipalPolicy {
        policy_source_arn: Option<String>,
        #[serde(flatten)]
        simulation: SimulationInput,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        policy_exclusion_list: Vec<PolicyIdentifierInput>,
    }
    /// `GetContextKeysForCustomPolicy`
    GetContextKeysForCustomPolicy {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        policy_input_list: Vec<PolicyText>,
    }
    /// `GetContextKeysForPrincipalPolicy`
    GetContextKeysForPrincipalPolicy {
        policy_source_arn: Option<String>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        policy_input_list: Vec<PolicyText>,
    }
}

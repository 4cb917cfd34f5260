use std::sync::Arc;

use brevet_validator::policy::{Decision, Effect, Position, Reason, Span};
use serde_json::json;

use super::{one, parsed, rendered};
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::paging::Page;
use crate::service::simulation::{MatchedStatement, Outcome, PolicySource, Sides};
use crate::transport::query::form::Form;
use crate::transport::query::iam::parse;

#[test]
fn every_parameter_of_a_simulation_is_read_under_its_name() {
    let document = json!({
        "length": 2,
        "sha256": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    });
    let common = "PolicyInputList.member.1=%7B%7D&PermissionsBoundaryPolicyInputList.member.1=%7B%7D\
        &ActionNames.member.1=s3:GetObject&ActionNames.member.2=s3:PutObject&ResourceArns.member.1=*\
        &ResourcePolicy=%7B%7D&ResourceOwner=o&CallerArn=c&ResourceHandlingOption=h&MaxItems=5&Marker=m\
        &ContextEntries.member.1.ContextKeyName=k:one&ContextEntries.member.1.ContextKeyType=stringList\
        &ContextEntries.member.1.ContextKeyValues.member.1=a&ContextEntries.member.1.ContextKeyValues.member.2=\
        &ContextEntries.member.2.ContextKeyName=k:two&ContextEntries.member.2.ContextKeyValues=";
    let mut expected = json!({
        "policyInputList": [document], "permissionsBoundaryPolicyInputList": [document],
        "actionNames": ["s3:GetObject", "s3:PutObject"], "resourceArns": ["*"], "resourcePolicy": document,
        "resourceOwner": "o", "callerArn": "c", "resourceHandlingOption": "h", "maxItems": "5", "marker": "m",
        "contextEntries": [
            {"contextKeyName": "k:one", "contextKeyType": "stringList", "contextKeyValues": ["a", ""]},
            {"contextKeyName": "k:two", "contextKeyType": null, "contextKeyValues": []},
        ],
    });
    let level = "OrderedOrganizationPolicyInputList.member";
    let body = format!(
        "Action=SimulateCustomPolicy&{common}&{level}.1.ServiceControlPolicyInputList.member.1=%7B%7D\
         &{level}.2.ServiceControlPolicyInputList="
    );
    expected["orderedOrganizationPolicyInputList"] =
        json!([{"serviceControlPolicyInputList": [document]}, {"serviceControlPolicyInputList": []}]);
    assert_eq!(parsed(&body).1, expected);

    let excluded = "PolicyExclusionList.member";
    let body = format!(
        "Action=SimulatePrincipalPolicy&PolicySourceArn=s&{common}&{excluded}.1.PolicyType=inline&{excluded}.2.PolicyArn=a\
         &{excluded}.3.InlinePolicyIdentifier.PolicyName=p&{excluded}.3.InlinePolicyIdentifier.AttachmentType=user\
         &{excluded}.3.InlinePolicyIdentifier.AttachmentName=u"
    );
    expected.as_object_mut().unwrap().remove("orderedOrganizationPolicyInputList");
    expected["policySourceArn"] = "s".into();
    expected["policyExclusionList"] = json!([
        {"policyType": "inline"},
        {"policyArn": "a"},
        {"inlinePolicyIdentifier": {"policyName": "p", "attachmentType": "user", "attachmentName": "u"}},
    ]);
    assert_eq!(parsed(&body).1, expected);

    let body = "Action=GetContextKeysForCustomPolicy&PolicyInputList.member.1=%7B%7D";
    assert_eq!(parsed(body).1, json!({"policyInputList": [document]}));
    let body = "Action=GetContextKeysForPrincipalPolicy&PolicySourceArn=s&PolicyInputList.member.1=%7B%7D";
    assert_eq!(parsed(body).1, json!({"policySourceArn": "s", "policyInputList": [document]}));
    assert_eq!(parsed("Action=SimulatePrincipalPolicy").1, json!({}));
}

#[test]
fn what_a_simulation_does_not_take_is_refused() {
    for (action, body) in [
        ("SimulateCustomPolicy", "ContextEntries.member.1.Name=x"),
        ("SimulateCustomPolicy", "ContextEntries.member.1.ContextKeyValues.member.2=x"),
        ("SimulateCustomPolicy", "ContextEntries.member.2.ContextKeyName=x"),
        ("SimulateCustomPolicy", "ContextEntries.member.51.ContextKeyName=x"),
        ("SimulateCustomPolicy", "ActionNames.member.1.x=y"),
        ("SimulateCustomPolicy", "OrderedOrganizationPolicyInputList.member.1.Other=x"),
        ("SimulatePrincipalPolicy", "PolicyExclusionList.member.1.InlinePolicyIdentifier.Other=x"),
        ("SimulatePrincipalPolicy", "PolicyExclusionList.member.257.PolicyType=inline"),
    ] {
        let mut form = Form::read("", body.as_bytes()).unwrap();
        assert_eq!(parse(action, &mut form).unwrap_err().kind(), Kind::ValidationError, "{body}");
    }
    for (action, body) in [
        ("SimulateCustomPolicy", "PolicyExclusionList.member.1.PolicyType=inline"),
        ("SimulateCustomPolicy", "PolicySourceArn=x"),
        ("SimulatePrincipalPolicy", "OrderedOrganizationPolicyInputList.member.1.ServiceControlPolicyInputList="),
        ("GetContextKeysForCustomPolicy", "PolicySourceArn=x"),
    ] {
        let mut form = Form::read("", body.as_bytes()).unwrap();
        assert!(parse(action, &mut form).unwrap().is_some());
        assert_eq!(form.finish().unwrap_err().kind(), Kind::ValidationError, "{body}");
    }
}

fn outcome(resource: &str) -> Outcome {
    let place = |line, column| Position { line, column };
    Outcome {
        action: "s3:GetObject".into(),
        resource: resource.into(),
        decision: Decision { effect: Effect::Allow, reason: Reason::Allowed },
        matched: vec![MatchedStatement {
            policy: "PolicyInputList.1".into(),
            source: PolicySource::None,
            sid: None,
            number: 1,
            span: Span { begin: place(1, 2), end: place(3, 4) },
        }],
        missing: Arc::new(["aws:username".to_owned()]),
        sides: Sides { identity: Effect::Allow, boundary: None, session: None, organization: None, resource: None },
        cross_account: false,
    }
}

const STATEMENTS: &str = "<MatchedStatements><member><SourcePolicyId>PolicyInputList.1</SourcePolicyId>\
    <SourcePolicyType>none</SourcePolicyType><StartPosition><Line>1</Line><Column>2</Column></StartPosition>\
    <EndPosition><Line>3</Line><Column>4</Column></EndPosition></member></MatchedStatements>";

#[test]
fn a_result_for_any_resource_tells_the_missing_keys_itself() {
    let end = "<IsTruncated>true</IsTruncated><Marker>bWFya2Vy</Marker>";
    assert_eq!(
        rendered(&Answer::Simulated(one(outcome("*")))),
        format!(
            "<EvaluationResults><member><EvalActionName>s3:GetObject</EvalActionName><EvalResourceName>*</EvalResourceName>\
             <EvalDecision>allowed</EvalDecision>{STATEMENTS}<MissingContextValues><member>aws:username</member>\
             </MissingContextValues></member></EvaluationResults>{end}"
        )
    );
}

#[test]
fn a_result_for_one_resource_has_its_own_part() {
    let boundary = "<PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>false</AllowedByPermissionsBoundary>\
        </PermissionsBoundaryDecisionDetail>";
    let mut bounded = outcome("arn:aws:s3:::b");
    bounded.decision = Decision { effect: Effect::ImplicitDeny, reason: Reason::Boundary };
    bounded.matched.clear();
    bounded.sides.boundary = Some(Effect::ImplicitDeny);
    assert_eq!(
        rendered(&Answer::Simulated(Page { items: vec![bounded], marker: None })),
        format!(
            "<EvaluationResults><member><EvalActionName>s3:GetObject</EvalActionName>\
             <EvalResourceName>arn:aws:s3:::b</EvalResourceName><EvalDecision>implicitDeny</EvalDecision>\
             <MatchedStatements></MatchedStatements><MissingContextValues></MissingContextValues>{boundary}\
             <EvalDecisionDetails></EvalDecisionDetails><ResourceSpecificResults><member>\
             <EvalResourceName>arn:aws:s3:::b</EvalResourceName><EvalResourceDecision>implicitDeny</EvalResourceDecision>\
             <MatchedStatements></MatchedStatements>\
             <MissingContextValues><member>aws:username</member></MissingContextValues>{boundary}</member>\
             </ResourceSpecificResults></member></EvaluationResults><IsTruncated>false</IsTruncated>"
        )
    );
}

#[test]
fn across_accounts_each_side_is_told() {
    let mut crossing = outcome("arn:aws:s3:::b");
    crossing.cross_account = true;
    crossing.sides.resource = Some(Effect::ExplicitDeny);
    let details = "<EvalDecisionDetails><entry><key>IAM Policy</key><value>allowed</value></entry>\
        <entry><key>Resource Policy</key><value>explicitDeny</value></entry></EvalDecisionDetails>";
    let text = rendered(&Answer::Simulated(one(crossing.clone())));
    assert_eq!(text.matches(details).count(), 2, "{text}");
    // What an organization denies is not looked at any further.
    crossing.sides.organization = Some(Effect::ExplicitDeny);
    let text = rendered(&Answer::Simulated(one(crossing)));
    assert!(!text.contains("EvalDecisionDetails"));
    assert!(text.contains(
        "<OrganizationsDecisionDetail><AllowedByOrganizations>false</AllowedByOrganizations></OrganizationsDecisionDetail>"
    ));
}

#[test]
fn context_keys_are_a_list() {
    assert_eq!(
        rendered(&Answer::ContextKeys(vec!["aws:username".into()])),
        "<ContextKeyNames><member>aws:username</member></ContextKeyNames>"
    );
}

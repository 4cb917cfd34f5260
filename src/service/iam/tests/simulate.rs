use brevet_validator::policy::Reason;

use super::stage::*;
use crate::service::error::Kind;
use crate::service::iam::*;
use crate::service::simulation::Outcome;
use crate::service::test_world::{ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT};

pub(super) fn texts(texts: &[&str]) -> Vec<PolicyText> {
    texts.iter().map(|text| PolicyText((*text).to_owned())).collect()
}

pub(super) fn input(policies: &[&str], actions: &[&str]) -> SimulationInput {
    SimulationInput {
        policy_input_list: texts(policies),
        action_names: actions.iter().map(|action| (*action).to_owned()).collect(),
        ..Default::default()
    }
}

pub(super) fn custom(simulation: SimulationInput) -> Request {
    Request::SimulateCustomPolicy(SimulateCustomPolicy { simulation, ..Default::default() })
}

pub(super) fn of(arn: &str, simulation: SimulationInput) -> SimulatePrincipalPolicy {
    SimulatePrincipalPolicy { policy_source_arn: some(arn), simulation, ..Default::default() }
}

pub(super) fn entry(name: &str, of: &str, values: &[&str]) -> ContextEntryInput {
    ContextEntryInput {
        context_key_name: some(name),
        context_key_type: some(of),
        context_key_values: values.iter().map(|value| (*value).to_owned()).collect(),
    }
}

pub(super) async fn outcomes(stage: &mut Stage, request: Request) -> Vec<Outcome> {
    match stage.done(request).await {
        Answer::Simulated(page) => page.items,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn reason(stage: &mut Stage, request: Request) -> Reason {
    outcomes(stage, request).await[0].decision.reason
}

pub(super) fn null(key: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"Null":{{"{key}":"true"}}}}}}}}"#
    )
}

#[tokio::test]
async fn c9_nothing_of_whoever_simulates_reaches_the_simulation() {
    let mut stage = Stage::new().await;
    stage.done(of_user("admin", OwnedAction::Tag { tags: vec![tag("team", "red")] })).await;
    // The request itself has all of these but the last few, which would follow from the caller or the clock.
    for key in [
        "aws:CurrentTime",
        "aws:EpochTime",
        "aws:RequestedRegion",
        "aws:SecureTransport",
        "aws:SourceIp",
        "aws:UserAgent",
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalType",
        "aws:PrincipalTag/team",
        "aws:userid",
        "aws:username",
        "aws:TokenIssueTime",
        "aws:MultiFactorAuthPresent",
        "aws:ResourceTag/team",
        "iam:ResourceTag/team",
        "aws:ViaAWSService",
    ] {
        let absent = null(key);
        let mut simulation = input(&[&absent], &["s3:GetObject"]);
        assert_eq!(reason(&mut stage, custom(simulation.clone())).await, Reason::Allowed, "{key}");
        simulation.caller_arn = Some(user_arn("admin"));
        assert_eq!(reason(&mut stage, custom(simulation.clone())).await, Reason::Allowed, "{key}");
        // What is given is there, and it alone.
        simulation.context_entries = vec![entry(key, "string", &["x"])];
        assert_eq!(reason(&mut stage, custom(simulation)).await, Reason::NoMatchingAllow, "{key}");
        // As a boundary, for the administrator's own policy allows everything.
        let mut simulation = input(&[], &["s3:GetObject"]);
        simulation.permissions_boundary_policy_input_list = texts(&[&absent]);
        let principal = Request::SimulatePrincipalPolicy(of(&user_arn("admin"), simulation));
        assert_eq!(reason(&mut stage, principal).await, Reason::Allowed, "{key}");
    }
}

#[tokio::test]
async fn parameters_that_make_no_sense_are_refused() {
    let mut stage = Stage::new().await;
    let good = || {
        let mut good = input(&[ALLOW_ALL], &["s3:GetObject"]);
        good.resource_policy =
            policy_text(r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#);
        good.resource_arns = vec!["arn:aws:s3:::b".into()];
        good.caller_arn = Some(user_arn("ada"));
        good.resource_owner = Some(format!("arn:aws:iam::{OTHER_ACCOUNT}:root"));
        good
    };
    assert_eq!(reason(&mut stage, custom(good())).await, Reason::Allowed);
    type Wrong = (&'static str, Kind, fn(&mut SimulationInput));
    let wrong: [Wrong; 24] = [
        ("no policy", Kind::ValidationError, |i| i.policy_input_list.clear()),
        ("no action", Kind::ValidationError, |i| i.action_names.clear()),
        ("a wildcard", Kind::InvalidInput, |i| i.action_names = vec!["s3:*".into()]),
        ("no service", Kind::InvalidInput, |i| i.action_names = vec!["GetObject".into()]),
        ("no arn", Kind::InvalidInput, |i| i.resource_arns = vec!["bucket".into()]),
        ("a policy that is none", Kind::InvalidInput, |i| i.policy_input_list = texts(&["{}"])),
        ("an empty policy", Kind::ValidationError, |i| i.policy_input_list = texts(&[""])),
        ("a principal where none may be", Kind::InvalidInput, |i| {
            i.policy_input_list = vec![i.resource_policy.clone().unwrap()];
        }),
        ("no principal where one must be", Kind::InvalidInput, |i| i.resource_policy = policy_text(ALLOW_ALL)),
        ("two boundaries", Kind::InvalidInput, |i| {
            i.permissions_boundary_policy_input_list = texts(&[ALLOW_ALL, ALLOW_ALL]);
        }),
        ("no caller", Kind::InvalidInput, |i| i.caller_arn = None),
        ("a role as caller", Kind::InvalidInput, |i| i.caller_arn = some("arn:aws:iam::111111111111:role/r")),
        ("root as caller", Kind::InvalidInput, |i| i.caller_arn = some("arn:aws:iam::111111111111:root")),
        ("a session as caller", Kind::InvalidInput, |i| {
            i.caller_arn = some("arn:aws:sts::111111111111:assumed-role/r/s");
        }),
        ("a user as owner", Kind::InvalidInput, |i| i.resource_owner = some("arn:aws:iam::111111111111:user/u")),
        ("a resource of a third", Kind::InvalidInput, |i| {
            i.resource_arns = vec!["arn:aws:sqs:us-east-1:333333333333:q".into()];
        }),
        ("a role's resource policy", Kind::InvalidInput, |i| {
            i.resource_arns = vec!["arn:aws:iam::222222222222:role/r".into()];
        }),
        ("no type", Kind::ValidationError, |i| {
            i.context_entries = vec![ContextEntryInput { context_key_name: some("aws:userid"), ..Default::default() }];
        }),
        ("another type", Kind::ValidationError, |i| i.context_entries = vec![entry("aws:userid", "text", &["x"])]),
        ("another value", Kind::InvalidInput, |i| i.context_entries = vec![entry("aws:SourceIp", "ip", &["x"])]),
        ("no value", Kind::InvalidInput, |i| i.context_entries = vec![entry("aws:userid", "string", &[])]),
        ("a key twice", Kind::InvalidInput, |i| {
            i.context_entries = vec![entry("aws:userid", "string", &["x"]), entry("AWS:USERID", "string", &["x"])];
        }),
        ("an unknown scenario", Kind::InvalidInput, |i| i.resource_handling_option = some("EC2")),
        ("a scenario without its resources", Kind::InvalidInput, |i| {
            i.resource_handling_option = some("EC2-VPC-InstanceStore");
        }),
    ];
    for (what, kind, make) in wrong {
        let mut simulation = good();
        make(&mut simulation);
        assert_eq!(stage.refused(custom(simulation)).await.0, kind, "{what}");
    }
    let role = format!("arn:aws:iam::{ACCOUNT}:role/ci");
    stage.done(create_role("ci", NO_ONE)).await;
    let mut simulation = good();
    simulation.caller_arn = None;
    assert_eq!(stage.refused(Request::SimulatePrincipalPolicy(of(&role, simulation))).await.0, Kind::InvalidInput);
    let levels = vec![OrganizationPolicyInput::default(); 8];
    let custom = SimulateCustomPolicy { simulation: good(), ordered_organization_policy_input_list: levels };
    assert_eq!(stage.refused(Request::SimulateCustomPolicy(custom)).await.0, Kind::ValidationError);
}

#[tokio::test]
async fn a_scenario_with_its_resources_is_simulated() {
    let mut stage = Stage::new().await;
    let mut simulation = input(&[ALLOW_ALL], &["ec2:RunInstances"]);
    let ec2 = |name: &str| format!("arn:aws:ec2:us-east-1:{ACCOUNT}:{name}/x");
    simulation.resource_arns = ["instance", "image", "security-group", "network-interface", "volume"].map(ec2).into();
    simulation.resource_handling_option = some("EC2-VPC-EBS");
    assert_eq!(outcomes(&mut stage, custom(simulation.clone())).await.len(), 5);
    simulation.resource_handling_option = some("EC2-VPC-EBS-Subnet");
    assert_eq!(stage.refused(custom(simulation)).await.0, Kind::InvalidInput);
}

#[tokio::test]
async fn pages_follow_each_other_and_only_their_own_kind() {
    let mut stage = Stage::new().await;
    let ask = |max: &str, marker: Option<String>| {
        let mut simulation = input(&[ALLOW_ALL], &["s3:GetObject", "s3:PutObject", "s3:ListBucket"]);
        simulation.resource_arns = vec!["*".into(), "arn:aws:s3:::b".into()];
        simulation.page = page(max, marker);
        simulation
    };
    let (mut marker, mut seen, mut pages) = (None, Vec::new(), 0);
    loop {
        let Answer::Simulated(page) = stage.done(custom(ask("4", marker))).await else { panic!() };
        seen.extend(page.items.into_iter().map(|outcome| (outcome.action, outcome.resource)));
        (marker, pages) = (page.marker, pages + 1);
        if marker.is_none() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (6, 2));
    let whole = outcomes(&mut stage, custom(ask("6", None))).await;
    assert_eq!(seen, whole.into_iter().map(|outcome| (outcome.action, outcome.resource)).collect::<Vec<_>>());

    let Answer::Simulated(first) = stage.done(custom(ask("4", None))).await else { panic!() };
    let principal = |marker| Request::SimulatePrincipalPolicy(of(&user_arn("admin"), ask("4", marker)));
    assert_eq!(stage.refused(principal(first.marker)).await.0, Kind::ValidationError);
    assert_eq!(stage.refused(custom(ask("4", some("x")))).await.0, Kind::ValidationError);
    assert_eq!(stage.refused(custom(ask("1001", None))).await.0, Kind::ValidationError);
}

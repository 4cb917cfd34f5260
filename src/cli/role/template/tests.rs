//! Each template before a linter, and before tokens as its CI system makes them.

use brevet_validator::identity::AccountId;
use brevet_validator::policy::{
    Context, Effect, Kind as PolicyKind, Policies, Policy, Query, Subject, evaluate_trust, lint,
};
use brevet_validator::timestamp::Timestamp;
use clap::Parser;
use serde_json::{Value, json};

use super::*;
use crate::adapters::random::SystemRandomness;
use crate::service::directory::oidc_provider_arn;
use crate::service::federation::toy::Toy;
use crate::service::federation::{Expectation, KeySet, UnverifiedToken};

#[derive(Parser)]
struct Line {
    #[arg(long)]
    from: Preset,
    #[arg(long)]
    issuer: Option<String>,
    #[arg(long)]
    audience: Option<String>,
    #[command(flatten)]
    options: Options,
}

/// The template, its options divided by two spaces.
pub(super) fn read(line: &str) -> anyhow::Result<Trust> {
    let arguments = ["brevet", "--from"].into_iter().chain(line.split("  "));
    let Line { from, issuer, audience, options } = Line::try_parse_from(arguments)?;
    trust(from, issuer, audience, options)
}

fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

fn document(line: &str) -> String {
    read(line).unwrap_or_else(|error| panic!("{line}: {error}")).document(account()).unwrap()
}

/// Whether the role of a template takes a token with these claims, signed and verified as any other.
fn takes(line: &str, claims: &Value) -> bool {
    let trust = read(line).unwrap();
    let Provider { issuer, audience, .. } = &trust.provider;
    let mut claims = claims.clone();
    claims["aud"] = json!(audience);
    let (random, now) = (SystemRandomness::default(), Timestamp::from_unix(1_790_000_000).unwrap());
    let toy = Toy::new(issuer.clone(), &random).unwrap();
    let token = toy.token(claims.to_string().as_bytes(), now, &random).unwrap();
    let keys = KeySet::parse(toy.key_set().as_bytes()).unwrap();
    let client_ids = [audience.clone()];
    let token = UnverifiedToken::parse(&token).unwrap().verify(&keys, &Expectation::new(issuer, &client_ids), now);
    let mut context = Context::default();
    token.unwrap().add_to(&mut context);

    let policy = Policy::parse(&trust.document(account()).unwrap(), PolicyKind::Trust).unwrap();
    let policies = Policies { resource: Some(&policy), resource_account: Some(account()), ..Policies::default() };
    let arn = oidc_provider_arn(account(), issuer.provider_name());
    let federated = Some(arn.to_string());
    let subject = Subject { account: account(), arn, role_or_user_arn: None, unique_id: None, federated };
    let (action, resource) = ("sts:AssumeRoleWithWebIdentity", "arn:aws:iam::123456789012:role/deploy");
    let query = Query { subject: &subject, action, resource, context: &context };
    evaluate_trust(&policies, &query).effect == Effect::Allow
}

/// The claims with others in their place; `null` takes one away.
fn with(claims: &Value, others: Value) -> Value {
    let mut changed = claims.clone();
    for (name, value) in others.as_object().unwrap() {
        changed[name] = value.clone();
    }
    changed
}

const UUIDS: [&str; 3] = [
    "2a61ecf4-0b4d-4a6e-8b5a-8d3f9a0f6b11",
    "7c1f0c9e-53a4-4c3e-9d0e-1b7f3d2c4a55",
    "0e9d7b3a-6f21-4f0d-8c47-5a2b9e1d3c77",
];

pub(super) fn circleci(more: &str) -> String {
    format!("circleci  --org-id  {}  --project-id  {}{more}", UUIDS[0], UUIDS[1])
}

/// A line of options for each template and each way to use it.
fn lines() -> Vec<String> {
    let github = "github  --repo  acme/shop";
    let ids = "  --owner-id  9919  --repo-id  4411";
    let jobs =
        ["--branch  main", "--tag  v1.2", "--environment  prod eu", "--pull-request", "--branch  release/1.x_+@a"];
    let workflow = "  --workflow  acme/ci/.github/workflows/deploy.yml@refs/heads/main";
    let own = "  --issuer  https://ghes.example.com/_services/token";
    let mut lines: Vec<String> =
        jobs.iter().flat_map(|job| ["", ids].map(|ids| format!("{github}  {job}{ids}"))).collect();
    lines.push(format!("{github}  --branch  main{workflow}"));
    lines.push(format!("{github}  --branch  main{ids}{workflow}{own}"));
    lines.push(format!("{github}  --branch  main{own}"));
    for line in [
        "gitlab  --project  acme/platform/shop  --branch  main",
        "gitlab  --project  acme/shop  --tag  v1  --issuer  https://git.example.com  --audience  brevet",
        "buildkite  --organization  acme  --pipeline  shop  --branch  main",
        "jenkins  --issuer  https://ci.example.com/oidc  --job  team/shop/main",
        "azure-pipelines  --issuer  https://vstoken.dev.azure.com/7c1f0c9e-53a4-4c3e-9d0e-1b7f3d2c4a55  --organization  acme  \
         --project  The shop  --service-connection  to production",
        "kubernetes  --issuer  https://k8s.example.com  --namespace  prod  --service-account  web",
        "kubernetes  --issuer  https://oidc.eks.eu-west-1.amazonaws.com/id/0123ABCD  --namespace  prod  --service-account  web",
    ] {
        lines.push(line.to_owned());
    }
    lines
        .extend(["", "  --repo  github.com/acme/shop", "  --repo  github.com/acme/shop  --branch  main"].map(circleci));
    lines
}

#[test]
fn the_linter_finds_nothing_in_what_a_template_writes() {
    for line in lines() {
        let document = document(&line);
        assert_eq!(lint(&document, PolicyKind::Trust), [], "{line}\n{document}");
        assert!(!document.contains("Like"), "{document}");
    }
}

/// Claims of a job of `acme/shop` on `main`, as GitHub sends them.
fn github(sub: &str) -> Value {
    json!({
        "sub": sub, "repository": "acme/shop", "repository_id": "4411", "repository_owner": "acme",
        "repository_owner_id": "9919", "repository_visibility": "private", "ref": "refs/heads/main", "ref_type": "branch",
        "ref_protected": "true", "event_name": "push", "actor": "ada", "actor_id": "7", "base_ref": "", "head_ref": "",
        "workflow": "deploy", "workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
        "job_workflow_ref": "acme/ci/.github/workflows/deploy.yml@refs/heads/main", "run_id": "1", "run_number": "1",
        "run_attempt": "1", "runner_environment": "github-hosted", "sha": "4f0d8c475a2b9e1d3c774f0d8c475a2b9e1d3c77",
    })
}

const OLD: &str = "repo:acme/shop:ref:refs/heads/main";
const NEW: &str = "repo:acme@9919/shop@4411:ref:refs/heads/main";
const BRANCH: &str = "github  --repo  acme/shop  --branch  main";
const BRANCH_BY_IDS: &str = "github  --repo  acme/shop  --branch  main  --owner-id  9919  --repo-id  4411";

#[test]
fn b18_github_s_branch_is_that_of_one_repository_in_both_forms_of_its_subject() {
    for line in [BRANCH, BRANCH_BY_IDS] {
        for sub in [OLD, NEW] {
            assert!(takes(line, &github(sub)), "{line} {sub}");
        }
    }
    for (sub, others) in [
        ("repo:acme/till:ref:refs/heads/main", json!({"repository": "acme/till", "repository_id": "4412"})),
        ("repo:acme-evil/shop:ref:refs/heads/main", json!({"repository": "acme-evil/shop", "repository_id": "1"})),
        ("repo:Acme/shop:ref:refs/heads/main", json!({"repository": "Acme/shop", "repository_id": "1"})),
        ("repo:acme/shop:ref:refs/heads/main2", json!({"ref": "refs/heads/main2"})),
        ("repo:acme/shop:ref:refs/tags/main", json!({"ref": "refs/tags/main", "ref_type": "tag"})),
        ("repo:acme/shop:environment:prod", json!({"environment": "prod"})),
        ("repo:acme/shop:pull_request", json!({"event_name": "pull_request", "ref": "refs/pull/7/merge"})),
        ("repo:acme/shop:pull_request", json!({"event_name": "pull_request_target"})),
    ] {
        for line in [BRANCH, BRANCH_BY_IDS] {
            assert!(!takes(line, &with(&github(sub), others.clone())), "{line} {sub}");
        }
    }
}

#[test]
fn b18_with_its_numbers_a_repository_keeps_its_role_from_whoever_takes_its_name() {
    let taken = json!({"repository_id": "77", "repository_owner_id": "8"});
    for sub in [OLD, "repo:acme@8/shop@77:ref:refs/heads/main"] {
        assert!(!takes(BRANCH_BY_IDS, &with(&github(sub), taken.clone())), "{sub}");
    }
    assert!(takes(BRANCH, &with(&github(OLD), taken)));
    assert!(read(BRANCH).unwrap().advice.unwrap().contains("gh api repos/acme/shop --jq '.owner.id, .id'"));
    assert!(read(BRANCH_BY_IDS).unwrap().advice.is_none());
}

#[test]
fn github_s_other_jobs_are_told_apart_as_their_subjects_are() {
    let jobs = [
        ("--tag  v1", "ref:refs/tags/v1", json!({"ref": "refs/tags/v1", "ref_type": "tag"})),
        ("--environment  prod", "environment:prod", json!({"environment": "prod"})),
        ("--environment  prod2", "environment:prod2", json!({"environment": "prod2"})),
        ("--pull-request", "pull_request", json!({"event_name": "pull_request", "ref": "refs/pull/7/merge"})),
        ("--branch  main", "ref:refs/heads/main", json!({})),
    ];
    for (option, _, _) in &jobs {
        for (other, sub, claims) in &jobs {
            for (ids, sub) in [
                ("", format!("repo:acme/shop:{sub}")),
                ("", format!("repo:acme@9919/shop@4411:{sub}")),
                ("  --owner-id  9919  --repo-id  4411", format!("repo:acme@9919/shop@4411:{sub}")),
            ] {
                let line = format!("github  --repo  acme/shop  {option}{ids}");
                assert_eq!(takes(&line, &with(&github(&sub), claims.clone())), option == other, "{line} {sub}");
            }
        }
    }
    let workflow = format!("{BRANCH}  --workflow  acme/ci/.github/workflows/deploy.yml@refs/heads/main");
    assert!(takes(&workflow, &github(OLD)));
    let other = json!({"job_workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main"});
    assert!(!takes(&workflow, &with(&github(OLD), other)));
}

#[test]
fn b18_the_jobs_of_other_ci_systems_are_those_that_were_named() {
    let gitlab = json!({
        "sub": "project_path:acme/shop:ref_type:branch:ref:main", "project_path": "acme/shop", "project_id": "22",
        "namespace_path": "acme", "ref": "main", "ref_type": "branch", "ref_protected": "true", "pipeline_source": "push",
    });
    let buildkite = json!({
        "sub": "organization:acme:pipeline:shop:ref:refs/heads/main:commit:4f0d8c47:step:deploy", "organization_slug": "acme",
        "pipeline_slug": "shop", "build_branch": "main", "build_tag": null, "build_number": 7, "step_key": "deploy",
    });
    let circle = json!({
        "sub": format!("org/{}/project/{}/user/{}/vcs-origin/github.com/acme/shop/vcs-ref/refs/heads/main", UUIDS[0], UUIDS[1], UUIDS[2]),
        "oidc.circleci.com/project-id": UUIDS[1], "oidc.circleci.com/vcs-origin": "github.com/acme/shop",
        "oidc.circleci.com/vcs-ref": "refs/heads/main", "oidc.circleci.com/context-ids": [UUIDS[2]],
    });
    let jenkins = json!({"sub": "https://ci.example.com/job/team/job/shop/job/feature%252Fx/", "build_number": 7});
    let azure = json!({"sub": "sc://acme/The shop/prod"});
    let kubernetes = json!({
        "sub": "system:serviceaccount:prod:web",
        "kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "web", "uid": UUIDS[0]}},
    });
    let sub = |text: &str| json!({ "sub": text });
    let on_main = circleci("  --repo  github.com/acme/shop  --branch  main");
    for (line, claims, near_misses) in [
        (
            "gitlab  --project  acme/shop  --branch  main",
            gitlab,
            vec![
                sub("project_path:acme/shop2:ref_type:branch:ref:main"),
                sub("project_path:acme/shop:ref_type:branch:ref:main2"),
                sub("project_path:acme/shop:ref_type:tag:ref:main"),
                sub("project_path:acme/shop"),
                json!({"pipeline_source": "merge_request_event"}),
            ],
        ),
        (
            "buildkite  --organization  acme  --pipeline  shop  --branch  main",
            buildkite,
            vec![
                json!({"organization_slug": "acme-evil"}),
                json!({"pipeline_slug": "shop-2"}),
                json!({"build_branch": "topic"}),
                json!({"build_tag": "main"}),
            ],
        ),
        (&circleci(""), circle.clone(), vec![json!({"oidc.circleci.com/project-id": UUIDS[2]})]),
        (
            &on_main,
            circle,
            vec![
                json!({"oidc.circleci.com/vcs-origin": "github.com/eve/shop"}),
                json!({"oidc.circleci.com/vcs-ref": "refs/heads/topic"}),
                json!({"oidc.circleci.com/vcs-ref": null}),
            ],
        ),
        (
            "jenkins  --issuer  https://ci.example.com/oidc  --job  team/shop/feature%2Fx",
            jenkins,
            vec![
                sub("https://ci.example.com/job/team/job/shop/job/main/"),
                sub("https://ci.example.com/job/team/job/shop/job/feature/job/x/"),
            ],
        ),
        (
            "azure-pipelines  --issuer  https://vstoken.dev.azure.com/acme  --organization  acme  --project  The shop  \
             --service-connection  prod",
            azure,
            vec![sub("sc://acme/The shop/test"), sub("sc://eve/The shop/prod"), sub("sc://acme/The shop/prod/prod")],
        ),
        (
            "kubernetes  --issuer  https://k8s.example.com  --namespace  prod  --service-account  web",
            kubernetes,
            vec![sub("system:serviceaccount:test:web"), sub("system:serviceaccount:prod:web2")],
        ),
    ] {
        assert!(takes(line, &claims), "{line}");
        for other in near_misses {
            assert!(!takes(line, &with(&claims, other.clone())), "{line} {other}");
        }
    }
}

"""`brevet role new`: the roles that its templates make take the tokens of that CI system's job, and no others."""

import json
import time
import urllib.request
import uuid

import boto3
import botocore.config
import botocore.exceptions
import jwt
import pytest
from botocore import UNSIGNED
from conftest import BREVET, Brevet, key_environment, policy, refused, run, running, statement, triple
from cryptography.hazmat.primitives.asymmetric import ec

ACCOUNT = "123456789012"
ORG, PROJECT, USER = (f"{n}a61ecf4-0b4d-4a6e-8b5a-8d3f9a0f6b11" for n in (1, 2, 3))
GITHUB = "https://token.actions.githubusercontent.com"
BRANCH = ("--from", "github", "--repo", "acme/shop", "--branch", "main")
IDS = ("--owner-id", "9919", "--repo-id", "4411")
KEY = ec.generate_private_key(ec.SECP256R1())
JWKS = {"keys": [{**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key())), "kid": "k", "use": "sig"}]}


@pytest.fixture(scope="module")
def own():
    """A service of its own: what is registered here would be in the way of other tests."""
    with running(BREVET, "dev", "--listen", "127.0.0.1:0", "--issuer-listen", "127.0.0.1:0", "--output", "json") as (_, line):
        yield Brevet(json.loads(line))


@pytest.fixture
def register(own, tmp_path):
    """Registers an issuer with the keys of this file, so that nothing is fetched."""

    def register(issuer, audience="sts.amazonaws.com"):
        (tmp_path / "keys.json").write_text(json.dumps(JWKS))
        file = tmp_path / "provider.json"
        file.write_text(json.dumps({"issuer": issuer, "client_ids": [audience], "jwks_file": "keys.json"}))
        done = own.cli("provider", "apply", file)
        assert done.returncode == 0, done.stderr

    return register


def token(issuer, audience="sts.amazonaws.com", **claims):
    now = int(time.time())
    claims = {"iss": issuer, "aud": audience, "iat": now, "exp": now + 300, "jti": uuid.uuid4().hex, **claims}
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, KEY, "ES256", {"kid": "k"})


def github(**claims):
    of_main = {
        "sub": "repo:acme/shop:ref:refs/heads/main", "repository": "acme/shop", "repository_id": "4411",
        "repository_owner": "acme", "repository_owner_id": "9919", "ref": "refs/heads/main", "ref_type": "branch",
        "event_name": "push", "workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main",
    }
    return token(GITHUB, **{**of_main, **claims})


def exchange(own, role, text, call=lambda method, **parameters: method(**parameters)):
    config = botocore.config.Config(signature_version=UNSIGNED, retries={"max_attempts": 1, "mode": "standard"})
    sts = boto3.client("sts", endpoint_url=own.endpoint, region_name="us-east-1", config=config)
    return call(sts.assume_role_with_web_identity, RoleArn=role, RoleSessionName="job", WebIdentityToken=text)


def takes(own, role, text):
    """Whether a token gets the role; anything but the trust policy's no is a mistake of the test."""
    try:
        return bool(exchange(own, role, text)["Credentials"])
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
        return False


def new(own, *arguments, **more):
    done = own.cli("role", "new", *arguments, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def names(own):
    return {role["RoleName"] for role in own.iam().list_roles()["Roles"]}


def test_a_role_from_the_template_of_github_serves_the_branch_in_both_forms_of_its_subject(own, register, tmp_path):
    register(GITHUB)
    (tmp_path / "deploy.json").write_text(policy(statement(action="iam:ListUsers")))
    done = own.cli(
        "role", "new", "deploy", *BRANCH, "--policy", tmp_path / "deploy.json", "--description", "of main",
        "--max-session-duration", "7200", "--path", "/ci/",
    )
    arn = f"arn:aws:iam::{own.account}:role/ci/deploy"
    assert (done.returncode, done.stdout) == (0, arn + "\n"), done.stderr
    for told in (f'role-to-assume: "{arn}"', f'sts-endpoint: "{own.endpoint}"', "id-token: write", "gh api repos/acme/shop"):
        assert told in done.stderr
    role = own.iam().get_role(RoleName="deploy")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("of main", 7200)

    answer = exchange(own, arn, github())
    own.iam(triple(answer["Credentials"])).list_users()
    assert refused(own.iam(triple(answer["Credentials"])).list_roles)["Error"]["Code"] == "AccessDenied"
    assert takes(own, arn, github(sub="repo:acme@9919/shop@4411:ref:refs/heads/main"))
    for claims in (
        {"sub": "repo:acme/shop:ref:refs/heads/topic", "ref": "refs/heads/topic"},
        {"sub": "repo:acme/till:ref:refs/heads/main", "repository": "acme/till"},
        {"sub": "repo:acme-evil/shop:ref:refs/heads/main", "repository": "acme-evil/shop"},
        {"sub": "repo:acme/shop:environment:prod", "environment": "prod"},
    ):
        assert not takes(own, arn, github(**claims)), claims


def test_with_its_numbers_only_that_repository_has_the_role(own, register):
    register(GITHUB)
    done = own.cli("role", "new", "numbered", *BRANCH, *IDS)
    arn = done.stdout.strip()
    assert "gh api" not in done.stderr
    for sub in ("repo:acme/shop:ref:refs/heads/main", "repo:acme@9919/shop@4411:ref:refs/heads/main"):
        assert takes(own, arn, github(sub=sub))
        assert not takes(own, arn, github(sub=sub, repository_id="4412"))
    assert not takes(own, arn, github(sub="repo:acme@1/shop@4411:ref:refs/heads/main"))


CIRCLE = f"https://oidc.circleci.com/org/{ORG}"
OTHERS = {
    "gitlab": (
        ("--project", "acme/shop", "--branch", "main"), "https://gitlab.com", "https://gitlab.com",
        {"sub": "project_path:acme/shop:ref_type:branch:ref:main", "pipeline_source": "push", "ref_protected": "true"},
        {"sub": "project_path:acme/shop:ref_type:branch:ref:topic"},
    ),
    "buildkite": (
        ("--organization", "acme", "--pipeline", "shop", "--branch", "main"), "https://agent.buildkite.com", "sts.amazonaws.com",
        {
            "sub": "organization:acme:pipeline:shop:ref:refs/heads/main:commit:4f0d:step:s", "organization_slug": "acme",
            "pipeline_slug": "shop", "build_branch": "main", "build_number": 7,
        },
        {"organization_slug": "eve"},
    ),
    "circleci": (
        ("--org-id", ORG, "--project-id", PROJECT), CIRCLE, ORG,
        {"sub": f"org/{ORG}/project/{PROJECT}/user/{USER}", "oidc.circleci.com/project-id": PROJECT},
        {"oidc.circleci.com/project-id": USER},
    ),
    "jenkins": (
        ("--job", "team/shop", "--issuer", "https://ci.example.com/oidc"), "https://ci.example.com/oidc", "sts.amazonaws.com",
        {"sub": "https://ci.example.com/job/team/job/shop/", "build_number": 7},
        {"sub": "https://ci.example.com/job/team/job/till/"},
    ),
    "azure-pipelines": (
        ("--organization", "acme", "--project", "The shop", "--service-connection", "prod", "--issuer", "https://vstoken.dev.azure.com/7c1f"),
        "https://vstoken.dev.azure.com/7c1f", "api://AzureADTokenExchange",
        {"sub": "sc://acme/The shop/prod"},
        {"sub": "sc://acme/The shop/test"},
    ),
    "kubernetes": (
        ("--namespace", "prod", "--service-account", "web", "--issuer", "https://k8s.example.com"), "https://k8s.example.com",
        "sts.amazonaws.com",
        {"sub": "system:serviceaccount:prod:web", "kubernetes.io": {"namespace": "prod"}},
        {"sub": "system:serviceaccount:test:web"},
    ),
}


@pytest.mark.parametrize("template", OTHERS)
def test_a_role_from_each_other_template_takes_that_job_s_tokens_alone(own, register, template):
    options, issuer, audience, claims, other = OTHERS[template]
    register(issuer, audience)
    arn = new(own, template, "--from", template, *options)
    assert takes(own, arn, token(issuer, audience, **claims))
    assert not takes(own, arn, token(issuer, audience, **{**claims, **other}))


def test_a_job_of_dev_s_own_issuer_is_served_too(own):
    arn = new(own, "toy", *BRANCH, "--issuer", own.info["issuer"])
    body = json.dumps({"repository": "acme/shop", "ref": "refs/heads/main", "event_name": "push"}).encode()
    with urllib.request.urlopen(own.info["token_endpoint"], data=body) as answer:
        assert takes(own, arn, json.loads(answer.read())["token"])


def test_a_dry_run_prints_a_policy_without_findings_and_changes_nothing(own):
    before = names(own)
    for account, done in (
        (ACCOUNT, run("role", "new", "dry", *BRANCH, "--print", "--account", ACCOUNT)),
        (ACCOUNT, run("role", "new", "dry", *BRANCH, *IDS, "--dry-run", "--account", ACCOUNT)),
        (own.account, own.cli("role", "new", "dry", *BRANCH, "--dry-run")),
    ):
        assert done.returncode == 0 and ("gh api" in done.stderr) != ("--owner-id" in done.args), done.stderr
        [shown] = json.loads(done.stdout)["Statement"]
        provider = f"arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com"
        assert shown["Principal"] == {"Federated": provider}
        linted = run("policy", "lint", "--kind", "trust", "-o", "json", "-", stdin=done.stdout)
        assert linted.returncode == 0 and json.loads(linted.stdout)["findings"] == []
    assert names(own) == before
    assert run("role", "new", "dry", *BRANCH, "--account", ACCOUNT).returncode == 2


def test_an_issuer_that_is_not_registered_is_told_with_the_command_that_registers_it(own):
    arguments = ("role", "new", "cluster", "--from", "kubernetes", "--issuer", "https://new.example.com", "--namespace", "a", "--service-account", "b")
    done = own.cli(*arguments)
    assert done.returncode == 1 and "the account does not know the issuer https://new.example.com" in done.stderr
    assert "cluster" not in names(own)
    command = done.stderr.strip().splitlines()[-1].split()
    assert command[0] == "brevet" and own.cli(*command[1:]).returncode == 0
    assert own.cli(*arguments).returncode == 0
    other = own.cli(*arguments[:2], "cluster2", *arguments[3:], "--audience", "other")
    assert other.returncode == 1 and "not taken for the audience other, only for sts.amazonaws.com" in other.stderr


def test_b18_values_that_would_widen_the_trust_are_refused_before_anything_is_asked():
    nowhere = {"BREVET_ENDPOINT": "http://127.0.0.1:1", **key_environment(("AKIA" + "A" * 16, "s" * 40, None))}
    for option, value in (("--branch", "x:environment:prod"), ("--branch", "*"), ("--environment", "${oidc:sub}"), ("--tag", "v\n1")):
        done = run("role", "new", "wide", "--from", "github", "--repo", "acme/shop", option, value, **nowhere)
        assert done.returncode == 1 and f"{option} " in done.stderr and "is not taken" in done.stderr, done.stderr


def test_who_may_not_make_roles_is_denied_and_who_may_needs_no_look_at_providers(own, register):
    register(GITHUB)
    powerless = own.user("powerless")
    done = own.cli("role", "new", "denied", *BRANCH, key=powerless)
    assert done.returncode == 3 and "iam:CreateRole" in done.stderr and "denied" not in names(own)
    maker = own.user("maker", statement(action="iam:CreateRole"))
    assert own.cli("role", "new", "made", *BRANCH, key=maker).returncode == 0
    inline = policy(statement(action="s3:*"))
    done = own.cli("role", "new", "more", *BRANCH, "--policy", "-", key=maker, stdin=inline)
    assert done.returncode == 3 and "iam:PutRolePolicy" in done.stderr and "more" not in names(own)

"""brevet.admin.v1.PolicyService from Python and from the command line."""

import json

import grpc
import pytest
import rpc
from conftest import policy, statement, trust

SERVICE = "/brevet.admin.v1.PolicyService/"
OBJECT = "arn:aws:s3:::bucket/key"
DENIED = grpc.StatusCode.PERMISSION_DENIED
INVALID = grpc.StatusCode.INVALID_ARGUMENT
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


@pytest.fixture(scope="module")
def pb(tmp_path_factory):
    return rpc.messages(tmp_path_factory.mktemp("proto"), "brevet/admin/v1/policy.proto")


def call(brevet, pb, name, request, key=None, service="sts", metadata=(), anonymous=False):
    message = request.SerializeToString()
    sent = [] if anonymous else rpc.signed(brevet, SERVICE + name, message, key=key, service=service) + list(metadata)
    return rpc.send(brevet, SERVICE + name, message, sent, getattr(pb, f"{name}Response"))


def refused(*arguments, **options):
    return rpc.refused(call, *arguments, **options)


def cli(brevet, *arguments, **options):
    return brevet.cli("policy", *arguments, **options)


@pytest.fixture(scope="module")
def people(brevet):
    """Users and roles of every sort, by name."""
    iam, account = brevet.iam(), brevet.account
    office = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    brevet.user("wc-reader", statement(action="s3:Get*"))
    brevet.user("wc-office", statement(action="s3:*", Condition=office))
    brevet.user("wc-denied", statement(action="*"), statement("Deny", "s3:*"))
    arn = iam.create_policy(PolicyName="wc-boundary", PolicyDocument=policy(statement(action="iam:*")))["Policy"]["Arn"]
    iam.create_user(UserName="wc-bounded", PermissionsBoundary=arn)
    iam.put_user_policy(UserName="wc-bounded", PolicyName="p", PolicyDocument=policy(statement()))
    document = json.loads(trust({"AWS": [f"arn:aws:iam::{account}:user/wc-reader", "222222222222"]}))
    document["Statement"].append(json.loads(trust(
        {"Federated": "idp.example.com"}, "sts:AssumeRoleWithWebIdentity",
        Condition={"StringEquals": {"idp.example.com:sub": "x"}}))["Statement"][0])
    iam.create_role(RoleName="wc-role", AssumeRolePolicyDocument=json.dumps(document))
    iam.put_role_policy(RoleName="wc-role", PolicyName="p", PolicyDocument=policy(statement(action="s3:GetObject")))
    return f"arn:aws:iam::{account}:"


def named(entries, prefix="wc-"):
    return {entry.principal.rpartition("/")[2]: entry for entry in entries if prefix in entry.principal}


def everyone_who_can(brevet, pb, **fields):
    """All pages, three principals at a time."""
    entries, token = [], ""
    while True:
        page = call(brevet, pb, "WhoCan", pb.WhoCanRequest(page_size=3, page_token=token, **fields))
        entries += page.entries
        token = page.next_page_token
        if not token:
            return entries


def test_who_can_finds_users_and_roles_with_their_conditions(brevet, pb, people):
    entries = everyone_who_can(brevet, pb, action="s3:GetObject", resource=OBJECT)
    assert entries[0].kind == pb.PRINCIPAL_KIND_ROOT and entries[0].answer == pb.WHO_CAN_ANSWER_ALWAYS
    found = named(entries)
    assert set(found) == {"wc-reader", "wc-office", "wc-role"}
    assert found["wc-reader"].answer == found["wc-role"].answer == pb.WHO_CAN_ANSWER_ALWAYS
    assert [(s.policy, s.source, s.number) for s in found["wc-role"].through] == [("p", pb.POLICY_SOURCE_ROLE, 1)]
    assert found["wc-office"].answer == pb.WHO_CAN_ANSWER_CONDITIONAL
    assert list(found["wc-office"].condition_keys) == ["aws:SourceIp"]
    whole = call(brevet, pb, "WhoCan", pb.WhoCanRequest(action="s3:GetObject", resource=OBJECT, page_size=1000))
    assert list(whole.entries) == entries
    inside = pb.ContextEntry(key="aws:SourceIp", values=["10.1.2.3"], type=pb.CONTEXT_VALUE_TYPE_IP)
    found = named(everyone_who_can(brevet, pb, action="s3:GetObject", resource=OBJECT, context=[inside]))
    assert found["wc-office"].answer == pb.WHO_CAN_ANSWER_ALWAYS


def test_who_can_have_a_role_tells_of_those_outside_too(brevet, pb, people):
    role = people + "role/wc-role"
    entries = everyone_who_can(brevet, pb, action="sts:AssumeRole", resource=role)
    told = [(entry.principal, entry.kind, entry.external) for entry in entries]
    assert told == [(people + "user/wc-reader", pb.PRINCIPAL_KIND_USER, False), ("222222222222", pb.PRINCIPAL_KIND_ACCOUNT, True)]
    assert [(s.policy, s.source) for s in entries[0].through] == [(role, pb.POLICY_SOURCE_RESOURCE)]
    web = everyone_who_can(brevet, pb, action="sts:AssumeRoleWithWebIdentity", resource=role)
    assert [(entry.principal, entry.kind) for entry in web] == [("idp.example.com", pb.PRINCIPAL_KIND_FEDERATED)]
    assert list(web[0].condition_keys) == ["idp.example.com:sub"]


def test_who_can_is_what_really_happens(brevet, pb, people):
    """Whoever is said to be able to always can, and nobody else."""
    key = brevet.user("wcx-self", statement(action="sts:AssumeRole"), statement(action="iam:Get*"))
    others = {"wcx-none": brevet.user("wcx-none"), "wcx-self": key}
    for action, resource, do in [
        ("sts:AssumeRole", brevet.role("reader"), lambda key: brevet.assume(brevet.role("reader"), key=key)),
        ("iam:GetUser", people + "user/wc-reader", lambda key: brevet.iam(key).get_user(UserName="wc-reader")),
        ("iam:GetRole", people + "role/wc-role", lambda key: brevet.iam(key).get_role(RoleName="wc-role")),
    ]:
        found = named(everyone_who_can(brevet, pb, action=action, resource=resource), "wcx-")
        for name, key in others.items():
            try:
                do(key)
                happened = True
            except Exception as error:
                assert "AccessDenied" in str(error)
                happened = False
            assert (name in found) == happened, (action, name)


def test_simulate_documents_and_principals(brevet, pb, people):
    text = policy({"Sid": "Read", **statement(action="s3:Get*")})
    request = pb.SimulateRequest(policies=[pb.PolicyDocument(name="mine", text=text)],
                                 actions=["s3:GetObject", "s3:PutObject"], resources=[OBJECT], include_trace=True)
    get, put = call(brevet, pb, "Simulate", request).results
    assert (get.decision, get.reason) == (pb.POLICY_DECISION_ALLOWED, "ALLOWED")
    assert [(m.statement.policy, m.statement.sid, m.begin.line) for m in get.matched_statements] == [("mine", "Read", 1)]
    assert (put.decision, put.reason) == (pb.POLICY_DECISION_IMPLICIT_DENY, "NO_MATCHING_ALLOW")
    assert json.loads(put.trace)["effect"] == "implicitDeny"

    for user, decision, reason in [
        ("wc-reader", pb.POLICY_DECISION_ALLOWED, "ALLOWED"),
        ("wc-denied", pb.POLICY_DECISION_EXPLICIT_DENY, "EXPLICIT_DENY"),
        ("wc-bounded", pb.POLICY_DECISION_IMPLICIT_DENY, "BOUNDARY"),
        ("wc-office", pb.POLICY_DECISION_IMPLICIT_DENY, "NO_MATCHING_ALLOW"),
    ]:
        request = pb.SimulateRequest(principal_arn=people + "user/" + user, actions=["s3:GetObject"], resources=[OBJECT])
        (result,) = call(brevet, pb, "Simulate", request).results
        assert (result.decision, result.reason, result.trace) == (decision, reason, ""), user
    assert list(result.missing_context_keys) == ["aws:SourceIp"]


def test_simulate_pages(brevet, pb):
    request = pb.SimulateRequest(policies=[pb.PolicyDocument(text=policy(statement()))], page_size=3,
                                 actions=[f"s3:Get{n}" for n in range(4)], resources=[OBJECT, "*"])
    seen = []
    while True:
        page = call(brevet, pb, "Simulate", request)
        seen += [(result.action, result.resource) for result in page.results]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert seen == [(f"s3:Get{n}", resource) for n in range(4) for resource in (OBJECT, "*")]


def test_lint_over_grpc_says_what_the_command_says(brevet, pb, tmp_path):
    text = trust("*")
    documents = [pb.LintDocument(name="a", text=text), pb.LintDocument(name="b", text="{", kind=pb.POLICY_KIND_SESSION)]
    first, second = call(brevet, pb, "Lint", pb.LintRequest(documents=documents)).documents
    assert (first.name, first.kind, second.name) == ("a", pb.POLICY_KIND_TRUST, "b")
    file = tmp_path / "a.json"
    file.write_text(text)
    offline = json.loads(cli(brevet, "lint", "-o", "json", file).stdout)["findings"]
    assert [(f.code, f.line, f.column, f.message) for f in first.findings] == [
        (f["code"], f["line"], f["column"], f["message"]) for f in offline
    ]
    assert [finding.code for finding in second.findings] == ["MALFORMED"]
    assert second.findings[0].severity == pb.LINT_SEVERITY_DANGEROUS


def questions(pb, role):
    """A good request of each method, and the action and resource that it needs."""
    custom = pb.SimulateRequest(policies=[pb.PolicyDocument(text=policy(statement()))], actions=["a:b"])
    principal = pb.SimulateRequest(principal_arn=role, actions=["a:b"])
    return {
        "lint": ("Lint", pb.LintRequest(), "brevet:LintPolicy", "*"),
        "who-can": ("WhoCan", pb.WhoCanRequest(action="sts:AssumeRole", resource=role), "brevet:WhoCan", role),
        "who-can-any": ("WhoCan", pb.WhoCanRequest(action="s3:GetObject", resource=OBJECT), "brevet:WhoCan", "*"),
        "custom": ("Simulate", custom, "iam:SimulateCustomPolicy", "*"),
        "principal": ("Simulate", principal, "iam:SimulatePrincipalPolicy", role),
    }


@pytest.mark.parametrize("which", ["lint", "who-can", "who-can-any", "custom", "principal"])
def test_c4_each_method_is_open_to_its_permission_alone(brevet, pb, which):
    role = brevet.role("reader")
    name, request, action, resource = questions(pb, role)[which]
    assert refused(brevet, pb, name, request, anonymous=True) == (UNAUTHENTICATED, "MISSING_AUTHENTICATION_TOKEN")
    wrong = brevet.user(f"c4-{which}-wrong", statement(action="sts:*"), statement(action=action + "X"))
    assert refused(brevet, pb, name, request, key=wrong) == (DENIED, "NO_MATCHING_ALLOW")
    elsewhere = role.replace(brevet.account, "999999999999")
    other = brevet.user(f"c4-{which}-other", statement(action=action, resource=[elsewhere, "arn:aws:brevet:*:999999999999:*"]))
    assert refused(brevet, pb, name, request, key=other) == (DENIED, "NO_MATCHING_ALLOW")
    denied = brevet.user(f"c4-{which}-denied", statement(), statement("Deny", action))
    assert refused(brevet, pb, name, request, key=denied) == (DENIED, "EXPLICIT_DENY")
    right = brevet.user(f"c4-{which}-right", statement(action=action, resource=resource))
    call(brevet, pb, name, request, key=right)


def test_c4_sessions_without_a_second_factor_and_federated_users_do_not_administer(brevet, pb):
    session = brevet.sts().get_session_token()["Credentials"]
    federated = brevet.sts().get_federation_token(Name="bob", Policy=policy(statement()))["Credentials"]
    for keys in (session, federated):
        key = keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        for name, request, _, _ in questions(pb, brevet.role("reader")).values():
            assert refused(brevet, pb, name, request, key=key) == (DENIED, "EXPLICIT_DENY"), name


def test_c9_neither_metadata_nor_the_question_fills_a_key_of_the_server(brevet, pb):
    condition = {"IpAddress": {"aws:SourceIp": "192.0.2.1"}}
    key = brevet.user("c9-office", statement(action="brevet:WhoCan", Condition=condition))
    given = pb.ContextEntry(key="aws:SourceIp", values=["192.0.2.1"])
    request = pb.WhoCanRequest(action="s3:GetObject", resource=OBJECT, context=[given])
    metadata = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1"), ("x-real-ip", "192.0.2.1"), ("aws-sourceip", "192.0.2.1")]
    assert refused(brevet, pb, "WhoCan", request, key=key, metadata=metadata) == (DENIED, "NO_MATCHING_ALLOW")
    for name in ("aws:PrincipalArn", "aws:username", "aws:PrincipalTag/team"):
        forged = pb.WhoCanRequest(action="a:b", resource="*", context=[pb.ContextEntry(key=name, values=["x"])])
        assert refused(brevet, pb, "WhoCan", forged)[0] == INVALID


def test_c21_the_account_is_that_of_the_credentials(brevet, pb):
    theirs = "arn:aws:iam::999999999999:role/theirs"
    page = call(brevet, pb, "WhoCan", pb.WhoCanRequest(action="sts:AssumeRole", resource=theirs, page_size=1000))
    assert page.resource_elsewhere and all(f":{brevet.account}:" in entry.principal for entry in page.entries)
    request = pb.SimulateRequest(principal_arn="arn:aws:iam::999999999999:user/eve", actions=["a:b"])
    assert refused(brevet, pb, "Simulate", request) == (DENIED, "NO_MATCHING_ALLOW")


def test_malformed_questions_are_refused(brevet, pb):
    for name, request in [
        ("WhoCan", pb.WhoCanRequest(action="s3:*", resource="*")),
        ("WhoCan", pb.WhoCanRequest(action="s3:GetObject", resource="bucket")),
        ("WhoCan", pb.WhoCanRequest(action="s3:GetObject", resource="*", page_size=1001)),
        ("WhoCan", pb.WhoCanRequest(action="s3:GetObject", resource="*", page_token="x")),
        ("WhoCan", pb.WhoCanRequest(action="sts:AssumeRole", resource="*")),
        ("Simulate", pb.SimulateRequest(actions=["a:b"], policies=[pb.PolicyDocument(text="{}")])),
        ("Simulate", pb.SimulateRequest()),
        ("Lint", pb.LintRequest(documents=[pb.LintDocument()] * 101)),
    ]:
        assert refused(brevet, pb, name, request)[0] == INVALID, request
    absent = pb.WhoCanRequest(action="sts:AssumeRole", resource=f"arn:aws:iam::{brevet.account}:role/none")
    assert refused(brevet, pb, "WhoCan", absent)[1] == "NO_SUCH_ENTITY"


def test_the_command_simulates_files_without_a_server(brevet, tmp_path):
    file = tmp_path / "reader.json"
    condition = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    file.write_text(policy(statement(action="s3:Get*", Condition=condition)))
    asked = ["simulate", "--endpoint", "http://127.0.0.1:1", "--policy", file, "--action", "s3:GetObject", "--resource", OBJECT]
    done = cli(brevet, *asked)
    assert (done.returncode, done.stderr) == (6, "")
    assert done.stdout.startswith(f"implicitDeny: s3:GetObject on {OBJECT} (NO_MATCHING_ALLOW)\n")
    assert "not given: aws:PrincipalTag/team" in done.stdout
    done = cli(brevet, *asked, "--context", "aws:PrincipalTag/team=red", "-o", "json")
    (result,) = json.loads(done.stdout)["results"]
    assert (done.returncode, result["decision"]) == (0, "allowed")
    assert result["matched_statements"][0]["policy"] == str(file)
    web = ["simulate", "--trust-policy", "-", "--action", "sts:AssumeRoleWithWebIdentity", "--web-identity", "idp.example.com"]
    document = trust({"Federated": "idp.example.com"}, "sts:AssumeRoleWithWebIdentity",
                     Condition={"StringEquals": {"idp.example.com:sub": "x"}})
    assert cli(brevet, *web, "--claim", "sub=x", stdin=document).returncode == 0
    assert cli(brevet, *web, "--claim", "sub=y", stdin=document).returncode == 6
    done = cli(brevet, "simulate", "--policy", file, "--action", "s3:*")
    assert (done.returncode, done.stdout) == (1, "") and "s3:*" in done.stderr
    assert cli(brevet, "simulate", "--policy", file).returncode == 2


def test_the_command_asks_the_service_about_principals(brevet, people):
    asked = ["simulate", "--principal", people + "user/wc-bounded", "--action", "s3:GetObject", "iam:GetUser", "-o", "json"]
    done = cli(brevet, *asked)
    reasons = [result["reason"] for result in json.loads(done.stdout)["results"]]
    assert (done.returncode, reasons) == (6, ["BOUNDARY", "ALLOWED"])
    none = brevet.user("cli-none")
    done = cli(brevet, *asked, key=none)
    assert (done.returncode, done.stdout) == (3, "")
    assert cli(brevet, *asked, "--endpoint", "http://127.0.0.1:1").returncode == 5


def test_the_command_tells_who_can(brevet, people):
    done = cli(brevet, "who-can", "sts:AssumeRole", people + "role/wc-role")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == f"always: user {people}user/wc-reader"
    assert "always: external account 222222222222" in done.stdout
    done = cli(brevet, "who-can", "s3:GetObject", OBJECT, "-o", "json")
    entries = {entry["principal"]: entry for entry in json.loads(done.stdout)["entries"]}
    office = entries[people + "user/wc-office"]
    assert (office["answer"], office["condition_keys"]) == ("conditional", ["aws:SourceIp"])
    assert office["through"] == [{"policy": "p", "source": "user", "sid": None, "number": 1}]
    done = cli(brevet, "who-can", "sts:AssumeRole", "arn:aws:iam::999999999999:role/x", "-o", "json")
    assert json.loads(done.stdout)["resource_elsewhere"] and "another account" in done.stderr

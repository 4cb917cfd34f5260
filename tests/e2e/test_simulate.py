"""Simulation of policies, driven by stock boto3 and the AWS CLI: the golden tables, and a naive evaluator's random cases."""

import collections
import concurrent.futures
import json
import os
import re
import subprocess
import time

import pytest
from conftest import ROOT, TARGET, environment, policy, refused, statement, trust

VECTORS = ROOT / "validator" / "tests" / "vectors" / "policy"
NOTHING = policy(statement(action="none:None"))
ALLOW_ALL = policy(statement())
EFFECTS = {"ALLOWED": "allowed", "EXPLICIT_DENY": "explicitDeny"}


def effect(reason):
    return EFFECTS.get(reason, "implicitDeny")


def with_long_keys(text):
    """AWS takes no name of a context key below five characters; the tables' own have three."""
    return re.sub(r'(?<=["{])([kK]):(?=[xyzXYZ]\b)', lambda key: ("key:" if key[1] == "k" else "KEY:"), text)


def table(name):
    return json.loads(with_long_keys((VECTORS / name).read_text()))


def entries(context):
    """A text, a list of texts, or either under the name of its type."""
    result = []
    for key, value in context.items():
        kind, value = next(iter(value.items())) if isinstance(value, dict) else (None, value)
        values = value if isinstance(value, list) else [value]
        kind = kind or ("stringList" if isinstance(value, list) else "string")
        result.append({"ContextKeyName": key, "ContextKeyValues": values, "ContextKeyType": kind})
    return result


def root(account):
    return f"arn:aws:iam::{account}:root"


def parameters(case, actions, resources, context):
    """The parameters of SimulateCustomPolicy; a policy that allows nothing where there is none, for AWS wants one."""
    documents = [json.dumps(document) for document in case["policies"]]
    given = {
        "PolicyInputList": documents or [NOTHING],
        "ActionNames": actions,
        "ResourceArns": resources,
        "ContextEntries": entries(context),
    }
    if case.get("caller"):
        given["CallerArn"] = case["caller"]
    if case.get("boundary"):
        given["PermissionsBoundaryPolicyInputList"] = [json.dumps(case["boundary"])]
    if case.get("resourcePolicy"):
        given["ResourcePolicy"] = json.dumps(case["resourcePolicy"])
    if case.get("owner"):
        given["ResourceOwner"] = root(case["owner"])
    if case.get("organization"):
        given["OrderedOrganizationPolicyInputList"] = [
            {"ServiceControlPolicyInputList": [json.dumps(document) for document in level]}
            for level in case["organization"]
        ]
    return given


def decisions(answer):
    return [(r["EvalActionName"], r["EvalResourceName"], r["EvalDecision"]) for r in answer["EvaluationResults"]]


def decision(answer):
    (result,) = answer["EvaluationResults"]
    return result["EvalDecision"]


def test_c8_the_table_of_conditions(brevet):
    iam, wrong, asked = brevet.iam(), [], 0
    for entry in table("conditions.json"):
        document = policy(statement(Condition=entry["condition"]))
        for case in entry["cases"]:
            answer = iam.simulate_custom_policy(
                PolicyInputList=[document],
                ActionNames=["a:b"],
                ResourceArns=["arn:aws:a:::b"],
                ContextEntries=entries(case["context"]),
            )
            asked += 1
            if (decision(answer) == "allowed") != case["holds"]:
                wrong.append((entry["condition"], case, decision(answer)))
    print(f"{asked} cases of conditions.json")
    assert not wrong and asked > 300


def test_c19_the_table_of_decisions(brevet):
    """Those of a user. Its policies are passed, for it has none; the principals' account and unique id are made its own."""
    iam, account = brevet.iam(), brevet.account
    user = iam.create_user(UserName="ada", Path="/ops/")["User"]
    text = (VECTORS / "decisions.json").read_text()
    text = text.replace("123456789012", account).replace("AIDA2222222222222222A", user["UserId"])
    documents = {
        "allow": policy(statement(action="sts:AssumeRole")),
        "other": policy(statement(action="s3:GetObject")),
        "deny": policy(statement("Deny", "sts:*")),
    }
    wrong, asked, left_out = [], 0, 0
    for case in json.loads(text):
        # Neither other callers nor session policies can be said; a resource policy without an owner is the caller's.
        if case["subject"] != "user" or "session" in case or ("resource" in case and "owner" not in case):
            left_out += 1
            continue
        given = {"PolicySourceArn": user["Arn"], "ActionNames": ["sts:AssumeRole"], "ResourceArns": ["arn:aws:s3:::b"]}
        given["PolicyInputList"] = [documents[name] for name in case.get("identity", [])]
        if "boundary" in case:
            given["PermissionsBoundaryPolicyInputList"] = [documents[case["boundary"]]]
        if "resource" in case:
            named = [{**s, "Action": "sts:AssumeRole", "Resource": "*"} for s in case["resource"]]
            given["ResourcePolicy"] = policy(*named)
        if "owner" in case:
            given["ResourceOwner"] = root(case["owner"])
        answer = iam.simulate_principal_policy(**given)
        asked += 1
        if decision(answer) != effect(case["plain"]):
            wrong.append((case, decision(answer)))
    print(f"{asked} cases of decisions.json, {left_out} that the API cannot say")
    assert not wrong and asked > 50


def test_c19_the_table_of_simulations(brevet):
    iam, wrong, asked = brevet.iam(), [], 0
    for entry in table("simulate.json"):
        for case in entry["cases"]:
            world = {**entry, "caller": case.get("caller", entry.get("caller"))}
            given = parameters(world, [case["action"]], [case["resource"]], case.get("context", {}))
            answer = iam.simulate_custom_policy(**given)
            asked += 1
            assert decisions(answer)[0][:2] == (case["action"], case["resource"])
            if decision(answer) != case["decision"]:
                wrong.append((entry["name"], case, decision(answer)))
    print(f"{asked} cases of simulate.json")
    assert not wrong and asked >= 240


@pytest.mark.timeout(1800)
def test_c19_random_cases_agree_with_the_naive_evaluator(brevet):
    count = os.environ.get("BREVET_SIMULATE_CASES", "5000")
    seed = os.environ.get("PROPTEST_RNG_SEED", "1")
    made = subprocess.run(
        [TARGET / "examples" / "policy_cases", count, seed], check=True, capture_output=True, text=True, env=environment()
    ).stdout.splitlines()
    clients = [brevet.iam() for _ in range(2)]

    def ask(numbered):
        number, line = numbered
        world = json.loads(with_long_keys(line))
        given = parameters(world, world["actions"], world["resources"], world["context"])
        told = decisions(clients[number % 2].simulate_custom_policy(**given))
        pairs = [(action, resource) for action in world["actions"] for resource in world["resources"]]
        expected = [(*pair, effect(reason)) for pair, reason in zip(pairs, world["decisions"], strict=True)]
        wrong = [(line, answered, wanted) for answered, wanted in zip(told, expected, strict=True) if answered != wanted]
        return wrong, [told_decision for *_, told_decision in told]

    seen, wrong = collections.Counter(), []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for differing, told in pool.map(ask, enumerate(made)):
            wrong.extend(differing)
            seen.update(told)
    print(f"{seen.total()} random cases in {len(made)} calls, seed {seed}: {dict(seen)}, {len(wrong)} differ")
    assert not wrong, wrong[0]
    assert seen.total() >= int(count) and min(seen[e] for e in ("allowed", "explicitDeny", "implicitDeny")) > 100


def test_c9_nothing_of_whoever_simulates_reaches_the_simulation(brevet):
    iam = brevet.iam()
    keys = ["aws:CurrentTime", "aws:EpochTime", "aws:SourceIp", "aws:UserAgent", "aws:SecureTransport", "aws:userid"]
    keys += ["aws:username", "aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalType", "aws:RequestedRegion"]
    keys += ["aws:MultiFactorAuthPresent", "aws:TokenIssueTime"]
    user = brevet.sts().get_caller_identity()["Arn"]
    role = iam.create_role(RoleName="simulating", AssumeRolePolicyDocument=trust({"AWS": root(brevet.account)}))["Role"]["Arn"]
    iam.put_role_policy(RoleName="simulating", PolicyName="p", PolicyDocument=policy(statement(action="iam:Simulate*")))
    session = brevet.iam(brevet.assume(role))
    for key in keys:
        document = policy(statement(Condition={"Null": {key: "true"}}))
        for caller in ({}, {"CallerArn": user}):
            for client in (iam, session):
                answer = client.simulate_custom_policy(PolicyInputList=[document], ActionNames=["a:b"], **caller)
                assert decision(answer) == "allowed", key
                assert answer["EvaluationResults"][0]["MissingContextValues"] == [key]


def test_results_tell_statements_keys_and_boundary(brevet):
    iam = brevet.iam()
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                statement(action="s3:*", resource="arn:aws:s3:::b/${aws:username}/*"),
                statement("Deny", "s3:Delete*"),
            ],
        },
        indent=2,
    )
    answer = iam.simulate_custom_policy(
        PolicyInputList=[document],
        PermissionsBoundaryPolicyInputList=[policy(statement(action=["s3:Get*", "s3:Delete*"]))],
        ActionNames=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        ResourceArns=["arn:aws:s3:::b/ada/k"],
        ContextEntries=entries({"aws:username": "ada"}),
    )
    got, put, deleted = answer["EvaluationResults"]
    assert [r["EvalDecision"] for r in (got, put, deleted)] == ["allowed", "implicitDeny", "explicitDeny"]
    lines = document.splitlines()
    for result, matched in ((got, "s3:*"), (deleted, "s3:Delete*")):
        place = next(m for m in result["MatchedStatements"] if m["SourcePolicyId"] == "PolicyInputList.1")
        begin, end = place["StartPosition"], place["EndPosition"]
        assert lines[begin["Line"] - 1][begin["Column"] - 1] == "{" and lines[end["Line"] - 1][end["Column"] - 2] == "}"
        assert any(matched in line for line in lines[begin["Line"] - 1 : end["Line"]])
    assert put["MatchedStatements"] == [] and put["EvalDecisionDetails"] == {}
    for result, allowed in ((got, True), (put, False), (deleted, True)):
        assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": allowed}
        (specific,) = result["ResourceSpecificResults"]
        assert specific["EvalResourceDecision"] == result["EvalDecision"]
        assert specific["MissingContextValues"] == [] and "EvalDecisionDetails" not in specific

    keys = iam.get_context_keys_for_custom_policy(PolicyInputList=[document])
    assert keys["ContextKeyNames"] == ["aws:username"]


def test_across_accounts_each_side_is_told(brevet):
    answer = brevet.iam().simulate_custom_policy(
        PolicyInputList=[ALLOW_ALL],
        ActionNames=["s3:GetObject"],
        ResourceArns=["arn:aws:s3:::b/k"],
        ResourcePolicy=policy(statement(Principal={"AWS": "210987654321"})),
        ResourceOwner=root("210987654321"),
        CallerArn="arn:aws:iam::123456789012:user/ada",
    )
    (result,) = answer["EvaluationResults"]
    assert result["EvalDecision"] == "implicitDeny"
    assert result["EvalDecisionDetails"] == {"IAM Policy": "allowed", "Resource Policy": "implicitDeny"}
    assert result["ResourceSpecificResults"][0]["EvalDecisionDetails"] == result["EvalDecisionDetails"]


def test_organizations_are_told(brevet):
    answer = brevet.iam().simulate_custom_policy(
        PolicyInputList=[ALLOW_ALL],
        ActionNames=["s3:GetObject", "ec2:RunInstances"],
        OrderedOrganizationPolicyInputList=[
            {"ServiceControlPolicyInputList": [ALLOW_ALL]},
            {"ServiceControlPolicyInputList": [policy(statement(action="s3:*"))]},
        ],
    )
    told = [(r["EvalDecision"], r["OrganizationsDecisionDetail"]) for r in answer["EvaluationResults"]]
    assert told == [("allowed", {"AllowedByOrganizations": True}), ("implicitDeny", {"AllowedByOrganizations": False})]


def test_a_principal_is_simulated_with_all_its_policies(brevet):
    iam = brevet.iam()
    brevet.user("simulated", statement(action="s3:GetObject"))
    arn = iam.get_user(UserName="simulated")["User"]["Arn"]
    managed = iam.create_policy(PolicyName="simulated", PolicyDocument=policy(statement(action="s3:PutObject")))
    managed = managed["Policy"]["Arn"]
    iam.attach_user_policy(UserName="simulated", PolicyArn=managed)
    actions = ["s3:GetObject", "s3:PutObject", "s3:ListBucket"]

    def allowed(**more):
        answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions, **more)
        return [r["EvalDecision"] == "allowed" for r in answer["EvaluationResults"]]

    assert allowed() == [True, True, False]
    assert allowed(PolicyInputList=[policy(statement(action="s3:List*"))]) == [True, True, True]
    assert allowed(PolicyExclusionList=[{"PolicyArn": managed}]) == [True, False, False]
    assert allowed(PolicyExclusionList=[{"PolicyType": "inline"}]) == [False, True, False]
    inline = {"PolicyName": "p", "AttachmentType": "user", "AttachmentName": "sim*"}
    assert allowed(PolicyExclusionList=[{"InlinePolicyIdentifier": inline}]) == [False, True, False]
    iam.put_user_permissions_boundary(UserName="simulated", PermissionsBoundary=managed)
    assert allowed() == [False, True, False]
    assert allowed(PermissionsBoundaryPolicyInputList=[ALLOW_ALL]) == [True, True, False]

    role = iam.create_role(RoleName="simulated", AssumeRolePolicyDocument=trust({"AWS": brevet.account}))["Role"]["Arn"]
    document = policy(statement(action="s3:*", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
    iam.put_role_policy(RoleName="simulated", PolicyName="p", PolicyDocument=document)
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=role)["ContextKeyNames"] == ["aws:SourceIp"]
    given = {"PolicySourceArn": role, "ActionNames": ["s3:GetObject"]}
    assert decision(iam.simulate_principal_policy(**given)) == "implicitDeny"
    given["ContextEntries"] = entries({"aws:SourceIp": {"ip": "203.0.113.7"}})
    assert decision(iam.simulate_principal_policy(**given)) == "allowed"


def test_pages(brevet):
    given = {
        "PolicyInputList": [ALLOW_ALL],
        "ActionNames": [f"s3:Get{n}" for n in range(60)],
        "ResourceArns": [f"arn:aws:s3:::b/{n}" for n in range(7)],
    }
    pairs = [(action, resource, "allowed") for action in given["ActionNames"] for resource in given["ResourceArns"]]
    iam = brevet.iam()
    pages = list(iam.get_paginator("simulate_custom_policy").paginate(**given, PaginationConfig={"PageSize": 100}))
    assert [len(page["EvaluationResults"]) for page in pages] == [100, 100, 100, 100, 20]
    assert [d for page in pages for d in decisions(page)] == pairs
    first = iam.simulate_custom_policy(**given)
    assert first["IsTruncated"] and len(first["EvaluationResults"]) == 100
    whole = iam.simulate_custom_policy(**given, MaxItems=1000)
    assert not whole["IsTruncated"] and "Marker" not in whole and decisions(whole) == pairs


def test_typed_exceptions(brevet):
    iam = brevet.iam()
    with pytest.raises(iam.exceptions.InvalidInputException) as caught:
        iam.simulate_custom_policy(PolicyInputList=['{"Version":'], ActionNames=["a:b"])
    assert "PolicyInputList.1" in str(caught.value) and "line 1" in str(caught.value)
    for wrong in ({"ActionNames": ["s3:*"]}, {"CallerArn": root(brevet.account)}, {"ResourceHandlingOption": "EC2"}):
        with pytest.raises(iam.exceptions.InvalidInputException):
            iam.simulate_custom_policy(**{"PolicyInputList": [ALLOW_ALL], "ActionNames": ["a:b"], **wrong})
    nobody = f"arn:aws:iam::{brevet.account}:user/nobody"
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.simulate_principal_policy(PolicySourceArn=nobody, ActionNames=["a:b"])
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_context_keys_for_principal_policy(PolicySourceArn=nobody)


def test_who_may_simulate(brevet):
    key = brevet.user("curious", statement(action="iam:SimulateCustomPolicy"))
    iam = brevet.iam(key)
    assert decision(iam.simulate_custom_policy(PolicyInputList=[ALLOW_ALL], ActionNames=["a:b"])) == "allowed"
    arn = f"arn:aws:iam::{brevet.account}:user/curious"
    refusal = refused(iam.simulate_principal_policy, PolicySourceArn=arn, ActionNames=["a:b"])
    assert refusal["Error"]["Code"] == "AccessDenied"


def test_e7_one_call_cannot_stall_the_server(brevet):
    iam = brevet.iam()
    patterns = ["*" + "a" * 500 + "b"] * 150
    slow = policy(statement(Condition={"StringLike": {"key:x": patterns}}))
    given = {"PolicyInputList": [slow], "ActionNames": [f"s3:Get{n}" for n in range(200)], "MaxItems": 1000}
    begun = time.monotonic()
    answer = iam.simulate_custom_policy(**given, ContextEntries=entries({"key:x": "a" * 2000}))
    took = time.monotonic() - begun
    assert answer["IsTruncated"] and answer["EvaluationResults"]
    # A debug build is some ten times slower than what is deployed.
    assert took < 10, took
    with pytest.raises(iam.exceptions.LimitExceededException):
        iam.simulate_custom_policy(**given, ContextEntries=entries({"key:x": ["a" * 2000] * 10}))


def test_the_stock_aws_cli(brevet):
    key = brevet.user("cli-simulated", statement(action="s3:Get*", resource="arn:aws:s3:::b/${aws:username}/*"))
    del key
    done = brevet.aws(
        "iam", "simulate-principal-policy",
        "--policy-source-arn", f"arn:aws:iam::{brevet.account}:user/cli-simulated",
        "--action-names", "s3:GetObject", "s3:PutObject",
        "--resource-arns", "arn:aws:s3:::b/ada/k",
        "--context-entries", "ContextKeyName=aws:username,ContextKeyValues=ada,ContextKeyType=string",
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["EvaluationResults"]
    assert [result["EvalDecision"] for result in told] == ["allowed", "implicitDeny"]
    assert told[0]["MatchedStatements"][0]["SourcePolicyId"] == "user_cli-simulated_p"

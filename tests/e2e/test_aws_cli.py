"""The stock AWS CLI, with nothing set but its own variables."""

import json

from conftest import policy, statement, trust


def ok(process):
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout) if process.stdout else None


def test_the_whole_stage_by_command_line(brevet):
    aws = brevet.aws
    assert ok(aws("sts", "get-caller-identity"))["Account"] == brevet.account
    user = ok(aws("iam", "create-user", "--user-name", "cli-user"))["User"]
    key = ok(aws("iam", "create-access-key", "--user-name", "cli-user"))["AccessKey"]
    role = ok(
        aws("iam", "create-role", "--role-name", "cli-role", "--assume-role-policy-document", trust({"AWS": user["Arn"]}))
    )["Role"]
    document = policy(statement(action="s3:*"))
    ok(aws("iam", "put-role-policy", "--role-name", "cli-role", "--policy-name", "p", "--policy-document", document))

    mine = (key["AccessKeyId"], key["SecretAccessKey"], None)
    answer = ok(aws("sts", "assume-role", "--role-arn", role["Arn"], "--role-session-name", "cli", key=mine))
    credentials = answer["Credentials"]
    session = (credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    assert ok(aws("sts", "get-caller-identity", key=session))["Arn"] == answer["AssumedRoleUser"]["Arn"]

    assert ok(aws("sts", "get-session-token", key=mine))["Credentials"]["AccessKeyId"].startswith("ASIA")
    token = ok(aws("sts", "get-federation-token", "--name", "fed", "--policy", document))
    assert token["FederatedUser"]["Arn"].endswith("federated-user/fed")


def test_errors_keep_their_codes(brevet):
    denied = brevet.aws("sts", "assume-role", "--role-arn", f"arn:aws:iam::{brevet.account}:role/none", "--role-session-name", "cli")
    assert denied.returncode != 0
    assert "(AccessDenied)" in denied.stderr
    assert "is not authorized to perform: sts:AssumeRole on resource" in denied.stderr
    absent = brevet.aws("iam", "get-user", "--user-name", "none")
    assert "(NoSuchEntity)" in absent.stderr
    wrong = brevet.aws("sts", "get-caller-identity", key=(brevet.key[0], "wrong", None))
    assert "(SignatureDoesNotMatch)" in wrong.stderr

"""A refusal explains itself to whoever may see why: stock AWS CLI, boto3, gRPC and `brevet explain`."""

import base64
import json

import pytest
from conftest import refused, run, statement, trust

MARK = "Encoded authorization failure message: "
LENGTH = 2112


def refusal(call, **parameters):
    error = refused(call, **parameters)["Error"]
    assert error["Code"] == "AccessDenied"
    return error["Message"]


@pytest.fixture(scope="module")
def partner(brevet):
    """A role for a partner with an external id, and a user who does not know the id."""
    condition = {"StringEquals": {"sts:ExternalId": "the-expected-id"}}
    document = json.loads(trust({"AWS": brevet.account}, Condition=condition))
    document["Statement"][0]["Sid"] = "PartnerOnly"
    role = brevet.iam().create_role(RoleName="partner", AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    return role, brevet.user("partner-user", statement(action="sts:AssumeRole"))


def test_the_text_is_aws_s_sentence_then_reason_step_request_and_message(brevet, partner):
    role, key = partner
    text = refusal(brevet.sts(key).assume_role, RoleArn=role, RoleSessionName="me", ExternalId="my-wrong-id")
    user = f"arn:aws:iam::{brevet.account}:user/partner-user"
    assert text.startswith(f"User: {user} is not authorized to perform: sts:AssumeRole on resource: {role} (TRUST_NOT_SATISFIED): ")
    assert " Request ID: " in text and "the-expected-id" not in text and "PartnerOnly" not in text
    assert len(text.split(MARK)[1]) == LENGTH


def test_a_denied_assume_role_decoded_by_the_aws_cli_names_statement_condition_and_value(brevet, partner):
    role, key = partner
    denied = brevet.aws(
        "sts", "assume-role", "--role-arn", role, "--role-session-name", "me", "--external-id", "my-wrong-id", key=key
    )
    assert denied.returncode != 0
    message = denied.stderr.strip().split(MARK)[1]
    decoded = brevet.aws("sts", "decode-authorization-message", "--encoded-message", message)
    assert decoded.returncode == 0, decoded.stderr
    answer = json.loads(json.loads(decoded.stdout)["DecodedMessage"])
    assert answer["allowed"] is False and answer["explicitDeny"] is False
    # The user's own policy allows it; that is not what stood in the way.
    assert [item["effect"] for item in answer["matchedStatements"]["items"]] == ["ALLOW"]
    [failure] = answer["failures"]["items"]
    assert failure["statementId"] == "PartnerOnly"
    assert (failure["operator"], failure["key"]) == ("StringEquals", "sts:ExternalId")
    assert failure["values"]["items"] == [{"value": "the-expected-id"}]
    assert failure["given"]["items"] == [{"value": "my-wrong-id"}]
    context = answer["context"]
    assert context["action"] == "sts:AssumeRole" and context["resource"] == role
    assert context["principal"]["name"] == "partner-user"
    assert {"key": "sts:rolesessionname", "values": {"items": [{"value": "me"}]}} in context["conditions"]["items"]
    assert answer["trace"]["detail"] == "TRUST_CONDITION_MISMATCH"


def test_brevet_explain_takes_the_refusal_as_it_was_printed(brevet, partner):
    role, key = partner
    denied = brevet.aws("sts", "assume-role", "--role-arn", role, "--role-session-name", "me", "--external-id", "wrong", key=key)
    explained = brevet.cli("explain", "-", stdin=denied.stderr)
    assert explained.returncode == 0, explained.stderr
    lines = [line.strip() for line in explained.stdout.splitlines()]
    assert lines[0] == "DENY   TRUST_NOT_SATISFIED (TRUST_CONDITION_MISMATCH) at TRUST_POLICY"
    at = lines.index("FAIL  StringEquals sts:ExternalId")
    assert lines[at + 1 : at + 3] == ["policy   the-expected-id", "request  wrong"]
    # The refused user may not decode; the refusal is itself one that can be decoded.
    refused = brevet.cli("explain", denied.stderr.strip().split(MARK)[1], key=key)
    assert refused.returncode == 3 and "sts:DecodeAuthorizationMessage" in refused.stderr
    as_json = brevet.cli("explain", "-o", "json", "-", stdin=denied.stderr)
    assert json.loads(as_json.stdout)["trace"]["reason"] == "TRUST_NOT_SATISFIED"


def test_over_grpc_the_message_is_in_the_error_s_metadata_and_the_cli_says_how_to_use_it(brevet, partner):
    role, key = partner
    denied = brevet.cli("creds", role, key=key)
    assert denied.returncode == 3 and denied.stdout == ""
    assert "(TRUST_NOT_SATISFIED): the role's trust policy does not allow it" in denied.stderr
    command = denied.stderr.strip().splitlines()[-1]
    assert command.startswith("To see why: brevet explain ")
    message = command.split()[-1]
    assert len(message) == LENGTH
    explained = brevet.cli("explain", message)
    assert "PartnerOnly" in explained.stdout, explained.stderr
    assert brevet.cli("explain", "-", stdin=denied.stderr).stdout == explained.stdout


def test_an_iam_refusal_can_be_decoded_too(brevet):
    deny = statement("Deny", "iam:DeleteUser", Sid="NeverDelete")
    key = brevet.user("no-delete", statement(), deny)
    text = refusal(brevet.iam(key).delete_user, UserName="someone")
    assert "(EXPLICIT_DENY): an identity-based policy denies it explicitly." in text
    answer = json.loads(brevet.sts().decode_authorization_message(EncodedMessage=text.split(MARK)[1])["DecodedMessage"])
    assert answer["explicitDeny"] is True
    denying = [item for item in answer["matchedStatements"]["items"] if item["effect"] == "DENY"]
    assert [item["statementId"] for item in denying] == ["NeverDelete"]


def test_c18_a_text_that_is_no_message_is_refused_in_aws_s_class(brevet, partner):
    role, key = partner
    text = refusal(brevet.sts(key).assume_role, RoleArn=role, RoleSessionName="me")
    message = text.split(MARK)[1]
    flipped = message[:1000] + ("A" if message[1000] != "A" else "B") + message[1001:]
    sts = brevet.sts()
    for wrong in ("x", message[:-4], flipped, "A" * LENGTH, base64.urlsafe_b64encode(b"\0" * 1584).decode()):
        with pytest.raises(sts.exceptions.InvalidAuthorizationMessageException) as caught:
            sts.decode_authorization_message(EncodedMessage=wrong)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert refused(sts.decode_authorization_message, EncodedMessage="A" * 10241)["Error"]["Code"] == "ValidationError"


def test_codes_are_explained_without_a_service():
    explain = lambda code: run("explain", code, BREVET_ENDPOINT="http://127.0.0.1:1")
    for code in ("TRUST_NOT_SATISFIED", "ExpiredToken", "EXPIRED_TOKEN", "NO_SUBJECT"):
        page = explain(code)
        assert page.returncode == 0 and len(page.stdout) > 60, code
    unknown = explain("TRUST_NOT")
    assert unknown.returncode == 1 and "did you mean TRUST_NOT_SATISFIED?" in unknown.stderr and unknown.stdout == ""


def test_a_role_opened_to_callers_tells_them_what_failed(brevet):
    document = trust({"AWS": brevet.account}, Condition={"StringEquals": {"sts:ExternalId": "tenant-1"}})
    role = brevet.iam().create_role(RoleName="opened", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    key = brevet.user("opened-user", statement(action="sts:AssumeRole"))
    closed = refusal(brevet.sts(key).assume_role, RoleArn=role, RoleSessionName="me")
    assert "tenant-1" not in closed

    assert brevet.cli("role", "update", "opened", "--explain", "caller").returncode == 0
    opened = refusal(brevet.sts(key).assume_role, RoleArn=role, RoleSessionName="me", ExternalId="tenant-2")
    assert '(TRUST_NOT_SATISFIED, TRUST_CONDITION_MISMATCH)' in opened
    assert 'StringEquals sts:ExternalId wants "tenant-1", and the request has "tenant-2"' in opened
    assert brevet.cli("role", "update", "opened", "--explain", "owner").returncode == 0
    assert "tenant-1" not in refusal(brevet.sts(key).assume_role, RoleArn=role, RoleSessionName="me")

    other = brevet.cli("role", "update", "opened", "--explain", "caller", key=key)
    assert other.returncode == 3 and "iam:UpdateRole" in other.stderr


def test_b18_b20_dangerous_trust_is_refused_on_every_surface_unless_allowed(brevet, tmp_path):
    iam = brevet.iam()
    good = trust({"AWS": brevet.account})
    iam.create_role(RoleName="guarded", AssumeRolePolicyDocument=good)
    provider = f"arn:aws:iam::{brevet.account}:oidc-provider/token.actions.githubusercontent.com"
    audience = {"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}}
    for dangerous, code in (
        (trust("*"), "PUBLIC_PRINCIPAL"),
        (trust({"Federated": provider}, "sts:AssumeRoleWithWebIdentity", Condition=audience), "AUDIENCE_ONLY"),
    ):
        for call, parameters in (
            (iam.create_role, {"RoleName": "new", "AssumeRolePolicyDocument": dangerous}),
            (iam.update_assume_role_policy, {"RoleName": "guarded", "PolicyDocument": dangerous}),
        ):
            with pytest.raises(iam.exceptions.MalformedPolicyDocumentException) as caught:
                call(**parameters)
            assert code in str(caught.value) and "--allow-dangerous" in str(caught.value)
        file = tmp_path / "trust.json"
        file.write_text(dangerous)
        refused = brevet.cli("role", "put-trust", "guarded", file)
        assert refused.returncode == 1 and code in refused.stderr
        assert iam.get_role(RoleName="guarded")["Role"]["AssumeRolePolicyDocument"] == json.loads(good)
        put = brevet.cli("role", "put-trust", "guarded", file, "--allow-dangerous")
        assert put.returncode == 0 and f"dangerous {code}" in put.stderr, put.stderr
        assert iam.get_role(RoleName="guarded")["Role"]["AssumeRolePolicyDocument"] == json.loads(dangerous)
        restored = brevet.cli("role", "put-trust", "guarded", "-", stdin=good)
        assert restored.returncode == 0 and restored.stderr == ""

"""Roles that give an identity token so many sessions and no more."""

import concurrent.futures
import datetime
import json
import time

import grpc
import pytest
from conftest import refused as denial, triple, trust
from test_github_action import github, serving  # noqa: F401 (a fixture)
from test_grpc import pb  # noqa: F401 (a fixture)
from test_serve import audit, client, served
from test_web_identity import SUBJECT, exchange, refused, role_for
from test_providers import issuer  # noqa: F401 (a fixture)

USED_UP = "The identity token has got its 1 session: this role gives no more for one token."


def count(brevet, role, most):
    updated = brevet.cli("role", "update", role.rsplit("/", 1)[1], "--max-uses", str(most))
    assert updated.returncode == 0, updated.stderr


def test_b23_a_token_serves_once_and_a_restart_forgets_nothing(data_dir, github):  # noqa: F811
    token = github.token(sub=SUBJECT)
    with serving(data_dir, github) as (brevet, role):
        count(brevet, role, 1)
        # The stock action tries a denial again and again with one token: that spends nothing.
        assert refused(brevet, role.replace("deploy", "absent"), token)[0] == "AccessDenied"
        session = exchange(brevet, role, token)
        assert refused(brevet, role, token)[:2] == ("IDPRejectedClaim", 403)
    with served(data_dir) as (_, line):
        again = client(line, data_dir)
        again.account = brevet.account
        assert refused(again, role, token) == ("IDPRejectedClaim", 403, USED_UP)
        assert again.sts(triple(session["Credentials"])).get_caller_identity()
        count(again, role, 2)
        exchange(again, role, token)
        assert refused(again, role, token)[0] == "IDPRejectedClaim"
        count(again, role, 0)
        exchange(again, role, token)
    records = [record for record in audit(data_dir) if record.get("userIdentity", {}).get("subject") == SUBJECT]
    ended = [(record["outcome"], record.get("errorCode")) for record in records]
    assert ended.count(("success", None)) == 3 and ended.count(("denied", "IDPRejectedClaim")) == 3
    assert len({record["userIdentity"]["tokenIdHash"] for record in records}) == 1
    assert token.split(".")[2] not in json.dumps(records)


def test_b23_fifty_tries_at_once_get_one_session_and_both_wires_say_so(brevet, issuer, pb):  # noqa: F811
    role = role_for(brevet, issuer, "once")
    count(brevet, role, 1)
    token = issuer.token()
    issued = 'brevet_requests_total{api="query",operation="AssumeRoleWithWebIdentity",outcome="success",reason=""}'
    before = brevet.metric(issued)

    def one(_):
        try:
            return exchange(brevet, role, token)["AssumedRoleUser"]["Arn"]
        except Exception as error:
            return error.response["Error"]["Code"]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(one, range(50)))
    # The others came too late, or with more bad tokens from one place than anyone has.
    assert sum(outcome.startswith("arn:") for outcome in outcomes) == 1 == brevet.metric(issued) - before
    assert {outcome for outcome in outcomes if not outcome.startswith("arn:")} <= {"IDPRejectedClaim", "Throttling"}

    time.sleep(2)
    request = pb.AssumeRoleWithWebIdentityRequest(role_arn=role, role_session_name="job", web_identity_token=token)
    with grpc.insecure_channel(brevet.authority) as channel:
        call = channel.unary_unary(
            "/brevet.sts.v1.SecurityTokenService/AssumeRoleWithWebIdentity",
            request_serializer=pb.AssumeRoleWithWebIdentityRequest.SerializeToString,
            response_deserializer=pb.AssumeRoleWithWebIdentityResponse.FromString,
        )
        with pytest.raises(grpc.RpcError) as caught:
            call(request, timeout=10)
    assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.PERMISSION_DENIED, USED_UP)


def test_what_is_chained_to_a_counted_session_ends_with_it(brevet, issuer):  # noqa: F811
    role = role_for(brevet, issuer, "first")
    count(brevet, role, 1)
    brevet.iam().create_role(RoleName="next", AssumeRolePolicyDocument=trust({"AWS": role}))
    first = exchange(brevet, role, issuer.token(), DurationSeconds=1800)["Credentials"]
    sts = brevet.sts(triple(first))
    arn = role.replace("first", "next")
    chained = sts.assume_role(RoleArn=arn, RoleSessionName="next")["Credentials"]
    assert chained["Expiration"] <= first["Expiration"]
    assert first["Expiration"] - chained["Expiration"] < datetime.timedelta(seconds=5)
    too_long = denial(sts.assume_role, RoleArn=arn, RoleSessionName="next", DurationSeconds=3600)["Error"]
    assert too_long["Code"] == "ValidationError" and "left to the first session of this chain" in too_long["Message"]


def test_a_role_is_made_to_count_and_out_of_bounds_is_refused(brevet, issuer, tmp_path):  # noqa: F811
    role = role_for(brevet, issuer, "bounds")
    many = brevet.cli("role", "update", "bounds", "--max-uses", "1001")
    assert many.returncode == 1 and "maxUses is at most 1000" in many.stderr, many
    assert brevet.cli("role", "update", "bounds").returncode == 2, "a setting is asked for"
    brevet.cli("role", "update", "bounds", "--explain", "caller")
    count(brevet, role, 3)
    token = issuer.token()
    for _ in range(3):
        exchange(brevet, role, token)
    # A change of one setting leaves the other.
    brevet.cli("role", "update", "bounds", "--explain", "owner")
    assert refused(brevet, role, token)[0] == "IDPRejectedClaim"

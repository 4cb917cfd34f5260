"""What the credentials of a validator are good for in other hands: its own zone, and nothing else."""

import datetime

import botocore.exceptions
import grpc
import pytest
import rpc
from conftest import refused, statement
from test_zones import deployment  # noqa: F401 (a fixture)

SERVICE = "/brevet.validation.v1.ValidationService/"
EVERYTHING = ["GetTrustBundle", "WatchTrust", "AcknowledgeTrust", "GetSigningKey", "VerifyRequest"]


@pytest.fixture(scope="module")
def pb(tmp_path_factory):
    return rpc.messages(tmp_path_factory.mktemp("validation"), "brevet/validation/v1/validation.proto")


@pytest.fixture
def thief(deployment, pb):  # noqa: F811
    """Calls with the keys of a validator of `storage` that may do all that a validator ever may."""
    zone = f"arn:aws:brevet:*:{deployment.brevet.account}:zone/storage"
    key = deployment.brevet.user("validator", statement(action=[f"brevet:{name}" for name in EVERYTHING], resource=zone))

    def call(method, message):
        answer = getattr(pb, f"{method}Response")
        sent = message.SerializeToString()
        metadata = rpc.signed(deployment.brevet, SERVICE + method, sent, key=key)
        return rpc.send(deployment.brevet, SERVICE + method, sent, metadata, answer)

    call.key = key
    return call


def kind(call, *arguments):
    """Status of a call that must fail."""
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments)
    return caught.value.code()


def signing_key(pb, zone, service, access_key, token="", region="us-east-1"):
    date = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d")
    return pb.GetSigningKeyRequest(
        zone=zone, access_key_id=access_key, security_token=token, date=date, region=region, service=service
    )


def test_d6_a_validators_credentials_get_the_bundle_and_the_keys_of_its_own_zone_alone(deployment, thief, pb):  # noqa: F811
    assert thief("GetTrustBundle", pb.GetTrustBundleRequest(zone="storage")).bundle.startswith(b"brevet trust bundle 1\n")
    for zone in ("compute", "default", "nowhere"):
        assert kind(thief, "GetTrustBundle", pb.GetTrustBundleRequest(zone=zone)) == grpc.StatusCode.PERMISSION_DENIED, zone

    long_lived, session = deployment.brevet.key, deployment.keys()
    for access_key, token in ((long_lived[0], ""), (session[0], session[2])):
        key = thief("GetSigningKey", signing_key(pb, "storage", "s3", access_key, token))
        assert len(key.signing_key) == 32
        answers = {
            kind(thief, "GetSigningKey", signing_key(pb, "storage", service, access_key, token))
            for service in ("batch", "sts", "iam", "brevet", "")
        }
        assert not answers & {grpc.StatusCode.OK, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}
        for zone in ("compute", "default"):
            denied = kind(thief, "GetSigningKey", signing_key(pb, zone, "batch", access_key, token))
            assert denied == grpc.StatusCode.PERMISSION_DENIED


def test_d5_a_validators_credentials_mint_no_session_and_change_nothing(deployment, thief):  # noqa: F811
    sts, iam = deployment.brevet.sts(thief.key), deployment.brevet.iam(thief.key)
    role = f"arn:aws:iam::{deployment.brevet.account}:role/worker"
    for call, arguments in (
        (sts.assume_role, {"RoleArn": role, "RoleSessionName": "thief"}),
        (sts.get_federation_token, {"Name": "thief"}),
        (iam.create_access_key, {}),
        (iam.list_users, {}),
    ):
        assert refused(call, **arguments)["Error"]["Code"] == "AccessDenied"
    # A session of its own may be had without a permission, as at AWS, and can do no more than its user.
    session = sts.get_session_token()["Credentials"]
    key = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    with pytest.raises(botocore.exceptions.ClientError):
        deployment.brevet.sts(key).assume_role(RoleArn=role, RoleSessionName="thief")
    for arguments in (("list",), ("disable", "default"), ("create", "more", "--service", "more")):
        assert deployment.zone(*arguments, key=thief.key).returncode == 3

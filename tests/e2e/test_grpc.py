"""gRPC from Python: grpcio carries the call, botocore signs it."""

import grpc
import pytest
import rpc
from conftest import statement
from google.protobuf import duration_pb2
from rpc import signed

SERVICE = "/brevet.sts.v1.SecurityTokenService/"


@pytest.fixture(scope="module")
def pb(tmp_path_factory):
    return rpc.messages(tmp_path_factory.mktemp("proto"), "brevet/sts/v1/sts.proto")


def call(brevet, name, request, answer, method=None, metadata=None, message=None, **options):
    sent = message if message is not None else request.SerializeToString()
    if metadata is None:
        metadata = signed(brevet, SERVICE + name, request.SerializeToString(), **options)
    return rpc.send(brevet, method or SERVICE + name, sent, metadata, answer)


def refused(*arguments, **options):
    return rpc.refused(call, *arguments, **options)


def test_caller_identity(brevet, pb):
    me = call(brevet, "GetCallerIdentity", pb.GetCallerIdentityRequest(), pb.GetCallerIdentityResponse)
    assert me.account == brevet.account
    assert me.arn == brevet.sts().get_caller_identity()["Arn"]


def test_assume_role_over_grpc_gives_keys_that_work_over_both_wires(brevet, pb):
    request = pb.AssumeRoleRequest(
        role_arn=brevet.role("reader"), role_session_name="grpc", duration=duration_pb2.Duration(seconds=900)
    )
    answer = call(brevet, "AssumeRole", request, pb.AssumeRoleResponse)
    keys = (answer.credentials.access_key_id, answer.credentials.secret_access_key, answer.credentials.security_token)
    assert not answer.HasField("packed_policy_size")
    me = call(brevet, "GetCallerIdentity", pb.GetCallerIdentityRequest(), pb.GetCallerIdentityResponse, key=keys)
    assert me.arn == answer.assumed_role_user.arn == brevet.sts(keys).get_caller_identity()["Arn"]


def test_the_other_operations(brevet, pb):
    token = call(brevet, "GetSessionToken", pb.GetSessionTokenRequest(), pb.GetSessionTokenResponse)
    assert token.credentials.access_key_id.startswith("ASIA")
    token = call(brevet, "GetFederationToken", pb.GetFederationTokenRequest(name="bob"), pb.GetFederationTokenResponse)
    assert token.federated_user.arn.endswith("federated-user/bob")
    info = call(brevet, "GetAccessKeyInfo", pb.GetAccessKeyInfoRequest(access_key_id=brevet.key[0]), pb.GetAccessKeyInfoResponse)
    assert info.account == brevet.account


def test_refusals_have_the_same_class_as_over_http(brevet, pb):
    me, answer = pb.GetCallerIdentityRequest(), pb.GetCallerIdentityResponse
    unauthenticated = grpc.StatusCode.UNAUTHENTICATED
    assert refused(brevet, "GetCallerIdentity", me, answer, metadata=[]) == (unauthenticated, "MISSING_AUTHENTICATION_TOKEN")
    wrong = (brevet.key[0], "x" * 40, None)
    assert refused(brevet, "GetCallerIdentity", me, answer, key=wrong) == (unauthenticated, "SIGNATURE_DOES_NOT_MATCH")
    unknown = ("AKIAQQQQQQQQQQQQQQQQ", "x" * 40, None)
    assert refused(brevet, "GetCallerIdentity", me, answer, key=unknown) == (unauthenticated, "INVALID_CLIENT_TOKEN_ID")
    assert refused(brevet, "GetCallerIdentity", me, answer, service="s3") == (unauthenticated, "SIGNATURE_DOES_NOT_MATCH")
    role = pb.AssumeRoleRequest(role_arn=f"arn:aws:iam::{brevet.account}:role/none", role_session_name="grpc")
    assert refused(brevet, "AssumeRole", role, pb.AssumeRoleResponse) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "TRUST_NOT_SATISFIED",
    )
    short = pb.AssumeRoleRequest(role_arn=brevet.role("reader"), role_session_name="x")
    assert refused(brevet, "AssumeRole", short, pb.AssumeRoleResponse) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "VALIDATION_ERROR",
    )


def test_a30_metadata_of_one_method_does_not_open_another(brevet, pb):
    request = pb.GetCallerIdentityRequest()
    metadata = signed(brevet, SERVICE + "GetCallerIdentity", b"")
    assert refused(
        brevet, "GetSessionToken", request, pb.GetSessionTokenResponse, metadata=metadata
    ) == (grpc.StatusCode.UNAUTHENTICATED, "SIGNATURE_DOES_NOT_MATCH")


def test_a31_a_swapped_message_is_refused(brevet, pb):
    request = pb.AssumeRoleRequest(role_arn=brevet.role("reader"), role_session_name="honest")
    other = pb.AssumeRoleRequest(role_arn=brevet.role("reader"), role_session_name="forged")
    metadata = signed(brevet, SERVICE + "AssumeRole", request.SerializeToString())
    assert refused(brevet, "AssumeRole", other, pb.AssumeRoleResponse, metadata=metadata) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "SIGNATURE_DOES_NOT_MATCH",
    )


def test_a22_an_unsigned_payload_is_refused(brevet, pb):
    request = pb.GetCallerIdentityRequest()
    metadata = signed(brevet, SERVICE + "GetCallerIdentity", b"", change={"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
    assert refused(brevet, "GetCallerIdentity", request, pb.GetCallerIdentityResponse, metadata=metadata) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "SIGNATURE_DOES_NOT_MATCH",
    )


def test_a6_unsigned_and_binary_amz_metadata_is_refused(brevet, pb):
    request = pb.GetCallerIdentityRequest()
    for extra in ({"x-amz-tagging": "a=b"}, {"x-amz-thing-bin": b"\x00"}):
        metadata = signed(brevet, SERVICE + "GetCallerIdentity", b"", change=extra)
        code, _ = refused(brevet, "GetCallerIdentity", request, pb.GetCallerIdentityResponse, metadata=metadata)
        assert code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INVALID_ARGUMENT)


def test_unknown_request_fields_are_refused(brevet, pb):
    message = pb.AssumeRoleRequest(role_arn=brevet.role("reader"), role_session_name="grpc").SerializeToString()
    message += b"\x9a\x06\x01x"  # field 99
    metadata = signed(brevet, SERVICE + "AssumeRole", message)
    code, _ = refused(
        brevet, "AssumeRole", None, pb.AssumeRoleResponse, metadata=metadata, message=message
    )
    assert code == grpc.StatusCode.INVALID_ARGUMENT


def test_health_and_reflection_need_no_signature(brevet):
    with grpc.insecure_channel(brevet.authority) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert check(b"", timeout=5) == b"\x08\x01"
        for version in ("v1", "v1alpha"):
            info = channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
            listing = next(info(iter([b"\x3a\x00"]), timeout=5))
            assert b"brevet.sts.v1.SecurityTokenService" in listing
            # google/rpc is there, so that tools can show error details.
            details = next(info(iter([b"\x22\x14google.rpc.ErrorInfo"]), timeout=5))
            assert b"error_details.proto" in details


def test_e14_unknown_methods_are_unimplemented(brevet, pb):
    with grpc.insecure_channel(brevet.authority) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary(SERVICE + "Nothing")(b"", timeout=5)
    assert caught.value.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNAUTHENTICATED)


def test_a_denied_user_is_denied_on_both_wires(brevet, pb):
    key = brevet.user("grpc-narrow", statement(action="s3:*"))
    request = pb.GetFederationTokenRequest(name="bob")
    code, reason = refused(brevet, "GetFederationToken", request, pb.GetFederationTokenResponse, key=key)
    assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "NO_MATCHING_ALLOW")

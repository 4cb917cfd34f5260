"""gRPC calls, bent in one place each: what A1 to A36 mean on this wire, and what only this wire has."""

import gzip
import subprocess
import sys

import pytest
from conftest import ROOT

from .sigv4 import Call, Signer
from .stage import SERVICE
from .wire import Ended, framed

MISMATCH, INCOMPLETE, MALFORMED, INVALID = (
    "SignatureDoesNotMatch", "IncompleteSignature", "MalformedQueryString", "ValidationError")


@pytest.fixture(scope="module")
def pb(tmp_path_factory):
    """The messages, generated from the proto file."""
    out = tmp_path_factory.mktemp("proto")
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", f"--python_out={out}", "brevet/sts/v1/sts.proto"]
    subprocess.run(command, check=True)
    if "brevet.sts.v1.sts_pb2" not in sys.modules:
        sys.path.insert(0, str(out))
    from brevet.sts.v1 import sts_pb2

    return sts_pb2


@pytest.fixture
def assume(stage, pb):
    """The message of a good AssumeRole."""
    return pb.AssumeRoleRequest(role_arn=stage.reader, role_session_name="grpc").SerializeToString()


def test_the_hand_made_calls_are_right(stage, session, assume):
    for key in (stage.key, session):
        assert stage.account.encode() in stage.accepted(stage.call(key=key)).body
    stage.accepted(stage.call("AssumeRole", assume))


@pytest.mark.parametrize("change, code", [
    (lambda s: ("0" if s[0] != "0" else "1") + s[1:], MISMATCH),
    (lambda s: "0" * 64, MISMATCH),
    (lambda s: "F" * 64, MISMATCH),
    (lambda s: s[:-1], INCOMPLETE),
    (lambda s: s + "0", INCOMPLETE),
    (lambda s: "", INCOMPLETE),
])
def test_a1_a_changed_signature_is_refused(stage, change, code):
    stage.refused(stage.call().bent(change), code)


@pytest.mark.parametrize("query", ["X-Amz-Signature=" + "0" * 64, "X-Amz-Algorithm=AWS4-HMAC-SHA256", "", "a=b"])
def test_a2_a17_a_path_with_a_query_is_refused(stage, query):
    call = stage.call()
    stage.refused(call.but(target=f"{call.target}?{query}"), MALFORMED)


@pytest.mark.parametrize("name", ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"])
@pytest.mark.parametrize("same", [True, False], ids=["same", "other"])
def test_a3_repeated_metadata_of_authentication_is_refused(stage, session, name, same):
    call = stage.call(key=session)
    value = call.header(name)
    stage.refused(call.added((name, value if same else value[:-1] + "0")), INCOMPLETE)


def test_a3_any_repeated_amz_metadata_is_refused_though_signed(stage):
    stage.refused(stage.call(headers=(("X-Amz-Meta", "a"), ("X-Amz-Meta", "b"))), INCOMPLETE)


@pytest.mark.parametrize("extra, code", [
    (("x-amz-tagging", "a=b"), MISMATCH),
    (("x-amz-security-token", "abc"), MISMATCH),
    (("x-amz-thing-bin", "AAAA"), INCOMPLETE),
    (("x-amz-thing", "a\tb"), INCOMPLETE),
    (("x-amz-thing", "\xe9"), INCOMPLETE),
])
def test_a6_unsigned_binary_and_unprintable_amz_metadata_is_refused(stage, extra, code):
    stage.refused(stage.call().added(extra), code)


@pytest.mark.parametrize("extra", [("x-forwarded-host", "evil"), ("grpc-trace-bin", "AAAA"), ("user-agent", "x"), ("x-request-id", "1")])
def test_a6_other_metadata_decides_nothing(stage, extra):
    stage.accepted(stage.call().added(extra))


@pytest.mark.parametrize("signed, code", [
    ("x-amz-content-sha256;x-amz-date", MISMATCH),
    ("host;x-amz-date", MISMATCH),
    ("absent;host;x-amz-content-sha256;x-amz-date", MISMATCH),
    ("x-amz-date;x-amz-content-sha256;host", INCOMPLETE),
    ("", INCOMPLETE),
])
def test_a7_signed_headers_must_be_whole_and_in_order(stage, signed, code):
    stage.refused(stage.call(signed_headers=signed), code)


def test_a8_another_authority_is_refused(stage):
    stage.refused(stage.call().replaced("host", "sts.example.com"), MISMATCH)
    stage.refused(stage.call().replaced("host", f"user@{stage.authority}"), INCOMPLETE)


@pytest.mark.parametrize("host", ["evil", "127.0.0.1", "{}, evil"])
def test_a8_a_host_that_differs_from_the_authority_is_refused(stage, host):
    host = host.replace("{}", stage.authority)
    stage.refused(stage.call().replaced("host", host).but(authority=stage.authority), INCOMPLETE)
    stage.refused(stage.call().but(authority="evil"), INCOMPLETE)


def test_a8_a_host_that_says_the_same_is_accepted(stage):
    stage.accepted(stage.call().but(authority=stage.authority))


@pytest.mark.parametrize("signer", [
    {"service": "s3"}, {"service": "iam"}, {"terminator": "aws5_request"}, {"scope_date": "20200101"},
])
def test_a9_a_scope_that_is_not_ours_is_refused(stage, signer):
    stage.refused(stage.call(**signer), MISMATCH)


@pytest.mark.parametrize("shift, code", [(-903, MISMATCH), (903, MISMATCH), (-895, None), (895, None)])
def test_a13_the_window_is_fifteen_minutes(stage, shift, code):
    call = stage.call(shift=shift)
    stage.refused(call, code) if code else stage.accepted(call)


@pytest.mark.parametrize("date", ["20260230T000000Z", "20260101T000000+0800", "20260101T000000", "", "\xb2\xb0260101T000000Z"])
def test_a13_malformed_dates_are_refused(stage, date):
    stage.refused(stage.call().replaced("x-amz-date", date), INCOMPLETE)


@pytest.mark.parametrize("path, code", [
    ("/brevet.sts.v1.SecurityTokenService//GetCallerIdentity", MALFORMED),
    ("/brevet.sts.v1.SecurityTokenService/./GetCallerIdentity", MALFORMED),
    ("/brevet.sts.v1.SecurityTokenService/x/../GetCallerIdentity", MALFORMED),
    ("/brevet.sts.v1.SecurityTokenService/Get%43allerIdentity", MALFORMED),
    ("/brevet.sts.v1.SecurityTokenService/GetCallerIdentity/", MALFORMED),
    ("/", MALFORMED),
    ("/brevet.sts.v1.SecurityTokenService/getcalleridentity", "InvalidAction"),
    ("/BREVET.sts.v1.SecurityTokenService/GetCallerIdentity", "InvalidAction"),
    ("/brevet.sts.v1.SecurityTokenService/Nothing", "InvalidAction"),
    ("/brevet.admin.v1.Nothing/Nothing", "InvalidAction"),
    ("/GetCallerIdentity", "InvalidAction"),
])
def test_a17_e14_only_the_exact_path_of_a_method_is_served(stage, path, code):
    call = stage.call().without("authorization").but(target=path)
    stage.refused(Signer(stage.key).authorize(call, call.header("x-amz-date")), code)


@pytest.mark.parametrize("declared, code", [
    ("UNSIGNED-PAYLOAD", MISMATCH),
    ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", MISMATCH),
    ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", MISMATCH),
    ("0" * 64, MISMATCH),
    ("A" * 64, INCOMPLETE),
    ("", MISMATCH),  # not there
])
def test_a22_a23_a_message_that_is_not_covered_is_refused(stage, declared, code):
    stage.refused(stage.call(declared=declared), code)


@pytest.mark.parametrize("algorithm", ["AWS4-HMAC-SHA1", "AWS4-ECDSA-P256-SHA256", "aws4-hmac-sha256", "Bearer"])
def test_a24_other_algorithms_are_refused(stage, algorithm):
    stage.refused(stage.call(algorithm=algorithm), INCOMPLETE)


def test_a26_key_and_token_belong_together(stage, session):
    for key in (
        (*session[:2], None),
        (*session[:2], stage.bystander[2]),
        (stage.bystander[0], *session[1:]),
        (*stage.key[:2], session[2]),
        (*session[:2], session[2][:-2] + ("AA" if session[2][-2:] != "AA" else "BB")),
    ):
        stage.refused(stage.call(key=key), "InvalidClientTokenId")


def test_a27_a_token_alone_is_no_credential(stage, session):
    stage.refused(stage.call(key=session).without("authorization"), "MissingAuthenticationToken")
    bare = Call("POST", SERVICE + "GetCallerIdentity", (("host", stage.authority),))
    stage.refused(bare, "MissingAuthenticationToken")


def test_a28_a_token_added_after_signing_is_refused(stage, session):
    stage.refused(stage.call(key=session, header_token=False).added(("x-amz-security-token", session[2])), MISMATCH)


def test_a29_a_call_replayed_within_its_window_is_answered_and_recorded_each_time(stage, assume):
    call = stage.call("AssumeRole", assume)
    stage.new_records()
    for _ in range(2):
        stage.accepted(call)
    assert [record["outcome"] for record in stage.new_records()[0]] == ["success"] * 2


@pytest.mark.parametrize("signed, sent", [
    ("GetCallerIdentity", "GetSessionToken"), ("GetSessionToken", "GetCallerIdentity"), ("GetCallerIdentity", "AssumeRole"),
])
def test_a30_metadata_of_one_method_does_not_open_another(stage, signed, sent):
    stage.refused(stage.call(signed).but(target=SERVICE + sent), MISMATCH)


def test_a30_metadata_of_a_query_request_does_not_open_a_call(stage):
    call = stage.call().without("authorization")
    query = call.but(target="/")
    signed = Signer(stage.key).authorize(query, query.header("x-amz-date"))
    stage.refused(signed.but(target=SERVICE + "GetCallerIdentity"), MISMATCH)


def test_a31_a_swapped_message_is_refused(stage, pb, assume):
    forged = pb.AssumeRoleRequest(role_arn=stage.reader, role_session_name="forged").SerializeToString()
    stage.refused(stage.call("AssumeRole", assume).but(body=forged), MISMATCH)
    stage.refused(stage.call("AssumeRole", assume).but(body=assume + b"\x1a\x00"), MISMATCH)


def test_a31_compressed_messages_are_refused_unopened(stage):
    bomb = gzip.compress(bytes(50 << 20))
    for encoding in ("gzip", "deflate", "zstd", "br", "x"):
        call = stage.call("AssumeRole", bomb).added(("grpc-encoding", encoding))
        stage.refused(call.but(frame=framed(bomb, flag=1)), "UnsupportedMediaType")
    small = gzip.compress(b"")
    stage.refused(stage.call(message=small).but(frame=framed(small, flag=1)), "UnsupportedMediaType")


def test_a36_temporary_keys_buy_no_user_session(stage, session, pb):
    stage.refused(stage.call("GetSessionToken", key=session), "AccessDenied")
    stage.refused(stage.call("GetFederationToken", pb.GetFederationTokenRequest(name="bob"), key=session), "AccessDenied")


@pytest.mark.parametrize("frame", [
    b"", b"\0", b"\0\0\0\0", framed(b"", length=1), framed(b"abc", length=2), framed(b"") * 2, framed(b"", flag=2),
    framed(b"", flag=255), framed(b"") + b"\0", b"\xff" * 64,
], ids=["none", "flag", "cut", "short", "long", "two", "flag-2", "flag-255", "tail", "noise"])
@pytest.mark.parametrize("method", ["AssumeRole", "GetSessionToken", "GetFederationToken", "GetCallerIdentity", "GetAccessKeyInfo"])
def test_e8_a_body_that_is_not_one_message_is_refused(stage, method, frame):
    stage.refused(stage.call(method).but(frame=frame), INVALID)


@pytest.mark.parametrize("message", [
    b"\xff", b"\x0a", b"\x0a\x05ab", b"\x0a\xff\xff\xff\xff\x0f", b"\x80" * 11, b"\x08\x01", b"\x0b\x0c", b"\x0a\x01\xff",
    b"\x0a\x01a\x0a\x01b", b"\x9a\x06\x01x", b"\x1a\x02\x08\x80", b"\x00\x00", b"\x32\x02\x0a\xff",
], ids=["tag", "no-length", "short", "huge", "varint", "wire-type", "group", "utf8", "twice", "unknown", "nested", "field-0", "nested-short"])
@pytest.mark.parametrize("method", ["AssumeRole", "GetSessionToken", "GetFederationToken", "GetCallerIdentity", "GetAccessKeyInfo"])
def test_e8_d21_messages_that_are_not_strict_are_refused_though_signed(stage, method, message):
    stage.refused(stage.call(method, message), INVALID)


def test_e8_e13_a_message_beyond_the_limit_is_refused_announced_or_sent(stage):
    huge = framed(b"", length=0xFFFFFFFF)
    stage.refused(stage.call().but(frame=huge), "RequestEntityTooLarge")
    long = bytes((128 << 10) + 1)
    stage.refused(stage.call("AssumeRole", long), "RequestEntityTooLarge")


@pytest.mark.parametrize("timeout", ["", "1", "S", "-1S", "+1S", "1.5S", "999999999H", "1s", "1 S", "0x1S", "99999999"])
def test_e13_a_timeout_of_another_form_is_refused(stage, timeout):
    stage.refused(stage.call("GetSessionToken").added(("grpc-timeout", timeout)), INVALID)


def test_e13_a_timeout_given_twice_is_refused(stage):
    stage.refused(stage.call("GetSessionToken").added(("grpc-timeout", "1S"), ("grpc-timeout", "2S")), INVALID)


def test_e13_a_timeout_of_years_is_only_a_timeout(stage):
    stage.accepted(stage.call().added(("grpc-timeout", "99999999H")))


@pytest.mark.parametrize("timeout", ["0n", "0H", "1n"])
def test_e13_a_call_whose_time_is_over_mints_nothing(stage, assume, timeout):
    stage.refused(stage.call("AssumeRole", assume).added(("grpc-timeout", timeout)), "RequestTimeout")


def test_e13_metadata_beyond_the_limit_is_refused(stage):
    stage.refused(stage.call(headers=(("x-long", "x" * 20_000),)), "RequestEntityTooLarge")
    stage.refused(stage.call(headers=tuple((f"x-{n}", "") for n in range(600))), "RequestEntityTooLarge")


@pytest.mark.parametrize("headers", [
    tuple((f"x-{n}", "x" * 10_000) for n in range(100)), tuple((f"x-{n}", "") for n in range(10_000)),
], ids=["a-megabyte", "10000-entries"])
def test_e13_metadata_far_beyond_the_limit_ends_the_call_or_the_connection(stage, headers):
    issued = stage.issued()
    try:
        # Too long to be read: HTTP's own 431.
        assert stage.send(stage.call("GetSessionToken").added(*headers)).status == 431
    except (Ended, ConnectionError):
        pass
    assert stage.issued() == issued
    stage.unharmed()


@pytest.mark.parametrize("value", ["!!!", "A", "====", "\xff"])
def test_e13_binary_metadata_that_is_none_decides_nothing(stage, value):
    stage.accepted(stage.call().added(("trace-bin", value)))


def test_e14_health_tells_who_asks_nothing_of_the_service_list(stage):
    unsigned = Call("POST", "/grpc.health.v1.Health/Check", (("host", stage.authority),))
    assert stage.accepted(unsigned).body == framed(b"\x08\x01")
    unknown = stage.send(unsigned.but(body=b"\x0a\x04evil"))
    assert unknown.status == 5


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "post"])
def test_calls_by_another_method_are_refused(stage, method):
    stage.refused(stage.call().but(method=method), INCOMPLETE)

"""A resource service behind the validator, with S3's dialect: the rows of group A that reach it, each bent in one place."""

import re

import pytest
from conftest import TARGET, running

from .conftest import Resource
from .sigv4 import Request, Signer, sha256
from .wire import connect, read_answers, to_bytes

MISMATCH, INCOMPLETE, MALFORMED, TOKEN = (
    "SignatureDoesNotMatch", "IncompleteSignature", "MalformedQueryString", "InvalidClientTokenId")


def test_the_hand_made_requests_are_right(resource):
    for request in (resource.signed(), resource.presigned(), resource.signed(target="/a%20b/c?list-type=2&prefix=a%2Fb", method="GET", body=b"")):
        assert resource.key[0].encode() in resource.accepted(request).body


@pytest.mark.parametrize("change, code", [
    (lambda s: ("0" if s[0] != "0" else "1") + s[1:], MISMATCH), (lambda s: "0" * 64, MISMATCH), (lambda s: "F" * 64, MISMATCH),
    (lambda s: s[:-1], INCOMPLETE), (lambda s: s + "0", INCOMPLETE), (lambda s: s * 2, INCOMPLETE), (lambda s: "", INCOMPLETE),
])
def test_a1_a_changed_signature_is_refused(resource, change, code):
    resource.refused(resource.signed().bent(change), code)


def test_a2_credentials_in_header_and_query_are_refused(resource):
    for query in ("X-Amz-Signature=0", "X-Amz-Credential=a", "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Security-Token=a"):
        resource.refused(resource.signed(target=f"/b/k?{query}"), INCOMPLETE)
    resource.refused(resource.presigned().added(("Authorization", resource.signed().header("authorization"))), INCOMPLETE)


@pytest.mark.parametrize("name", ["Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "Host"])
def test_a3_a_repeated_header_of_authentication_is_refused(resource, name):
    request = resource.signed(headers=(("X-Amz-Content-Sha256", sha256(b"some bytes")),))
    resource.refused(request.added((name, request.header(name))), INCOMPLETE)


@pytest.mark.parametrize("name", ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders",
                                  "X-Amz-Signature", "X-Amz-Security-Token"])
def test_a5_a19_a_parameter_repeated_or_in_another_case_is_refused(resource, name):
    request = resource.presigned()
    resource.refused(request.but(target=f"{request.target}&{name}=1"), INCOMPLETE)
    resource.refused(request.but(target=f"{request.target}&{name.lower()}=1"), INCOMPLETE)
    resource.refused(request.but(target=request.target.replace(name + "=", name.lower() + "=")), INCOMPLETE)


@pytest.mark.parametrize("header", [("x-amz-tagging", "a=b"), ("x-amz-acl", "public-read"), ("x-amz-copy-source", "/b/secret")])
def test_a6_an_amz_header_added_after_signing_is_refused(resource, header):
    resource.refused(resource.signed().added(header), MISMATCH)
    resource.refused(resource.presigned().added(header), MISMATCH)


@pytest.mark.parametrize("signed, code", [
    ("x-amz-date;x-amz-security-token", MISMATCH), ("host;x-amz-date", MISMATCH), ("absent;host;x-amz-date;x-amz-security-token", MISMATCH),
    ("x-amz-security-token;x-amz-date;host", INCOMPLETE), ("host;host", INCOMPLETE), ("", INCOMPLETE),
])
def test_a7_signed_headers_must_be_whole_and_in_order(resource, signed, code):
    resource.refused(resource.signed(signed_headers=signed), code)


@pytest.mark.parametrize("host, code", [("evil", MISMATCH), ("127.0.0.1", MISMATCH), ("{}, {}", INCOMPLETE), ("", INCOMPLETE)])
def test_a8_another_host_is_refused(resource, host, code):
    host = host.replace("{}", resource.authority)
    resource.refused(resource.signed().replaced("host", host), code)
    resource.refused(resource.presigned().replaced("host", host), code)


def test_a8_a_target_that_names_another_host_is_refused(resource):
    request = Request("GET", "http://evil/b/k", (("Host", resource.authority),))
    resource.refused(Signer(resource.key, service="s3").sign(request), INCOMPLETE)


@pytest.mark.parametrize("signer", [
    {"service": "sts"}, {"service": "iam"}, {"service": "queue"}, {"service": "S3"}, {"terminator": "aws5_request"}, {"scope_date": "20200101"},
])
def test_a9_a10_a_scope_that_is_not_ours_is_refused_however_well_signed(resource, signer):
    resource.refused(resource.signed(**signer), MISMATCH)
    resource.refused(resource.presigned(**signer), MISMATCH)


def test_a10_a_request_to_one_service_does_not_open_another(resource, bundle):
    with running(TARGET / "examples" / "protected_axum", "--listen", "127.0.0.1:0", "--bundle", bundle, "--service", "queue") as (_, line):
        queue = Resource(re.search(r"http://\S+", line).group(), resource.key)
        queue.accepted(queue.signed(service="queue"))
        assert queue.send(queue.signed(service="s3")).code == MISMATCH


@pytest.mark.parametrize("credential", ["{id}/x/{scope}", "{id}", "A" * 129 + "/{scope}", "{id} /{scope}", "/{scope}", "{id}/{scope}/"])
def test_a11_credentials_of_another_shape_are_refused(resource, credential):
    request = resource.signed()
    old = request.header("authorization").split("Credential=")[1].split(",")[0]
    new = credential.format(id=resource.key[0], scope=old.split("/", 1)[1])
    resource.refused(request.replaced("authorization", lambda text: text.replace(old, new)), INCOMPLETE)


@pytest.mark.parametrize("shift", [-903, 903, -86400, 86400])
def test_a13_clocks_more_than_fifteen_minutes_apart_are_refused(resource, shift):
    resource.refused(resource.signed(shift=shift), MISMATCH)


@pytest.mark.parametrize("date", ["20260230T000000Z", "20260101T235960Z", "20260101T000000+0800", "00000101T000000Z", "", "\xb2\xb0260101T000000Z"])
def test_a13_malformed_dates_are_refused(resource, date):
    resource.refused(resource.signed().replaced("x-amz-date", date), INCOMPLETE)


@pytest.mark.parametrize("expires", ["0", "-1", "604801", "1e30", "+60", " 60", "6e1", "0x3c", "", None])
def test_a14_expires_is_one_to_604800_in_digits(resource, expires):
    resource.refused(resource.presigned(expires=expires), INCOMPLETE)


@pytest.mark.parametrize("shift, expires, accepted", [
    (-62, "60", False), (903, "60", False), (903, "604800", False), (-604803, "604800", False),
    (-55, "60", True), (890, "60", True), (-86400, "604800", True),
])
def test_a15_a_presigned_request_lives_from_its_date(resource, shift, expires, accepted):
    request = resource.presigned(shift=shift, expires=expires)
    resource.accepted(request) if accepted else resource.refused(request, MISMATCH)


@pytest.mark.parametrize("signed, sent", [
    ("/a/../b", "/b"), ("/b", "/a/../b"), ("/a//b", "/a/b"), ("/a/b", "/a//b"), ("/a/./b", "/a/b"), ("/a%2Fb", "/a/b"), ("/a/b", "/a%2Fb"),
    ("/a%252e", "/a%2e"), ("/a", "/a/"), ("/a;x", "/a"), ("/a", "/A"), ("/a%5Cb", "/a/b"), ("/%2e%2e/b", "/b"), ("/b", "/%2e%2e/b"),
])
def test_a17_a_path_is_served_as_it_was_signed(resource, signed, sent):
    request = resource.signed(target=signed)
    resource.accepted(request)
    resource.refused(request.but(target=sent), MISMATCH)


@pytest.mark.parametrize("target", ["/b/%zz", "/b/%", "/b/%4", "/b?a=%zz", "/b?a=%", "/b?%u0041"])
def test_a18_broken_escapes_are_refused(resource, target):
    request = resource.signed().but(target=target)
    resource.refused(request, MALFORMED)


@pytest.mark.parametrize("target", ["/b/%00", "/b/%0d%0ax-amz-date:1", "/b?a=%0a%0d", "/b/%C0%AF"])
def test_a18_a21_escaped_bytes_are_signed_as_they_are_and_forge_nothing(resource, target):
    request = resource.signed(target=target)
    resource.accepted(request)
    resource.refused(request.but(target="/b"), MISMATCH)


def test_a19_the_order_of_one_parameters_values_is_part_of_no_second_form(resource):
    request = resource.signed(target="/b?a=1&a=2&b")
    resource.accepted(request)
    resource.accepted(request.but(target="/b?b=&a=1&a=2"))
    resource.refused(request.but(target="/b?a=1&b"), MISMATCH)
    resource.refused(request.but(target="/b?a=1&a=3&b"), MISMATCH)


@pytest.mark.parametrize("declared, code", [
    ("UNSIGNED-PAYLOAD", MISMATCH), (sha256(b""), MISMATCH), ("0" * 64, MISMATCH),
    ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", MISMATCH), ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", MISMATCH),
    ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", MISMATCH), ("STREAMING-X", MISMATCH), ("A" * 64, INCOMPLETE), ("x", INCOMPLETE),
])
def test_a22_a23_a_payload_that_is_not_covered_is_refused(resource, declared, code):
    resource.refused(resource.signed(headers=(("X-Amz-Content-Sha256", declared),)), code)


def test_a22_a_presigned_request_brings_no_body_that_nobody_signed(resource):
    request = resource.presigned(method="PUT")
    resource.accepted(request)
    resource.refused(request.but(body=b"anything"), MISMATCH)


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("size", [10, (1 << 20) + 10, 3 << 20], ids=["short", "over-the-buffer", "long"])
def test_a22_a_body_changed_in_its_last_byte_is_refused_whatever_its_length(resource, size, declared):
    body = b"x" * size
    headers = (("X-Amz-Content-Sha256", sha256(body)),) if declared else ()
    request = resource.signed(body=body, headers=headers)
    if declared or size < 1 << 20:
        resource.accepted(request)
        resource.refused(request.but(body=body[:-1] + b"y"), MISMATCH)
    else:
        resource.refused(request, "RequestEntityTooLarge", 413)


@pytest.mark.parametrize("algorithm", ["AWS4-HMAC-SHA1", "AWS4-ECDSA-P256-SHA256", "aws4-hmac-sha256"])
def test_a24_a25_other_algorithms_are_refused(resource, algorithm):
    resource.refused(resource.signed(algorithm=algorithm), INCOMPLETE)
    resource.refused(resource.presigned(algorithm=algorithm), INCOMPLETE)


@pytest.mark.parametrize("authorization", ["AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=", "Bearer x", "", "AWS4-HMAC-SHA256"])
def test_a24_other_forms_are_refused(resource, authorization):
    resource.refused(resource.signed().replaced("authorization", authorization), INCOMPLETE)


def test_a26_key_and_token_belong_together(stage, resource):
    other = stage.bystander
    for key in (
        (*resource.key[:2], None), (*resource.key[:2], other[2]), (other[0], *resource.key[1:]), (*stage.key[:2], resource.key[2]),
        stage.key, ("ASIAQQQQQQQQQQQQQQQQ", *resource.key[1:]), ("ASIAQQQQQQQQQQQQQQQQ", resource.key[1], None),
    ):
        resource.refused(resource.signed(key=key), TOKEN)
        resource.refused(resource.presigned(key=key), TOKEN)
    resource.refused(resource.signed(key=(resource.key[0], other[1], resource.key[2])), MISMATCH)


def test_a27_a_token_alone_is_no_credential(resource):
    bare = Request("GET", "/b/k", (("Host", resource.authority),))
    for request in (bare, bare.added(("X-Amz-Security-Token", resource.key[2])), bare.but(target=f"/b?X-Amz-Security-Token={resource.key[2]}")):
        resource.refused(request, "MissingAuthenticationToken")


def test_a28_a_token_in_two_places_or_added_after_signing_is_refused(resource):
    token = ("X-Amz-Security-Token", resource.key[2])
    resource.refused(resource.presigned().added(token), INCOMPLETE)
    resource.refused(resource.signed(header_token=False).added(token), MISMATCH)
    late = resource.presigned(header_token=False)
    resource.refused(late.but(target=f"{late.target}&X-Amz-Security-Token={resource.key[2]}"), MISMATCH)


def test_a34_keys_that_are_not_there_are_one_answer(stage, resource):
    deleted = stage.user("a34-resource")
    stage.brevet.iam().delete_access_key(UserName="a34-resource", AccessKeyId=deleted[0])
    keys = (stage.key, deleted, ("AKIAQQQQQQQQQQQQQQQQ", "x" * 40, None), ("ASIAQQQQQQQQQQQQQQQQ", "x" * 40, "A" * 400))
    answers = {resource.refused(resource.signed(key=key), TOKEN).anonymous for key in keys}
    assert len(answers) == 1, answers


def test_a33_two_lengths_do_not_smuggle_a_request(resource):
    request = resource.signed(headers=(("X-Amz-Content-Sha256", sha256(b"some bytes")),))
    smuggled = to_bytes(resource.signed().bent(lambda s: "0" * 64))
    with connect(resource.address, "127.0.0.1") as connection:
        connection.sendall(to_bytes(request.added(("Transfer-Encoding", "chunked"))).replace(b"some bytes", b"") + b"0\r\n\r\n" + smuggled)
        answers = read_answers(connection, 3)
    assert all(answer.status in (400, 403) for answer in answers), answers
    resource.accepted(resource.signed())


def test_d25_many_refusals_do_not_lock_out_the_good_request(resource):
    good = resource.signed()
    for _ in range(20):
        assert resource.send(good.bent(lambda s: "0" * 64)).code == MISMATCH
    resource.accepted(good)

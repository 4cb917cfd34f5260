"""What is signed, and where it ends: path, escapes, headers, body and framing of the AWS Query wire. Rows A17 to A23, A32, A33."""

import pytest

from .sigv4 import Signer, sha256
from .stage import sts
from .wire import connect, read_answers, to_bytes

MISMATCH, INCOMPLETE, MALFORMED = "SignatureDoesNotMatch", "IncompleteSignature", "MalformedQueryString"


@pytest.mark.parametrize("target, code", [
    ("//", "NotFound"), ("/./", "NotFound"), ("/../", "NotFound"), ("/a/..", "NotFound"), ("/%2e/", "NotFound"),
    ("/%2F", "NotFound"), ("/%252e", "NotFound"), ("/;x", "NotFound"), ("/sts", "NotFound"), ("/\\", "NotFound"),
])
def test_a17_only_the_one_path_is_served(stage, target, code):
    stage.refused(Signer(stage.key).sign(stage.unsigned(target=target)), code)


@pytest.mark.parametrize("escape", ["%", "%4", "%zz", "%u0041", "%+1", "%C0%AF", "%ff", "%ED%A0%80"])
def test_a18_what_cannot_be_decoded_is_refused(stage, escape):
    body = f"Action=GetFederationToken&Version=2011-06-15&Name=a{escape}"
    stage.refused(stage.signed(body), MALFORMED)
    query = f"/?Action=GetFederationToken&Version=2011-06-15&Name=a{escape}"
    stage.refused(Signer(stage.key).sign(stage.unsigned("", target=query)), MALFORMED)


@pytest.mark.parametrize("value", ["%00", "%0a", "%0d%0a", "%E2%80%A8", "a%20b", "a+b", "%7F", "%EF%BF%BE", "%E2%80%AE"])
def test_a18_a21_a_name_that_forges_lines_is_refused_and_not_repeated(stage, value):
    for form in (
        f"Action=AssumeRole&Version=2011-06-15&RoleArn={stage.reader}&RoleSessionName=ab{value}",
        f"Action=AssumeRole&Version=2011-06-15&RoleArn={stage.reader}&RoleSessionName=abc&SourceIdentity=ab{value}",
        f"Action=GetFederationToken&Version=2011-06-15&Name=ab{value}",
    ):
        answer = stage.refused(stage.signed(form), "ValidationError")
        assert not {"\0", "\r", "\n", "\u2028", "\u202e", "\ufffe"} & set(answer.message)


@pytest.mark.parametrize("value", ["%00", "%0a", "%0d%0ax-amz-date:%201", "%E2%80%A8", "*", "%24%7Baws:userid%7D"])
@pytest.mark.parametrize("place", ["Key", "Value"])
def test_a21_tags_that_forge_lines_are_refused(stage, place, value):
    tag = {"Key": "k", "Value": "v", place: value}
    form = (
        f"Action=AssumeRole&Version=2011-06-15&RoleArn={stage.reader}&RoleSessionName=abc"
        f"&Tags.member.1.Key={tag['Key']}&Tags.member.1.Value={tag['Value']}"
    )
    stage.refused(stage.signed(form), "ValidationError")


def test_a21_a_user_agent_full_of_forgery_is_one_escaped_record(stage):
    # With U+202E, which turns the direction of text.
    agent = 'x" "outcome":"success"} \xe2\x80\xae\t{"eventName":"AssumeRole"}'
    stage.refused(stage.signed(sts("GetSessionToken", DurationSeconds="1")).added(("User-Agent", agent)), "ValidationError")


@pytest.mark.parametrize("value", ["a  b", "a\tb", " a ", '"a   b"', "", "a,b", "a;b=c", "\xe9\xff", "  "])
def test_a20_header_values_are_signed_in_their_one_canonical_form(stage, value):
    request = stage.signed(headers=(("X-Amz-Meta", value),))
    stage.accepted(request)
    stage.refused(request.replaced("x-amz-meta", value + "!"), MISMATCH)


def test_a20_repeated_headers_are_joined_in_their_order(stage):
    request = stage.signed(headers=(("My-Header", "1"), ("My-Header", "2")))
    stage.accepted(request)
    stage.refused(request.but(headers=tuple(reversed(request.headers))), MISMATCH)


@pytest.mark.parametrize("headers", ["X-Amz-Meta: a\r\n b", "X-Amz-Meta : a", "X-Amz-Meta: a\0b", "X Amz: a", ": a", "X-Amz-Meta"])
def test_a20_header_lines_that_are_none_are_refused(stage, headers):
    head, body = to_bytes(stage.signed()).split(b"\r\n\r\n")
    stage.dropped(head + b"\r\n" + headers.encode() + b"\r\n\r\n" + body)


@pytest.mark.parametrize("declared, code", [
    ("UNSIGNED-PAYLOAD", MISMATCH),
    ("0" * 64, MISMATCH),
    (sha256(b""), MISMATCH),
    ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", MISMATCH),
    ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", MISMATCH),
    ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", MISMATCH),
    ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", MISMATCH),
    ("unsigned-payload", INCOMPLETE),
    ("A" * 64, INCOMPLETE),
    ("0" * 63, INCOMPLETE),
    ("", INCOMPLETE),
    ("required", INCOMPLETE),
])
def test_a22_a23_a_payload_that_is_not_covered_is_refused(stage, declared, code):
    stage.refused(stage.signed(headers=(("X-Amz-Content-Sha256", declared),)), code)


@pytest.mark.parametrize("declared", [True, False])
def test_a22_a_body_changed_after_signing_is_refused(stage, declared):
    form = sts("AssumeRole", RoleArn=stage.reader, RoleSessionName="honest")
    headers = (("X-Amz-Content-Sha256", sha256(stage.unsigned(form).body)),) if declared else ()
    request = stage.signed(form, headers=headers)
    stage.refused(request.but(body=request.body.replace(b"honest", b"forged")), MISMATCH)
    stage.accepted(request)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "CONNECTED"])
def test_a32_other_methods_are_refused(stage, method):
    stage.refused(Signer(stage.key).sign(stage.unsigned(method=method)), "MethodNotAllowed")


def test_a32_a_get_with_a_body_is_refused(stage):
    stage.refused(Signer(stage.key).sign(stage.unsigned(method="GET")), MALFORMED)


def test_a32_what_the_query_and_the_body_say_is_one_set_of_parameters(stage):
    request = Signer(stage.key).sign(stage.unsigned("DurationSeconds=1", target="/?Action=GetCallerIdentity&Version=2011-06-15"))
    stage.refused(request, "ValidationError")


def chunked(body):
    return f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize("coding", ["chunked", "chunked, identity", "identity, chunked", "gzip", "xchunked"])
def test_a33_two_lengths_are_refused_and_the_connection_closed(stage, coding):
    request = stage.signed().added(("Transfer-Encoding", coding))
    smuggled = to_bytes(stage.signed(sts("GetSessionToken")))
    issued = stage.issued()
    with connect(stage.address, next(stage.sources)) as connection:
        connection.sendall(to_bytes(request) + chunked(request.body) + smuggled)
        answer, = read_answers(connection, 3)
    assert answer.status == 400 and stage.issued() == issued
    if coding.endswith(" chunked") or coding == "chunked":
        stage.check_refusal(request, answer, "ValidationError")
    stage.unharmed()


@pytest.mark.parametrize("extra", [
    "Content-Length: 41\r\nContent-Length: 1", "Content-Length: +41", "Content-Length: -1", "Content-Length: 0x29", "Content-Length: 41, 44",
    "Content-Length: 18446744073709551616", "Transfer-Encoding: identity", "Transfer-Encoding: chunked, chunked, x",
    "Transfer-Encoding: xchunked",
])
def test_a33_lengths_that_cannot_be_trusted_are_refused(stage, extra):
    head, _ = to_bytes(stage.signed(), length=False).split(b"\r\n\r\n")
    stage.dropped(head + b"\r\n" + extra.encode() + b"\r\n\r\n" + stage.signed().body)


def test_a33_a_chunked_request_is_read_like_any_other(stage):
    request = stage.signed().added(("Transfer-Encoding", "chunked"))
    with connect(stage.address, next(stage.sources)) as connection:
        connection.sendall(to_bytes(request.but(body=b""), length=False) + chunked(request.body))
        answer, = read_answers(connection, 2)
    assert answer.status == 200
    body = b"Action=GetSessionToken&Version=2011-06-15"
    with connect(stage.address, next(stage.sources)) as connection:
        connection.sendall(to_bytes(request.but(body=b""), length=False) + chunked(body))
        answer, = read_answers(connection, 2)
    stage.check_refusal(request, answer, MISMATCH)


def test_a33_pipelined_requests_are_each_judged_by_themselves(stage, session):
    good, bad = stage.signed(key=session), stage.signed().bent(lambda s: "0" * 64)
    with connect(stage.address, next(stage.sources)) as connection:
        connection.sendall(to_bytes(good) + to_bytes(bad) + to_bytes(good))
        answers = read_answers(connection, 3)
    assert [answer.status for answer in answers] == [200, 403, 200]
    assert answers[1].code == MISMATCH


@pytest.mark.parametrize("raw", [
    b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00",
    b"POST / HTTP/1.1\rHost: a\r\r", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", b"\xff" * 64 + b"\r\n\r\n",
])
def test_a33_bytes_that_are_no_request_are_dropped(stage, raw):
    stage.dropped(raw + b"\r\n\r\n")


def test_a33_bare_line_feeds_do_not_hide_a_second_request(stage):
    """RFC 9112 lets a server read them as line ends; what follows is a request of its own, which nobody signed."""
    sent = to_bytes(stage.signed()).replace(b"\r\n", b"\n")
    with connect(stage.address, next(stage.sources)) as connection:
        connection.sendall(sent + b"\nGET /?Action=GetCallerIdentity&Version=2011-06-15 HTTP/1.1\nHost: x\n\n")
        first, second = read_answers(connection, 2)
    assert (first.status, second.status, second.code) == (200, 403, "MissingAuthenticationToken")
    two = sent.replace(b"Content-Length", b"Transfer-Encoding: chunked\nContent-Length")
    with connect(stage.address, next(stage.sources)) as connection:
        connection.sendall(two + b"0\r\n\r\n")
        answer, = read_answers(connection, 2)
    assert (answer.status, answer.code) == (400, "ValidationError")

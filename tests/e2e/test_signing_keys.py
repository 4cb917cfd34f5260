"""GetSigningKey and VerifyRequest, as a validator and as a service that can embed nothing call them."""

import datetime
import hashlib
import hmac

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import grpc
import pytest
import rpc
import stolen_validator
import test_serve
from conftest import policy, run, statement, trust

SERVICE = "/brevet.validation.v1.ValidationService"
ABSENT = (grpc.StatusCode.NOT_FOUND, "NO_SUCH_ENTITY")
BODY = b"body"


@pytest.fixture(scope="module")
def pb(tmp_path_factory):
    return rpc.messages(tmp_path_factory.mktemp("validation"), "brevet/validation/v1/validation.proto")


def today(days=0):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y%m%d")


def wanted(pb, key, **more):
    fields = {"zone": "default", "date": today(), "region": "eu-west-1", "service": "files", **more}
    return pb.GetSigningKeyRequest(**{"access_key_id": key[0], "security_token": key[2] or "", **fields})


def call(brevet, pb, name, request, key=None):
    message, method = request.SerializeToString(), f"{SERVICE}/{name}"
    metadata = rpc.signed(brevet, method, message, key)
    return rpc.send(brevet, method, message, metadata, getattr(pb, f"{name}Response"))


def get(brevet, pb, key, by=None, **more):
    return call(brevet, pb, "GetSigningKey", wanted(pb, key, **more), by)


def refused(brevet, pb, key, by=None, **more):
    return rpc.refused(call, brevet, pb, "GetSigningKey", wanted(pb, key, **more), by)


def derived(secret, date, region, service):
    """As botocore derives it."""
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def test_the_key_is_that_of_the_owner_with_what_the_owner_may_do(brevet, pb):
    ada = brevet.user("keys-ada", statement(action="files:Get*"))
    brevet.iam().tag_user(UserName="keys-ada", Tags=[{"Key": "team", "Value": "red"}])
    session = brevet.assume(brevet.role("reader"))
    for key in (ada, session):
        for days in (-1, 0, 1) if key is ada else (0,):
            answer = get(brevet, pb, key, date=today(days))
            assert answer.signing_key == derived(key[1], today(days), "eu-west-1", "files")
            assert answer.revision > 0
        assert answer.principal_arn == brevet.sts(key).get_caller_identity()["Arn"]
        assert answer.principal_id == brevet.sts(key).get_caller_identity()["UserId"]
    answer = get(brevet, pb, ada)
    assert list(answer.identity_policies) == [policy(statement(action="files:Get*"))] and not answer.permissions_boundary
    assert [(tag.key, tag.value) for tag in answer.principal_tags] == [("team", "red")]
    kept = answer.cache_until.seconds - datetime.datetime.now(datetime.timezone.utc).timestamp()
    assert 290 < kept <= 301
    assert not get(brevet, pb, session).identity_policies


def test_whatever_is_the_matter_with_the_key_is_one_answer(brevet, pb):
    user, session, other = brevet.user("keys-bob"), brevet.assume(brevet.role("reader")), brevet.assume(brevet.role("reader"))
    gone = brevet.user("keys-gone")
    iam = brevet.iam()
    iam.update_access_key(UserName="keys-bob", AccessKeyId=user[0], Status="Inactive")
    iam.delete_access_key(UserName="keys-gone", AccessKeyId=gone[0])
    assert get(brevet, pb, session).signing_key
    assert brevet.cli("session", "revoke", session[0]).returncode == 0
    good = brevet.key
    for key, more in (
        (user, {}),
        (gone, {}),
        (session, {}),
        (("AKIAAAAAAAAAAAAAAAAA", None, None), {}),
        ((other[0], None, None), {}),
        ((other[0], None, session[2]), {}),
        ((good[0], None, other[2]), {}),
        (good, {"service": "sts"}),
        (good, {"service": "iam"}),
        (good, {"service": "brevet"}),
        (good, {"zone": "ghost"}),
        (good, {"date": today(2)}),
        (good, {"date": today(-2)}),
    ):
        assert refused(brevet, pb, key, **more) == ABSENT, (key[0], more)


def test_a_caller_without_permission_is_told_so_whatever_is_asked(brevet, pb):
    nobody = brevet.user("keys-nobody")
    only = brevet.user("keys-only", statement(action="brevet:VerifyRequest", resource=f"arn:aws:brevet:*:{brevet.account}:zone/default"))
    for by in (nobody, only):
        for key in (brevet.key, ("AKIAAAAAAAAAAAAAAAAA", None, None)):
            code, _ = refused(brevet, pb, key, by=by)
            assert code == grpc.StatusCode.PERMISSION_DENIED
    code, _ = rpc.refused(verify, brevet, pb, sent(brevet.key), by=nobody)
    assert code == grpc.StatusCode.PERMISSION_DENIED
    assert verify(brevet, pb, sent(brevet.key), by=only).HasField("accepted")


def sent(key, method="PUT", url="http://files.test/a/k?x=1", body=BODY, service="files", region="eu-west-1", auth=botocore.auth.SigV4Auth, **options):
    """A request that botocore signed, as it goes out."""
    made = botocore.awsrequest.AWSRequest(method, url, data=body)
    auth(botocore.credentials.Credentials(*key), service, region, **options).add_auth(made)
    return made.prepare()


def described(pb, request, zone="default", more=(), **fields):
    scheme, rest = request.url.split("://", 1)
    authority, rest = rest.split("/", 1)
    path, _, query = ("/" + rest).partition("?")
    as_bytes = lambda value: value if isinstance(value, bytes) else str(value).encode()  # noqa: E731
    headers = [pb.Header(name=name, value=as_bytes(value)) for name, value in request.headers.items()]
    given = {"method": request.method, "path": path, "query": query, "scheme": scheme, "authority": authority, **fields}
    given.setdefault("payload_sha256", hashlib.sha256(request.body or b"").digest())
    return pb.VerifyRequestRequest(zone=zone, headers=headers + [pb.Header(name=n, value=v) for n, v in more], **given)


def verify(brevet, pb, request, by=None, **fields):
    return call(brevet, pb, "VerifyRequest", described(pb, request, **fields), by)


def code(answer):
    return (answer.refused.code, answer.refused.http_status) if answer.HasField("refused") else None


def test_a_genuine_request_is_accepted_and_its_signer_named(brevet, pb):
    brevet.iam().create_role(
        RoleName="judged",
        AssumeRolePolicyDocument=trust({"AWS": brevet.account}, ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]),
    )
    described_by = {"Tags": [{"Key": "team", "Value": "red"}], "SourceIdentity": "someone"}
    session = brevet.assume(f"arn:aws:iam::{brevet.account}:role/judged", "judged", **described_by)
    for key in (brevet.key, session):
        for request in (
            sent(key),
            sent(key, "GET", body=b"", auth=botocore.auth.SigV4QueryAuth, expires=60),
            sent(key, service="s3", url="http://s3.test/b//k%20", auth=botocore.auth.S3SigV4Auth),
            sent(key, "GET", service="s3", url="http://s3.test/b/k", body=b"", auth=botocore.auth.S3SigV4QueryAuth, expires=60),
        ):
            answer = verify(brevet, pb, request)
            assert code(answer) is None, answer
            identity = brevet.sts(key).get_caller_identity()
            accepted = answer.accepted
            assert (accepted.account, accepted.principal_arn, accepted.principal_id) == (identity["Account"], identity["Arn"], identity["UserId"])
            assert accepted.access_key_id == key[0] and accepted.HasField("expire_time") == bool(key[2])
            assert not accepted.unsigned_payload
            tags = [(tag.key, tag.value) for tag in accepted.tags]
            assert (accepted.source_identity, tags) == (("someone", [("team", "red")]) if key[2] else ("", []))


def test_requests_are_refused_as_at_a_resource_service(brevet, pb):
    user, session, good = brevet.user("judged"), brevet.assume(brevet.role("reader")), sent(brevet.key)
    brevet.iam().update_access_key(UserName="judged", AccessKeyId=user[0], Status="Inactive")
    revoked = brevet.assume(brevet.role("reader"))
    assert code(verify(brevet, pb, sent(revoked))) is None
    assert brevet.cli("session", "revoke", revoked[0]).returncode == 0
    mismatch, unknown = ("SignatureDoesNotMatch", 403), ("InvalidClientTokenId", 403)
    twice = [("authorization", good.headers["Authorization"].encode())]
    for request, fields, expected in (
        (good, {"payload_sha256": hashlib.sha256(b"other").digest()}, mismatch),
        (good, {"path": "/a/l"}, mismatch),
        (good, {"query": "x=2"}, mismatch),
        (good, {"method": "POST"}, mismatch),
        (good, {"authority": "other.test"}, mismatch),
        (good, {"more": twice}, ("IncompleteSignature", 400)),
        (good, {"zone": "default", "more": [("x-amz-other", b"1")]}, mismatch),
        (sent((brevet.key[0], "x" * 40, None)), {}, mismatch),
        (sent(("AKIAAAAAAAAAAAAAAAAA", "x" * 40, None)), {}, unknown),
        (sent(user), {}, unknown),
        (sent(revoked), {}, unknown),
        (sent((session[0], session[1], None)), {}, unknown),
        (sent((session[0], session[1], revoked[2])), {}, unknown),
        (sent(brevet.key, service="sts"), {}, mismatch),
        (botocore.awsrequest.AWSRequest("GET", "http://files.test/a").prepare(), {}, ("MissingAuthenticationToken", 403)),
    ):
        assert code(verify(brevet, pb, request, **fields)) == expected, (request.url, fields)


def test_what_is_no_request_is_a_fault_of_the_call(brevet, pb):
    good = sent(brevet.key)
    for fields in (
        {"method": "put"},
        {"path": "a"},
        {"path": "/a?b"},
        {"scheme": "ftp"},
        {"payload_sha256": b"short"},
        {"more": [("a b", b"")]},
        {"more": [("a", b"\r\n")]},
        {"more": [("a", b"")] * 101},
        {"more": [("a", b"x" * 33_000)]},
    ):
        assert rpc.refused(verify, brevet, pb, good, **fields) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_ERROR"), fields


def test_an_online_zone_has_no_box_and_its_keys_are_served_while_it_is_enabled(data_dir, tmp_path, pb):
    with test_serve.served(data_dir) as (_, line):
        brevet = test_serve.client(line, data_dir)
        account = brevet.sts().get_caller_identity()["Account"]
        brevet.iam().create_role(RoleName="worker", AssumeRolePolicyDocument=trust({"AWS": account}))
        for arguments in (("storage", "--service", "s3"), ("compute", "--service", "batch", "--online")):
            assert brevet.cli("zone", "create", *arguments, "--region", "us-east-1").returncode == 0
        key = brevet.assume(f"arn:aws:iam::{account}:role/worker")
        assert len(stolen_validator.Token.read(key[2]).boxes) == 3, "of the STS, the default zone and storage"
        human = brevet.cli("zone", "list").stdout
        assert "batch in us-east-1  (online)" in human and "s3 in us-east-1\n" in human
        bundles = rpc.messages(tmp_path, "brevet/token/v1/bundle.proto")
        for zone, online in (("storage", False), ("compute", True)):
            path = tmp_path / f"{zone}.bundle"
            assert run("bundle", "--data-dir", data_dir, "--zone", zone, "-o", path).returncode == 0
            # The line, the length, the anchor and its signature.
            payload = path.read_bytes()[len(b"brevet trust bundle 1\n") + 4 + 32 + 64 :]
            assert bundles.TrustBundle.FromString(payload).online == online

        of_zone = {"zone": "compute", "region": "us-east-1", "service": "batch"}
        answer = get(brevet, pb, key, **of_zone)
        assert answer.signing_key == derived(key[1], today(), "us-east-1", "batch")
        for more in ({"service": "s3"}, {"region": "eu-west-1"}, {"zone": "storage"}, {"zone": "default"}):
            assert refused(brevet, pb, key, **{**of_zone, **more}) == ABSENT, more
        batch = {"service": "batch", "region": "us-east-1"}
        assert code(verify(brevet, pb, sent(key, **batch), zone="compute")) is None
        assert code(verify(brevet, pb, sent(key, **batch), zone="default")) == ("SignatureDoesNotMatch", 403)
        assert code(verify(brevet, pb, sent(key, service="s3", region="us-east-1"), zone="compute")) == ("SignatureDoesNotMatch", 403)
        assert brevet.cli("zone", "disable", "compute").returncode == 0
        assert refused(brevet, pb, key, **of_zone) == ABSENT
        status, _ = rpc.refused(verify, brevet, pb, sent(key, **batch), zone="compute")
        assert status == grpc.StatusCode.INVALID_ARGUMENT
    done = [event for event in test_serve.audit(data_dir) if event["outcome"] == "success"]
    assert not [event for event in done if event["eventName"] == "VerifyRequest"]
    (event,) = [event for event in done if event["eventName"] == "GetSigningKey"]
    assert event["eventSource"] == "validation.brevet"
    assert event["requestParameters"] == {**of_zone, "accessKeyId": key[0], "date": today()}
    assert event["responseElements"]["principalArn"].endswith("assumed-role/worker/tests")
    text = "".join(file.read_text() for file in (data_dir / "audit").glob("*.jsonl"))
    assert key[2] not in text and answer.signing_key.hex() not in text

"""GetWebIdentityToken and the documents of the issuer under attack (B32), with all five properties of each refusal."""

import json
import subprocess

import pytest
from conftest import BREVET, environment, policy, statement, trust
from google.protobuf import duration_pb2
from test_grpc import pb  # noqa: F401 (a fixture)
from test_serve import client, served

from .sigv4 import Call, Request
from .stage import CLASSES, Stage, sts

ISSUER = "https://sts.example.com/tokens"
DOCUMENTS = ("/tokens/.well-known/openid-configuration", "/tokens/jwks.json")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    """A service of its own, that issues identity tokens."""
    data_dir = tmp_path_factory.mktemp("issuer") / "data"
    subprocess.run([BREVET, "init", "--data-dir", data_dir], check=True, env=environment(), capture_output=True)
    with served(data_dir, "--issuer", ISSUER) as (process, line):
        stage = Stage(client(line, data_dir), data_dir)
        account = stage.brevet.sts().get_caller_identity()["Account"]
        stage.reader = stage.role("reader", trust({"AWS": account}), policy(statement(action="sts:*")))
        stage.bystander = stage.assume(stage.reader, "bystander")
        yield stage
        assert process.poll() is None
        stage.unharmed()


def form(**more):
    return sts("GetWebIdentityToken", **{"Audience.member.1": "https://api.example.com", "SigningAlgorithm": "ES384", **more})


def message(pb, seconds=None, **more):  # noqa: F811
    if seconds:
        more["duration"] = duration_pb2.Duration(seconds=seconds)
    return pb.GetWebIdentityTokenRequest(**{"audience": ["https://api.example.com"], "signing_algorithm": "ES384", **more})


def refused_on_both_wires(stage, form, message, code, key=None):
    stage.refused(stage.signed(form, key=key), code)
    stage.refused(stage.call("GetWebIdentityToken", message, key=key), code)


def test_who_has_no_permission_gets_no_token(issuer, pb):  # noqa: F811
    key = issuer.user("nobody")
    refused_on_both_wires(issuer, form(), message(pb), "AccessDenied", key)


def test_tags_need_a_permission_of_their_own(issuer, pb):  # noqa: F811
    key = issuer.user("untagged", statement(action="sts:GetWebIdentityToken"))
    issuer.accepted(issuer.signed(form(), key=key))
    tagged = form(**{"Tags.member.1.Key": "k", "Tags.member.1.Value": "v"})
    refused_on_both_wires(issuer, tagged, message(pb, tags=[pb.Tag(key="k", value="v")]), "AccessDenied", key)


def test_an_audience_that_is_not_allowed_hides_behind_no_other(issuer, pb):  # noqa: F811
    condition = {"ForAllValues:StringEquals": {"sts:IdentityTokenAudience": "https://api.example.com"}}
    key = issuer.user("one-audience", statement(action="sts:GetWebIdentityToken", Condition=condition))
    issuer.accepted(issuer.signed(form(), key=key))
    mixed = form(**{"Audience.member.2": "https://evil.example"})
    both = message(pb, audience=["https://api.example.com", "https://evil.example"])
    refused_on_both_wires(issuer, mixed, both, "AccessDenied", key)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS512", "rs256"])
def test_b1_b2_no_other_algorithm_signs(issuer, pb, algorithm):  # noqa: F811
    refused_on_both_wires(issuer, form(SigningAlgorithm=algorithm), message(pb, signing_algorithm=algorithm), "ValidationError")


def test_c13_durations_out_of_bounds_are_refused(issuer, pb):  # noqa: F811
    for seconds in (59, 3601):
        refused_on_both_wires(issuer, form(DurationSeconds=str(seconds)), message(pb, seconds), "ValidationError")


def test_a_token_that_would_outlive_its_session_is_refused(issuer, pb):  # noqa: F811
    key = issuer.assume(issuer.reader, "short", DurationSeconds=900)
    issuer.accepted(issuer.signed(form(DurationSeconds="600"), key=key))
    refused_on_both_wires(issuer, form(DurationSeconds="901"), message(pb, 901), "SessionDurationEscalationException", key)


def test_a_token_that_would_be_too_long_is_refused(issuer, pb):  # noqa: F811
    tags = [(f"k{n}".ljust(128, "-"), "v" * 256) for n in range(50)]
    pairs = {f"Tags.member.{n}.{part}": value for n, tag in enumerate(tags, 1) for part, value in zip(("Key", "Value"), tag)}
    long = message(pb, tags=[pb.Tag(key=key, value=value) for key, value in tags])
    refused_on_both_wires(issuer, form(**pairs), long, "JWTPayloadSizeExceededException")


def test_a_deployment_without_an_issuer_issues_nothing(stage, pb):  # noqa: F811
    refused_on_both_wires(stage, form(), message(pb), "OutboundWebIdentityFederationDisabledException")
    for path in ("/.well-known/openid-configuration", "/jwks.json"):
        stage.refused(Request("GET", path, (("Host", stage.authority),)), "NotFound")


def test_b32_no_header_changes_what_the_issuer_is_called(issuer):
    spoofed = [
        (("Host", "evil.example"),),
        (("Host", issuer.authority), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "http")),
        (("Host", issuer.authority), ("Forwarded", "host=evil.example;proto=http")),
    ]
    for path in DOCUMENTS:
        honest = issuer.send(Request("GET", path, (("Host", issuer.authority),)))
        assert honest.status == 200 and honest.headers["cache-control"] == "public, max-age=300"
        for headers in spoofed:
            assert issuer.send(Request("GET", path, headers)).body == honest.body
        # The same over HTTP/2, whatever its :authority.
        call = Call("GET", path, (("content-type", "text/plain"), ("x-forwarded-host", "evil.example")), frame=b"", authority="evil.example")
        over_http2 = issuer.send(call)
        assert (over_http2.status, over_http2.body) == (200, honest.body)
        head = issuer.send(Call("HEAD", path, (("content-type", "text/plain"),), frame=b"", authority=issuer.authority))
        assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(honest.body)))
    document = json.loads(issuer.send(Request("GET", DOCUMENTS[0], (("Host", "evil.example"),))).body)
    assert (document["issuer"], document["jwks_uri"]) == (ISSUER, ISSUER + "/jwks.json")
    signed = issuer.accepted(issuer.signed(form(), headers=(("X-Forwarded-Host", "evil.example"),)))
    assert b"<WebIdentityToken>" in signed.body


def test_documents_take_no_other_method(issuer):
    for path in DOCUMENTS:
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            answer = issuer.refused(Request(method, path, (("Host", issuer.authority),)), "MethodNotAllowed")
            assert answer.headers["allow"] == "GET, HEAD"

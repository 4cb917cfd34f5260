"""Resource services that embed the validator: what they accept and what they refuse."""

import json
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.request

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import pytest
from conftest import BREVET, NO_RETRIES, TARGET, Brevet, environment, running

BODY = b"some bytes"


@pytest.fixture(scope="module")
def service(brevet):
    """The axum example, as an S3-like service."""
    with running(TARGET / "examples" / "protected_axum", "--listen", "127.0.0.1:0", "--bundle", brevet.bundle) as (_, line):
        yield re.search(r"http://\S+", line).group()


@pytest.fixture(scope="module")
def keys(brevet):
    return brevet.assume(brevet.role("reader"), "service-tests")


def request(url, key, method="PUT", body=BODY, service="s3", auth=botocore.auth.S3SigV4Auth):
    made = botocore.awsrequest.AWSRequest(method, url, data=body)
    auth(botocore.credentials.Credentials(*key), service, "us-east-1").add_auth(made)
    return made.prepare()


def send(prepared, url=None, body=None, headers=None):
    """Status and JSON of an answer; what was signed may be changed on the way."""
    call = urllib.request.Request(
        url or prepared.url,
        prepared.body if body is None else body,
        {**dict(prepared.headers), **(headers or {})},
        method=prepared.method,
    )
    try:
        with urllib.request.urlopen(call) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_request_with_temporary_keys_is_accepted_and_the_caller_known(brevet, service, keys):
    status, who = send(request(f"{service}/bucket/a%20key", keys))
    assert status == 200
    assert who["account"] == brevet.account
    assert who["arn"] == f"arn:aws:sts::{brevet.account}:assumed-role/reader/service-tests"
    assert who["access_key_id"] == keys[0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", who["expiration"])


def test_boto3_reaches_the_service_as_if_it_were_s3(service, keys):
    s3 = boto3.Session(*keys, region_name="eu-west-1").client(
        "s3", endpoint_url=service, config=NO_RETRIES.merge(botocore.config.Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    )
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k e y"}, ExpiresIn=60)
    with urllib.request.urlopen(url) as answer:
        assert json.load(answer)["access_key_id"] == keys[0]


def test_curl_signs_by_itself(service, keys):
    command = ["curl", "-sS", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{keys[0]}:{keys[1]}",
               "-H", f"x-amz-security-token: {keys[2]}", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", f"{service}/b/k"]
    hashed = [part.replace("UNSIGNED-PAYLOAD", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") for part in command]
    answer = json.loads(subprocess.run(hashed, capture_output=True, text=True, check=True).stdout)
    assert answer["access_key_id"] == keys[0], answer


def test_one_byte_changed_anywhere_is_refused(service, keys):
    prepared = request(f"{service}/bucket/key?list=1", keys)
    assert send(prepared)[0] == 200
    for changed in (
        {"body": BODY[:-1] + b"!"},
        {"url": f"{service}/bucket/kez?list=1"},
        {"url": f"{service}/bucket/key?list=2"},
        {"headers": {"X-Amz-Date": prepared.headers["X-Amz-Date"][:-2] + ("0Z" if prepared.headers["X-Amz-Date"][-2] != "0" else "1Z")}},
    ):
        status, error = send(prepared, **changed)
        assert (status, error["error"]) == (403, "SignatureDoesNotMatch"), changed
        assert error["message"] and error["request_id"]


def test_d7_the_token_of_another_session_is_refused(brevet, service, keys):
    other = brevet.assume(brevet.role("reader"), "other")
    status, error = send(request(f"{service}/b/k", (keys[0], keys[1], other[2])))
    assert (status, error["error"]) == (403, "InvalidClientTokenId")


def test_a26_long_lived_keys_and_missing_tokens_are_refused(brevet, service, keys):
    for key in (brevet.key, (keys[0], keys[1], None)):
        status, error = send(request(f"{service}/b/k", key))
        assert (status, error["error"]) == (403, "InvalidClientTokenId")


def test_an_unsigned_request_is_refused(service):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{service}/b/k")
    assert caught.value.code == 403 and json.load(caught.value)["error"] == "MissingAuthenticationToken"


def test_a10_a_signature_for_another_service_is_refused(service, keys):
    prepared = request(f"{service}/b/k", keys, service="queue", auth=botocore.auth.SigV4Auth)
    status, error = send(prepared)
    assert (status, error["error"]) == (403, "SignatureDoesNotMatch")


def test_d20_an_oversized_token_is_refused_before_it_is_read(service, keys):
    status, error = send(request(f"{service}/b/k", (keys[0], keys[1], "A" * 4097)))
    assert (status, error["error"]) == (403, "InvalidClientTokenId")


def test_expired_keys_are_refused_by_service_and_sts(service, tmp_path, brevet):
    """The clock is moved, not waited for: a service whose clock stands an hour later."""
    short = brevet.assume(brevet.role("reader"), "short", DurationSeconds=900)
    command = ("faketime", "-f", "+905s", TARGET / "examples" / "protected_axum")
    with running(*command, "--listen", "127.0.0.1:0", "--bundle", brevet.bundle) as (_, line):
        url = re.search(r"http://\S+", line).group()
        # Signed within the service's window, by a clock that agrees with it.
        script = (
            "import sys, json; sys.path.insert(0, sys.argv[1]); import test_services as t;"
            "key = json.loads(sys.argv[3]); print(json.dumps(t.send(t.request(sys.argv[2], key))))"
        )
        signed = subprocess.run(
            ["faketime", "-f", "+905s", sys.executable, "-c", script, str(pathlib.Path(__file__).parent), f"{url}/b/k", json.dumps(short)],
            capture_output=True, text=True, check=True, env=environment(),
        )
        status, error = json.loads(signed.stdout)
        assert (status, error["error"]) == (400, "ExpiredToken")


def test_a_service_started_with_no_bundle_or_an_open_one_says_so(brevet, tmp_path):
    example = TARGET / "examples" / "protected_axum"
    nothing = subprocess.run([example, "--listen", "127.0.0.1:0", "--bundle", tmp_path / "none"], capture_output=True, text=True)
    assert nothing.returncode != 0 and "none" in nothing.stderr
    loose = tmp_path / "loose"
    loose.write_bytes(brevet.bundle.read_bytes())
    loose.chmod(0o644)
    refused = subprocess.run([example, "--listen", "127.0.0.1:0", "--bundle", loose], capture_output=True, text=True, timeout=10)
    assert refused.returncode != 0 and "chmod 600" in refused.stderr


def test_the_bundle_is_for_its_owner_alone(brevet):
    assert brevet.bundle.stat().st_mode & 0o777 == 0o600


def test_d4_tokens_of_another_deployment_are_refused(service, tmp_path):
    with running(BREVET, "dev", "--listen", "127.0.0.1:0", "--output", "json") as (_, line):
        other = Brevet(json.loads(line))
        status, error = send(request(f"{service}/b/k", other.assume(other.role("reader"))))
        assert (status, error["error"]) == (403, "InvalidClientTokenId")


def test_validation_goes_on_with_the_sts_stopped(tmp_path):
    bundle = tmp_path / "bundle"
    with running(BREVET, "dev", "--listen", "127.0.0.1:0", "--output", "json", "--bundle", bundle) as (_, line):
        sts = Brevet(json.loads(line))
        key = sts.assume(sts.role("reader"))
    with running(TARGET / "examples" / "protected_axum", "--listen", "127.0.0.1:0", "--bundle", bundle) as (_, line):
        assert send(request(re.search(r"http://\S+", line).group() + "/b/k", key))[0] == 200

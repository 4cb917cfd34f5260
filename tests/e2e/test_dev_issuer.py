"""The issuer that `brevet dev` brings along: identity federation with nothing but this machine."""

import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import boto3
import botocore.config
import jwt
import pytest
from botocore import UNSIGNED
from conftest import BREVET, environment, refused, run, running, triple

SUBJECT = "repo:acme/shop:ref:refs/heads/main"
TOPIC = "repo:acme/shop:ref:refs/heads/topic"


def ask(url, body=None, **headers):
    """Status and text of the answer to a GET, or to a POST with this body."""
    data = body if body is None or isinstance(body, bytes) else body.encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def token(brevet, **claims):
    status, text = ask(brevet.info["token_endpoint"], json.dumps(claims))
    assert status == 200, text
    return json.loads(text)["token"]


def exchange(brevet, token, call=lambda method, **parameters: method(**parameters)):
    config = botocore.config.Config(signature_version=UNSIGNED, retries={"max_attempts": 1, "mode": "standard"})
    sts = boto3.client("sts", endpoint_url=brevet.endpoint, region_name="us-east-1", config=config)
    parameters = {"RoleArn": brevet.role("ci"), "RoleSessionName": "job", "WebIdentityToken": token}
    return call(sts.assume_role_with_web_identity, **parameters)


def test_a_token_is_good_for_the_role_ci_without_any_key(brevet):
    answer = exchange(brevet, token(brevet))
    assert (answer["Provider"], answer["SubjectFromWebIdentityToken"]) == (brevet.info["issuer"], SUBJECT)
    arn = brevet.sts(triple(answer["Credentials"])).get_caller_identity()["Arn"]
    assert arn == f"arn:aws:sts::{brevet.account}:assumed-role/ci/job"


def test_a_token_for_another_branch_is_denied_by_its_subject(brevet):
    error = exchange(brevet, token(brevet, sub=TOPIC), refused)["Error"]
    assert error["Code"] == "AccessDenied" and f'the token\'s sub is "{TOPIC}"' in error["Message"]


def test_tokens_that_are_wrong_can_be_had_too(brevet):
    for claims, code in (
        ({"aud": "someone-else"}, "InvalidIdentityToken"),
        ({"iat": 1_700_000_000, "exp": 1_700_000_300}, "ExpiredTokenException"),
        ({"iss": "https://idp.example.com"}, "InvalidIdentityToken"),
        ({"sub": None}, "InvalidIdentityToken"),
    ):
        assert exchange(brevet, token(brevet, **claims), refused)["Error"]["Code"] == code, claims


def test_boto3_s_default_chain_takes_the_token_from_a_file(brevet, tmp_path):
    file = tmp_path / "token"
    file.write_text(token(brevet))
    script = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    variables = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(file), "AWS_ROLE_ARN": brevet.role("ci")}
    env = environment(AWS_ENDPOINT_URL_STS=brevet.endpoint, **variables)
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=30)
    assert "assumed-role/ci/" in done.stdout, done.stderr


def test_others_can_verify_its_tokens_as_those_of_any_issuer(brevet):
    issuer = brevet.info["issuer"]
    status, text = ask(issuer + "/.well-known/openid-configuration")
    document = json.loads(text)
    assert status == 200 and document["issuer"] == issuer
    text = token(brevet, groups=["a"])
    key = jwt.PyJWKClient(document["jwks_uri"]).get_signing_key_from_jwt(text)
    algorithms = document["id_token_signing_alg_values_supported"]
    claims = jwt.decode(text, key.key, algorithms=algorithms, audience="sts.amazonaws.com", issuer=issuer)
    assert claims["groups"] == ["a"] and claims["exp"] - claims["iat"] == 300 and claims["jti"]


@pytest.mark.parametrize("body", ["", "[]", "null", "{", "{} {}", '{"sub":"a","sub":"b"}', b'{"sub":"\xff"}', '{"a":' * 10_000])
def test_a_body_that_is_not_one_object_is_refused_in_a_sentence(brevet, body):
    status, text = ask(brevet.info["token_endpoint"], body)
    assert status == 400 and text == "The claims are one JSON object in which no name occurs twice.\n"


def test_sizes_methods_and_paths_have_limits(brevet):
    endpoint = brevet.info["token_endpoint"]
    assert ask(endpoint, json.dumps({"a": "a" * (64 << 10)}))[0] == 413
    assert ask(endpoint)[0] == 405
    assert ask(brevet.info["issuer"] + "/jwks.json", "{}")[0] == 405
    assert ask(brevet.info["issuer"] + "/")[0] == 404


def test_web_pages_get_no_tokens(brevet):
    endpoint = brevet.info["token_endpoint"]
    port = endpoint.split(":")[2].split("/")[0]
    assert ask(endpoint, "{}", Host=f"evil.example:{port}")[0] == 403
    assert ask(endpoint, "{}", Host=f"localhost:{port}")[0] == 200
    for origin in ("https://evil.example", brevet.info["issuer"], "null"):
        assert ask(endpoint, "{}", Origin=origin)[0] == 403


def test_exposed_it_answers_to_every_name(tmp_path):
    command = ("dev", "--listen", "127.0.0.1:0", "--issuer-listen", "0.0.0.0:0", "--output", "json")
    assert "--expose-dev" in run(*command).stderr
    with running(BREVET, *command, "--expose-dev") as (_, line):
        info = json.loads(line)
        assert info["issuer"].startswith("http://127.0.0.1:")
        assert ask(info["token_endpoint"], "{}", Host="ci.example", Origin="https://ci.example")[0] == 200


def test_a_port_that_is_taken_is_named_along_with_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("dev", "--listen", "127.0.0.1:0", "--issuer-listen", address)
    assert done.returncode == 1 and f"cannot listen on {address} (--issuer-listen takes another port)" in done.stderr


def test_what_it_prints_works_when_it_is_pasted():
    with running(BREVET, "dev", "--listen", "127.0.0.1:0") as (process, _):
        lines = []
        while len([line for line in lines if "with-web-identity" in line]) < 2:
            lines.append(process.stdout.readline())
        export = "".join(line for line in lines if line.startswith("  export "))
        job, denied = (line for line in lines if "with-web-identity" in line)
        path = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]
        paste = lambda line: subprocess.run(["sh", "-c", export + line], env=environment(PATH=path), capture_output=True, text=True, timeout=60)
        answer = json.loads(paste(job).stdout)
        assert re.fullmatch(r"arn:aws:sts::\d{12}:assumed-role/ci/job", answer["AssumedRoleUser"]["Arn"])
        assert TOPIC in paste(denied).stderr

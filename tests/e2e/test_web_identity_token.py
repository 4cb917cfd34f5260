"""The other direction: identity tokens of ours, by stock clients, and believed by stock libraries and by another Brevet."""

import base64
import hashlib
import json
import time
import urllib.request

import jwt
import pytest
from conftest import BREVET, Brevet, policy, refused, run, running, statement, triple, trust
from google.protobuf import duration_pb2
from test_grpc import call, pb  # noqa: F401 (pb is a fixture)
from test_serve import audit, client, served

AUDIENCE = "https://api.example.com"
NAMESPACE = "https://sts.amazonaws.com/"
DOCUMENT = "/.well-known/openid-configuration"
ALGORITHMS = ("RS256", "ES384")


def ask(brevet, key=None, **more):
    return brevet.sts(key).get_web_identity_token(**{"Audience": [AUDIENCE], "SigningAlgorithm": "ES384", **more})


def get(url):
    with urllib.request.urlopen(url) as answer:
        return json.load(answer)


def verified(token, issuer, keys, audience=AUDIENCE):
    """As PyJWT's documentation says to do it, with everything required."""
    key = jwt.PyJWKClient(keys).get_signing_key_from_jwt(token)
    return jwt.decode(token, key, algorithms=ALGORITHMS, audience=audience, issuer=issuer,
                      options={"require": ["iss", "sub", "aud", "iat", "exp", "jti"]})


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def thumbprint(key):
    """RFC 7638 §3."""
    names = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}[key["kty"]]
    required = json.dumps({name: key[name] for name in names}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(required.encode()).digest()).decode().rstrip("=")


def role_of(brevet, name, trust):
    """A role that may prove itself to anyone."""
    role = brevet.iam().create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    brevet.iam().put_role_policy(RoleName=name, PolicyName="prove", PolicyDocument=policy(statement(action="sts:*WebIdentityToken")))
    return role


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_pyjwt_believes_a_token_by_what_the_issuer_publishes(brevet, algorithm):
    role = role_of(brevet, f"prover-{algorithm}", trust({"AWS": brevet.account}))
    keys = brevet.assume(role, "prover")
    answer = ask(brevet, keys, SigningAlgorithm=algorithm, DurationSeconds=600, Tags=[{"Key": "job", "Value": "7"}])
    document = get(brevet.endpoint + DOCUMENT)
    assert document["issuer"] == brevet.endpoint and algorithm in document["id_token_signing_alg_values_supported"]
    claims = verified(answer["WebIdentityToken"], document["issuer"], document["jwks_uri"])
    assert claims["sub"] == role and claims["aud"] == AUDIENCE
    assert claims["exp"] - claims["iat"] == 600 and claims["exp"] == int(answer["Expiration"].timestamp())
    ours = claims[NAMESPACE]
    assert (ours["aws_account"], ours["source_region"], ours["principal_id"]) == (brevet.account, "us-east-1", role)
    assert ours["request_tags"] == {"job": "7"} and ours["original_session_exp"].endswith("Z")
    with pytest.raises(jwt.InvalidAudienceError):
        verified(answer["WebIdentityToken"], document["issuer"], document["jwks_uri"], "https://other.example.com")


def test_the_aws_cli_and_grpc_get_tokens_of_the_same_issuer(brevet, pb):  # noqa: F811
    document = get(brevet.endpoint + DOCUMENT)
    done = brevet.aws("sts", "get-web-identity-token", "--audience", AUDIENCE, "b", "--signing-algorithm", "RS256")
    token = json.loads(done.stdout)["WebIdentityToken"]
    user = brevet.sts().get_caller_identity()["Arn"]
    claims = verified(token, document["issuer"], document["jwks_uri"], "b")
    assert claims["aud"] == [AUDIENCE, "b"] and claims["sub"] == user and claims["exp"] - claims["iat"] == 300

    request = pb.GetWebIdentityTokenRequest(
        audience=[AUDIENCE], signing_algorithm="ES384", duration=duration_pb2.Duration(seconds=60), tags=[pb.Tag(key="k", value="v")])
    answer = call(brevet, "GetWebIdentityToken", request, pb.GetWebIdentityTokenResponse)
    claims = verified(answer.web_identity_token, document["issuer"], document["jwks_uri"])
    assert claims["sub"] == user and claims["exp"] == answer.expiration.seconds
    assert claims[NAMESPACE]["request_tags"] == {"k": "v"}


def test_a_second_brevet_takes_the_session_of_a_first_one_for_what_it_is(brevet):
    """As a job of one deployment reaches another: no key of the second is known to the first."""
    command = (BREVET, "dev", "--listen", "127.0.0.1:0", "--output", "json")
    with running(*command) as (_, line):
        other = Brevet(json.loads(line))
        name = brevet.endpoint.split("//")[1]
        other.iam().create_open_id_connect_provider(Url=brevet.endpoint, ClientIDList=[AUDIENCE], ThumbprintList=[])
        provider = f"arn:aws:iam::{other.account}:oidc-provider/{name}"
        subject = role_of(brevet, "ferry", trust({"AWS": brevet.account}, ["sts:AssumeRole", "sts:SetSourceIdentity"]))
        condition = {"StringEquals": {f"{name}:sub": subject, f"{name}:aud": AUDIENCE, f"{name}:{NAMESPACE}/source_identity": "ada"}}
        document = trust({"Federated": provider}, "sts:AssumeRoleWithWebIdentity", Condition=condition)
        role = other.iam().create_role(RoleName="landing", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        exchange = lambda token: other.sts().assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="landed", WebIdentityToken=token)
        keys = brevet.assume(subject, "a-job", SourceIdentity="ada")
        for algorithm in ALGORITHMS:
            answer = exchange(ask(brevet, keys, SigningAlgorithm=algorithm)["WebIdentityToken"])
            assert answer["SubjectFromWebIdentityToken"] == subject and answer["Provider"] == brevet.endpoint
        # Another of its principals is somebody else there.
        assert refused(exchange, ask(brevet)["WebIdentityToken"])["Error"]["Code"] == "AccessDenied"


def test_the_provider_of_a_session_is_told(brevet):
    name = brevet.info["issuer"].split("//")[1]
    provider = f"arn:aws:iam::{brevet.account}:oidc-provider/{name}"
    role = role_of(brevet, "prover-job", trust(
        {"Federated": provider}, "sts:AssumeRoleWithWebIdentity", Condition={"StringEquals": {f"{name}:sub": "job-7"}}))
    with urllib.request.urlopen(brevet.info["token_endpoint"], data=b'{"sub":"job-7"}') as answer:
        token = json.load(answer)["token"]
    issued = brevet.sts().assume_role_with_web_identity(RoleArn=role, RoleSessionName="job", WebIdentityToken=token)
    ours = claims_of(ask(brevet, triple(issued["Credentials"]))["WebIdentityToken"])[NAMESPACE]
    assert (ours["principal_id"], ours["federated_provider"]) == (role, provider)


def test_serve_issues_under_the_configured_name_with_keys_that_last(data_dir, tmp_path):
    config = tmp_path / "brevet.toml"
    config.write_text('issuer = "https://sts.example.com/tokens"\n')
    tokens, key_sets = [], []
    for _ in range(2):
        with served(data_dir, "--config", config) as (_, line):
            brevet = client(line, data_dir)
            document = get(f"{brevet.endpoint}/tokens{DOCUMENT}")
            assert document["issuer"] == "https://sts.example.com/tokens"
            assert document["jwks_uri"] == "https://sts.example.com/tokens/jwks.json"
            tokens += [ask(brevet, SigningAlgorithm=algorithm)["WebIdentityToken"] for algorithm in ALGORITHMS]
            keys = f"{brevet.endpoint}/tokens/jwks.json"
            key_sets.append(get(keys))
            # Also those from before the restart.
            for token in tokens:
                assert verified(token, document["issuer"], keys)["sub"].endswith(":user/admin")
    assert key_sets[0] == key_sets[1] and len(key_sets[0]["keys"]) == 2
    for key in key_sets[0]["keys"]:
        assert thumbprint(key) == key["kid"] and "d" not in key and jwt.PyJWK(key).key_type == key["kty"]
    issued = [record for record in audit(data_dir) if record["eventName"] == "GetWebIdentityToken"]
    assert len(issued) == 4
    for record, token in zip(issued, tokens):
        told, claims = record["responseElements"], claims_of(token)
        assert (told["jwtId"], told["audience"]) == (claims["jti"], [AUDIENCE])
        assert told["keyId"] == jwt.get_unverified_header(token)["kid"] and record["outcome"] == "success"
        assert told["signingAlgorithm"] == record["requestParameters"]["signingAlgorithm"]
    text = json.dumps(audit(data_dir))
    assert not [token for token in tokens if token in text or token.split(".")[2] in text]


def test_c23_without_a_record_no_token_leaves(data_dir):
    with served(data_dir, "--issuer", "https://sts.example.com") as (_, line):
        brevet = client(line, data_dir)
        assert ask(brevet)
        (data_dir / "audit").rename(data_dir / "moved")
        for file in (data_dir / "moved").iterdir():
            file.unlink()
        (data_dir / "audit").write_text("in the way")
        answer = refused(ask, brevet)
        assert answer["Error"]["Code"] == "ServiceUnavailable" and "WebIdentityToken" not in json.dumps(answer)


def test_an_issuer_that_is_no_https_url_is_refused_at_the_start(data_dir):
    for bad in ("http://127.0.0.1:8731", "https://sts.example.com?x", "sts.example.com"):
        process = run("serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0", "--issuer", bad)
        assert process.returncode == 1 and "issuer: " in process.stderr, process.stderr


def test_dev_is_ready_before_there_are_keys():
    started = time.monotonic()
    with running(BREVET, "dev", "--listen", "127.0.0.1:0", "--output", "json") as (_, line):
        ready = time.monotonic() - started
        brevet = Brevet(json.loads(line))
        assert [key["alg"] for key in get(brevet.endpoint + "/jwks.json")["keys"]] == ["ES384", "RS256"]
    assert ready < 2

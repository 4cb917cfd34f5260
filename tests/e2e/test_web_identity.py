"""Identity tokens for credentials: a real issuer on this machine, stock clients with nothing but their own variables."""

import http.server
import json
import subprocess
import sys
import threading
import time
import uuid

import boto3
import botocore.config
import botocore.exceptions
import grpc
import jwt
import pytest
from botocore import UNSIGNED
from conftest import environment, key_environment, policy, run, statement, triple, trust
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from test_grpc import pb  # noqa: F401 (a fixture)

AUDIENCE = "sts.amazonaws.com"
SUBJECT = "repo:acme/shop:ref:refs/heads/main"
WITH_IDS = "repo:acme@9919/shop@4411:ref:refs/heads/main"


class Issuer:
    """An OpenID Connect issuer: discovery, keys, tokens. `connections` counts who came."""

    def __init__(self):
        self.keys = {"first": rsa.generate_private_key(65537, 2048)}
        self.connections = 0
        self.broken = False
        self.ahead = 0
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.connections += 1
                documents = {"/.well-known/openid-configuration": issuer.discovery(), "/keys": issuer.jwks()}
                body = json.dumps(documents.get(self.path, {})).encode()
                self.send_response(500 if issuer.broken else 200 if self.path in documents else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def date_time_string(self, timestamp=None):
                return super().date_time_string(timestamp or time.time() + issuer.ahead)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def name(self):
        return self.url.split("//")[1]

    def discovery(self):
        return {"issuer": self.url, "jwks_uri": self.url + "/keys"}

    def jwks(self):
        keys = []
        for kid, key in self.keys.items():
            algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
            keys.append({**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig"})
        return {"keys": keys}

    def token(self, kid="first", algorithm="RS256", **claims):
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": SUBJECT, "iat": now, "exp": now + 300, "jti": uuid.uuid4().hex, **claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.keys[kid], algorithm=algorithm, headers={"kid": kid})


@pytest.fixture(scope="module")
def issuer(brevet):
    issuer = Issuer()
    brevet.iam().create_open_id_connect_provider(Url=issuer.url, ClientIDList=[AUDIENCE], ThumbprintList=["0" * 40])
    yield issuer
    issuer.server.shutdown()


def role_for(brevet, issuer, name, condition=None, action="sts:AssumeRoleWithWebIdentity"):
    provider = f"arn:aws:iam::{brevet.account}:oidc-provider/{issuer.name}"
    condition = condition or {"StringEquals": {f"{issuer.name}:sub": SUBJECT, f"{issuer.name}:aud": AUDIENCE}}
    document = trust({"Federated": provider}, action, Condition=condition)
    return brevet.iam().create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]


@pytest.fixture(scope="module")
def role(brevet, issuer):
    return role_for(brevet, issuer, "web-deploy")


def anonymous(brevet):
    return boto3.client(
        "sts", endpoint_url=brevet.endpoint, region_name="us-east-1",
        config=botocore.config.Config(signature_version=UNSIGNED, retries={"max_attempts": 1, "mode": "standard"}),
    )


def exchange(brevet, role, token, **more):
    parameters = {"RoleArn": role, "RoleSessionName": "GitHubActions", "WebIdentityToken": token, **more}
    return anonymous(brevet).assume_role_with_web_identity(**parameters)


def refused(brevet, role, token, **more):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        exchange(brevet, role, token, **more)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def test_the_answer_has_every_member_of_aws_s(brevet, issuer, role):
    answer = exchange(brevet, role, issuer.token(), DurationSeconds=900, Policy=policy(statement(action="s3:*")))
    assert answer["SubjectFromWebIdentityToken"] == SUBJECT
    assert (answer["Provider"], answer["Audience"]) == (issuer.url, AUDIENCE)
    assert answer["AssumedRoleUser"]["Arn"].endswith("assumed-role/web-deploy/GitHubActions")
    assert answer["PackedPolicySize"] > 0
    keys = triple(answer["Credentials"])
    assert brevet.sts(keys).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]


def test_boto3_s_default_chain_needs_only_its_variables(brevet, issuer, role, tmp_path):
    token = tmp_path / "token"
    token.write_text(issuer.token() + "\n")
    script = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    env = environment(AWS_WEB_IDENTITY_TOKEN_FILE=str(token), AWS_ROLE_ARN=role, AWS_ENDPOINT_URL_STS=brevet.endpoint)
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=30)
    assert "assumed-role/web-deploy/" in done.stdout, done.stderr


def test_the_github_action_s_flow_in_both_forms_of_the_subject(brevet, issuer):
    both = {"StringEquals": {f"{issuer.name}:sub": [SUBJECT, WITH_IDS]}}
    role = role_for(brevet, issuer, "web-both", both)
    for subject in (SUBJECT, WITH_IDS):
        # As the action does: the exchange, unsigned, and then GetCallerIdentity with the new keys.
        keys = triple(exchange(brevet, role, issuer.token(sub=subject))["Credentials"])
        identity = brevet.sts(keys).get_caller_identity()
        assert identity["Account"] == brevet.account and identity["Arn"].endswith("/GitHubActions")


def test_a_denial_tells_the_caller_s_own_subject_and_its_form(brevet, issuer, role):
    code, status, text = refused(brevet, role, issuer.token(sub=WITH_IDS))
    assert (code, status) == ("AccessDenied", 403)
    assert text.startswith("Not authorized to perform sts:AssumeRoleWithWebIdentity (TRUST_NOT_SATISFIED): ")
    assert f'the token\'s sub is "{WITH_IDS}" (GitHub\'s form with ids)' in text
    message = text.split("Encoded authorization failure message: ")[1]
    decoded = json.loads(brevet.sts().decode_authorization_message(EncodedMessage=message)["DecodedMessage"])
    assert decoded["trace"]["detail"] == "TRUST_CLAIM_MISMATCH"
    assert any("form with ids" in hint for hint in decoded["trace"]["hints"])
    absent = refused(brevet, role.replace("web-deploy", "none"), issuer.token(sub=WITH_IDS))
    assert absent[:2] == (code, status) and absent[2].split(" Request ID")[0] == text.split(" Request ID")[0]


def test_tags_from_the_token_are_the_session_s(brevet, issuer):
    role = role_for(brevet, issuer, "web-tagged", action=["sts:AssumeRoleWithWebIdentity", "sts:TagSession"])
    by_tag = policy(statement(action="iam:ListUsers", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}}))
    brevet.iam().put_role_policy(RoleName="web-tagged", PolicyName="p", PolicyDocument=by_tag)
    for team, allowed in (("red", True), ("blue", False)):
        claims = {"https://aws.amazon.com/tags": {"principal_tags": {"team": [team]}, "transitive_tag_keys": []}}
        keys = triple(exchange(brevet, role, issuer.token(**claims))["Credentials"])
        try:
            brevet.iam(keys).list_users()
            assert allowed
        except botocore.exceptions.ClientError as error:
            assert not allowed and error.response["Error"]["Code"] == "AccessDenied"


def test_faults_of_the_token_have_aws_s_classes(brevet, issuer, role):
    now = int(time.time())
    for token, code, status in (
        (issuer.token(aud="someone-else"), "InvalidIdentityToken", 400),
        (issuer.token(iat=now - 1000, exp=now - 500), "ExpiredTokenException", 400),
        (issuer.token(nbf=now + 500), "InvalidIdentityToken", 400),
        (issuer.token(exp=None), "InvalidIdentityToken", 400),
        (issuer.token(sub=None), "InvalidIdentityToken", 400),
        (issuer.token(**{"https://aws.amazon.com/tags": 7}), "IDPRejectedClaim", 403),
        (issuer.token()[:-4] + "AAAA", "InvalidIdentityToken", 400),
        ("a.b.c", "InvalidIdentityToken", 400),
    ):
        assert refused(brevet, role, token)[:2] == (code, status), token
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        exchange(brevet, role, issuer.token(), ProviderId="www.amazon.com")
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_b1_b2_none_and_hmac_under_the_public_key_are_refused(brevet, issuer, role):
    now = int(time.time())
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": SUBJECT, "iat": now, "exp": now + 300}
    none = jwt.encode(claims, None, algorithm="none", headers={"kid": "first"})
    assert refused(brevet, role, none)[:2] == ("InvalidIdentityToken", 400)
    modulus = issuer.jwks()["keys"][0]["n"]
    hmac = jwt.encode(claims, modulus, algorithm="HS256", headers={"kid": "first"})
    assert refused(brevet, role, hmac)[:2] == ("InvalidIdentityToken", 400)


def test_b9_an_issuer_that_is_not_registered_is_never_connected_to(brevet, issuer, role):
    stranger = Issuer()
    try:
        code, status, text = refused(brevet, role, stranger.token())
        assert (code, status) == ("InvalidIdentityToken", 400) and stranger.url in text
        assert stranger.connections == 0
    finally:
        stranger.server.shutdown()


def test_b17_a_new_key_is_served_after_one_fetch_and_a_dead_issuer_is_told_as_such(brevet):
    issuer = Issuer()
    brevet.iam().create_open_id_connect_provider(Url=issuer.url, ClientIDList=[AUDIENCE])
    try:
        role = role_for(brevet, issuer, "web-rollover")
        exchange(brevet, role, issuer.token())
        seen = issuer.connections
        issuer.keys["second"] = ec.generate_private_key(ec.SECP256R1())
        exchange(brevet, role, issuer.token("second", "ES256"))
        # One document and one key set more; the old key goes on.
        assert issuer.connections == seen + 2
        exchange(brevet, role, issuer.token())
        assert issuer.connections == seen + 2
    finally:
        issuer.server.shutdown()

    dead = Issuer()
    dead.broken = True
    brevet.iam().create_open_id_connect_provider(Url=dead.url, ClientIDList=[AUDIENCE])
    role = role_for(brevet, dead, "web-dead")
    code, status, _ = refused(brevet, role, dead.token())
    assert (code, status) == ("IDPCommunicationError", 400)
    dead.server.shutdown()


def test_a_signature_that_is_there_must_be_good(brevet, issuer, role):
    parameters = {"RoleArn": role, "RoleSessionName": "ci", "WebIdentityToken": issuer.token()}
    form = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", **parameters}
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    from urllib.error import HTTPError
    from urllib.parse import urlencode
    from urllib.request import Request, urlopen

    for secret, status in ((brevet.key[1], 200), ("x" * 40, 403)):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = AWSRequest("POST", brevet.endpoint + "/", data=urlencode(form).encode(), headers=headers)
        SigV4Auth(Credentials(brevet.key[0], secret), "sts", "us-east-1").add_auth(request)
        prepared = request.prepare()
        try:
            answer = urlopen(Request(prepared.url, data=prepared.body, headers=dict(prepared.headers), method="POST"))
            assert answer.status == status
        except HTTPError as error:
            assert error.code == status and b"SignatureDoesNotMatch" in error.read()


def test_the_same_over_grpc_without_a_signature(brevet, issuer, role, pb):  # noqa: F811
    def call(token, metadata=()):
        request = pb.AssumeRoleWithWebIdentityRequest(role_arn=role, role_session_name="grpc", web_identity_token=token)
        with grpc.insecure_channel(brevet.authority) as channel:
            method = channel.unary_unary(
                "/brevet.sts.v1.SecurityTokenService/AssumeRoleWithWebIdentity",
                request_serializer=pb.AssumeRoleWithWebIdentityRequest.SerializeToString,
                response_deserializer=pb.AssumeRoleWithWebIdentityResponse.FromString,
            )
            return method(request, timeout=10, metadata=metadata)

    answer = call(issuer.token())
    assert answer.provider == issuer.url and answer.subject_from_web_identity_token == SUBJECT
    assert answer.assumed_role_user.arn.endswith("assumed-role/web-deploy/grpc")
    for token, metadata, status in (
        (issuer.token(sub="someone"), (), grpc.StatusCode.PERMISSION_DENIED),
        ("a.b.c", (), grpc.StatusCode.UNAUTHENTICATED),
        (issuer.token(), (("authorization", "AWS4-HMAC-SHA256 nonsense"),), grpc.StatusCode.UNAUTHENTICATED),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call(token, metadata)
        assert caught.value.code() == status


def test_the_aws_cli_exchanges_and_manages_providers(brevet, issuer, role):
    answer = brevet.aws(
        "sts", "assume-role-with-web-identity", "--role-arn", role, "--role-session-name", "cli",
        "--web-identity-token", issuer.token(),
    )
    assert json.loads(answer.stdout)["Provider"] == issuer.url, answer.stderr
    arn = json.loads(brevet.aws(
        "iam", "create-open-id-connect-provider", "--url", "https://idp.example.com/tenant", "--client-id-list", "a", "b",
        "--tags", "Key=team,Value=red",
    ).stdout)["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{brevet.account}:oidc-provider/idp.example.com/tenant"
    iam = brevet.iam()
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["a", "b"]
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="c")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["A" * 40])
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "env", "Value": "prod"}])
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["team"])
    shown = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert shown["Url"] == "idp.example.com/tenant" and shown["ClientIDList"] == ["b", "c"]
    assert shown["ThumbprintList"] == ["a" * 40] and shown["Tags"] == [{"Key": "env", "Value": "prod"}]
    assert iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"] == shown["Tags"]
    assert {"Arn": arn} in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_open_id_connect_provider(Url="https://idp.example.com/tenant")
    for url in ("https://u@idp.example.com", "https://idp.example.com/?q", "http://idp.example.com", "https://IDP.example.com"):
        with pytest.raises(iam.exceptions.InvalidInputException):
            iam.create_open_id_connect_provider(Url=url)
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


def test_plain_http_is_for_dev_alone(data_dir):
    from test_serve import client, served

    with served(data_dir) as (_, line):
        iam = client(line, data_dir).iam()
        with pytest.raises(iam.exceptions.InvalidInputException):
            iam.create_open_id_connect_provider(Url="http://127.0.0.1:1")


def test_providers_by_command_line_with_what_aws_has_no_words_for(brevet, issuer, tmp_path):
    cli = lambda *arguments, stdin="": run(*arguments, stdin=stdin, BREVET_ENDPOINT=brevet.endpoint, **key_environment(brevet.key))
    other = Issuer()
    token, role = other.token(), role_for(brevet, other, "web-pinned")
    (tmp_path / "keys.json").write_text(json.dumps(other.jwks()))
    file = tmp_path / "provider.yaml"
    file.write_text(f"issuer: {other.url}\nclient_ids: [{AUDIENCE}]\njwks_file: keys.json\nalgorithms: [ES256]\n")
    applied = cli("provider", "apply", str(file))
    assert applied.stdout.strip() == f"arn:aws:iam::{brevet.account}:oidc-provider/{other.name}", applied.stderr
    # An algorithm that the provider does not allow is refused, whatever its key.
    assert refused(brevet, role, token)[0] == "InvalidIdentityToken"
    file.write_text(file.read_text().replace("ES256", "RS256"))
    assert cli("provider", "apply", str(file)).returncode == 0
    exchange(brevet, role, token)
    assert other.connections == 0
    other.server.shutdown()

    listed = {p["issuer"]: p for p in json.loads(cli("provider", "list", "-o", "json").stdout)["providers"]}
    assert listed[other.url]["pinned"] and listed[other.url]["algorithms"] == ["RS256"]
    assert not listed[issuer.url]["pinned"]

    good = cli("provider", "test", issuer.url, "--token-file", "-", stdin=issuer.token() + "\n")
    assert good.returncode == 0 and "ok    keys" in good.stdout and f'sub "{SUBJECT}"' in good.stdout, good.stderr
    bad = cli("provider", "test", issuer.url, "--token-file", "-", stdin=issuer.token(aud="other"))
    assert bad.returncode == 6 and "FAIL  token   Incorrect token audience" in bad.stdout
    dead = Issuer()
    dead.broken = True
    file.write_text(f"issuer: {dead.url}\nclient_ids: [{AUDIENCE}]\n")
    assert cli("provider", "apply", str(file)).returncode == 0
    down = cli("provider", "test", dead.url)
    assert down.returncode == 6 and "FAIL  keys    the provider answered with another status than 200" in down.stdout
    dead.server.shutdown()

    preset = cli("provider", "apply", "--preset", "github")
    assert preset.stdout.strip().endswith("oidc-provider/token.actions.githubusercontent.com")
    file.write_text(f"issuer: {dead.url}\nclient_ids: []\ncolour: red\n")
    unknown = cli("provider", "apply", str(file))
    assert unknown.returncode == 1 and "colour" in unknown.stderr
    key = brevet.user("no-providers")
    denied = run("provider", "list", BREVET_ENDPOINT=brevet.endpoint, **key_environment(key))
    assert denied.returncode == 3 and "iam:ListOpenIDConnectProviders" in denied.stderr


def test_a_job_that_tries_again_and_again_with_one_token_is_two_records(data_dir, tmp_path):
    from test_serve import audit, client, served

    # A real issuer needs TLS there; its keys are pinned instead.
    other = Issuer()
    other.url = "https://ci.example.com"
    (tmp_path / "keys.json").write_text(json.dumps(other.jwks()))
    file = tmp_path / "provider.yaml"
    file.write_text(f"issuer: {other.url}\nclient_ids: [{AUDIENCE}]\njwks_file: keys.json\n")
    with served(data_dir) as (_, line):
        brevet = client(line, data_dir)
        brevet.account = brevet.sts().get_caller_identity()["Account"]
        assert brevet.cli("provider", "apply", file).returncode == 0
        role = role_for(brevet, other, "deploy")
        token = other.token(sub="repo:acme/shop:ref:refs/heads/topic")
        for _ in range(12):
            assert refused(brevet, role, token)[0] == "AccessDenied"
        exchange(brevet, role, other.token())
    other.server.shutdown()
    records = [record for record in audit(data_dir) if record["eventName"] == "AssumeRoleWithWebIdentity"]
    denied = [record for record in records if record["outcome"] == "denied"]
    # The first at once; the others as one, when the service ends or ten minutes are over.
    assert [record.get("attempts", 1) for record in denied] == [1, 11]
    assert denied[0]["userIdentity"]["subject"].endswith("topic")
    assert denied[0]["denial"]["condition"] == "StringEquals ci.example.com:sub"
    [issued] = [record for record in records if record["outcome"] == "success"]
    assert issued["userIdentity"]["issuer"] == other.url and issued["userIdentity"]["subject"] == SUBJECT
    text = json.dumps(records)
    assert token not in text and token.split(".")[2] not in text

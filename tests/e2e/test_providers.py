"""Identity providers at work: turned off and on, their claims as tags, what operators see of them, and what bad tokens cost."""

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request

import grpc
import pytest
from conftest import policy, refused as denial, statement, triple
from conftest import key_environment, run
from test_grpc import pb  # noqa: F401 (a fixture)
from test_serve import audit, client, served
from test_web_identity import AUDIENCE, Issuer, exchange, refused, role_for


@pytest.fixture
def issuer(brevet):
    issuer = Issuer()
    brevet.iam().create_open_id_connect_provider(Url=issuer.url, ClientIDList=[AUDIENCE])
    yield issuer
    issuer.server.shutdown()


def listed(brevet, issuer):
    providers = json.loads(brevet.cli("provider", "list", "-o", "json").stdout)["providers"]
    return next(provider for provider in providers if provider["issuer"] == issuer.url)


def test_b25_a_provider_that_is_disabled_is_as_good_as_unregistered_at_once(brevet, issuer):
    role = role_for(brevet, issuer, "switched")
    session = exchange(brevet, role, issuer.token())
    stranger = Issuer()
    unknown = refused(brevet, role, stranger.token())
    stranger.server.shutdown()

    began = time.monotonic()
    disabled = brevet.cli("provider", "disable", issuer.url)
    assert (disabled.returncode, disabled.stdout) == (0, ""), disabled.stderr
    answer = refused(brevet, role, issuer.token())
    assert time.monotonic() - began < 2
    assert answer == (*unknown[:2], unknown[2].replace(stranger.url, issuer.url))
    assert answer[:2] == ("InvalidIdentityToken", 400)

    # Its keys are asked for by nobody any more, not even for a key that was never seen.
    seen = issuer.connections
    issuer.keys["new"] = issuer.keys["first"]
    assert refused(brevet, role, issuer.token("new")) == answer
    assert issuer.connections == seen
    tested = brevet.cli("provider", "test", issuer.url)
    assert tested.returncode == 6 and tested.stdout == "FAIL  provider  It is disabled: no token of it is accepted.\n"
    assert listed(brevet, issuer)["disabled"] and "(disabled)" in brevet.cli("provider", "list").stdout

    # What was issued before goes on.
    keys = session["Credentials"]
    assert brevet.sts((keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])).get_caller_identity()

    assert brevet.cli("provider", "enable", issuer.url).returncode == 0
    exchange(brevet, role, issuer.token())


def test_b25_a_file_that_does_not_say_disabled_enables_nothing(brevet, issuer, tmp_path):
    file = tmp_path / "provider.yaml"
    base = f"issuer: {issuer.url}\nclient_ids: [{AUDIENCE}]\n"
    assert brevet.cli("provider", "disable", issuer.url).returncode == 0
    for more, disabled in (("", True), ("disabled: false\n", False), ("disabled: true\n", True)):
        file.write_text(base + more)
        assert brevet.cli("provider", "apply", file).returncode == 0
        assert listed(brevet, issuer)["disabled"] is disabled


def test_who_may_switch_a_provider(brevet, issuer):
    key = brevet.user("switcher")
    for verb, action in (("disable", "iam:DeleteOpenIDConnectProvider"), ("enable", "iam:CreateOpenIDConnectProvider")):
        denied = brevet.cli("provider", verb, issuer.url, key=key)
        assert denied.returncode == 3 and action in denied.stderr
        absent = brevet.cli("provider", verb, "https://idp.example.net")
        assert absent.returncode == 1 and "no provider" in absent.stderr


def test_a_test_says_how_far_the_clocks_are_apart(brevet):
    for ahead, status, word in ((0, "ok    ", "agreed|1 s"), (-40, "ok    ", "behind ours"), (300, "FAIL  ", "ahead of ours")):
        issuer = Issuer()
        issuer.ahead = ahead
        brevet.iam().create_open_id_connect_provider(Url=issuer.url, ClientIDList=[AUDIENCE])
        tested = brevet.cli("provider", "test", issuer.url, "--token-file", "-", stdin=issuer.token())
        assert re.search(rf"^{status}clock .*({word})", tested.stdout, re.M), tested
        # Nothing is looked at after what failed.
        assert ("token" in tested.stdout.replace("Tokens", "")) == (tested.returncode == 0) == (ahead < 60)
        issuer.server.shutdown()


MAPPING = """
claim_mapping:
  tags: {team: groups_primary, namespace: kubernetes.io/namespace}
  transitive_tags: [team]
  source_identity: email
"""
ALL_ACTIONS = ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]


def test_mapped_claims_are_the_session_s_tags_and_source_identity(brevet, issuer, tmp_path):
    file = tmp_path / "provider.yaml"
    file.write_text(f"issuer: {issuer.url}\nclient_ids: [{AUDIENCE}]\n" + MAPPING)
    applied = brevet.cli("provider", "apply", file)
    assert applied.returncode == 0, applied.stderr
    assert listed(brevet, issuer)["claim_mapping"]["source_identity"] == "email"
    role = role_for(brevet, issuer, "mapped", action=ALL_ACTIONS)
    by_tag = policy(statement(action="iam:ListUsers", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}}))
    brevet.iam().put_role_policy(RoleName="mapped", PolicyName="p", PolicyDocument=by_tag)
    red = {"groups_primary": "red", "email": "ada@example.com", "email_verified": True}
    answer = exchange(brevet, role, issuer.token(**red))
    assert answer["SourceIdentity"] == "ada@example.com"
    assert brevet.iam(triple(answer["Credentials"])).list_users()
    blue = exchange(brevet, role, issuer.token(groups_primary="blue"))
    assert "SourceIdentity" not in blue
    assert denial(brevet.iam(triple(blue["Credentials"])).list_users)["Error"]["Code"] == "AccessDenied"

    # As for any tag, the trust policy has the word.
    untrusting = role_for(brevet, issuer, "mapped-untagged", action=ALL_ACTIONS[0])
    assert refused(brevet, untrusting, issuer.token(**red))[0] == "AccessDenied"
    exchange(brevet, untrusting, issuer.token())

    tested = brevet.cli("provider", "test", issuer.url, "--token-file", "-", stdin=issuer.token(**red))
    assert 'tag "team" "red" (transitive), source identity "ada@example.com".' in tested.stdout.splitlines()[-1]
    listing = brevet.cli("provider", "test", issuer.url, "--token-file", "-", stdin=issuer.token(groups_primary=["red"]))
    assert listing.returncode == 6 and 'is not a string. Claim: "groups_primary".' in listing.stdout


def test_b22_b30_b31_mapped_claims_are_taken_strictly_or_not_at_all(brevet, issuer, tmp_path):
    file = tmp_path / "provider.yaml"
    file.write_text(f"issuer: {issuer.url}\nclient_ids: [{AUDIENCE}]\n" + MAPPING)
    assert brevet.cli("provider", "apply", file).returncode == 0
    role = role_for(brevet, issuer, "mapped-strictly", action=ALL_ACTIONS)
    tags = "https://aws.amazon.com/tags"
    for claims in (
        {"groups_primary": 7},
        {"groups_primary": ["red"]},
        {"groups_primary": "red*"},
        {"groups_primary": "red", tags: {"principal_tags": {"Team": ["blue"]}}},
        {"email": "ada@example.com", "email_verified": "true"},
        {"email": "ada@example.com", "email_verified": False},
        {"email": "ada lovelace"},
        {"https://aws.amazon.com/source_identity": "eve"},
    ):
        assert refused(brevet, role, issuer.token(**claims))[:2] == ("IDPRejectedClaim", 403), claims
    exchange(brevet, role, issuer.token(policy="admin", role="admin", roles=["admin"]))

    for text, why in (
        ("claim_mapping: {tags: {'aws:team': x}}", "reserved"),
        ("claim_mapping: {tags: {team: x, Team: y}}", "without regard to case"),
        ("claim_mapping: {transitive_tags: [team]}", "transitive"),
        ("claim_mapping: {policies: x}", "policies"),
    ):
        file.write_text(f"issuer: {issuer.url}\nclient_ids: [{AUDIENCE}]\n{text}\n")
        bad = brevet.cli("provider", "apply", file)
        assert bad.returncode == 1 and why in bad.stderr, text


def readyz(brevet, query=""):
    with urllib.request.urlopen(brevet.admin_endpoint + "/readyz" + query) as answer:
        return answer.status, answer.read().decode().splitlines()


def test_readiness_and_metrics_tell_of_each_provider_and_a_dead_one_stops_nothing(brevet, issuer):
    dead = Issuer()
    dead.broken = True
    brevet.iam().create_open_id_connect_provider(Url=dead.url, ClientIDList=[AUDIENCE])
    alive = lambda: next(line for line in readyz(brevet, "?verbose")[1] if issuer.url in line)
    assert alive() == f"[+] provider {brevet.account} {issuer.url}: keys not fetched yet"
    exchange(brevet, role_for(brevet, issuer, "watched"), issuer.token())
    assert alive().startswith(f"[+] provider {brevet.account} {issuer.url}: 1 keys, fetched 20")
    role = role_for(brevet, dead, "watched-dead")
    # boto3 tries again on this code.
    assert refused(brevet, role, dead.token())[0] == "IDPCommunicationError"

    status, lines = readyz(brevet)
    why = "failing: the provider answered with another status than 200; no keys"
    assert f"[!] provider {brevet.account} {dead.url}: {why}" in lines
    assert status == 200 and lines[-1] == "ok" and not any(issuer.url in line for line in lines)

    def series(name, of, outcome=None):
        labels = f'account="{brevet.account}",provider="{of.name}"' + (f',outcome="{outcome}"' if outcome else "")
        return brevet.metric(f"brevet_provider_{name}{{{labels}}}")

    assert [series("up", of) for of in (issuer, dead)] == [1, 0]
    assert series("keys", issuer) == 1 and series("keys_age_seconds", issuer) < 60
    assert series("fetches_total", issuer, "success") == 1 and series("fetches_total", dead, "status") == 1
    assert series("exchanges_total", issuer, "success") == 1 and series("exchanges_total", dead, "denied") >= 1

    assert brevet.cli("provider", "disable", issuer.url).returncode == 0
    assert alive().endswith(": disabled")
    for gone in (dead, issuer):
        arn = f"arn:aws:iam::{brevet.account}:oidc-provider/{gone.name}"
        brevet.iam().delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with urllib.request.urlopen(brevet.admin_endpoint + "/metrics") as answer:
        text = answer.read().decode()
    assert dead.name not in text and issuer.name not in text
    assert not any(dead.url in line for line in readyz(brevet, "?verbose")[1])
    dead.server.shutdown()


def pinned(tmp_path, other):
    """A file of a provider whose keys are pinned: a real issuer needs TLS under `serve`."""
    other.url = "https://ci.example.com"
    (tmp_path / "keys.json").write_text(json.dumps(other.jwks()))
    file = tmp_path / "provider.yaml"
    file.write_text(f"issuer: {other.url}\nclient_ids: [{AUDIENCE}]\njwks_file: keys.json\n")
    return file


def test_b25_the_audit_log_tells_a_disabled_provider_from_an_absent_one(data_dir, tmp_path):
    other = Issuer()
    file = pinned(tmp_path, other)
    with served(data_dir) as (_, line):
        brevet = client(line, data_dir)
        brevet.account = brevet.sts().get_caller_identity()["Account"]
        token = other.token()
        role = f"arn:aws:iam::{brevet.account}:role/any"
        assert refused(brevet, role, token)[0] == "InvalidIdentityToken"
        assert brevet.cli("provider", "apply", file).returncode == 0
        assert brevet.cli("provider", "disable", other.url).returncode == 0
        assert refused(brevet, role, token)[0] == "InvalidIdentityToken"
    other.server.shutdown()
    records = audit(data_dir)
    causes = [record.get("cause") for record in records if record["eventName"] == "AssumeRoleWithWebIdentity"]
    assert causes == [None, "the identity provider is disabled"]
    [switched] = [record for record in records if record["eventName"] == "DisableOidcProvider"]
    assert switched["requestParameters"] == {"issuer": other.url} and switched["outcome"] == "success"
    assert token not in json.dumps(records)


def test_a_source_of_many_bad_tokens_is_throttled_and_others_are_not(data_dir, tmp_path, pb):  # noqa: F811
    other = Issuer()
    file, config, denied = pinned(tmp_path, other), tmp_path / "brevet.toml", []
    config.write_text('trusted_proxies = ["127.0.0.1"]\n')

    with served(data_dir, "--config", config) as (_, line):
        brevet = client(line, data_dir)
        brevet.account = brevet.sts().get_caller_identity()["Account"]
        assert brevet.cli("provider", "apply", file).returncode == 0
        role = role_for(brevet, other, "deploy")

        def ask(token, source):
            form = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": role,
                    "RoleSessionName": "ci", "WebIdentityToken": token}
            headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": source}
            request = urllib.request.Request(brevet.endpoint, urllib.parse.urlencode(form).encode(), headers)
            try:
                with urllib.request.urlopen(request) as answer:
                    return answer.status, "credentials"
            except urllib.error.HTTPError as error:
                denied.append(source)
                return error.code, re.search("<Code>(.*)</Code>", error.read().decode())[1]

        def while_exhausted(source, call):
            """What a call comes to while its source is throttled. A second that ends in between forgives some."""
            for _ in range(400):
                answer = ask(forged, source)
                if answer == (400, "Throttling") and (answer := call()) is not None:
                    return answer
                assert answer in (None, (400, "InvalidIdentityToken"))
            raise AssertionError("never throttled")

        def over_http():
            answer = ask(good, "198.51.100.1")
            return None if answer[0] == 200 else answer

        def over_grpc():
            try:
                method(request, timeout=10)
            except grpc.RpcError as error:
                denied.append("grpc")
                return error

        good = other.token()
        forged = good.rsplit(".", 1)[0] + "." + "A" * 342
        # Good ones do not count, however many there are.
        assert {ask(good, "198.51.100.1") for _ in range(70)} == {(200, "credentials")}
        assert while_exhausted("198.51.100.1", over_http) == (400, "Throttling")
        assert len(denied) > 50
        assert ask(good, "198.51.100.2") == (200, "credentials")
        assert ask(good, "2001:db8::1") == (200, "credentials")

        with grpc.insecure_channel(brevet.authority) as channel:
            method = channel.unary_unary(
                "/brevet.sts.v1.SecurityTokenService/AssumeRoleWithWebIdentity",
                request_serializer=pb.AssumeRoleWithWebIdentityRequest.SerializeToString,
                response_deserializer=pb.AssumeRoleWithWebIdentityResponse.FromString,
            )
            request = pb.AssumeRoleWithWebIdentityRequest(role_arn=role, role_session_name="ci", web_identity_token=good)
            error = while_exhausted("127.0.0.1", over_grpc)
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            details = dict(error.trailing_metadata())["grpc-status-details-bin"]
            assert b"google.rpc.RetryInfo" in details and b"THROTTLING" in details
            # Forgiven within seconds.
            time.sleep(1.1)
            assert method(request, timeout=10).credentials.access_key_id
        assert ask(good, "198.51.100.1") == (200, "credentials")
    other.server.shutdown()

    refusals = [r for r in audit(data_dir) if r["eventName"] == "AssumeRoleWithWebIdentity" and r["outcome"] == "denied"]
    told = sum(record.get("attempts", 1) for record in refusals)
    assert told == len(denied) and len(refusals) < told
    assert any(record["errorCode"] == "Throttling" for record in refusals)

"""Identity tokens for credentials once more: the AWS SDK for JavaScript as client, OpenID providers for Node.js as issuers."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import jwt
import pytest
from conftest import BREVET, ROOT, Brevet, environment, running
from test_web_identity import exchange, issuer, refused, role_for  # noqa: F401

MODULES = ROOT / "target" / "node" / "node_modules"
HOUR = 3600


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """The programs in node/, beside the modules that they import."""
    if not MODULES.is_dir():
        pytest.skip("tests/run installs what node/package.json names where Node.js is new enough")
    room = tmp_path_factory.mktemp("node") / "programs"
    shutil.copytree(pathlib.Path(__file__).parent / "node", room, ignore=shutil.ignore_patterns("node_modules"))
    (room / "node_modules").symlink_to(MODULES)
    return room


def program(path, home, **env):
    """Runs a program with these variables, and none but these that the SDK reads; gives the finished process."""
    env = {"PATH": os.environ["PATH"], "HOME": str(home), **env}
    return subprocess.run(["node", path], env=env, capture_output=True, text=True, timeout=20)


class Provider:
    """An issuer in a process of its own, steered by its commands (node/control.mjs)."""

    def __init__(self, info):
        self.url = info["issuer"]
        self.name = self.url.split("//")[1]
        self.control = info["control"]

    def __call__(self, command, **body):
        with urllib.request.urlopen(f"{self.control}/{command}", json.dumps(body).encode(), timeout=10) as answer:
            return json.load(answer)

    def at(self, brevet, *audiences):
        """Registers this issuer."""
        brevet.iam().create_open_id_connect_provider(Url=self.url, ClientIDList=list(audiences))
        return self

    def post(self, path, **form):
        """What an endpoint of the issuer answers."""
        with urllib.request.urlopen(self.url + path, urllib.parse.urlencode(form).encode(), timeout=10) as answer:
            return json.load(answer)


@contextlib.contextmanager
def provider(node, name):
    with running("node", node / name) as (_, line):
        yield Provider(json.loads(line))


def kid(token):
    return jwt.get_unverified_header(token)["kid"]


def test_the_sdk_s_default_chain_needs_only_its_variables(brevet, issuer, node, tmp_path):  # noqa: F811
    role = role_for(brevet, issuer, "node-chain")
    token = tmp_path / "token"
    token.write_text(issuer.token() + "\n")
    env = {
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ROLE_ARN": role,
        "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL_STS": brevet.endpoint,
    }
    done = program(node / "default_chain.mjs", tmp_path, **env)
    assert done.returncode == 0, done.stderr
    identity = json.loads(done.stdout)
    assert identity["Account"] == brevet.account and ":assumed-role/node-chain/" in identity["Arn"]
    # The credentials came from the token and from nothing else of this machine.
    for name in ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"):
        less = {other: value for other, value in env.items() if other != name}
        done = program(node / "default_chain.mjs", tmp_path, AWS_EC2_METADATA_DISABLED="true", **less)
        assert done.returncode != 0 and "CredentialsProviderError" in done.stderr


def test_oidc_provider_s_tokens_are_exchanged(brevet, node):
    with provider(node, "oidc_provider.mjs") as idp:
        idp("publish", published=[("rsa", "RS256"), ("ec", "ES256")])
        idp.at(brevet, "RS256", "ES256")
        role = role_for(brevet, idp, "node-oidc", {"StringEquals": {f"{idp.name}:sub": "alice", f"{idp.name}:aud": "ES256"}})
        token = idp("token", subject="alice", client="ES256")
        assert kid(token) == "ec"
        answer = exchange(brevet, role, token)
        assert (answer["Provider"], answer["Audience"]) == (idp.url, "ES256")
        assert answer["SubjectFromWebIdentityToken"] == "alice"
        # The same key set serves the other key; who may have the role is another question.
        for subject, client in (("alice", "RS256"), ("mallory", "ES256")):
            assert refused(brevet, role, idp("token", subject=subject, client=client))[:2] == ("AccessDenied", 403)
        assert idp("fetches") == 1


@contextlib.contextmanager
def movable(directory):
    """A service, and a function that sets its clock ahead. Its timers go on as they were."""
    clock = directory / "clock"

    def ahead(seconds):
        # At once: the service reads the file whenever it asks for the time.
        (directory / "next").write_text(f"+{seconds}")
        (directory / "next").replace(clock)

    ahead(0)
    env = environment(FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1")
    # faketime's own variable, which env takes away, would go before the file.
    command = ("faketime", "-f", "+0", "env", "-u", "FAKETIME", BREVET, "dev", "--listen", "127.0.0.1:0", "--output", "json")
    with running(*command, env=env) as (_, line):
        yield Brevet(json.loads(line)), ahead


class Flow:
    """Sign-ins and exchanges, one after another and several at once, from `with` to its end."""

    def __init__(self, brevet, idp, role):
        self.work = (brevet, idp, role)
        self.kids = []
        self.faults = []
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=[client]) for client in ("RS256", "RS256", "ES256")]

    def run(self, client):
        brevet, idp, role = self.work
        while not self.ended.is_set():
            try:
                token = idp("token", subject="alice", client=client)
                exchange(brevet, role, token)
                self.kids.append(kid(token))
            except Exception as fault:
                self.faults.append(fault)

    def until(self, kid):
        """Waits until some more tokens of this key, and of the other algorithm, were exchanged."""
        begin, deadline = len(self.kids), time.monotonic() + 10
        while not (self.kids[begin:].count(kid) >= 3 and "ec" in self.kids[begin:]):
            assert time.monotonic() < deadline and not self.faults, self.faults
            time.sleep(0.05)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def test_oidc_provider_s_keys_roll_over_under_load_without_a_refusal(node, tmp_path):
    # That a set stays fresh for what the issuer's Cache-Control says, within bounds, is for the unit tests of
    # src/adapters/key_sets (state/tests.rs, tests/rollover.rs). Here the clock goes beyond all of them.
    old, new, ec = ("old", "RS256"), ("new", "RS256"), ("ec", "ES256")
    with provider(node, "oidc_provider.mjs") as idp, movable(tmp_path) as (brevet, ahead):
        idp("publish", published=[old, ec])
        idp.at(brevet, "RS256", "ES256")
        role = role_for(brevet, idp, "node-rollover", {"StringEquals": {f"{idp.name}:sub": "alice"}})
        with Flow(brevet, idp, role) as flow:
            flow.until("old")
            assert idp("fetches") == 1
            # Published, and not yet signing: nobody has to know.
            idp("publish", published=[old, new, ec])
            flow.until("old")
            assert idp("fetches") == 1
            kept = idp("token", subject="alice", client="RS256")
            # It signs: its first token leads to the second fetch, which may follow at once, and the others wait for it.
            idp("publish", published=[new, old, ec])
            flow.until("new")
            assert idp("fetches") == 2
            exchange(brevet, role, kept)
            # Withdrawn: what was signed before lives on while the set does, for an hour at most.
            idp("publish", published=[new, ec])
            flow.until("new")
            exchange(brevet, role, kept)
            assert idp("fetches") == 2 and kid(kept) == "old"
            ahead(HOUR + 1)
            assert refused(brevet, role, kept)[:2] == ("InvalidIdentityToken", 400)
            flow.until("new")
            assert idp("fetches") == 3
        assert flow.faults == [] and set(flow.kids) == {"old", "new", "ec"}


def test_a_key_that_oidc_provider_replaces_at_once_is_refused_from_the_next_fetch_on(node, tmp_path):
    with provider(node, "oidc_provider.mjs") as idp, movable(tmp_path) as (brevet, ahead):
        idp("publish", published=[("a", "RS256")])
        idp.at(brevet, "RS256")
        role = role_for(brevet, idp, "node-replaced", {"StringEquals": {f"{idp.name}:sub": "alice"}})
        tokens = [idp("token", subject="alice", client="RS256")]
        exchange(brevet, role, tokens[0])
        for name in "bc":
            idp("publish", published=[(name, "RS256")])
            tokens.append(idp("token", subject="alice", client="RS256"))
        # Nothing but a fetch can tell that "b" is gone already, and the one for it tells of "c" as well.
        assert refused(brevet, role, tokens[1])[:2] == ("InvalidIdentityToken", 400)
        exchange(brevet, role, tokens[2])
        # Refused as well; only the next fetch can tell that it is not a new one.
        assert refused(brevet, role, tokens[0])[:2] == ("IDPCommunicationError", 400)
        assert idp("fetches") == 2
        # From the second fetch on the issuer has its rest of half a minute.
        idp("publish", published=[("d", "RS256")])
        token = idp("token", subject="alice", client="RS256")
        assert refused(brevet, role, token)[:2] == ("IDPCommunicationError", 400) and idp("fetches") == 2
        ahead(31)
        exchange(brevet, role, token)
        assert idp("fetches") == 3


def test_oauth2_mock_server_s_tokens_are_exchanged_and_its_new_keys_found(brevet, node):
    with provider(node, "oauth2_mock_server.mjs") as idp:
        idp.at(brevet, "shop")
        both = {f"{idp.name}:sub": "johndoe", f"{idp.name}:aud": "shop"}
        role = role_for(brevet, idp, "node-mock", {"StringEquals": both})

        def sign_in(client):
            return idp.post("/token", grant_type="authorization_code", code="any", client_id=client)["id_token"]

        answer = exchange(brevet, role, sign_in("shop"))
        assert (answer["Provider"], answer["Audience"]) == (idp.url, "shop")
        assert answer["SubjectFromWebIdentityToken"] == "johndoe"
        assert refused(brevet, role, sign_in("someone-else"))[:2] == ("InvalidIdentityToken", 400)
        # Its access tokens name nobody that they are for.
        access = idp.post("/token", grant_type="password", username="johndoe")["access_token"]
        assert refused(brevet, role, access)[:2] == ("InvalidIdentityToken", 400)

        # It goes on to sign with all its keys in turn.
        idp("generate", kid="second", algorithm="RS256")
        idp("generate", kid="third", algorithm="ES256")
        tokens = [sign_in("shop") for _ in range(6)]
        for token in tokens:
            exchange(brevet, role, token)
        assert {kid(token) for token in tokens} == {"first", "second", "third"}
        # Published too late for the two fetches that it had: the issuer is let alone for half a minute.
        idp("generate", kid="fourth", algorithm="RS256")
        late = idp("token", kid="fourth", claims={"sub": "johndoe", "aud": "shop"})
        assert refused(brevet, role, late)[:2] == ("IDPCommunicationError", 400)

"""aws-actions/configure-aws-credentials, as a GitHub job runs it: node/configure_aws_credentials.mjs says what is known of it."""

import contextlib
import http.server
import json
import threading
import time
import urllib.parse

import pytest
from test_node_clients import HOUR, node, program  # noqa: F401 (a fixture)
from test_serve import audit, client, served
from test_web_identity import AUDIENCE, SUBJECT, WITH_IDS, Issuer, issuer, role_for  # noqa: F401 (a fixture)

GITHUB = "https://token.actions.githubusercontent.com"
TOPIC = "repo:acme@9919/shop@4411:ref:refs/heads/topic"


class Actions:
    """The part of GitHub that a job with `id-token: write` asks for its token. `tokens` are those that it gave."""

    def __init__(self, mint):
        self.bearer = "a token that is none"
        self.tokens = []
        actions = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                audience = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("audience", [None])[0]
                if self.headers["Authorization"] != f"Bearer {actions.bearer}" or not audience:
                    return self.send_error(401)
                actions.tokens.append(mint(audience))
                body = json.dumps({"count": 1, "value": actions.tokens[-1]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()

    @property
    def environment(self):
        """What a runner gives to a job."""
        url = f"http://127.0.0.1:{self.server.server_address[1]}/oidc?api-version=2.0"
        asking = {"ACTIONS_ID_TOKEN_REQUEST_URL": url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.bearer}
        return {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop", "GITHUB_REF": "refs/heads/main", **asking}


def action(node, home, inputs, **env):  # noqa: F811
    """What the action came to with these inputs, the members of `with:`."""
    inputs = {f"INPUT_{name.upper()}": str(value) for name, value in inputs.items()}
    done = program(node / "configure_aws_credentials.mjs", home, HASTE="1000", **inputs, **env)
    outcome = json.loads(done.stdout)
    assert done.returncode == (1 if "failed" in outcome else 0), done.stderr
    return outcome


def inputs(brevet, role, **more):
    return {"role-to-assume": role, "aws-region": "eu-central-1", "sts-endpoint": brevet.endpoint, **more}


@pytest.fixture
def github():
    """GitHub's issuer by its true name. Its keys are pinned: nobody is asked for them."""
    issuer = Issuer()
    issuer.server.shutdown()
    issuer.url = GITHUB
    return issuer


@contextlib.contextmanager
def serving(data_dir, github):
    """A service that knows GitHub, with a role for the main branch in both forms of the subject."""
    (data_dir.parent / "keys.json").write_text(json.dumps(github.jwks()))
    file = data_dir.parent / "provider.yaml"
    file.write_text(f"issuer: {GITHUB}\nclient_ids: [{AUDIENCE}]\njwks_file: keys.json\n")
    with served(data_dir) as (_, line):
        brevet = client(line, data_dir)
        brevet.account = brevet.sts().get_caller_identity()["Account"]
        assert brevet.cli("provider", "apply", file).returncode == 0
        both = {"StringEquals": {f"{github.name}:sub": [SUBJECT, WITH_IDS], f"{github.name}:aud": AUDIENCE}}
        yield brevet, role_for(brevet, github, "deploy", both)


@pytest.mark.parametrize("where", ["hosted", "self-hosted"])
def test_a_job_gets_keys_in_both_forms_of_the_subject(data_dir, github, node, tmp_path, where):  # noqa: F811
    with serving(data_dir, github) as (brevet, role):
        for subject in (SUBJECT, WITH_IDS):
            with Actions(lambda audience: github.token(sub=subject, aud=audience)) as actions:
                env = actions.environment
                if where == "self-hosted":
                    del env["GITHUB_ACTIONS"]
                outcome = action(node, tmp_path, inputs(brevet, role), **env)
            assert outcome["failures"] == [] and len(actions.tokens) == 1
            assert outcome["identity"] == {"Account": brevet.account, "Arn": outcome["assumed"]["Arn"]}
            assert outcome["assumed"]["Arn"].endswith(":assumed-role/deploy/GitHubActions")
            assert HOUR - 30 < outcome["lifetime"] <= HOUR


def test_what_a_workflow_asks_for_is_what_the_session_is(data_dir, github, node, tmp_path):  # noqa: F811
    more = {"role-session-name": "shop-17", "role-duration-seconds": 900}
    with serving(data_dir, github) as (brevet, role), Actions(lambda audience: github.token(aud=audience)) as actions:
        env = {"GITHUB_ENV": str(tmp_path / "env"), **actions.environment}
        outcome = action(node, tmp_path, inputs(brevet, role, **more), **env)
        assert outcome["identity"]["Arn"].endswith(":assumed-role/deploy/shop-17") and 870 < outcome["lifetime"] <= 900
        exported = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
        key = tuple(exported[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))
        assert brevet.sts(key).get_caller_identity()["Arn"] == outcome["identity"]["Arn"]
        # The audience of the workflow is what its token says.
        more = {"audience": "someone-else", "retry-max-attempts": 1}
        assert "Incorrect token audience" in action(node, tmp_path, inputs(brevet, role, **more), **env)["failed"]


def test_twelve_tries_with_one_token_are_two_records_and_the_error_names_the_form(data_dir, github, node, tmp_path):  # noqa: F811
    without_ids = SUBJECT.replace("main", "topic")
    with serving(data_dir, github) as (brevet, role):
        for subject, form in ((TOPIC, "with ids"), (without_ids, "without ids")):
            with Actions(lambda audience: github.token(sub=subject, aud=audience)) as actions:
                outcome = action(node, tmp_path, inputs(brevet, role), **actions.environment)
            assert len(outcome["failures"]) == 12 and len(actions.tokens) == 1
            assert seen(outcome["failures"]) == [("AccessDenied", 403, 1)] * 12
            assert f'the token\'s sub is "{subject}" (GitHub\'s form {form})' in outcome["failed"]
        # Whoever is denied so often is not locked out.
        with Actions(lambda audience: github.token(sub=WITH_IDS, aud=audience)) as actions:
            assert action(node, tmp_path, inputs(brevet, role), **actions.environment)["failures"] == []
    for subject in (TOPIC, without_ids):
        # The first at once; the others as one, when the service ends or ten minutes are over.
        records = [record for record in audit(data_dir) if record.get("userIdentity", {}).get("subject") == subject]
        assert [(record["outcome"], record.get("attempts", 1)) for record in records] == [("denied", 1), ("denied", 11)]


def seen(failures):
    return [(failure["name"], failure["status"], failure["attempts"]) for failure in failures]


def test_a_refusal_is_the_same_at_every_try(brevet, issuer, node, tmp_path):  # noqa: F811
    role = role_for(brevet, issuer, "action-refused")
    now = int(time.time())
    for token, name, status in (
        (issuer.token(sub=WITH_IDS), "AccessDenied", 403),
        (issuer.token(aud="someone-else"), "InvalidIdentityTokenException", 400),
        (issuer.token(iat=now - 1000, exp=now - 500), "ExpiredTokenException", 400),
    ):
        with Actions(lambda _: token) as actions:
            more = {"retry-max-attempts": 3}
            outcome = action(node, tmp_path, inputs(brevet, role, **more), **actions.environment)
        # The action tries again; the SDK knows each time that it need not.
        assert seen(outcome["failures"]) == [(name, status, 1)] * 3 and "identity" not in outcome


def test_the_sdk_itself_tries_again_where_the_provider_could_not_be_asked(brevet, node, tmp_path):  # noqa: F811
    dead = Issuer()
    dead.broken = True
    try:
        brevet.iam().create_open_id_connect_provider(Url=dead.url, ClientIDList=[AUDIENCE])
        role = role_for(brevet, dead, "action-dead")
        with Actions(lambda _: dead.token()) as actions:
            more = {"retry-max-attempts": 1}
            outcome = action(node, tmp_path, inputs(brevet, role, **more), **actions.environment)
        assert seen(outcome["failures"]) == [("IDPCommunicationErrorException", 400, 3)]
        # That costs the provider nothing: it is let alone for some seconds.
        assert dead.connections == 1
    finally:
        dead.server.shutdown()

"""alice, bob and carol, who sign in at the identity provider that `brevet dev` brings along."""

import contextlib
import html.parser
import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import jwt
import pytest
from conftest import BREVET, ROOT, environment, refused, run, running
from test_dev_issuer import ask, exchange, token
from test_node_clients import node  # noqa: F401

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
INJECTION = "\"><script>alert('x')</script>"
# RFC 7636, appendix B.
VERIFIER, CHALLENGE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


class Page(html.parser.HTMLParser):
    """A page as a browser sees it: where its form goes, what is in it, which buttons there are, what one can read."""

    def __init__(self, url, status, headers, text):
        super().__init__()
        self.url, self.status, self.headers, self.html = url, status, headers, text
        self.form, self.hidden, self.buttons, self.tags, self.text = {}, {}, {}, [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        if tag == "form":
            self.form = attributes
        elif tag == "input" and attributes.get("type") == "hidden":
            self.hidden[attributes["name"]] = attributes["value"]
        elif tag == "button" and "value" in attributes:
            self.buttons[attributes["value"]] = attributes["name"]

    def handle_data(self, data):
        self.text += data


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(NoRedirects)


def visit(url, form=None, follow=False, **headers):
    """A page, or the page that it leads to."""
    data = form if form is None else urllib.parse.urlencode(form).encode()
    try:
        with OPENER.open(urllib.request.Request(url, data=data, headers=headers), timeout=10) as answer:
            page = Page(url, answer.status, answer.headers, answer.read().decode())
    except urllib.error.HTTPError as error:
        page = Page(url, error.code, error.headers, error.read().decode())
    return visit(page.headers["Location"]) if follow and page.status == 303 else page


def press(page, value, follow=False):
    """Presses a button as a browser does, which says whose page it was."""
    parts = urllib.parse.urlsplit(page.url)
    origin = f"{parts.scheme}://{parts.netloc}"
    form = {**page.hidden, page.buttons[value]: value}
    return visit(urllib.parse.urljoin(page.url, page.form["action"]), form, follow, Origin=origin)


@contextlib.contextmanager
def client(node, brevet, flow):  # noqa: F811
    """openid-client in a process of its own: what it wants opened, and a function that waits for what came of it."""
    env = {"PATH": os.environ["PATH"], "ISSUER": brevet.info["issuer"], "CLIENT_ID": brevet.info["client_id"], "FLOW": flow}
    with running("node", node / "sign_in.mjs", env=env) as (process, line):
        yield json.loads(line), lambda: json.loads(process.stdout.readline())


def authorize(brevet, redirect="http://127.0.0.1:4711/cb", **changes):
    """The URL that a client sends a browser to."""
    parameters = {
        "client_id": brevet.info["client_id"],
        "redirect_uri": redirect,
        "response_type": "code",
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return brevet.info["issuer"] + "/authorize?" + urllib.parse.urlencode(parameters)


def answer_of(page):
    """The parameters that a client gets."""
    assert page.status == 303, page.html
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.headers["Location"]).query))


def post(brevet, path, **form):
    status, text = ask(brevet.info["issuer"] + path, urllib.parse.urlencode(form))
    return status, json.loads(text)


def on_call(brevet, token, call=lambda method, **parameters: method(**parameters)):
    return exchange(brevet, token, lambda method, **parameters: call(method, **{**parameters, "RoleArn": brevet.role("on-call")}))


def test_openid_client_signs_alice_in_and_her_token_is_good_for_a_role(brevet, node):  # noqa: F811
    with client(node, brevet, "code") as (wants, outcome):
        page = visit(wants["open"])
        assert list(page.buttons) == ["alice", "bob", "carol", "yes"] and "script" not in page.tags
        # The one-time value counts once, and the browser lands at the client.
        assert "close this page" in press(page, "alice", follow=True).text
        assert press(page, "alice").status == 400
        done = outcome()
    assert "error" not in done, done
    claims = done["claims"]
    assert (claims["sub"], claims["email"], claims["email_verified"]) == ("alice", "alice@example.com", True)
    assert claims["aud"] == "brevet" and claims["nonce"] and claims["groups"] == ["developers", "on-call"]
    assert done["info"]["name"] == "Alice Adams" and done["refreshed"]["auth_time"] == claims["auth_time"]
    answer = on_call(brevet, done["id_token"])
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"]) == ("alice", "brevet")
    assert answer["AssumedRoleUser"]["Arn"].endswith(":assumed-role/on-call/job")


@pytest.mark.parametrize("person", ["bob", "carol"])
def test_the_others_sign_in_too_and_are_denied_the_role(brevet, node, person):  # noqa: F811
    with client(node, brevet, "code") as (wants, outcome):
        press(visit(wants["open"]), person, follow=True)
        done = outcome()
    assert done["claims"]["email"] == f"{person}@example.com"
    error = on_call(brevet, done["id_token"], refused)["Error"]
    assert error["Code"] == "AccessDenied" and f'the token\'s sub is "{person}"' in error["Message"]


def test_a_person_is_no_job_and_a_job_is_no_person(brevet):
    job, alice = token(brevet), token(brevet, sub="alice", aud="brevet")
    assert on_call(brevet, job, refused)["Error"]["Code"] == "AccessDenied"
    assert exchange(brevet, alice, refused)["Error"]["Code"] == "AccessDenied"


def test_openid_client_signs_in_on_a_device(brevet, node):  # noqa: F811
    with client(node, brevet, "device") as (wants, outcome):
        page = visit(wants["open"])
        assert wants["user_code"] in page.text
        assert "You are alice." in press(page, "alice").text
        done = outcome()
    assert done["claims"]["sub"] == "alice"
    assert on_call(brevet, done["id_token"])["SubjectFromWebIdentityToken"] == "alice"


@pytest.mark.parametrize("flow", ["code", "device"])
def test_openid_client_learns_that_it_was_denied(brevet, node, flow):  # noqa: F811
    with client(node, brevet, flow) as (wants, outcome):
        press(visit(wants["open"]), "yes", follow=True)
        assert outcome() == {"error": "access_denied"}


def test_a_device_s_code_can_be_typed_in_and_asking_too_fast_is_told(brevet):
    issuer = brevet.info["issuer"]
    status, begun = post(brevet, "/oauth/device", client_id="brevet", scope="openid")
    assert status == 200 and begun["verification_uri"] == issuer + "/device" and begun["interval"] == 1
    poll = lambda: post(brevet, "/oauth/token", client_id="brevet", grant_type=DEVICE_CODE, device_code=begun["device_code"])
    assert poll()[1]["error"] == "authorization_pending"
    assert poll()[1]["error"] == "slow_down"
    page = visit(begun["verification_uri"])
    assert (page.form["method"], page.form["action"]) == ("get", "/device")
    typed = begun["user_code"].lower().replace("-", "")
    press(visit(f"{issuer}/device?user_code={typed}"), "bob")
    status, tokens = poll()
    assert status == 200 and "refresh_token" not in tokens
    assert jwt.decode(tokens["id_token"], options={"verify_signature": False})["sub"] == "bob"
    assert poll() == (400, {"error": "invalid_grant", "error_description": "the device code is not known, or was redeemed before"})


def test_a_code_is_good_once_and_for_its_client_s_verifier(brevet):
    code = answer_of(press(visit(authorize(brevet)), "alice"))["code"]
    redeem = lambda **changes: post(
        brevet,
        "/oauth/token",
        **{"grant_type": "authorization_code", "client_id": "brevet", "code": code, "redirect_uri": "http://127.0.0.1:4711/cb"},
        **changes,
    )
    assert redeem(code_verifier="x" * 43)[1]["error"] == "invalid_grant"
    status, tokens = redeem(code_verifier=VERIFIER)
    bearer = {"Authorization": "Bearer " + tokens["access_token"]}
    assert status == 200 and ask(brevet.info["issuer"] + "/userinfo", **bearer)[0] == 200
    assert redeem(code_verifier=VERIFIER)[1]["error"] == "invalid_grant"
    assert ask(brevet.info["issuer"] + "/userinfo", **bearer)[0] == 401


def test_what_strangers_put_into_a_request_comes_back_as_text(brevet):
    issuer = brevet.info["issuer"]
    for url in (
        authorize(brevet, state=INJECTION, nonce=INJECTION),
        authorize(brevet, client_id=INJECTION),
        authorize(brevet, redirect="http://127.0.0.1:1/" + INJECTION),
        authorize(brevet, redirect="http://127.0.0.1:1/%22%3E%3Cscript%3E?" + "a=%22%3E%3Cscript%3E"),
        f"{issuer}/device?user_code={urllib.parse.quote(INJECTION)}",
        f"{issuer}/{urllib.parse.quote(INJECTION)}",
    ):
        page = visit(url)
        assert "script" not in page.tags and INJECTION not in page.html, url
    page = visit(f"{issuer}/device?user_code={urllib.parse.quote(INJECTION)}")
    assert INJECTION in page.text
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ") and page.headers["X-Frame-Options"] == "DENY"
    page = press(visit(authorize(brevet, state=INJECTION)), "alice")
    assert answer_of(page)["state"] == INJECTION and '"' not in page.headers["Location"]
    error = answer_of(visit(authorize(brevet, state=INJECTION, response_type="token")))
    assert (error["error"], error["state"], error["iss"]) == ("unsupported_response_type", INJECTION, issuer)


@pytest.mark.parametrize(
    "redirect",
    [
        "https://evil.example/",
        "http://evil.example/",
        "//evil.example/",
        "http://127.0.0.1@evil.example/",
        "http://127.0.0.1:4711@evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1:4711\\@evil.example/",
        "http://localhost.evil.example/",
        "http://127.0.0.1:4711/cb#@evil.example",
        "http://127.0.0.1:4711/\r\nLocation: https://evil.example/",
        "javascript:alert(1)",
        "",
    ],
)
def test_nobody_is_sent_elsewhere(brevet, redirect):
    # Neither with a code nor with an error.
    for changes in ({}, {"response_type": "token"}):
        page = visit(authorize(brevet, redirect, **changes))
        assert page.status == 400 and page.headers["Location"] is None and page.buttons == {}


def test_other_web_pages_can_neither_answer_nor_ask(brevet):
    issuer = brevet.info["issuer"]
    page = visit(authorize(brevet))
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        assert visit(issuer + "/sign-in", {**page.hidden, "person": "alice"}, Origin=origin).status == 403
        assert visit(issuer + "/oauth/token", {"client_id": "brevet"}, Origin=origin).status == 403
        assert visit(authorize(brevet), Origin=origin).status == 403
    assert visit(issuer + "/oauth/device", {"client_id": "brevet", "scope": "openid"}, Origin=issuer).status == 403
    assert visit(issuer + "/sign-in", {"ticket": "guessed", "person": "alice"}, Origin=issuer).status == 400
    assert visit(authorize(brevet), Host="evil.example").status == 403
    # What was refused did not use the page up; and a browser may call this machine as it likes.
    page.url = page.url.replace("127.0.0.1", "localhost", 1)
    assert answer_of(press(page, "alice"))["code"]


def test_the_linter_finds_nothing_in_the_trust_policy_of_the_people_s_role(brevet):
    document = brevet.iam().get_role(RoleName="on-call")["Role"]["AssumeRolePolicyDocument"]
    linted = run("policy", "lint", "--kind", "trust", "-o", "json", "-", stdin=json.dumps(document))
    assert json.loads(linted.stdout)["findings"] == [] and linted.returncode == 0


def test_what_dev_prints_for_a_person_works_when_it_is_pasted():
    with running(BREVET, "dev", "--listen", "127.0.0.1:0") as (process, _):
        lines = []
        while not any("device_code=" in line for line in lines):
            lines.append(process.stdout.readline())
        export = "".join(line for line in lines if line.startswith("  export "))
        begin, go_on = lines[-2:]
        path = os.path.dirname(sys.executable) + ":" + os.environ["PATH"]
        shell = ["sh", "-c", export + begin + "read answered\n" + go_on]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(shell, env=environment(PATH=path), text=True, **pipes) as pasted:
            press(visit(pasted.stdout.readline().strip()), "alice")
            out, err = pasted.communicate("yes\n", timeout=60)
        assert ":assumed-role/on-call/me" in out, err


def test_the_toy_issuer_runs_alone():
    with running(BREVET, "toy-issuer", "--listen", "127.0.0.1:0", "--client-id", "shop", "--client-id", "till") as (process, line):
        info = json.loads(line)
        assert set(info) == {"issuer", "token_endpoint", "client_id"} and info["client_id"] == "shop"
        status, text = ask(info["token_endpoint"], json.dumps({"sub": "x"}))
        assert status == 200 and json.loads(text)["token"].count(".") == 2
        for client_id, expected in (("shop", 200), ("till", 200), ("brevet", 401)):
            form = urllib.parse.urlencode({"client_id": client_id, "scope": "openid"})
            assert ask(info["issuer"] + "/oauth/device", form)[0] == expected
        taken = info["issuer"].split("//")[1]
        assert f"cannot listen on {taken}" in run("toy-issuer", "--listen", taken).stderr
        process.terminate()
        assert process.wait(10) == 0
    done = run("toy-issuer", "--listen", "0.0.0.0:0")
    assert done.returncode == 1 and "--expose-dev" in done.stderr


def test_the_examples_of_its_page_work():
    text = (ROOT / "docs/toy-issuer.md").read_text()
    commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
    assert commands[0] == "brevet toy-issuer --client-id my-app"
    with running(BREVET, "toy-issuer", "--listen", "127.0.0.1:0", "--client-id", "my-app") as (_, line):
        info = json.loads(line)
        script = "\necho\n".join(commands[1:]).replace("http://127.0.0.1:8733", info["issuer"])
        done = subprocess.run(["sh", "-ec", script], env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    documents = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    read = lambda token: jwt.decode(token, options={"verify_signature": False})
    assert read(documents[0]["token"])["environment"] == "production"
    assert read(documents[-1]["id_token"])["sub"] == "alice"

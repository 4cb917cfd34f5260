"""Reads a page of docs/recipes from top to bottom and does what it says.

What stands on a page is what is run: the provider is registered by its commands or its file (with the keys of the test,
so that nothing is fetched), the role is made of its policy, a token of its claims, the table of answers is asked, and the
pipeline's own script gets keys by a stock AWS client. Only what the vendor does is done here.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

import jwt
import yaml
from conftest import BREVET, ROOT, environment, key_environment, run, triple
from test_github_action import Actions, action
from test_web_identity import Issuer, exchange, refused

RECIPES = ROOT / "docs/recipes"
TOKEN, KEYS = object(), object()

# What the vendors' programs are asked for by each page, and what they say. The device grants of people are two requests.
DEVICE = '{"device_code": "a-device-code", "verification_uri": "https://idp.example", "user_code": "WDJB-MJHT"}'
GRANT = r"-d grant_type=urn:ietf:params:oauth:grant-type:device_code .*-d device_code=a-device-code$"
STAND_INS = {
    "azure-pipelines": [
        (r"curl .*-X POST .*Bearer the-job-s .*\?api-version=7\.1&serviceConnectionId=[0-9a-f-]{36}$", {"oidcToken": TOKEN}),
        (r"curl .*-X POST .*Bearer the-job-s .*\?api-version=7\.1$", {"oidcToken": TOKEN}),
    ],
    "buildkite": [("buildkite-agent oidc request-token --audience sts.amazonaws.com --claim organization_id$", TOKEN)],
    "dex": [(r"curl .*/device/code .*federated:id", DEVICE), (rf"curl .*/token .*{GRANT}", {"id_token": TOKEN})],
    "entra": [(r"curl .*/oauth2/v2.0/devicecode ", DEVICE), (rf"curl .*/oauth2/v2.0/token .*{GRANT}", {"id_token": TOKEN})],
    "google": [
        (r"curl .*https://oauth2.googleapis.com/device/code .*scope=openid email", DEVICE),
        (rf"curl .*https://oauth2.googleapis.com/token .*{GRANT}", {"id_token": TOKEN}),
        (r"gcloud auth print-identity-token --impersonate-service-account=\S+ --audiences=\S+ --include-email$", TOKEN),
    ],
    "keycloak": [
        (r"curl .*/openid-connect/auth/device ", DEVICE),
        (rf"curl .*/openid-connect/token .*{GRANT}", {"id_token": TOKEN}),
    ],
    "kubernetes": [
        (r"kubectl get --raw /.well-known/openid-configuration$", '{"issuer": "https://kubernetes.default.svc.cluster.local"}'),
        (r"kubectl get --raw /openid/v1/jwks$", KEYS),
    ],
    "okta": [(r"curl .*/v1/device/authorize ", DEVICE), (rf"curl .*/v1/token .*{GRANT}", {"id_token": TOKEN})],
}

STAND_IN = """#!{python}
import json, pathlib, sys
room = pathlib.Path(__file__).parent.parent
said, *rest = json.loads((room / "answers").read_text())
(room / "answers").write_text(json.dumps(rest))
with open(room / "calls", "a") as calls:
    print(json.dumps(" ".join([pathlib.Path(sys.argv[0]).name, *sys.argv[1:]])), file=calls)
print(said)
"""


def parts(text):
    """The page's blocks as (language, text), and the rows of its tables whose first cell is JSON, in reading order.

    A block in another language than those that a reader knows has no `read_` for it: the test fails.
    """
    pattern = r"^```(\w*)\n(.*?)^```$|^\| `(\{.*?\})` \| `?([A-Za-z]+)`? \|"
    for language, block, claims, answer in re.findall(pattern, text, re.DOTALL | re.MULTILINE):
        yield ("row", (json.loads(claims), answer)) if claims else (language, block)


class Reader:
    """Somebody who reads a page and does what it says, in a directory of their own."""

    def __init__(self, page, service, room, node):
        self.page, self.service, self.room, self.node = page, service, room, node
        self.issuer = Issuer()
        self.issuer.server.shutdown()
        text = (RECIPES / f"{page}.md").read_text()
        self.parts = list(parts(text.replace("123456789012", service.account).replace("https://sts.example.com", service.endpoint)))
        rows = sum(kind == "row" for kind, _ in self.parts)
        assert text.count("\n| `{") == rows and text.count("\n```") == 2 * (len(self.parts) - rows)
        self.claims = self.role = None
        self.answers, self.used = [], []
        (room / "jwks.json").write_text(json.dumps(self.issuer.jwks()))
        (room / "bin").mkdir()
        for name in {pattern.split()[0] for pattern, _ in STAND_INS.get(page, [])}:
            (room / "bin" / name).write_text(STAND_IN.format(python=sys.executable))
            (room / "bin" / name).chmod(0o755)
        (room / "calls").touch()

    def read(self):
        for kind, text in self.parts:
            getattr(self, f"read_{kind}")(text)

    # What a part of a page is for.

    def read_console(self, text):
        """Commands after `$`: run one by one, with the keys of an administrator."""
        commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
        assert commands and len(commands) == len(text.splitlines()), text
        endpoints = {"BREVET_ENDPOINT": self.service.endpoint, "AWS_ENDPOINT_URL_IAM": self.service.endpoint}
        env = {"AWS_DEFAULT_REGION": "us-east-1", **key_environment(self.service.key), **endpoints}
        for command in commands:
            shown = self.bash(command, **env)
            if command.startswith("brevet provider apply"):
                self.pin(shown.strip())
            if command.startswith("aws iam create-role"):
                self.role = json.loads(shown)["Role"]["Arn"]
            if command.startswith("brevet provider test"):
                assert "ok    keys" in shown and "ok    token" in shown and self.claims["sub"] in shown

    def read_json(self, text):
        """A trust policy, in which the linter finds nothing, or the claims of a token, for which there are keys."""
        document = json.loads(text)
        if "Statement" in document:
            (self.room / "trust.json").write_text(text)
            linted = run("policy", "lint", "--kind", "trust", "-o", "json", self.room / "trust.json")
            assert json.loads(linted.stdout)["findings"] == [], linted.stdout
        else:
            self.claims = document
            (self.room / "token.jwt").write_text(self.token())
            self.read_row(({}, "taken"))

    def read_row(self, row):
        """Claims in the place of the token's, and what the answer is then."""
        changes, answer = row
        token = self.token(**changes)
        if answer == "taken":
            issued = exchange(self.service, self.role, token)
            assert issued["SubjectFromWebIdentityToken"] == changes.get("sub", self.claims["sub"])
            assert self.is_role(self.service.sts(triple(issued["Credentials"])).get_caller_identity()["Arn"])
        else:
            assert refused(self.service, self.role, token)[0] == answer, changes
        self.answers.append((self.role, answer))

    def read_yaml(self, text):
        """A provider's file, or the pipeline."""
        document = yaml.safe_load(text)
        if "issuer" in document:
            (self.room / "provider.yaml").write_text(text)
        else:
            getattr(self, self.page.replace("-", "_"))(document)

    def read_bash(self, text):
        """A person's shell; the Enter that it waits for is pressed."""
        self.is_me(self.bash(text, stdin="\n"))

    def read_groovy(self, text):
        """A declarative pipeline as far as it is used here: constants, a credential that is a file, one shell step."""
        env = dict(re.findall(r"(\w+) = '([^']*)'", text))
        [variable] = re.findall(r"withCredentials\(\[file\(credentialsId: '[^']+', variable: '(\w+)'\)\]\)", text)
        [script] = re.findall(r"sh '([^']*)'", text)
        assert text.count("{") == text.count("}")
        self.is_me(self.bash(script, **env, **{variable: str(self.room / "token.jwt")}))

    # What the vendors do with their pipelines.

    def github_actions(self, workflow):
        assert workflow["permissions"]["id-token"] == "write" and len(workflow["jobs"]) == 2
        for job in workflow["jobs"].values():
            exported = self.room / "github-env"
            exported.write_text("")
            with Actions(lambda audience: self.token(aud=audience)) as actions:
                for step in job["steps"]:
                    lines = exported.read_text().splitlines()
                    env = {**actions.environment, **job["env"], **dict(line.split("=", 1) for line in lines)}
                    if "uses" in step:
                        assert step["uses"].startswith("aws-actions/configure-aws-credentials@v6")
                        action(self.node, self.room, step["with"], GITHUB_ENV=str(exported), **env)
                    else:
                        self.is_me(self.bash(step["run"], **env))

    def gitlab_ci(self, pipeline):
        [job] = pipeline.values()
        [(name, token)] = job["id_tokens"].items()
        assert token["aud"] == self.claims["aud"]
        self.is_me(self.bash("\n".join(job["script"]), **job["variables"], **{name: self.token()}))

    def buildkite(self, pipeline):
        [step] = pipeline["steps"]
        # `pipeline upload` would replace single ones by what they are there.
        self.is_me(self.bash(step["command"].replace("$$", "$"), **step["env"]))

    def circleci(self, config):
        [job] = config["jobs"].values()
        [step] = [step["run"] for step in job["steps"] if "run" in step]
        self.is_me(self.bash(step["command"], **job["environment"], CIRCLE_OIDC_TOKEN_V2=self.token()))

    def azure_pipelines(self, pipeline):
        [step] = pipeline["steps"]
        env = {name: "the-job-s" if value == "$(System.AccessToken)" else value for name, value in step["env"].items()}
        self.is_me(self.bash(step["bash"], **env, SYSTEM_OIDCREQUESTURI="https://dev.azure.com/acme/_apis/oidctoken"))

    def kubernetes(self, pod):
        assert f"system:serviceaccount:{pod['metadata']['namespace']}:{pod['spec']['serviceAccountName']}" == self.claims["sub"]
        [container], [volume] = pod["spec"]["containers"], pod["spec"]["volumes"]
        [source], [mount] = volume["projected"]["sources"], container["volumeMounts"]
        token = source["serviceAccountToken"]
        assert volume["name"] == mount["name"] and [token["audience"]] == self.claims["aud"]
        assert token["expirationSeconds"] == self.claims["exp"] - self.claims["iat"]
        env = {variable["name"]: variable["value"] for variable in container["env"]}
        assert env["AWS_WEB_IDENTITY_TOKEN_FILE"] == f"{mount['mountPath']}/{token['path']}"
        env["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(self.room / "token.jwt")
        self.is_me(self.bash(" ".join(container["command"]), **env))

    # Means.

    def pin(self, arn):
        """Gives the provider that was just registered the keys of the test, and leaves it as it is otherwise."""
        listed = json.loads(self.service.cli("provider", "list", "-o", "json").stdout)["providers"]
        [known] = [provider for provider in listed if provider["arn"] == arn]
        if not known["pinned"]:
            file = self.room / "pinned.json"
            file.write_text(json.dumps({"issuer": known["issuer"], "client_ids": known["client_ids"], "jwks_file": "jwks.json"}))
            assert self.service.cli("provider", "apply", file).returncode == 0

    def token(self, **changes):
        """A token of the page's claims, with the times that they have moved to now, under a header as vendors write it."""
        claims = {**self.claims, **changes}
        ahead = int(time.time()) - self.claims["iat"]
        claims = {name: value + ahead if name in ("iat", "exp", "nbf", "auth_time") else value for name, value in claims.items()}
        claims = {name: value for name, value in claims.items() if value is not None}
        headers = {"typ": "JWT", "kid": "first", "x5t": "first"}
        return jwt.encode(claims, self.issuer.keys["first"], algorithm="RS256", headers=headers)

    def bash(self, script, stdin="", **env):
        """Runs a script, with stand-ins for what is the vendor's; gives what it printed."""
        waiting = STAND_INS.get(self.page, [])[len(self.calls()):]
        (self.room / "answers").write_text(json.dumps([self.said(answer) for _, answer in waiting]))
        tools = [self.room / "bin", BREVET.parent, pathlib.Path(sys.executable).parent]
        path = ":".join([*map(str, tools), os.environ["PATH"]])
        # In which region is for the page to say.
        env = environment(PATH=path, HOME=str(self.room), TMPDIR=str(self.room), **{"AWS_DEFAULT_REGION": "", **env})
        command = ["bash", "-euo", "pipefail", "-c", script]
        done = subprocess.run(command, input=stdin, env=env, cwd=self.room, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def calls(self):
        """How the stand-ins were called."""
        return [json.loads(line) for line in (self.room / "calls").read_text().splitlines()]

    def said(self, answer):
        """An answer as the program prints it, which has no token before the page tells what is in it."""
        if answer is KEYS:
            return (self.room / "jwks.json").read_text()
        if isinstance(answer, str):
            return answer
        token = self.claims and self.token()
        return token if answer is TOKEN else json.dumps({name: token for name in answer})

    def is_me(self, text):
        """The AWS CLI printed, at last, that the caller is the role: the page's client works."""
        assert self.is_role(json.loads(text[text.rindex("{"):])["Arn"]), text
        self.used.append(self.role)

    def is_role(self, arn):
        return f":assumed-role/{self.role.split('/')[-1]}/" in arn

"""The pages of docs/recipes work as they stand, under the vendors' true issuer names: recipes.py reads them."""

import base64
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from conftest import BREVET, ROOT, Brevet, environment, running
from recipes import RECIPES, STAND_INS, Reader, parts
from test_node_clients import node, provider  # noqa: F401 (node is a fixture)
from test_web_identity import role_for

PAGES = sorted(path.stem for path in RECIPES.glob("*.md") if path.stem != "README")
CI = {"azure-pipelines", "buildkite", "circleci", "github-actions", "gitlab-ci", "jenkins", "kubernetes"}
PEOPLE = {"dex", "entra", "google", "keycloak", "okta"}
HEADINGS = ["Register the provider", "Let a role trust it", "What the token says", "What is taken and what is refused"]


@pytest.fixture(scope="module")
def service():
    """A service for these pages alone: others register the same vendors."""
    with running(BREVET, "dev", "--listen", "127.0.0.1:0", "--issuer-listen", "127.0.0.1:0", "--output", "json") as (_, line):
        yield Brevet(json.loads(line))


@pytest.mark.parametrize("page", PAGES)
def test_a_recipe_works_as_it_stands(page, service, tmp_path, request):
    installed = request.getfixturevalue("node") if page == "github-actions" else None
    reader = Reader(page, service, tmp_path, installed)
    reader.read()
    # For each role: near misses, two or more, and none of them gets in.
    roles = {role for role, _ in reader.answers}
    assert roles and all(reader.answers.count((role, "AccessDenied")) >= 2 for role in roles)
    assert len(reader.used) == len(roles) + (page == "github-actions")
    for call, (pattern, _) in zip(reader.calls(), STAND_INS.get(page, []), strict=True):
        assert re.match(pattern, call), call


def test_every_ci_and_provider_has_its_page_with_the_same_parts():
    assert set(PAGES) == CI | PEOPLE
    index = (RECIPES / "README.md").read_text()
    for page in PAGES:
        text = (RECIPES / f"{page}.md").read_text()
        headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert headings[:4] == HEADINGS and len(headings) > 4 and headings[-1] == "When it does not work", page
        assert f"({page}.md)" in index
    assert "(recipes/README.md)" in (ROOT / "docs/identity-providers.md").read_text()


def test_the_subject_of_the_page_for_dex_is_made_as_dex_makes_it():
    _, claims = [json.loads(block) for kind, block in parts((RECIPES / "dex.md").read_text()) if kind == "json"]
    of = claims["federated_claims"]
    fields = [bytes([tag, len(text)]) + text.encode() for tag, text in ((0x0A, of["user_id"]), (0x12, of["connector_id"]))]
    assert claims["sub"] == base64.urlsafe_b64encode(b"".join(fields)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "page, endpoint",
    [("dex", "device/code"), ("entra", "devicecode"), ("keycloak", "auth/device"), ("okta", "device/authorize")],
)
def test_the_sign_in_of_a_page_works_with_a_real_provider(page, endpoint, service, tmp_path, node):  # noqa: F811
    blocks = list(parts((RECIPES / f"{page}.md").read_text().replace("https://sts.example.com", service.endpoint)))
    [script] = [text for kind, text in blocks if kind == "bash"]
    [client] = [json.loads(text)["aud"] for kind, text in blocks if kind == "json" and "aud" in json.loads(text)]
    with provider(node, "oidc_provider.mjs") as idp:
        idp("publish", published=[("rsa", "RS256")])
        idp.at(service, "brevet")
        role = role_for(service, idp, f"real-{page}", {"StringEquals": {f"{idp.name}:sub": "ada", f"{idp.name}:aud": "brevet"}})
        # What is the provider's own on the page, in the words of this one.
        script = re.sub(r"^oidc=.*$", f"oidc={idp.url}", script, flags=re.MULTILINE)
        script = re.sub(r"AWS_ROLE_ARN=\S+", f"AWS_ROLE_ARN={role}", script)
        script = script.replace(f"$oidc/{endpoint}", "$oidc/device/auth").replace(client, "brevet")
        path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
        env = environment(PATH=path, HOME=str(tmp_path), TMPDIR=str(tmp_path))
        command = ["bash", "-euo", "pipefail", "-c", script]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True) as shell:
            assert shell.stdout.readline() == f"{idp.url}/device\n"
            idp("approve", user_code=shell.stdout.readline().strip(), subject="ada")
            shown, _ = shell.communicate("\n", timeout=60)
    assert shell.returncode == 0 and f":assumed-role/real-{page}/" in json.loads(shown)["Arn"]

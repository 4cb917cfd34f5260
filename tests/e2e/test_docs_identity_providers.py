"""The policies of docs/identity-providers.md are good ones, and its provider file is one that is taken."""

import json
import re

from conftest import ROOT, key_environment, run

TEXT = (ROOT / "docs/identity-providers.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_linter_finds_nothing_in_the_policies():
    policies = blocks("json")
    assert len(policies) >= 4
    for policy in policies:
        kind = "trust" if '"Principal"' in policy else "identity"
        linted = run("policy", "lint", "--kind", kind, "-o", "json", "-", stdin=policy)
        findings = {finding["code"] for finding in json.loads(linted.stdout)["findings"]}
        # The form of GitHub's subject without ids is there beside the one with them, for repositories of before.
        assert findings <= {"SUBJECT_WITHOUT_IDS"}, linted.stdout


def test_the_provider_files_are_taken(brevet, tmp_path):
    file, mapping = blocks("yaml")
    (tmp_path / "provider.yaml").write_text(file)
    ca = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    (tmp_path / "corp-ca.pem").write_text(ca)
    env = {"BREVET_ENDPOINT": brevet.endpoint, **key_environment(brevet.key)}
    applied = run("provider", "apply", tmp_path / "provider.yaml", **env)
    assert applied.stdout.strip().endswith(":oidc-provider/login.corp.example/realms/main"), applied.stderr
    [shown] = [p for p in json.loads(run("provider", "list", "-o", "json", **env).stdout)["providers"] if "corp" in p["issuer"]]
    assert shown["claim_mapping"]["tags"] == {}
    assert shown["allow_private"] and shown["own_certificates"] and shown["algorithms"] == ["RS256", "PS256"]
    (tmp_path / "provider.yaml").write_text(mapping)
    assert run("provider", "apply", tmp_path / "provider.yaml", **env).returncode == 0
    [shown] = [p for p in json.loads(run("provider", "list", "-o", "json", **env).stdout)["providers"] if "corp" in p["issuer"]]
    assert shown["claim_mapping"] == {
        "tags": {"team": "department", "namespace": "kubernetes.io/namespace"},
        "transitive_tags": ["team"],
        "source_identity": "email",
    }

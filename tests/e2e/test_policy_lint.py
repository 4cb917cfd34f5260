"""`brevet policy lint`: what it finds, how it writes it, and how it ends."""

import json
import re

import pytest
from conftest import ROOT, run

EXAMPLES = ROOT / "validator" / "tests" / "vectors" / "policy" / "lint"
BAD = sorted((EXAMPLES / "bad").glob("*.json"))
GOOD = sorted((EXAMPLES / "good").glob("*.json"))
OPEN = EXAMPLES / "bad" / "open_subject-no-boundary.json"
DOCS = (ROOT / "docs" / "policy-lint.md").read_text()


def lint(*arguments, **options):
    return run("policy", "lint", *arguments, **options)


def findings(*arguments, **options):
    answer = lint("-o", "json", *arguments, **options)
    assert not answer.stderr
    return answer.returncode, json.loads(answer.stdout)["findings"]


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_policy_is_found(file):
    code, found = findings(file)
    assert code == 6
    assert {finding["code"] for finding in found} == {file.stem.split("-")[0].upper()}
    assert all(finding["file"] == str(file) and finding["severity"] in ("dangerous", "warning") for finding in found)


def test_good_policies_pass_in_silence():
    answer = lint(*GOOD)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    assert findings(*GOOD) == (0, [])


def test_people_read_where_what_and_what_to_write_instead():
    answer = lint(EXAMPLES / "bad" / "unknown_key.json", OPEN)
    assert answer.returncode == 6
    first, instead, second = answer.stdout.splitlines()
    assert re.fullmatch(r".*/unknown_key\.json:12:11: warning UNKNOWN_KEY: there is no condition key .*", first)
    assert instead.strip() == "try: aws:MultiFactorAuthPresent"
    assert re.fullmatch(r'.*:17:13: dangerous OPEN_SUBJECT: "repo:acme\*" does not name the owner in full.*', second)


def test_sarif_has_a_rule_and_a_place_for_each_result(tmp_path):
    odd = tmp_path / "a b#c.json"
    odd.write_text(OPEN.read_text())
    answer = lint("-o", "sarif", EXAMPLES / "bad" / "shadowed.json", odd)
    assert answer.returncode == 6
    sarif = json.loads(answer.stdout)
    assert sarif["version"] == "2.1.0" and sarif["$schema"].endswith("sarif-2.1.0.json")
    (run_,) = sarif["runs"]
    driver = run_["tool"]["driver"]
    assert driver["name"] == "brevet"
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(rules) == len(set(rules))
    shadowed, opened = run_["results"]
    assert (shadowed["ruleId"], shadowed["level"]) == ("SHADOWED", "warning")
    assert (opened["ruleId"], opened["level"]) == ("OPEN_SUBJECT", "error")
    assert {shadowed["ruleId"], opened["ruleId"]} <= set(rules)
    (location,) = opened["locations"]
    assert location["physicalLocation"]["region"] == {"startLine": 17, "startColumn": 13}
    assert location["physicalLocation"]["artifactLocation"]["uri"].endswith("/a%20b%23c.json")
    assert opened["message"]["text"]


def test_sarif_of_nothing_is_still_sarif():
    answer = lint("-o", "sarif", GOOD[0])
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["runs"][0]["results"] == []


def test_the_kind_is_guessed_or_said():
    identity = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}'
    assert findings("-", stdin=identity) == (0, [])
    code, (finding,) = findings("--kind", "trust", "-", stdin=identity)
    assert (code, finding["code"], finding["file"]) == (6, "MALFORMED", "-")
    nothing = '{"Version": "2012-10-17", "Statement": []}'
    assert findings("--kind", "session", "-", stdin=nothing) == (0, [])
    assert findings("--kind", "identity", "-", stdin=nothing)[0] == 6
    public = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}}'
    assert [finding["code"] for finding in findings("-", stdin=public)[1]] == ["PUBLIC_PRINCIPAL"]


def test_a_file_that_cannot_be_read_is_a_failure_and_nothing_is_told(tmp_path):
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe{}")
    for file in (tmp_path / "missing.json", tmp_path, tmp_path / "binary.json"):
        answer = lint(OPEN, file)
        assert (answer.returncode, answer.stdout) == (1, "")
        assert str(file) in answer.stderr


def test_wrong_usage_is_told_apart():
    assert lint().returncode == 2
    assert lint("-o", "xml", OPEN).returncode == 2
    assert lint("--kind", "scp", OPEN).returncode == 2


def test_the_documentation_has_every_code_and_its_examples_are_true():
    rules = json.loads(lint("-o", "sarif", GOOD[0]).stdout)["runs"][0]["tool"]["driver"]["rules"]
    sections = dict(re.findall(r"^## ([A-Z_]+)\n(.*?)(?=^## |\Z)", DOCS, re.M | re.S))
    assert set(sections) == {rule["id"] for rule in rules}
    for code, text in sections.items():
        bad, good = re.findall(r"```json\n(.*?)```", text, re.S)
        assert {finding["code"] for finding in findings("-", stdin=bad)[1]} == {code}
        assert findings("-", stdin=good) == (0, []), code

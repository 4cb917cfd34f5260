"""`brevet policy test`: what cases come to, how it is told, and what happens to files that are no test files."""

import json
import os
import pathlib
import re
import subprocess

import jsonschema
import pytest
import yaml
from conftest import BREVET, ROOT, environment, policy, run, statement

FILES = pathlib.Path(__file__).parent / "policy_tests"
DOCS = (ROOT / "docs" / "policy-tests.md").read_text()
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "policy-test.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
ALL = "{Statement: {Effect: Allow, Action: '*', Resource: '*'}}"
CASE = "{principal: 'arn:aws:iam::123456789012:root', action: 's3:GetObject', resource: '*'}"


class Yaml12(yaml.SafeLoader):
    """As YAML 1.2 reads it: a date is a string, and so is `on`."""


Yaml12.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in ("timestamp", "bool")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Yaml12.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), "tf")


def load(text):
    return yaml.load(text, Yaml12)


def test(*arguments):
    return run("policy", "test", *arguments)


test.__test__ = False


def report(*arguments):
    answer = test("-o", "json", *arguments)
    assert not answer.stderr
    return answer.returncode, json.loads(answer.stdout)


def write(folder, text, name="t.yaml"):
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def broken(*paths):
    """The first line that is told of what is no test file: nothing on standard output, nothing like a panic."""
    answer = test(*paths)
    assert (answer.returncode, answer.stdout) == (1, ""), answer
    assert "panicked" not in answer.stderr and len(answer.stderr) < 2000
    return answer.stderr.splitlines()[0]


def test_good_policies_pass_and_every_statement_is_exercised():
    answer = test("--min-coverage", "100", FILES / "good")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.splitlines()[0] == "cases: 17 passed, 0 failed"
    assert answer.stdout.splitlines()[-1] == "100.0 % of all statements exercised"
    assert "good/ci" not in answer.stdout, "a policy is told by its own path"
    quiet = test("-q", "--min-coverage", "100", FILES / "good")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_failed_cases_say_where_what_and_why():
    answer = test("-q", FILES / "failing")
    assert (answer.returncode, answer.stderr) == (6, "")
    lines = answer.stdout.splitlines()
    failures = [line for line in lines if not line.startswith(" ")]
    assert [re.search(r"reader\.yaml:(\d+):(\d+): FAIL", line).groups() for line in failures] == [("9", "5"), ("13", "5"), ("16", "5")]
    assert '"writes anywhere": expected allow, got deny NO_MATCHING_ALLOW: s3:PutObject on arn:aws:s3:::shop/a' in failures[0]
    assert '"reads nothing": expected deny, got allow ALLOWED: s3:GetObject' in failures[1]
    assert "expected deny EXPLICIT_DENY, got deny NO_MATCHING_ALLOW" in failures[2]
    assert lines[1].strip() == "also deny NO_MATCHING_ALLOW: s3:DeleteObject on arn:aws:s3:::shop/a"
    assert re.fullmatch(r"    by .*reader\.json:4:5 \(Read\)", lines[3])


def test_programs_read_the_same(tmp_path):
    code, told = report(FILES / "failing")
    assert (code, told["passed"], told["failed"], len(told["cases"])) == (6, 1, 3, 4)
    reads, writes, nothing, reason = told["cases"]
    assert (reads["passed"], reads["failures"], reads["name"], reads["line"]) == (True, [], "reads", 6)
    assert (writes["expected"], writes["expected_reason"], writes["passed"]) == ("allow", None, False)
    assert [failure["action"] for failure in writes["failures"]] == ["s3:PutObject", "s3:DeleteObject"]
    (allowed,) = nothing["failures"]
    assert (allowed["effect"], allowed["reason"]) == ("allow", "ALLOWED")
    (by,) = allowed["statements"]
    assert (by["sid"], by["number"], by["line"], by["column"]) == ("Read", 1, 4, 5)
    assert (reason["expected"], reason["expected_reason"]) == ("deny", "EXPLICIT_DENY")
    (reader,) = told["policies"]
    assert (reader["attached_as"], reader["line"], reader["statements"], reader["exercised"]) == ("identity", None, 3, 1)
    assert [(missing["sid"], missing["line"]) for missing in reader["not_exercised"]] == [("OwnFolder", 10), (None, 16)]
    assert told["coverage"] == {"statements": 3, "exercised": 1, "percent": 33.3, "min_percent": None, "passed": True}
    assert len(report("-q", FILES / "failing")[1]["cases"]) == 3


def test_hints_are_those_of_the_trace(tmp_path):
    case = "{principal: 'arn:aws:iam::123456789012:user/a', action: 's3:GetObject', resource: 'arn:aws:s3:::shop/x'}"
    bucket = "{Statement: {Effect: Allow, Action: 's3:GetObject', Resource: 'arn:aws:s3:::shop'}}"
    file = write(tmp_path, f"policies: {{identity: {bucket}}}\nallow: [{case}]")
    assert "    hint: " in test(file).stdout
    assert report(file)[1]["cases"][0]["failures"][0]["hints"]


def test_coverage_below_the_bound_fails(tmp_path):
    two = "[{Effect: Allow, Action: '*', Resource: '*'}, {Effect: Deny, Action: 'iam:*', Resource: '*', Sid: Iam}]"
    file = write(tmp_path, f"policies: {{identity: {{Statement: {two}}}}}\nallow: [{CASE}]")
    assert test("--min-coverage", "50", file).returncode == 0
    answer = test("--min-coverage", "50.1", file)
    assert answer.returncode == 6
    assert "(not exercised: Iam at line 1)" in answer.stdout and "FAIL: 50.0 % of all statements exercised, 50.1 % wanted" in answer.stdout
    assert test("-q", "--min-coverage", "51%", file).stdout.startswith("FAIL: 50.0 %")
    code, told = report("--min-coverage", "51", file)
    assert (code, told["failed"], told["coverage"]["passed"]) == (6, 0, False)


def test_a_policy_that_several_files_name_is_exercised_by_all_of_them(tmp_path):
    write(tmp_path, policy(statement(action="s3:*"), statement(action="sqs:*")), "p.json")
    (tmp_path / "b").mkdir()
    who = "principal: 'arn:aws:iam::123456789012:user/a', resource: '*'"
    write(tmp_path, f"policies: {{identity: p.json}}\nallow: [{{{who}, action: 's3:GetObject'}}]", "a.yaml")
    write(tmp_path / "b", f"policies: {{identity: ../p.json}}\nallow: [{{{who}, action: 'sqs:SendMessage'}}]", "a.yml")
    (told,) = report("--min-coverage", "100", tmp_path)[1]["policies"]
    assert (told["statements"], told["exercised"]) == (2, 2)
    # Named twice, a test file is run once.
    assert report(tmp_path, tmp_path / "a.yaml")[1]["passed"] == 2


def test_keys_of_the_caller_are_filled_as_the_service_fills_them(brevet, tmp_path):
    """What the service allows on the caller's keys alone, the test does too."""

    def only(keys):
        return policy(statement(action="iam:ListUsers", Condition={"StringEquals": keys}))

    def agrees(arn, key, more, document):
        brevet.iam(key).list_users(MaxItems=1)
        write(tmp_path, document, "p.json")
        case = f"{{principal: '{arn}', {more}, action: 'iam:ListUsers', resource: 'arn:aws:iam::{brevet.account}:user/'}}"
        answer = test(write(tmp_path, f"policies: {{identity: p.json}}\nallow: [{case}]"))
        assert answer.returncode == 0, answer.stdout

    iam = brevet.iam()
    key = brevet.user("filled")
    user = iam.get_user(UserName="filled")["User"]
    keys = {
        "aws:PrincipalAccount": brevet.account,
        "aws:PrincipalType": "User",
        "aws:PrincipalArn": user["Arn"],
        "aws:username": "filled",
        "aws:userid": user["UserId"],
    }
    iam.put_user_policy(UserName="filled", PolicyName="p", PolicyDocument=only(keys))
    agrees(user["Arn"], key, f"unique_id: {user['UserId']}", only(keys))

    trusting = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": brevet.account}, "Action": "sts:AssumeRole"}})
    role = iam.create_role(RoleName="filled", Path="/team/", AssumeRolePolicyDocument=trusting)["Role"]
    keys = {
        "aws:PrincipalAccount": brevet.account,
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalArn": role["Arn"],
        "aws:userid": role["RoleId"] + ":run",
    }
    iam.put_role_policy(RoleName="filled", PolicyName="p", PolicyDocument=only(keys))
    session = brevet.sts().assume_role(RoleArn=role["Arn"], RoleSessionName="run")
    credentials = session["Credentials"]
    key = (credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    agrees(session["AssumedRoleUser"]["Arn"], key, f"unique_id: {role['RoleId']}, role: '{role['Arn']}'", only(keys))


BROKEN = {
    "syntax": ("policies: {identity: [", r"1:\d+: "),
    "empty": ("", "1:1: a test file is a mapping"),
    "unknown_key": (f"policies: {{identity: {ALL}}}\nallow:\n  - princpal: x\n", '3:5: a case of `allow` has no key "princpal"'),
    "duplicate_key": (f"policies: {{identity: {ALL}}}\nallow: [{CASE}]\nallow: []\n", "3:1: duplicate mapping key"),
    "duplicate_in_policy": ("policies:\n  identity:\n    Statement: []\n    Statement: []\n", "4:5: duplicate mapping key"),
    "tag": (f"policies: !!python/object:os.system {ALL}\n", "1:37: unsupported tag"),
    "own_tag": ("policies: !include secrets.yaml\n", r"1:20: unsupported tag"),
    "nul": (b"policies:\0 x\n", r"1:10: "),
    "not_utf8": (b"policies:\n  \xff\n", r"2:3: is not UTF-8"),
    "two_documents": ("a: 1\n---\nb: 2\n", "3:1: a test file is one YAML document"),
    "star": ("policies:\n  identity: {Statement: {Resource: *}}\n", "2:36: "),
    "inline_policy": (
        "policies:\n  identity:\n    Statement:\n      - Effect: Allow\n        Action: s3:GetObject\n        Ressource: '*'\n",
        '6:9: a statement has no ',
    ),
    "missing_policy": ("policies:\n  identity: nowhere.json\n", "2:13: cannot read the policy "),
    "nul_in_path": ('policies:\n  identity: "a\\0b"\n', "2:13: cannot read the policy "),
    "folder_as_policy": ("policies:\n  identity: .\n", " is no regular file"),
    "device_as_policy": ("policies:\n  identity: /dev/zero\n", " is no regular file"),
    "deep_lists": ("[" * 200_000, r"1:\d+: "),
    "deep_blocks": ("- " * 200_000, r"1:\d+: the file is too large, or nested deeper"),
    "deep_maps": ("{a: " * 200_000, r"1:\d+: "),
    "deep_policy": ("policies: {identity: " + "{a: " * 40 + "}" * 41 + "}", r"1:\d+: "),
    "huge": ("#" * (1 << 20) + "\n", " is longer than 1048576 bytes"),
    "many_nodes": ("- a\n" * 200_000, r"\d+:\d+: the file is too large"),
    "many_questions": (
        f"policies: {{identity: {ALL}}}\nallow:\n  - principal: arn:aws:iam::123456789012:root\n    action: [{','.join(f's3:Get{i}' for i in range(200))}]\n"
        f"    resource: [{','.join(f'arn:aws:s3:::b/{i}' for i in range(200))}]\n",
        "3:5: the file asks more than 10000 questions",
    ),
    "bomb": (
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{name}: &{name} [{','.join([f'*{of}'] * 9)}]\n" for of, name in zip("abcdefgh", "bcdefghi")),
        r"\d+:\d+: the file is too large",
    ),
    "recursion": ("policies: &a {identity: *a}\n", "1:25: an alias stands within its own anchor"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_told_with_its_place(name, tmp_path):
    text, told = BROKEN[name]
    line = broken(write(tmp_path, text))
    expected = told if told.startswith(" ") else re.escape(str(tmp_path / "t.yaml")) + ":" + told
    assert re.search(expected, line), line


def test_a_policy_file_that_is_broken_is_told_with_its_own_place(tmp_path):
    write(tmp_path, '{"Statement": [\n  {"Effect": "Alow", "Action": "*", "Resource": "*"}]}', "p.json")
    line = broken(write(tmp_path, f"policies: {{identity: p.json}}\nallow: [{CASE}]"))
    assert re.search(r'/p\.json:2:14: "Alow" is not an Effect', line)
    write(tmp_path, " " * 200_000, "p.json")
    assert "p.json: is longer than 131072 bytes" in broken(tmp_path / "t.yaml")


def test_every_broken_file_is_told_and_none_is_run(tmp_path):
    for name in ("a.yaml", "b.yml"):
        write(tmp_path, "x: 1", name)
    answer = test(FILES / "good", tmp_path)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert [line.split(":")[0].rpartition("/")[2] for line in answer.stderr.splitlines() if line[0] == "/"] == ["a.yaml", "b.yml"]


def test_folders_may_hold_anything(tmp_path):
    good = write(tmp_path, f"policies: {{identity: {ALL}}}\nallow: [{CASE}]")
    (tmp_path / "ring").mkdir()
    os.symlink(tmp_path, tmp_path / "ring" / "up")
    os.symlink("../ring", tmp_path / "ring" / "ring.yaml")
    write(tmp_path, "no: test", ".hidden.yaml")
    write(tmp_path, "no: test", "notes.txt")
    assert report(tmp_path)[1]["passed"] == 1
    os.symlink(good, tmp_path / "linked.yaml")
    assert report(tmp_path)[1]["passed"] == 1
    os.symlink("self.yaml", tmp_path / "self.yaml")
    assert "self.yaml: cannot read: " in broken(tmp_path)
    os.unlink(tmp_path / "self.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "pipe.yaml: is no regular file" in broken(tmp_path)
    assert "there is no *.yaml or *.yml in this folder" in broken(FILES.parent / "abuse")
    assert "cannot read: " in broken(tmp_path / "missing.yaml")


def test_wrong_usage_is_told_apart():
    assert test().returncode == 2
    assert test("-o", "sarif", FILES).returncode == 2
    for percent in ("101", "-1", "NaN", "many"):
        assert test(f"--min-coverage={percent}", FILES / "good").returncode == 2, percent


def examples():
    """The documentation's parts in their order: a file's name or nothing, language, text."""
    return re.findall(r"(?:^`([\w/.-]+)`:\n\n)?^```(\w+)\n(.*?)^```", DOCS, re.M | re.S)


def test_the_documentation_is_true(tmp_path):
    env = {**environment(), "PATH": f"{BREVET.parent}:{os.environ['PATH']}"}
    ran = 0
    for name, language, text in examples():
        if language == "console":
            commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
            # Each command sees how the one before it ended.
            script = "\n".join(f"(exit $s); echo '$ {command.replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}'; (exit $s); {command}; s=$?" for command in commands)
            answer = subprocess.run(["bash", "-c", "s=0\n" + script], cwd=tmp_path, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
            assert answer.stdout == text
            ran += len(commands)
        else:
            assert name and language in ("json", "yaml"), text
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
            assert language == "json" or not list(VALIDATOR.iter_errors(load(text))), name
    assert ran >= 6


@pytest.mark.parametrize("file", sorted(FILES.rglob("*.y*ml")), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_the_schema_accepts_what_the_reader_accepts(file):
    VALIDATOR.validate(load(file.read_text()))


def test_the_schema_refuses_what_the_reader_refuses():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    policies = f"policies: {{identity: {ALL}}}\n"
    VALIDATOR.validate(load(policies + f"allow: [{CASE}]"))
    for bad in (
        f"allow: [{CASE}]",
        policies,
        "policies: {}\n" + f"allow: [{CASE}]",
        policies + f"alow: [{CASE}]",
        policies + "allow: [{action: 's3:*', resource: '*'}]",
        policies + "allow: [{action: [], resource: '*'}]",
        policies + "allow: [{reason: BOUNDARY}]",
        policies + "deny: [{reason: ALLOWED}]",
        policies + "deny: [{resource: 'arn:aws:s3:::shop/*'}]",
        policies + "deny: [{context: {SourceIp: 10.0.0.1}}]",
        f"policies: {{boundary: [{ALL}]}}\nallow: [{CASE}]",
    ):
        assert list(VALIDATOR.iter_errors(load(bad))), bad

"""Scoped zones: one session at several of them, what each refuses, and what the theft of one validator gives."""

import contextlib
import json
import re
import secrets
import subprocess
import urllib.error
import urllib.request

import boto3
import botocore.auth
import botocore.config
import pytest
import rpc
import stolen_validator
import test_serve
import test_services
from conftest import NO_RETRIES, TARGET, policy, refused, run, running, statement, trust

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@contextlib.contextmanager
def service(bundle, name):
    """The example, as a service of this name."""
    command = (TARGET / "examples" / "protected_axum", "--listen", "127.0.0.1:0", "--bundle", bundle, "--service", name)
    with running(*command) as (_, line):
        yield re.search(r"http://\S+", line).group()


class Deployment:
    """A service on a data directory, with a role that anyone of the account may take on."""

    def __init__(self, brevet, folder):
        self.brevet, self.folder = brevet, folder
        brevet.account = brevet.sts().get_caller_identity()["Account"]
        brevet.iam().create_role(RoleName="worker", AssumeRolePolicyDocument=trust({"AWS": brevet.account}))

    def zone(self, *arguments, key=None):
        return self.brevet.cli("zone", *arguments, key=key)

    def bundle(self, zone):
        path = self.folder / f"{zone}.bundle"
        made = run("bundle", "--data-dir", self.folder / "data", "--zone", zone, "-o", path)
        assert made.returncode == 0, made.stderr
        return path

    def keys(self, **parameters):
        return self.brevet.assume(f"arn:aws:iam::{self.brevet.account}:role/worker", **parameters)


@pytest.fixture
def deployment(data_dir, tmp_path):
    with test_serve.served(data_dir) as (_, line):
        made = Deployment(test_serve.client(line, data_dir), tmp_path)
        for arguments in (("storage", "--service", "s3", "--service", "queue"), ("compute", "--service", "batch")):
            created = made.zone("create", *arguments, "--region", "us-east-1")
            assert created.stdout.strip() == f"arn:aws:brevet:us-east-1:{made.brevet.account}:zone/{arguments[0]}", created.stderr
        yield made


def get(url, key, name, region="us-east-1"):
    made = botocore.awsrequest.AWSRequest("GET", url)
    botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(*key), name, region).add_auth(made)
    return answer_to(made.prepare())


def answer_to(prepared):
    """Status and code of the answer to a prepared request."""
    call = urllib.request.Request(prepared.url, prepared.body or None, dict(prepared.headers), method=prepared.method)
    try:
        with urllib.request.urlopen(call) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        found = re.search(r"<Code>(.*?)</Code>", text) if text.startswith("<") else None
        return error.code, found.group(1) if found else json.loads(text)["error"]


def curl(url, key, name):
    command = ["curl", "-sS", "--aws-sigv4", f"aws:amz:us-east-1:{name}", "--user", f"{key[0]}:{key[1]}",
               "-H", f"x-amz-security-token: {key[2]}", "-H", f"x-amz-content-sha256: {EMPTY}", url]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_one_session_works_at_every_zone_and_at_the_sts(deployment):
    key = deployment.keys()
    with service(deployment.bundle("storage"), "s3") as storage, service(deployment.bundle("compute"), "batch") as compute:
        for url, name in ((storage, "s3"), (compute, "batch")):
            assert curl(f"{url}/b/k", key, name)["access_key_id"] == key[0]
            assert get(f"{url}/b/k", key, name) == (200, None)
        config = NO_RETRIES.merge(botocore.config.Config(signature_version="s3v4", s3={"addressing_style": "path"}))
        s3 = boto3.Session(*key, region_name="us-east-1").client("s3", endpoint_url=storage, config=config)
        assert b"worker" in s3.get_object(Bucket="b", Key="k")["Body"].read()
    assert deployment.brevet.sts(key).get_caller_identity()["Arn"].endswith("assumed-role/worker/tests")


def test_d6_a_validator_refuses_the_services_of_another_zone_and_another_region(deployment):
    key = deployment.keys()
    storage = deployment.bundle("storage")
    with service(storage, "s3") as url:
        assert get(f"{url}/k", key, "s3") == (200, None)
        assert get(f"{url}/k", key, "batch") == (403, "SignatureDoesNotMatch")
        assert get(f"{url}/k", key, "s3", region="eu-west-1") == (403, "SignatureDoesNotMatch")
    # Put in the wrong place it has no key for the requests that it is sent.
    with service(storage, "batch") as url:
        assert get(f"{url}/k", key, "batch") == (403, "SignatureDoesNotMatch")


def test_disable_default_ends_the_default_zone_for_new_sessions_and_no_other(deployment):
    before = deployment.keys()
    default, storage = deployment.bundle("default"), deployment.bundle("storage")
    with service(default, "s3") as old, service(storage, "s3") as scoped:
        assert get(f"{old}/k", before, "s3") == (200, None)
        assert deployment.zone("disable", "default").returncode == 0
        after = deployment.keys()
        assert get(f"{old}/k", before, "s3") == (200, None)
        assert get(f"{old}/k", after, "s3") == (403, "InvalidClientTokenId")
        assert get(f"{scoped}/k", after, "s3") == (200, None)
        assert deployment.brevet.sts(after).get_caller_identity()
        refused = run("bundle", "--data-dir", deployment.folder / "data", "-o", deployment.folder / "late.bundle")
        assert refused.returncode == 1 and "The zone default is disabled" in refused.stderr
        assert deployment.zone("enable", "default").returncode == 0
        assert get(f"{old}/k", deployment.keys(), "s3") == (200, None)


def test_zones_last_and_are_listed(data_dir, tmp_path):
    with test_serve.served(data_dir) as (_, line):
        made = Deployment(test_serve.client(line, data_dir), tmp_path)
        assert made.zone("create", "storage", "--service", "s3", "--region", "eu-west-1").returncode == 0
        assert made.zone("disable", "default").returncode == 0
        made.bundle("storage")
    with test_serve.served(data_dir) as (_, line):
        again = Deployment.__new__(Deployment)
        again.brevet, again.folder = test_serve.client(line, data_dir), tmp_path
        zones = json.loads(again.zone("list", "-o", "json").stdout)["zones"]
        assert [(zone["name"], zone["region"], zone["services"], zone["disabled"]) for zone in zones] == [
            ("default", None, [], True),
            ("storage", "eu-west-1", ["s3"], False),
        ]
        human = again.zone("list").stdout
        assert "any service and region  (disabled)" in human and "s3 in eu-west-1" in human
        made_before = tmp_path / "storage.bundle"
        account = again.brevet.sts().get_caller_identity()["Account"]
        key = again.brevet.assume(f"arn:aws:iam::{account}:role/worker")
        with service(made_before, "s3") as url:
            assert get(f"{url}/k", key, "s3", region="eu-west-1") == (200, None)
        assert again.zone("delete", "storage").returncode == 0
    stopped = run("bundle", "--data-dir", data_dir, "--zone", "storage", "-o", tmp_path / "gone.bundle")
    assert stopped.returncode == 1 and "cannot be found" in stopped.stderr
    events = [line for line in test_serve.audit(data_dir) if line["eventName"].endswith("Zone")]
    assert [(event["eventName"], event["requestParameters"]["name"]) for event in events] == [
        ("CreateZone", "storage"), ("DisableZone", "default"), ("DeleteZone", "storage"),
    ]


def test_zones_are_refused_to_those_who_may_not(deployment):
    nobody = deployment.brevet.user("nobody")
    for arguments in (("create", "more", "--service", "more"), ("list",), ("disable", "default"), ("enable", "ghost"), ("delete", "storage")):
        process = deployment.zone(*arguments, key=nobody)
        assert process.returncode == 3 and "not authorized to perform: brevet:" in process.stderr, process.stderr
    taken = deployment.zone("create", "other", "--service", "queue", "--region", "us-east-1")
    assert taken.returncode == 1 and "already in the zone storage" in taken.stderr
    reserved = deployment.zone("create", "other", "--service", "sts")
    assert reserved.returncode == 1 and "no zone can have the services sts, iam and brevet" in reserved.stderr


def test_a_session_policy_that_the_zones_leave_no_room_for_is_refused_and_no_zone_is_left_out(deployment):
    large = policy(statement(resource=[f"arn:aws:s3:::{n:0>60}" for n in range(24)]))
    sts, longest = deployment.brevet.sts(), {"Name": "guest", "DurationSeconds": 129_600}
    assert sts.get_federation_token(Policy=large, **longest)
    made = [deployment.zone("create", f"zone-{n}", "--service", f"service-{n}").returncode for n in range(13)]
    assert sorted(set(made)) == [0, 1], "as many as there is room for"
    answer = refused(sts.get_federation_token, Policy=large, **longest)
    assert answer["Error"]["Code"] == "PackedPolicyTooLarge"
    token = sts.get_federation_token(**longest)["Credentials"]["SessionToken"]
    assert len(token) <= 4096
    assert len(stolen_validator.Token.read(token).boxes) == 2 + 2 + made.count(0)


@pytest.fixture
def theft(deployment, tmp_path):
    """The bundle of a validator of `storage`, and a session that it saw."""
    folder = tmp_path / "messages"
    folder.mkdir()
    messages = rpc.messages(folder, "brevet/token/v1/bundle.proto")
    stolen = stolen_validator.StolenValidator(deployment.bundle("storage").read_bytes(), messages)
    key = deployment.keys()
    with contextlib.ExitStack() as stack:
        urls = {
            "storage": (stack.enter_context(service(deployment.bundle("storage"), "s3")), "s3"),
            "compute": (stack.enter_context(service(deployment.bundle("compute"), "batch")), "batch"),
            "default": (stack.enter_context(service(deployment.bundle("default"), "s3")), "s3"),
            "sts": (deployment.brevet.endpoint, "sts"),
        }
        yield stolen, key, stolen_validator.Token.read(key[2]), urls


def attempt(urls, place, key, access_key, token):
    """What a place answers to a request that is signed with 32 bytes."""
    url, name = urls[place]
    body = b"Action=GetCallerIdentity&Version=2011-06-15" if place == "sts" else b""
    path = "/" if place == "sts" else "/k"
    return answer_to(stolen_validator.forged(url + path, key, access_key, token, name, body=body))


def test_d6_a_stolen_validator_signs_at_its_own_zone_as_the_sessions_that_it_saw(theft):
    stolen, key, token, urls = theft
    signing = stolen.signing_keys(token)
    assert set(signing) == {"s3", "queue"}
    assert b"worker" in stolen.claims(token)
    assert attempt(urls, "storage", stolen_validator.today(signing["s3"]), key[0], key[2]) == (200, None)


def test_d6_a_stolen_validator_signs_at_no_other_zone_and_not_at_the_sts(theft):
    stolen, key, token, urls = theft
    for box in token.boxes:
        if box.head[:4] != stolen.zone_id():
            assert all(stolen.open_box(token, box, material) is None for material in stolen.materials())
    signing = [found for keys in stolen.signing_keys(token).values() for found in keys.values()]
    # What it has, and what can be made of it by going on down the ladder.
    further = [stolen_validator.mac(found, rung) for found in signing for rung in (b"aws4_request", b"batch", b"sts")]
    for material in [*stolen.materials(), *signing, *further]:
        for place in ("compute", "default", "sts"):
            # The default zone checks these services, too: the next test.
            if place == "default" and material in signing:
                continue
            assert attempt(urls, place, material, key[0], key[2]) == (403, "SignatureDoesNotMatch"), place


def test_d6_a_signing_key_is_good_where_another_validator_checks_the_same_service_and_nowhere_else(theft):
    """The default zone has no part of its own: who can sign for s3 in one zone can in the other."""
    stolen, key, token, urls = theft
    s3 = stolen_validator.today(stolen.signing_keys(token)["s3"])
    assert attempt(urls, "default", s3, key[0], key[2]) == (200, None)
    queue = stolen_validator.today(stolen.signing_keys(token)["queue"])
    assert attempt(urls, "default", queue, key[0], key[2]) == (403, "SignatureDoesNotMatch")


def test_d5_a_stolen_validator_mints_nothing_that_anyone_accepts(theft):
    stolen, key, token, urls = theft
    seeds = [*stolen.materials(), secrets.token_bytes(32)]
    signing = stolen_validator.today(stolen.signing_keys(token)["s3"])
    own = stolen.seal(token.header, stolen.claims(token), signing * 2)
    other_id = token.header[:10] + secrets.token_bytes(16) + token.header[26:]
    longer = token.header[:31] + (int.from_bytes(token.header[31:36]) + 86_400).to_bytes(5) + token.header[36:]
    foreign = next(box for box in token.boxes if box.kind == 1 and box.head[:4] != stolen.zone_id())
    forgeries = {
        "its own box alone": own,
        "another session": stolen.seal(other_id, stolen.claims(token), signing * 2),
        "a longer life": stolen.seal(longer, stolen.claims(token), signing * 2),
        "other claims": stolen.seal(token.header, stolen.claims(token).replace(b"worker", b"admins"), signing * 2),
        "its key in the box of another zone": stolen.seal(token.header, stolen.claims(token), signing * 2, foreign.head[:4]),
        "its box beside the others": stolen_validator.Token(
            token.header, token.body, [box for box in token.boxes if box.kind == 2], bytes(64)
        ),
    }
    for name, forgery in forgeries.items():
        signed = [forgery.signed_by(seed) for seed in seeds]
        kept = [stolen_validator.Token(forgery.header, forgery.body, forgery.boxes, token.signature)]
        for candidate in signed + kept:
            access_key = stolen_validator.access_key_of(candidate)
            for place in urls:
                found = attempt(urls, place, signing, access_key, candidate.text())
                assert found == (403, "InvalidClientTokenId"), (name, place)
    # The same tools make good of what is genuine: the refusals above are not of their own making.
    assert attempt(urls, "storage", signing, key[0], token.text()) == (200, None)

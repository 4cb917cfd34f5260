"""A validator that follows and asks for keys: long-lived keys at a resource service, and sessions in an online zone."""

import contextlib
import re
import signal
import time

import pytest
import test_kill_switch
import test_serve
from conftest import TARGET, environment, key_environment, running, statement, trust
from test_kill_switch import BOUND, Caller

FOLLOWING = ["GetTrustBundle", "WatchTrust", "AcknowledgeTrust", "GetSigningKey"]


@pytest.fixture
def served(data_dir):
    with test_serve.served(data_dir) as (process, line):
        brevet = test_serve.client(line, data_dir)
        brevet.process = process
        brevet.account = brevet.sts().get_caller_identity()["Account"]
        brevet.iam().create_role(RoleName="worker", AssumeRolePolicyDocument=trust({"AWS": brevet.account}))
        made = brevet.cli("zone", "create", "late", "--service", "s3", "--region", "us-east-1", "--online")
        assert made.returncode == 0, made.stderr
        zones = [f"arn:aws:brevet:*:{brevet.account}:zone/{zone}" for zone in ("default", "late")]
        brevet.follower = brevet.user("validator", statement(action=[f"brevet:{name}" for name in FOLLOWING], resource=zones))
        yield brevet


@contextlib.contextmanager
def validator(brevet, copy, *more, service="s3"):
    command = (TARGET / "examples" / "protected_axum", "--listen", "127.0.0.1:0", "--bundle", copy, "--sts", brevet.endpoint)
    more = ("--service", service, "--online-keys", *more)
    with running(*command, *more, env=environment(**key_environment(brevet.follower))) as (_, line):
        yield re.search(r"http://(\S+)", line).group(1)


def files(address, key):
    return Caller(address, key, service="files")


def refused_within_the_bound(caller):
    """Waits for the refusal; what is accepted after the bound fails the test."""
    begin = time.monotonic()
    while (answer := caller.send())[0] == 200:
        assert time.monotonic() < begin + BOUND
        time.sleep(0.01)
    return answer


def test_a_long_lived_key_is_good_at_a_service_until_it_is_disabled_or_deleted(served, tmp_path):
    iam = served.iam()
    ada = served.user("ada", statement(action="s3:*"))
    with validator(served, tmp_path / "copy.bundle", service="files") as address:
        caller = files(address, ada)
        assert [caller.send()[0] for _ in range(3)] == [200] * 3
        assert files(address, served.key).send()[0] == 200
        wrong = files(address, (ada[0], "x" * 40, None))
        assert wrong.send() == (403, "SignatureDoesNotMatch")
        nobody = files(address, ("AKIA" + "A" * 16, "x" * 40, None))
        assert nobody.send() == (403, "InvalidClientTokenId")

        for switch in ("Inactive", "Active"):
            iam.update_access_key(UserName="ada", AccessKeyId=ada[0], Status=switch)
            if switch == "Inactive":
                # Pushed: what the validator remembers is gone long before it would ask again.
                assert refused_within_the_bound(caller) == (403, "InvalidClientTokenId")
        # A key that was absent is one for a few seconds.
        begin = time.monotonic()
        while caller.send()[0] != 200:
            assert time.monotonic() < begin + 10
            time.sleep(0.2)
        iam.delete_access_key(UserName="ada", AccessKeyId=ada[0])
        assert refused_within_the_bound(caller) == (403, "InvalidClientTokenId")
        events = [line for line in test_serve.audit(tmp_path / "data") if line["eventName"] == "GetSigningKey"]
        assert ada[0] in {event["requestParameters"]["accessKeyId"] for event in events}


def test_a_session_in_an_online_zone_is_good_until_it_is_revoked(served, tmp_path):
    key = test_kill_switch.session(served)
    with validator(served, tmp_path / "copy.bundle", "--zone", "late") as address:
        caller = Caller(address, key)
        assert [caller.send()[0] for _ in range(3)] == [200] * 3
        other = Caller(address, test_kill_switch.session(served, "another"))
        assert other.send()[0] == 200
        assert Caller(address, (key[0], "x" * 40, key[2])).send() == (403, "SignatureDoesNotMatch")
        done = served.cli("session", "revoke", key[0], "--wait", "5s")
        assert done.returncode == 0 and "refused on 1 of 1 validators" in done.stdout, done
        assert caller.send() == (403, "InvalidClientTokenId")
        assert other.send()[0] == 200


def test_with_the_service_down_known_keys_go_on_and_new_ones_are_not_to_be_had(served, tmp_path):
    ada, eve = served.user("ada"), served.user("eve")
    with validator(served, tmp_path / "copy.bundle", service="files") as address:
        assert files(address, ada).send()[0] == 200
        served.process.send_signal(signal.SIGKILL)
        served.process.wait()
        assert files(address, ada).send()[0] == 200
        assert files(address, eve).send() == (503, "ServiceUnavailable")


def test_without_the_permission_long_lived_keys_are_not_to_be_had_and_sessions_are(served, tmp_path):
    zone = f"arn:aws:brevet:*:{served.account}:zone/default"
    served.follower = served.user("modest", statement(action=[f"brevet:{name}" for name in FOLLOWING[:3]], resource=zone))
    with validator(served, tmp_path / "copy.bundle", service="files") as address:
        assert files(address, test_kill_switch.session(served)).send()[0] == 200
        assert files(address, served.key).send() == (503, "ServiceUnavailable")

"""Validators that follow the service: revocations, restarts on either side, staleness and the copy on disk."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
import urllib.request

import pytest
import rpc
import test_serve
from conftest import BREVET, TARGET, environment, key_environment, run, running, statement, trust
from test_protected_grpc import METHOD, Service
from test_services import request, send

EXAMPLE = TARGET / "examples" / "protected_axum"
# As docs/validators.md has it.
FOLLOWS = statement(action=["brevet:WatchTrust", "brevet:AcknowledgeTrust"], resource="arn:aws:brevet:*:*:zone/*")


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Deployment:
    """A service that can be stopped and started again at the same place, and the key of a validator."""

    def __init__(self, data_dir, folder):
        self.data_dir, self.folder = data_dir, folder
        self.address = f"127.0.0.1:{free_port()}"
        self.bundle = folder / "copy" / "trust.bundle"
        self.bundle.parent.mkdir()
        self.stack = contextlib.ExitStack()
        self.start()
        self.brevet.account = self.brevet.sts().get_caller_identity()["Account"]
        self.key = self.brevet.user("validator", FOLLOWS)
        self.brevet.iam().create_role(RoleName="worker", AssumeRolePolicyDocument=trust({"AWS": self.brevet.account}))

    def start(self):
        account = getattr(self, "brevet", None) and self.brevet.account
        command = (BREVET, "serve", "--data-dir", self.data_dir, "--listen", self.address, "--admin-listen", "127.0.0.1:0")
        self.process, line = self.stack.enter_context(running(*command))
        self.brevet = test_serve.client(line, self.data_dir)
        self.brevet.account = account

    def kill(self):
        """As a crash does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def session(self):
        return self.brevet.assume(f"arn:aws:iam::{self.brevet.account}:role/worker")

    def revoke(self, session):
        done = self.brevet.cli("session", "revoke", session[0])
        assert done.returncode == 0, done.stderr

    @contextlib.contextmanager
    def service(self, *more, example=EXAMPLE, key=None):
        """The example as it follows; gives its URL and its process."""
        command = (example, "--listen", "127.0.0.1:0", "--sts", self.brevet.endpoint, "--bundle", self.bundle, *more)
        with running(*command, env=environment(**key_environment(key or self.key))) as (process, line):
            yield re.search(r"http://\S+", line).group(), process


@pytest.fixture
def deployment(data_dir, tmp_path):
    made = Deployment(data_dir, tmp_path)
    with made.stack:
        yield made


def ask(url, key):
    """Status and code of a request."""
    status, answer = send(request(f"{url}/b/k", key))
    return status, answer.get("error")


def eventually(expected, seconds, call, *arguments):
    """Waits until a call gives this; gives how long it took."""
    begun = time.monotonic()
    while (got := call(*arguments)) != expected:
        assert time.monotonic() - begun < seconds, f"still {got} and not {expected} after {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - begun


OK = (200, None)
REVOKED = (403, "InvalidClientTokenId")
STALE = (503, "ServiceUnavailable")


def test_d11_without_a_bundle_file_it_gets_one_and_refuses_what_is_revoked_within_two_seconds(deployment):
    one, other = deployment.session(), deployment.session()
    assert not deployment.bundle.exists()
    with deployment.service() as (url, _):
        assert ask(url, one) == OK
        deployment.revoke(one)
        assert eventually(REVOKED, 2, ask, url, one) < 2
        assert ask(url, other) == OK
        for file in deployment.bundle.parent.iterdir():
            assert file.stat().st_mode & 0o777 == 0o600, file
        assert {"trust.bundle", "trust.bundle.revocations"} <= {file.name for file in deployment.bundle.parent.iterdir()}


def test_d12_with_the_service_killed_it_goes_on_also_after_a_restart_and_forgets_no_revocation(deployment):
    good, bad = deployment.session(), deployment.session()
    with deployment.service() as (url, process):
        deployment.revoke(bad)
        eventually(REVOKED, 2, ask, url, bad)
        deployment.kill()
        assert (ask(url, good), ask(url, bad)) == (OK, REVOKED)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    with deployment.service() as (url, _):
        assert (ask(url, good), ask(url, bad)) == (OK, REVOKED)
        deployment.start()
        other = deployment.session()
        deployment.revoke(other)
        # At most ten seconds lie between two attempts to connect.
        eventually(REVOKED, 12, ask, url, other)
        assert (ask(url, good), ask(url, bad)) == (OK, REVOKED)


def test_d12_stale_it_refuses_and_recovers_by_itself(deployment):
    key = deployment.session()
    with deployment.service("--max-staleness", "3s") as (url, _):
        assert ask(url, key) == OK
        deployment.kill()
        assert ask(url, key) == OK
        eventually(STALE, 6, ask, url, key)
        deployment.start()
        eventually(OK, 12, ask, url, key)


def test_d12_failing_open_it_goes_on_when_stale(deployment):
    key = deployment.session()
    metrics = f"127.0.0.1:{free_port()}"
    with deployment.service("--max-staleness", "1s", "--fail-open", "--metrics", metrics) as (url, _):
        deployment.kill()
        eventually(1.0, 6, metric, metrics, "stale")
        assert ask(url, key) == OK
        assert metric(metrics, "accepted_while_stale_total") == 1.0
        assert metric(metrics, "connected") == 0.0
        assert metric(metrics, "age_seconds") >= 1.0


def metric(address, name):
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(f'brevet_validator_trust_{name}{{zone="default"}} '):
                return float(line.split()[-1])
    return None


def test_the_grpc_example_follows_too(deployment):
    key = deployment.session()
    with deployment.service(example=TARGET / "examples" / "protected_tonic") as (url, _):
        service = Service(url)

        def call():
            rpc.send(service, METHOD, b"", rpc.signed(service, METHOD, b"", key=key, service="s3"))
            return "answered"

        assert call() == "answered"
        deployment.revoke(key)
        eventually("UNAUTHENTICATED", 2, lambda: rpc.refused(call)[0].name)


def test_a_validator_of_a_scoped_zone_follows_it(deployment):
    created = deployment.brevet.cli("zone", "create", "storage", "--service", "s3", "--region", "us-east-1")
    assert created.returncode == 0, created.stderr
    key = deployment.session()
    with deployment.service("--zone", "storage") as (url, _):
        assert ask(url, key) == OK
        deployment.revoke(key)
        eventually(REVOKED, 2, ask, url, key)


def test_d10_a_bundle_put_back_in_its_place_is_refused(deployment):
    with deployment.service():
        old = deployment.bundle.read_bytes()
    newer = run("bundle", "--data-dir", deployment.data_dir, "-o", deployment.folder / "newer")
    assert newer.returncode == 0, newer.stderr
    deployment.bundle.unlink()
    with deployment.service():
        assert deployment.bundle.read_bytes() != old
    deployment.bundle.write_bytes(old)
    refused = start(deployment, deployment.key)
    assert refused.returncode != 0 and "was there already" in refused.stderr


def test_a_copy_that_others_can_read_is_refused(deployment):
    with deployment.service():
        pass
    for name in ("trust.bundle", "trust.bundle.revocations"):
        file = deployment.bundle.with_name(name)
        file.chmod(0o644)
        refused = start(deployment, deployment.key)
        assert refused.returncode != 0 and "chmod 600" in refused.stderr
        file.chmod(0o600)


def start(deployment, key):
    command = (EXAMPLE, "--listen", "127.0.0.1:0", "--sts", deployment.brevet.endpoint, "--bundle", deployment.bundle)
    env = environment(**key_environment(key))
    return subprocess.run([str(part) for part in command], env=env, capture_output=True, text=True, timeout=60)


def test_without_permission_and_copy_it_does_not_start_and_says_why(deployment):
    stranger = deployment.brevet.user("stranger", statement(action="sts:*"))
    refused = start(deployment, stranger)
    assert refused.returncode != 0 and "PermissionDenied" in refused.stderr, refused.stderr
    assert not deployment.bundle.exists()

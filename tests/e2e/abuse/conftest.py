"""One service for all attacks, and an example of a service that embeds the validator."""

import collections
import re
import subprocess
import sys

import pytest
import rpc
from conftest import BREVET, TARGET, environment, policy, running, statement, trust
from test_serve import client, served

from . import wire
from .federation import Federation
from .issuers import Host, Tripwire
from .sigv4 import Call, Request, Signer, sha256
from .stage import Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("abuse") / "data"
    subprocess.run([BREVET, "init", "--data-dir", data_dir], check=True, env=environment(), capture_output=True)
    with served(data_dir) as (process, line):
        stage = Stage(client(line, data_dir), data_dir)
        stage.account = stage.brevet.sts().get_caller_identity()["Account"]
        stage.reader = stage.role("reader", trust({"AWS": stage.account}), policy(statement(action="sts:*")))
        stage.bystander = stage.assume(stage.reader, "bystander")
        stage.data_dir = data_dir
        # What it took to set the stage is nobody's refusal.
        stage.new_records()
        yield stage
        # After all that was done to it: the same process, and each request recorded once.
        assert process.poll() is None
        stage.unharmed()
        records = stage.all_records()
        twice = [key for key, count in collections.Counter(r["requestID"] for r in records).items() if count > 1]
        assert not twice
        assert not [record for record in records if record.get("errorCode") == "InternalFailure"]


@pytest.fixture(scope="session")
def session(stage):
    """Temporary keys to attack with."""
    return stage.assume(stage.reader, "attacker")


@pytest.fixture(scope="session")
def federation(stage, tmp_path_factory):
    """The same service, with an identity provider whose keys are pinned and a role that trusts it."""
    folder = tmp_path_factory.mktemp("federation")
    return Federation(stage, rpc.messages(folder, "brevet/sts/v1/sts.proto"), folder)


@pytest.fixture(scope="session")
def admin(stage, tmp_path_factory):
    """Calls of the directory's methods, signed by who may do everything."""
    folder = tmp_path_factory.mktemp("admin")
    # It names messages of the other.
    rpc.messages(folder, "brevet/admin/v1/policy.proto")
    sys.path.insert(0, str(folder))
    messages = rpc.messages(folder, "brevet/admin/v1/directory.proto")

    def call(method, **fields):
        message = getattr(messages, f"{method}Request")(**fields).SerializeToString()
        headers = (("host", stage.authority), ("X-Amz-Content-Sha256", sha256(message)))
        unsigned = Call("POST", f"/brevet.admin.v1.DirectoryService/{method}", headers, message)
        return Signer(stage.key).sign(unsigned)

    return call


@pytest.fixture(scope="session")
def host(tmp_path_factory):
    """Where the issuers are that are asked for their keys."""
    host = Host(tmp_path_factory.mktemp("host"))
    yield host
    host.listener.close()


@pytest.fixture
def tripwire():
    """A listener that nothing may connect to."""
    tripwire = Tripwire()
    yield tripwire
    tripwire.close()


class Resource:
    """A service of another kind, which knows nothing but its bundle."""

    def __init__(self, url, key):
        self.authority = url.split("//")[1].rstrip("/")
        host, port = self.authority.split(":")
        self.address = (host, int(port))
        self.key = key

    def signed(self, target="/bucket/key", key=None, method="PUT", body=b"some bytes", headers=(), **signer):
        request = Request(method, target, (("Host", self.authority), *headers), body)
        return Signer(key or self.key, **{"service": "s3", "double_encode": False, **signer}).sign(request)

    def presigned(self, target="/bucket/key", key=None, expires="60", method="GET", more=None, headers=(), **signer):
        request = Request(method, target, (("Host", self.authority), *headers))
        options = {"service": "s3", "double_encode": False, "payload_hash": "UNSIGNED-PAYLOAD", **signer}
        return Signer(key or self.key, **options).presign(request, expires, **(more or {}))

    def send(self, request):
        return wire.send(self.address, request)

    def accepted(self, request):
        answer = self.send(request)
        assert answer.status == 200, answer
        return answer

    def refused(self, request, code, status=None):
        """Refused with this class, in its own words, and to nobody's harm."""
        statuses = {"InvalidClientTokenId": 403, "SignatureDoesNotMatch": 403, "MissingAuthenticationToken": 403}
        answer = self.send(request)
        assert (answer.status, answer.code) == (status or statuses.get(code, 400), code), answer
        assert answer.message and answer.request_id and answer.headers["cache-control"] == "no-store"
        for secret in (self.key[1], self.key[2], getattr(request, "signature", None)):
            assert not secret or len(secret) < 32 or secret not in str(answer)
        self.accepted(self.signed())
        return answer


@pytest.fixture(scope="session")
def bundle(stage, tmp_path_factory):
    path = tmp_path_factory.mktemp("resource") / "bundle"
    command = [BREVET, "bundle", "--data-dir", stage.data_dir, "-o", path]
    subprocess.run(command, check=True, env=environment(), capture_output=True)
    return path


@pytest.fixture(scope="session")
def resource(stage, bundle):
    example = TARGET / "examples" / "protected_axum"
    with running(example, "--listen", "127.0.0.1:0", "--bundle", bundle) as (process, line):
        yield Resource(re.search(r"http://\S+", line).group(), stage.assume(stage.reader, "resource"))
        assert process.poll() is None

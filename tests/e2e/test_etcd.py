"""Two services over one etcd: what one changes the other knows, and what goes on when etcd does not."""

import concurrent.futures
import contextlib
import shutil
import socket
import subprocess
import time

import botocore.exceptions
import pytest
from conftest import BREVET, environment, run, statement, trust
from test_serve import audit, client, served

pytestmark = pytest.mark.skipif(not shutil.which("etcd"), reason="there is no etcd")

# Kills etcd when standard input closes: also when the tests were killed.
GUARD = 'etcd "$@" >/dev/null 2>&1 & read -r _; kill -9 $!; wait $!'


class Etcd:
    """One member, with its own directory and ports."""

    def __init__(self, data_dir):
        self.data_dir = data_dir
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            second.bind(("127.0.0.1", 0))
            self.port, self.peer = first.getsockname()[1], second.getsockname()[1]
        self.process = None

    @property
    def store(self):
        return f"etcd://127.0.0.1:{self.port}"

    def start(self):
        url, peer = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.peer}"
        options = {
            "data-dir": self.data_dir,
            "listen-client-urls": url,
            "advertise-client-urls": url,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        self.process = subprocess.Popen(["sh", "-c", GUARD, "sh", *arguments], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        until(lambda: socket.create_connection(("127.0.0.1", self.port), 1).close() or True, OSError)

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait(10)
            self.process = None


def until(call, *errors, seconds=20.0):
    """Calls until the answer is true; gives it and how long that took."""
    begin = time.monotonic()
    while True:
        try:
            if answer := call():
                return answer, time.monotonic() - begin
        except errors:
            pass
        assert time.monotonic() - begin < seconds, "it takes too long"
        time.sleep(0.02)


def code_of(call, *arguments, **parameters):
    """The error code of a call of boto3; `None` if it works."""
    try:
        call(*arguments, **parameters)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]


@pytest.fixture
def etcd(tmp_path):
    etcd = Etcd(tmp_path / "etcd")
    etcd.start()
    yield etcd
    etcd.stop()


@pytest.fixture
def replicas(etcd, tmp_path):
    """Two services, and their etcd."""
    first, second = tmp_path / "first", tmp_path / "second"
    initialised, _ = until(lambda: (done := run("init", "--data-dir", first, "--store", etcd.store)).returncode == 0 and done)
    assert f"brevet serve --data-dir {first} --store {etcd.store}/brevet/" in initialised.stdout
    second.mkdir(mode=0o700)
    for name in ("master.key", "credentials.csv"):
        shutil.copy(first / name, second / name)
    with contextlib.ExitStack() as stack:
        lines = [stack.enter_context(served(path, "--store", etcd.store))[1] for path in (first, second)]
        yield client(lines[0], first), client(lines[1], second)


def test_what_is_made_at_one_service_can_sign_at_the_other_within_seconds(replicas):
    one, other = replicas
    for made_at, used_at in ((one, other), (other, one)):
        name = f"u{made_at.authority.split(':')[1]}"
        key = made_at.user(name, statement())
        _, seconds = until(lambda: used_at.sts(key).get_caller_identity(), botocore.exceptions.ClientError)
        print(f"a new user was known after {seconds:.2f} s")
        assert seconds < 2
        key_id = key[0]
        made_at.iam().update_access_key(UserName=name, AccessKeyId=key_id, Status="Inactive")
        _, seconds = until(lambda: code_of(used_at.sts(key).get_caller_identity) == "InvalidClientTokenId")
        assert seconds < 2
        made_at.iam().delete_access_key(UserName=name, AccessKeyId=key_id)
        made_at.iam().delete_user_policy(UserName=name, PolicyName="p")
        made_at.iam().delete_user(UserName=name)
        _, seconds = until(lambda: code_of(used_at.iam().get_user, UserName=name) == "NoSuchEntity")
        assert seconds < 2


def test_a_revocation_at_one_service_refuses_at_the_other_within_seconds(replicas):
    one, other = replicas
    account = one.sts().get_caller_identity()["Account"]
    one.iam().create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": account}))
    role = f"arn:aws:iam::{account}:role/r"
    session, _ = until(lambda: other.assume(role), botocore.exceptions.ClientError)
    assert other.sts(session).get_caller_identity()
    assert one.cli("session", "revoke", session[0]).returncode == 0
    assert code_of(one.sts(session).get_caller_identity) == "InvalidClientTokenId"
    _, seconds = until(lambda: code_of(other.sts(session).get_caller_identity) == "InvalidClientTokenId")
    print(f"a revocation was known after {seconds:.2f} s")
    assert seconds < 2


def test_both_services_change_the_same_at_once_and_lose_nothing(replicas):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(replica.iam().create_user, UserName=f"u{n}-{m}") for n, replica in enumerate(replicas) for m in range(20)]
        for job in jobs:
            job.result()
        # The limit of two keys a user holds at all of them together.
        keys = [pool.submit(code_of, replica.iam().create_access_key, UserName="u0-0") for replica in replicas for _ in range(4)]
        codes = [job.result() for job in keys]
    assert codes.count(None) == 2, codes
    assert set(codes) <= {None, "LimitExceeded", "ConcurrentModification"}, codes
    for replica in replicas:
        names, _ = until(lambda: len(users := replica.iam().list_users()["Users"]) == 41 and users)
        assert len({user["UserName"] for user in names}) == 41


def test_f8_without_etcd_sessions_go_on_and_changes_fail_and_with_it_all_is_well_again(replicas, etcd):
    one, other = replicas
    account = one.sts().get_caller_identity()["Account"]
    one.iam().create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": account}))
    role = f"arn:aws:iam::{account}:role/r"
    before, _ = until(lambda: other.assume(role), botocore.exceptions.ClientError)
    etcd.stop()
    for replica in (one, other):
        assert replica.sts(before).get_caller_identity()
        assert replica.sts(replica.assume(role)).get_caller_identity()
        begin = time.monotonic()
        assert code_of(replica.iam().create_user, UserName="lost") == "ServiceUnavailable"
        assert time.monotonic() - begin < 20
        revoked = replica.cli("session", "revoke", before[0])
        assert revoked.returncode == 5 or revoked.returncode == 1, revoked
        assert replica.sts(before).get_caller_identity()
    etcd.start()
    until(lambda: code_of(one.iam().create_user, UserName="found") is None)
    _, seconds = until(lambda: code_of(other.iam().get_user, UserName="found") is None)
    print(f"after etcd came back, the other knew after {seconds:.2f} s")
    assert code_of(one.iam().get_user, UserName="lost") == "NoSuchEntity"
    assert other.cli("session", "revoke", before[0]).returncode == 0
    until(lambda: code_of(one.sts(before).get_caller_identity) == "InvalidClientTokenId", seconds=5)


def test_f8_f9_cut_off_from_etcd_for_too_long_a_service_issues_nothing_and_goes_on_when_it_is_back(etcd, tmp_path):
    path, config = tmp_path / "data", tmp_path / "brevet.toml"
    config.write_text(f"store = '{etcd.store}'\nmax_policy_age = '10s'\n")
    until(lambda: run("init", "--data-dir", path, "--config", config).returncode == 0)
    with served(path, "--config", config) as (_, line):
        brevet = client(line, path)
        account = brevet.sts().get_caller_identity()["Account"]
        brevet.iam().create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": account}))
        role = f"arn:aws:iam::{account}:role/r"
        session = brevet.assume(role)
        etcd.stop()
        assert brevet.assume(role)
        _, seconds = until(lambda: code_of(brevet.assume, role) == "ServiceUnavailable")
        assert 7 <= seconds <= 13, seconds
        assert code_of(brevet.sts().get_session_token) == "ServiceUnavailable"
        assert brevet.sts(session).get_caller_identity()
        etcd.start()
        until(lambda: code_of(brevet.assume, role) is None, seconds=10)
    records = [record for record in audit(path) if record["eventName"] == "AssumeRole"]
    outcomes = {(record["outcome"], record["sts"].get("degraded", False)) for record in records}
    assert {("success", False), ("failure", True)} <= outcomes, outcomes


def test_f22_of_many_inits_of_one_etcd_one_wins_and_the_others_leave_no_keys(etcd, tmp_path):
    # Ready, not only listening.
    until(lambda: "not initialised" in run("serve", "--data-dir", ready(tmp_path), "--store", etcd.store).stderr)
    dirs = [tmp_path / f"d{n}" for n in range(6)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        ended = list(pool.map(lambda path: run("init", "--data-dir", path, "--store", etcd.store), dirs))
    assert sorted(process.returncode for process in ended) == [0] + [1] * 5
    for path, process in zip(dirs, ended):
        if process.returncode:
            assert "already initialised" in process.stderr
            assert not (path / "credentials.csv").exists() and not (path / "master.key").exists()
        else:
            winner = path
    again = run("init", "--data-dir", winner, "--store", etcd.store)
    assert again.returncode == 1 and "already initialised" in again.stderr
    assert (winner / "credentials.csv").exists() and (winner / "master.key").exists()
    # Another master key is seen to be another.
    assert "does not fit" in run("serve", "--data-dir", ready(tmp_path), "--store", etcd.store).stderr
    # A prefix of its own is a deployment of its own.
    assert run("init", "--data-dir", tmp_path / "other", "--store", f"{etcd.store}/other").returncode == 0
    bundle = run("bundle", "--data-dir", winner, "--store", etcd.store, "-o", tmp_path / "b")
    assert bundle.returncode == 0 and (tmp_path / "b").stat().st_size > 0, bundle.stderr


def ready(tmp_path):
    """A data directory with a master key that no store knows."""
    path = tmp_path / "strange"
    path.mkdir(mode=0o700, exist_ok=True)
    if not (path / "master.key").exists():
        (path / "master.key").write_bytes(bytes(range(32)))
        (path / "master.key").chmod(0o600)
    return path


def test_the_configuration_and_the_environment_name_the_store(etcd, tmp_path):
    path = tmp_path / "data"
    config = tmp_path / "brevet.toml"
    config.write_text(f"store = '{etcd.store}/from/file'\n")
    until(lambda: run("init", "--data-dir", path, "--config", config).returncode == 0)
    with served(path, "--config", config) as (_, line):
        assert client(line, path).sts().get_caller_identity()
    with served(path, env=environment(BREVET_STORE=f"{etcd.store}/from/file")) as (_, line):
        assert client(line, path).sts().get_caller_identity()
    nowhere = run("serve", "--data-dir", tmp_path / "absent", "--config", config)
    assert nowhere.returncode == 1 and "copy master.key" in nowhere.stderr
    wrong = subprocess.run([BREVET, "init", "--data-dir", path, "--store", "postgres://x"], env=environment(), capture_output=True, text=True)
    assert wrong.returncode == 1 and "redb:DIRECTORY" in wrong.stderr

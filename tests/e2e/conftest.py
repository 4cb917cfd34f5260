"""Starts the servers that the tests talk to. Nothing here knows what a test wants to prove."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
BREVET = TARGET / "brevet"
NO_RETRIES = botocore.config.Config(retries={"max_attempts": 1, "mode": "standard"})


def environment(**more):
    """The process environment without any AWS setting of the machine."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "BREVET_"))}
    clean.update(AWS_CONFIG_FILE="/nonexistent", AWS_SHARED_CREDENTIALS_FILE="/nonexistent", AWS_PAGER="")
    clean.update(AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
    return {**clean, **more}


def key_environment(key):
    """The AWS_ variables of a key, given as (access key id, secret, token)."""
    access_key, secret, token = key
    more = {"AWS_SESSION_TOKEN": token} if token else {}
    return {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret, **more}


def run(*arguments, stdin="", timeout=60, **env):
    """Runs the command line with these variables; gives the finished process."""
    command = [str(part) for part in (BREVET, *arguments)]
    return subprocess.run(command, input=stdin, env=environment(**env), capture_output=True, text=True, timeout=timeout)


def refused(call, *arguments, **parameters):
    """What a call of boto3 that must fail is answered with."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*arguments, **parameters)
    return caught.value.response


@contextlib.contextmanager
def running(*command, env=None, ready=None):
    """Runs a server; yields it and the first line that it prints once it is ready."""
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=env or environment(),
        text=True,
        start_new_session=True,
    )
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"{command} ended with {process.wait()} before it was ready")
        yield process, line.strip()
    finally:
        # The whole session: a server under faketime is the child of a child.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise


class Brevet:
    """A running service, and clients for it."""

    def __init__(self, info, bundle=None):
        self.info = info
        self.bundle = bundle
        self.endpoint = info["endpoint"]
        self.admin_endpoint = info["admin_endpoint"]
        self.account = info["account"]
        self.roles = info["roles"]
        self.key = (info["access_key_id"], info["secret_access_key"], None)

    @property
    def authority(self):
        return self.endpoint.split("//")[1]

    def client(self, service, key=None, **config):
        access_key, secret, token = key or self.key
        return boto3.Session(
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            region_name="us-east-1",
        ).client(service, endpoint_url=self.endpoint, config=NO_RETRIES, **config)

    def sts(self, key=None):
        return self.client("sts", key)

    def iam(self, key=None):
        return self.client("iam", key)

    def role(self, name):
        return next(role for role in self.roles if role.endswith("/" + name))

    def assume(self, role, name="tests", key=None, **parameters):
        """Temporary keys of a role, as (access key id, secret, token)."""
        answer = self.sts(key).assume_role(RoleArn=role, RoleSessionName=name, **parameters)
        return triple(answer["Credentials"])

    def user(self, name, *statements):
        """A new user with keys and these policy statements."""
        iam = self.iam()
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"], None

    def aws(self, *arguments, key=None):
        """Runs the AWS CLI; gives the finished process."""
        endpoints = {"AWS_ENDPOINT_URL_STS": self.endpoint, "AWS_ENDPOINT_URL_IAM": self.endpoint}
        env = environment(**endpoints, **key_environment(key or self.key))
        command = [pathlib.Path(sys.executable).parent / "aws", *arguments, "--output", "json"]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)

    def cli(self, *arguments, key=None, stdin=""):
        """Runs the command line against this service; gives the finished process."""
        return run(*arguments, stdin=stdin, BREVET_ENDPOINT=self.endpoint, **key_environment(key or self.key))

    def metric(self, line):
        """The value of a metric, by its exact name and labels; 0 if it is not there."""
        with urllib.request.urlopen(self.admin_endpoint + "/metrics") as answer:
            for text in answer.read().decode().splitlines():
                name, _, value = text.rpartition(" ")
                if name == line:
                    return float(value)
        return 0.0


def triple(credentials):
    return credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]


def statement(effect="Allow", action="*", resource="*", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal, action="sts:AssumeRole", **more):
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": action, **more}]}
    )


@pytest.fixture(scope="session")
def brevet(tmp_path_factory):
    """One `brevet dev` for all tests that leave no trace in each other's way."""
    bundle = tmp_path_factory.mktemp("bundle") / "trust.bundle"
    command = (BREVET, "dev", "--listen", "127.0.0.1:0", "--output", "json", "--bundle", bundle)
    with running(*command) as (_, line):
        yield Brevet(json.loads(line), bundle)


@pytest.fixture
def data_dir(tmp_path):
    """An initialised data directory."""
    path = tmp_path / "data"
    subprocess.run([BREVET, "init", "--data-dir", path], check=True, env=environment(), capture_output=True)
    return path

"""The trust stream from Python: a validator in another language follows, checks what it gets, and acknowledges it."""

import contextlib
import hashlib
import json
import queue
import struct
import threading
import time
import uuid

import grpc
import pytest
import rpc
import test_serve
from conftest import BREVET, Brevet, policy, running, statement
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf import duration_pb2

SERVICE = "/brevet.validation.v1.ValidationService/"
DENIED, UNAUTHENTICATED = grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED
INVALID = (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_ERROR")


@pytest.fixture(scope="module")
def pb(tmp_path_factory):
    return rpc.messages(tmp_path_factory.mktemp("proto"), "brevet/validation/v1/validation.proto")


@pytest.fixture(scope="module")
def token(tmp_path_factory):
    folder = tmp_path_factory.mktemp("token")
    return rpc.messages(folder, "brevet/token/v1/revocation.proto"), rpc.messages(folder, "brevet/token/v1/bundle.proto")


@pytest.fixture
def alone():
    """A service of its own: who waits for validators must not wait for those of other tests."""
    with running(BREVET, "dev", "--listen", "127.0.0.1:0", "--output", "json") as (_, line):
        yield Brevet(json.loads(line))


def asked(pb, **more):
    fields = {"zone": "default", "validator_id": uuid.uuid4().hex, "max_staleness": duration_pb2.Duration(seconds=30)}
    return pb.WatchTrustRequest(**{**fields, **more})


class Validator:
    """Follows in a thread; what comes is checked as `docs/grpc.md` says."""

    def __init__(self, brevet, pb, token, request, key=None):
        self.brevet, self.pb, self.key, self.request = brevet, pb, key, request
        self.revocation, self.bundle_pb = token
        self.anchor = self.position = self.bundle = None
        self.entries, self.steps = [], queue.Queue()
        self.channel = grpc.insecure_channel(brevet.authority)
        method = SERVICE + "WatchTrust"
        rpc_ = self.channel.unary_stream(method, response_deserializer=pb.WatchTrustResponse.FromString)
        message = request.SerializeToString()
        self.stream = rpc_(message, metadata=rpc.signed(brevet, method, message, key))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for step in self.stream:
                self.steps.put((time.monotonic(), step))
        except grpc.RpcError as error:
            self.steps.put((time.monotonic(), error))

    def next(self, patience=5):
        """The next step, applied, and when it came."""
        at, step = self.steps.get(timeout=patience)
        if isinstance(step, grpc.RpcError):
            raise step
        self.apply(step)
        return at, step

    def apply(self, step):
        if step.bundle:
            # A line, the length of the content, the anchor, its signature, the content.
            head, rest = step.bundle[:22], step.bundle[26:]
            anchor, signature, content = rest[:32], rest[32:96], rest[96:]
            assert (head, len(content)) == (b"brevet trust bundle 1\n", struct.unpack(">I", step.bundle[22:26])[0])
            assert self.anchor in (None, anchor)
            Ed25519PublicKey.from_public_bytes(anchor).verify(signature, b"BREVET-BUNDLE\0v1\0" + anchor + content)
            self.anchor, self.bundle = anchor, self.bundle_pb.TrustBundle.FromString(content)
        if step.log:
            self.entries = []
            self.position = (step.log, 0, hashlib.sha256(b"BREVET-LOG\0v1\0" + step.log).digest())
        for entry in step.entries:
            log, count, chain = self.position
            chain = hashlib.sha256(chain + struct.pack(">I", len(entry)) + entry).digest()
            self.position = (log, count + 1, chain)
            self.entries.append(self.revocation.Revocation.FromString(entry))
        if step.head:
            signature, payload = step.head[:64], step.head[64:]
            signed = b"BREVET-HEAD\0v1\0" + self.anchor + payload
            Ed25519PublicKey.from_public_bytes(self.anchor).verify(signature, signed)
            self.head = self.revocation.RevocationHead.FromString(payload)
            assert self.head.trust_domain == self.bundle.trust_domain
            assert (self.head.log, self.head.count, self.head.hash) == self.position

    def wait_for(self, holds, patience=5):
        """When the first step came after which something holds."""
        deadline = time.monotonic() + patience
        while True:
            at, _ = self.next(deadline - time.monotonic())
            if holds(self):
                return at

    def acknowledge(self, **more):
        log, count, _ = self.position
        fields = {"zone": self.request.zone, "validator_id": self.request.validator_id, "log": log, "count": count}
        return acknowledge(self.brevet, self.pb, self.key, **{**fields, **more})

    def end(self, patience=5):
        """Status and reason with which the stream ends."""
        deadline = time.monotonic() + patience
        while True:
            try:
                self.next(deadline - time.monotonic())
            except grpc.RpcError as error:
                failed = error
                break

        def raise_it():
            raise failed

        return rpc.refused(raise_it)

    def close(self):
        self.stream.cancel()
        self.channel.close()


def acknowledge(brevet, pb, key, **fields):
    message = pb.AcknowledgeTrustRequest(**fields).SerializeToString()
    method = SERVICE + "AcknowledgeTrust"
    return rpc.send(brevet, method, message, rpc.signed(brevet, method, message, key), pb.AcknowledgeTrustResponse)


def get_bundle(brevet, pb, zone="default", key=None):
    message = pb.GetTrustBundleRequest(zone=zone).SerializeToString()
    method = SERVICE + "GetTrustBundle"
    return rpc.send(brevet, method, message, rpc.signed(brevet, method, message, key), pb.GetTrustBundleResponse).bundle


@contextlib.contextmanager
def following(brevet, pb, token, key=None, **more):
    validator = Validator(brevet, pb, token, asked(pb, **more), key)
    try:
        yield validator
    finally:
        validator.close()


def revoke(brevet, *arguments, key=None):
    return brevet.cli("session", "revoke", *arguments, key=key)


def test_the_bundle_comes_first_and_then_a_head_each_second(brevet, pb, token):
    with following(brevet, pb, token) as validator:
        _, first = validator.next()
        assert first.bundle and first.log and validator.bundle.zone == "default"
        assert first.bundle == get_bundle(brevet, pb)
        times = []
        for _ in range(4):
            at, step = validator.next(2)
            times.append(at)
            assert step.head and not step.bundle and not step.entries
            assert abs(time.time() - validator.head.confirmed_at) < 4
        assert times[-1] - times[0] == pytest.approx(3, abs=1)
        assert brevet.metric('brevet_watching_validators{zone="default"}') >= 1
        assert brevet.metric("brevet_store_confirmation_age_seconds") <= 3
        log, count, _ = validator.position
    with following(brevet, pb, token, bundle_sequence=validator.bundle.sequence, log=log, count=count) as again:
        again.anchor, again.bundle, again.position = validator.anchor, validator.bundle, validator.position
        _, step = again.next()
        assert step.head and not step.bundle and not step.log and not step.entries


def test_d11_a_revocation_comes_within_half_a_second(brevet, pb, token):
    session = brevet.assume(brevet.role("reader"))
    with following(brevet, pb, token) as validator:
        validator.next()
        took = []
        for key in [session[0], *(brevet.assume(brevet.role("reader"))[0] for _ in range(4))]:
            revoke(brevet, key)
            answered = time.monotonic()
            at = validator.wait_for(lambda v, key=key: any(e.session.access_key_id == key for e in v.entries))
            took.append(at - answered)
        assert max(took) < 0.5, took


def test_a_withdrawn_key_is_told(brevet, pb, token):
    key = brevet.user("withdrawn", statement())
    with following(brevet, pb, token) as validator:
        validator.next()
        brevet.iam().update_access_key(UserName="withdrawn", AccessKeyId=key[0], Status="Inactive")
        validator.wait_for(lambda v: any(e.withdrawn_key == key[0] for e in v.entries))


def test_a_stream_ends_when_its_policy_is_gone(brevet, pb, token):
    key = brevet.user("follower", statement(action="brevet:WatchTrust"))
    with following(brevet, pb, token, key=key) as validator:
        validator.next()
        brevet.iam().delete_user_policy(UserName="follower", PolicyName="p")
        assert validator.end(2) == (DENIED, "NO_MATCHING_ALLOW")


def test_d11_a_stream_ends_when_the_session_that_opened_it_is_revoked(brevet, pb, token):
    iam, name = brevet.iam(), "validator"
    trust = policy_of(brevet)
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(statement(action="brevet:*")))
    session = brevet.assume(role)
    with following(brevet, pb, token, key=session) as validator:
        validator.next()
        revoke(brevet, session[0])
        assert validator.end(2) == (UNAUTHENTICATED, "INVALID_CLIENT_TOKEN_ID")


def policy_of(brevet):
    allow = {"Effect": "Allow", "Principal": {"AWS": brevet.account}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})


def test_d11_whoever_revokes_can_wait_for_validators(alone, pb, token):
    brevet = alone
    session = brevet.assume(brevet.role("reader"))
    nobody = revoke(brevet, session[0], "--wait", "1s")
    assert nobody.returncode == 0 and "no validator is connected" in nobody.stdout and nobody.stderr

    with following(brevet, pb, token) as good:
        good.next()
        answer = {}
        session = brevet.assume(brevet.role("reader"))
        caller = threading.Thread(target=lambda: answer.update(ran=revoke(brevet, session[0], "--wait", "10s")))
        caller.start()
        good.wait_for(lambda v: any(e.session.access_key_id == session[0] for e in v.entries))
        good.acknowledge()
        caller.join(8)
        ran = answer["ran"]
        assert ran.returncode == 0 and ran.stderr == "", ran.stderr
        assert "refused on 1 of 1 validators, slowest " in ran.stdout

        with following(brevet, pb, token) as silent:
            silent.next()
            ran = revoke(brevet, session[0], "--wait", "1s")
            assert ran.returncode == 0 and "refused on 0 of 2 validators; bound 30 s" in ran.stdout, ran.stdout
            assert "not refused everywhere yet: 2 of 2 validators" in ran.stderr
        time.sleep(0.3)
        good.wait_for(lambda v: v.position[1] >= 2)
        ran = revoke(brevet, session[0], "--wait", "500ms")
        assert "1 unreachable, bound 30 s" in ran.stdout, ran.stdout


def test_another_account_and_unknown_zones_are_refused(brevet, pb, token):
    with following(brevet, pb, token, zone="none") as validator:
        assert validator.end() == (grpc.StatusCode.NOT_FOUND, "NO_SUCH_ENTITY")
    stranger = brevet.user("stranger", statement(action="sts:*"))
    for zone in ["default", "none"]:
        with following(brevet, pb, token, key=stranger, zone=zone) as validator:
            assert validator.end() == (DENIED, "NO_MATCHING_ALLOW")
        assert rpc.refused(get_bundle, brevet, pb, zone, stranger) == (DENIED, "NO_MATCHING_ALLOW")
        fields = {"zone": zone, "validator_id": "x"}
        assert rpc.refused(acknowledge, brevet, pb, stranger, **fields) == (DENIED, "NO_MATCHING_ALLOW")


@pytest.mark.parametrize(
    "bad",
    [
        {"validator_id": ""},
        {"validator_id": "a" * 65},
        {"validator_id": "../x"},
        {"zone": "a" * 65},
        {"log": b"1" * 15},
        {"count": 1},
        {"max_staleness": None},
        {"max_staleness": duration_pb2.Duration(seconds=-1)},
        {"max_staleness": duration_pb2.Duration(seconds=31 * 86400)},
    ],
)
def test_what_makes_no_sense_is_refused(brevet, pb, token, bad):
    with following(brevet, pb, token, **bad) as validator:
        assert validator.end() == INVALID


def test_nobody_has_more_of_the_log_than_there_is(brevet, pb, token):
    with following(brevet, pb, token) as validator:
        validator.next()
        log, count, _ = validator.position
        assert rpc.refused(validator.acknowledge, count=count + 1000) == INVALID
        assert rpc.refused(validator.acknowledge, count=2**64 - 1) == INVALID
        activity = pb.SessionActivity(access_key_id=brevet.key[0])
        assert rpc.refused(validator.acknowledge, activities=[activity]) == INVALID
        with following(brevet, pb, token, log=log, count=2**64 - 1) as other:
            assert other.end() == INVALID


def test_a_wait_has_an_end(brevet):
    ran = revoke(brevet, "ASIAAAAAAAAAAAAAAAAA", "--wait", "31s")
    assert ran.returncode != 0 and "at most 30 s" in ran.stderr


def test_a_second_stream_of_one_name_takes_the_place_of_the_first(brevet, pb, token):
    with following(brevet, pb, token, validator_id="one") as first:
        first.next()
        with following(brevet, pb, token, validator_id="one") as second:
            second.next()
            assert first.end(3)[0] == grpc.StatusCode.ABORTED
            second.next(3)


def test_a_zone_s_keys_leave_only_with_a_record(data_dir, pb, token):
    with test_serve.served(data_dir) as (_, line):
        brevet = test_serve.client(line, data_dir)
        get_bundle(brevet, pb)
        with following(brevet, pb, token, validator_id="shop-1") as validator:
            validator.next()
            validator.acknowledge()
            told = {record["eventName"]: record for record in test_serve.audit(data_dir)}
    assert told.keys() >= {"GetTrustBundle", "WatchTrust"} and "AcknowledgeTrust" not in told
    asked_for = {"zone": "default", "validatorId": "shop-1", "maxStaleness": 30, "failOpen": False}
    assert told["WatchTrust"]["requestParameters"] == asked_for
    assert told["WatchTrust"]["eventSource"] == "validation.brevet"
    assert told["GetTrustBundle"]["responseElements"] == {"sequence": 1}


def test_open_streams_do_not_hold_up_the_end(pb, token):
    with running(BREVET, "dev", "--listen", "127.0.0.1:0", "--output", "json") as (process, line):
        with following(Brevet(json.loads(line)), pb, token) as validator:
            validator.next()
            began = time.monotonic()
            process.terminate()
            assert validator.end()[0] == grpc.StatusCode.UNAVAILABLE
            process.wait(5)
            assert time.monotonic() - began < 3

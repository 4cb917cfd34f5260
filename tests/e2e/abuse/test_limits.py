"""Too much, too long, too slow: E4 to E19 as far as they touch what is here, and what a caller that hangs up leaves behind."""

import base64
import concurrent.futures
import socket
import struct
import subprocess
import time

import pytest
from conftest import BREVET, environment, statement
from test_serve import client, served

from . import wire
from .sigv4 import Call, Signer
from .stage import SERVICE, Stage, sts

LIMIT = 128 << 10
TOO_LARGE, INVALID = "RequestEntityTooLarge", "ValidationError"


@pytest.mark.parametrize("announced", [LIMIT + 1, 1 << 30, 1 << 62])
def test_e5_an_announced_body_beyond_the_limit_is_not_read(stage, announced):
    request = stage.signed().added(("Content-Length", str(announced)))
    with wire.connect(stage.address, next(stage.sources)) as connection:
        connection.sendall(wire.to_bytes(request.but(body=b""), length=False))
        answer, = wire.read_answers(connection)
    stage.check_refusal(request, answer, TOO_LARGE)


@pytest.mark.parametrize("expect", [True, False])
def test_e5_a_body_without_end_is_cut_off(stage, expect):
    request = stage.signed().added(("Transfer-Encoding", "chunked"), *((("Expect", "100-continue"),) if expect else ()))
    chunk = b"2000\r\n" + b"a" * 0x2000 + b"\r\n"
    with wire.connect(stage.address, next(stage.sources)) as connection:
        connection.sendall(wire.to_bytes(request.but(body=b""), length=False))
        sent = 0
        try:
            while sent < 64 << 20:
                connection.sendall(chunk)
                sent += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 64 << 20, "the body was taken in whole"
    stage.unharmed()


def test_e5_a_body_at_the_limit_is_read_and_one_byte_more_is_not(stage):
    form = "Action=GetFederationToken&Version=2011-06-15&Name="
    stage.refused(stage.signed(form + "a" * (LIMIT - len(form))), INVALID)
    stage.refused(stage.signed(form + "a" * (LIMIT - len(form) + 1)), TOO_LARGE)


def test_e5_a_body_that_waits_for_a_word_is_refused_without_it(stage):
    """`Expect: 100-continue` before a body that is too long: no one is asked to send it."""
    request = stage.signed().added(("Content-Length", str(1 << 30)), ("Expect", "100-continue"))
    with wire.connect(stage.address, next(stage.sources)) as connection:
        connection.sendall(wire.to_bytes(request.but(body=b""), length=False))
        answer, = wire.read_answers(connection)
    stage.check_refusal(request, answer, TOO_LARGE)


@pytest.mark.parametrize("index", ["0", "51", "2147483648", "18446744073709551616", "-1", "1e1", "01", "", " 1", "+1", "\u0661", "1.2", "x"])
def test_e5_an_index_out_of_bounds_is_refused(stage, index):
    form = sts("AssumeRole", RoleArn=stage.reader, RoleSessionName="abc")
    stage.refused(stage.signed({**form, f"Tags.member.{index}.Key": "k", f"Tags.member.{index}.Value": "v"}), INVALID)
    stage.refused(stage.signed({**form, f"TransitiveTagKeys.member.{index}": "k"}), INVALID)


def test_e5_gaps_and_floods_of_members_are_refused(stage):
    form = sts("AssumeRole", RoleArn=stage.reader, RoleSessionName="abc")
    stage.refused(stage.signed({**form, "Tags.member.2.Key": "k", "Tags.member.2.Value": "v"}), INVALID)
    stage.refused(stage.signed({**form, **{f"Tags.member.{n}.Key": "k" for n in range(1, 5000)}}), INVALID)
    stage.refused(stage.signed({**form, **{f"p{n}": "" for n in range(9000)}}), INVALID)
    stage.refused(stage.signed({**form, "PolicyArns.member.1.arn.x": "k"}), INVALID)


def policy_of(text):
    return sts("GetFederationToken", Name="bob", Policy=text)


NESTED = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":%s}]}'


@pytest.mark.parametrize("text", [
    "[" * 1000 + "]" * 1000,
    "[" * 2048,
    '{"a":' * 300 + "1" + "}" * 300,
    NESTED % ("[" * 100 + '"*"' + "]" * 100),
    '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[]}',
    '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}',
    NESTED % ('"' + "9" * 500 + '", "Condition": {"NumericEquals": {"a": 1e999999}}'),
    "1" * 2000,
    "1e999999",
    '"\\ud800"',
    "{}" * 500,
    "{" + ",".join(f'"k{n}":1' for n in range(200)) + "}",
    "null",
    "\t",
    '{"Statement":' + "0" * 1000 + "}",
], ids=["arrays", "open", "objects", "deep", "twice", "effect-twice", "number", "digits", "exponent", "surrogate", "many", "keys",
        "null", "blank", "zeros"])
def test_e7_c5_a_policy_that_is_a_bomb_is_refused(stage, text):
    stage.refused(stage.signed(policy_of(text)), "MalformedPolicyDocument")


@pytest.mark.parametrize("text", ["x" * 2049, "é" * 2049, "\0", "\u2028", ""], ids=["2049", "2049-wide", "nul", "line", "empty"])
def test_e7_c7_a_policy_beyond_its_bounds_is_refused(stage, text):
    stage.refused(stage.signed(policy_of(text)), INVALID)


@pytest.mark.parametrize("depth", [1000, 20_000])
def test_e7_a_long_policy_document_of_the_directory_is_bounded_as_well(stage, depth):
    form = {"Action": "CreateRole", "Version": "2010-05-08", "RoleName": "bomb", "AssumeRolePolicyDocument": "[" * depth + "]" * depth}
    request = stage.signed(form, service="iam")
    answer = stage.send(request)
    assert (answer.status, answer.code) in {(400, "MalformedPolicyDocument"), (400, "ValidationError"), (409, "LimitExceeded")}, answer
    stage.unharmed()


@pytest.mark.parametrize("name, pattern", [("pairs", "*a" * 150 + "*b"), ("any", "?*" * 150 + "b"), ("stars", "*" * 300 + "b")])
def test_e9_wildcard_bombs_are_decided_at_once(stage, name, pattern):
    user, agent = f"e9-{name}", "a" * 6000
    key = stage.user(
        user, statement(action=f"sts:{pattern}"), statement(resource=f"arn:aws:sts::*:{pattern}"),
        statement(Condition={"StringLike": {"aws:UserAgent": pattern}}))
    request = stage.signed(sts("GetFederationToken", Name="cat"), key=key).added(("User-Agent", agent))
    started = time.monotonic()
    stage.refused(request, "AccessDenied")
    assert time.monotonic() - started < 2


def test_e13_a_head_beyond_the_limit_is_refused(stage):
    stage.refused(stage.signed().added(("X-Long", "a" * 20_000)), TOO_LARGE)
    stage.refused(stage.signed().added(*((f"X-{n}", "") for n in range(90)), ("X-Long", "a" * 16_000)), TOO_LARGE)
    stage.refused(stage.presigned(more={"X-Amz-Long": "a" * 20_000}), TOO_LARGE)


def test_e13_a_head_far_beyond_the_limit_is_dropped(stage):
    stage.dropped(wire.to_bytes(stage.signed().added(("X-Long", "a" * (80 << 10)))))
    stage.dropped(wire.to_bytes(stage.signed().added(*((f"X-{n}", "") for n in range(200)))))
    stage.dropped(b"GET /" + b"a" * (70 << 10) + b" HTTP/1.1\r\nHost: x\r\n\r\n")


def test_e11_a_flood_of_refusals_is_counted_where_it_is_not_written_singly(stage):
    """Twenty records a second and source; after that one that says how many it stands for."""
    flood, source = 70, next(stage.sources)
    request = stage.signed().bent(lambda signature: "0" * 64)
    for _ in range(flood):
        assert wire.send(stage.address, request, source).code == "SignatureDoesNotMatch"
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        records = [record for record in stage.all_records() if record["sourceIPAddress"] == source]
        if (counted := sum(record.get("attempts", 1) for record in records)) == flood:
            break
        time.sleep(0.1)
    assert counted == flood and len(records) < flood
    stage.unharmed()


@pytest.mark.parametrize("path", ["/metrics", "/debug/pprof", "/livez", "/actuator", "/.env", "/latest/meta-data/", "/minio/admin/v3/info", "/jwks.json"])
def test_e14_c24_nothing_else_is_served_on_the_main_port(stage, path):
    stage.refused(Signer(stage.key).sign(stage.unsigned(target=path)), "NotFound")


def test_e14_reflection_may_be_switched_off(tmp_path):
    data_dir, config = tmp_path / "data", tmp_path / "brevet.toml"
    subprocess.run([BREVET, "init", "--data-dir", data_dir], check=True, env=environment(), capture_output=True)
    config.write_text("reflection = false\n")
    with served(data_dir, "--config", config) as (_, line):
        stage = Stage(client(line, data_dir), data_dir)
        for version in ("v1", "v1alpha"):
            path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
            answer = stage.send(Call("POST", path, (("host", stage.authority),), b"\x3a\x00"))
            assert (answer.status, b"brevet.sts" in answer.body) == (12, False)
        hidden = stage.send(Call("POST", SERVICE + "GetCallerIdentity", (("host", stage.authority),)))
        assert hidden.code == "MissingAuthenticationToken"


def iam(action, **parameters):
    return {"Action": action, "Version": "2010-05-08", **parameters}


@pytest.mark.parametrize("size", ["0", "-1", "1001", "2147483648", "18446744073709551616", "1e1", "", "x"])
def test_e16_pages_are_bounded(stage, size):
    answer = stage.refused(stage.signed(iam("ListUsers", MaxItems=size), service="iam"), INVALID)
    assert b"iam.amazonaws.com" in answer.body


def test_e16_a_marker_opens_no_list_but_its_own(stage):
    for n in range(3):
        stage.user(f"e16-{n}")
    marker = stage.brevet.iam().list_users(MaxItems=1)["Marker"]
    for forged in ("AAAA", "", "=", "../..", "A" * 5000, "\0", f" {marker}", base64.b64encode(b"000000000001/ListUsers/a").decode()):
        stage.refused(stage.signed(iam("ListUsers", Marker=forged), service="iam"), INVALID)
    stage.refused(stage.signed(iam("ListRoles", Marker=marker), service="iam"), INVALID)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "identity, gzip", "x"])
def test_e19_compressed_bodies_are_refused(stage, encoding):
    stage.refused(stage.signed().added(("Content-Encoding", encoding)), "UnsupportedMediaType")


class TestSlowCallers:
    """All at once, because each takes the ten seconds that it is given."""

    def slow(self, stage, first, drip):
        """Sends a piece a second until the peer gives up; gives how long that took and the status, if any."""
        with wire.connect(stage.address, next(stage.sources)) as connection:
            started = time.monotonic()
            connection.sendall(first)
            connection.settimeout(1)
            while time.monotonic() - started < 18:
                try:
                    received = connection.recv(1000)
                    return time.monotonic() - started, received
                except TimeoutError:
                    pass
                try:
                    connection.sendall(drip)
                except (BrokenPipeError, ConnectionResetError):
                    return time.monotonic() - started, b""
        return time.monotonic() - started, None

    def test_e4_whoever_is_slow_is_let_go_and_others_are_served(self, stage):
        request = stage.signed()
        head = wire.to_bytes(request.added(("Content-Length", "43")).but(body=b""), length=False)
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        cases = {
            "silent": (b"", b""),
            "head": (b"POST / HTTP/1.1\r\nX: ", b"a"),
            "body": (head, b"a"),
            "no body": (head, b""),
            "preface": (preface[:5], b""),
        }
        with concurrent.futures.ThreadPoolExecutor(60) as pool:
            ended = {name: [pool.submit(self.slow, stage, *case) for _ in range(8)] for name, case in cases.items()}
            served_meanwhile = 0
            while not all(future.done() for futures in ended.values() for future in futures):
                stage.unharmed()
                served_meanwhile += 1
                time.sleep(0.1)
        assert served_meanwhile > 20
        for name, futures in ended.items():
            for took, received in (future.result() for future in futures):
                assert received is not None and took < 15, (name, took, received)
                assert received.startswith(b"HTTP/1.1 408") if "body" in name else received == b"", (name, received)


def test_g8_a_caller_that_hangs_up_leaves_no_change_unrecorded_or_unseen(tmp_path):
    """A change goes on when its caller is gone: what is in the store is in the directory, and in the audit log."""
    data_dir = tmp_path / "data"
    subprocess.run([BREVET, "init", "--data-dir", data_dir], check=True, env=environment(), capture_output=True)
    with served(data_dir) as (_, line):
        stage = Stage(client(line, data_dir), data_dir)
        for n in range(300):
            request = stage.signed(iam("CreateUser", UserName=f"gone-{n}"), service="iam")
            with socket.create_connection(stage.address) as connection:
                connection.sendall(wire.to_bytes(request))
                time.sleep(n % 100 * 0.00005)
                if n % 2:  # with a reset
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stage.user("last")
        seen = users(stage)
    recorded = {record["requestParameters"].get("userName") for record in stage.all_records() if record["outcome"] == "success"}
    with served(data_dir) as (_, line):
        stored = users(Stage(client(line, data_dir), data_dir))
    assert len(stored) > 50, "nothing was tried"
    assert (stored - seen, stored - recorded) == (set(), set())


def users(stage):
    pages = stage.brevet.iam().get_paginator("list_users").paginate()
    return {user["UserName"] for page in pages for user in page["Users"]} - {"admin"}

"""What a caller may not choose about a session: C9 to C13, on the wire that says it in words and on the one that says it in fields."""

import re
import subprocess
from urllib.parse import urlencode

import pytest
from conftest import BREVET, environment, policy, statement, trust
from test_serve import client, served

from . import wire
from .stage import Stage, sts

DENIED, INVALID = "AccessDenied", "ValidationError"


def tags(**pairs):
    form = {}
    for n, (key, value) in enumerate(pairs.items(), 1):
        form |= {f"Tags.member.{n}.Key": key, f"Tags.member.{n}.Value": value}
    return form


def assume(role, name="chosen", **parameters):
    return sts("AssumeRole", RoleArn=role, RoleSessionName=name, **parameters)


@pytest.fixture(scope="module")
def roles(stage):
    """Roles that trust the account, and what a chain needs."""
    account = {"AWS": stage.account}
    everything = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
    made = {}
    for name in ("one", "two"):
        made[name] = stage.role(f"chain-{name}", trust(account, everything), policy(statement(action="sts:*")), MaxSessionDuration=43200)
    return made


SERVER_KEYS = {
    "aws:userid": "AIDA0000000000000000",
    "aws:username": "somebody",
    "aws:PrincipalArn": "arn:aws:iam::000000000001:user/admin",
    "aws:PrincipalTag/Team": "red",
    "aws:SourceIp": "203.0.113.7",
    "aws:SourceIdentity": "ada",
    "aws:MultiFactorAuthPresent": "true",
    "aws:SecureTransport": "true",
    "aws:TokenIssueTime": "1999-01-01T00:00:00Z",
    "sts:ExternalId": "tenant",
    "jwt:sub": "ada",
}


@pytest.mark.parametrize("key, value", SERVER_KEYS.items(), ids=SERVER_KEYS)
def test_c9_no_header_or_parameter_fills_a_key_of_the_server(stage, key, value):
    role = stage.role("c9-" + key.replace(":", "-").replace("/", "-"), trust({"AWS": stage.account}, Condition={"StringEquals": {key: value}}))
    for name in (key.replace(":", "-").replace("/", "-"), key.split(":")[1].split("/")[0], "x-" + key.replace(":", "-").replace("/", "-")):
        stage.refused(stage.signed(assume(role), headers=((name, value),)), DENIED)
        stage.refused(stage.call("AssumeRole", message(role), headers=((name.lower(), value),)), DENIED)
    stage.refused(stage.signed(assume(role, **{key: value})), INVALID)
    stage.refused(stage.presigned(assume(role), more={key: value}), INVALID)


@pytest.mark.parametrize("name", ["aws:userid", "aws:SourceIp", "Context.aws:userid", "userid", "SourceIp", "PrincipalArn", "Account"])
def test_c9_a_parameter_named_like_a_key_of_the_server_is_refused(stage, name):
    stage.refused(stage.signed({**assume(stage.reader), name: "x"}), INVALID)


def test_c9_a_header_whose_name_has_a_colon_is_no_header(stage):
    head = f"POST / HTTP/1.1\r\nHost: {stage.authority}\r\naws:userid: x\r\nContent-Length: 0\r\n\r\n"
    answer = wire.send(stage.address, head.encode(), next(stage.sources))
    assert answer.status in (400, 403) and answer.code in (None, "MissingAction")
    stage.unharmed()


FORWARDED = [
    ("X-Forwarded-For", "203.0.113.7"), ("X-Forwarded-For", "203.0.113.7, 127.0.0.1"), ("X-Real-IP", "203.0.113.7"),
    ("Forwarded", "for=203.0.113.7"), ("True-Client-IP", "203.0.113.7"), ("X-Client-IP", "203.0.113.7"),
    ("CF-Connecting-IP", "203.0.113.7"), ("Via", "1.1 203.0.113.7"),
]


@pytest.fixture(scope="module")
def from_outside(stage):
    """A role for callers of one network."""
    return stage.role("c10", trust({"AWS": stage.account}, Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))


@pytest.mark.parametrize("header", FORWARDED, ids=lambda header: header[0])
def test_c10_a_forwarded_address_counts_for_nothing(stage, from_outside, header):
    answer = stage.refused(stage.signed(assume(from_outside)).added(header), DENIED)
    stage.refused(stage.call("AssumeRole", message(from_outside)).added((header[0].lower(), header[1])), DENIED)
    record, = [record for record in stage.all_records() if record["requestID"] == answer.request_id]
    assert record["sourceIPAddress"].startswith("127.")


def test_c10_the_proxy_protocol_is_not_spoken(stage, from_outside):
    request = wire.to_bytes(stage.signed(assume(from_outside)))
    stage.dropped(b"PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n" + request)
    stage.dropped(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12) + request)


def test_c10_what_a_listed_proxy_says_counts_and_no_more(tmp_path):
    data_dir, config = tmp_path / "data", tmp_path / "brevet.toml"
    subprocess.run([BREVET, "init", "--data-dir", data_dir], check=True, env=environment(), capture_output=True)
    config.write_text('trusted_proxies = ["127.9.9.9"]\n')
    with served(data_dir, "--config", config) as (_, line):
        stage = Stage(client(line, data_dir), data_dir)
        stage.bystander = stage.key
        stage.account = stage.brevet.sts().get_caller_identity()["Account"]
        role = stage.role("r", trust({"AWS": stage.account}, Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}))
        request = stage.signed(assume(role))
        for source, value, let_in in (
            ("127.9.9.9", "203.0.113.7", True),
            ("127.9.9.9", "::ffff:203.0.113.7", True),
            ("127.9.9.9", "198.51.100.1, 203.0.113.7", True),  # the nearest one that is no proxy
            ("127.9.9.9", "203.0.113.7, 198.51.100.1", False),
            ("127.9.9.9", "203.0.113.7, nonsense", False),
            ("127.9.9.9", "203.0.113.7%eth0", False),
            ("127.9.9.8", "203.0.113.7", False),  # not listed
        ):
            stage.sources = iter([source, "127.9.9.1"])
            sent = request.added(("X-Forwarded-For", value))
            assert stage.accepted(sent) if let_in else stage.refused(sent, DENIED), (source, value)


@pytest.mark.parametrize("duration", ["3601", "43200"])
def test_c11_a_chain_gives_an_hour_at_most(stage, roles, duration):
    first = stage.assume(roles["one"], DurationSeconds=43200)
    form = assume(roles["two"], DurationSeconds=duration)
    stage.refused(stage.signed(form, key=first), INVALID)
    stage.refused(stage.call("AssumeRole", message(roles["two"], duration=int(duration)), key=first), INVALID)
    stage.refused(stage.signed(assume(roles["one"], DurationSeconds=duration), key=first), INVALID)  # into itself


def test_c11_a_chain_ends_after_a_few_links(stage, roles):
    key, links = stage.assume(roles["one"]), 1
    while stage.send(request := stage.signed(assume(roles["two" if links % 2 else "one"], name=f"hop-{links}"), key=key)).status == 200:
        links += 1
        assert links < 20, "a chain without end"
        key = stage.assume(roles["two" if links % 2 == 0 else "one"], name=f"hop-{links}", key=key)
    stage.refused(request, DENIED)


def test_c11_temporary_keys_take_on_no_role_that_does_not_trust_them(stage, session):
    closed = stage.role("c11-closed", trust({"AWS": f"arn:aws:iam::{stage.account}:user/admin"}))
    stage.refused(stage.signed(assume(closed), key=session), DENIED)


@pytest.fixture(scope="module")
def tagged(stage, roles):
    """A session with a transitive tag and a source identity."""
    return stage.assume(
        roles["one"], SourceIdentity="ada", TransitiveTagKeys=["Team"],
        Tags=[{"Key": "Team", "Value": "red"}, {"Key": "Own", "Value": "x"}],
    )


@pytest.mark.parametrize("more", [tags(Team="blue"), tags(Team="red"), tags(team="blue"), tags(TEAM="red")], ids=["other", "same", "lower", "upper"])
def test_c12_an_inherited_tag_is_not_passed_again_in_any_case(stage, roles, tagged, more):
    stage.refused(stage.signed(assume(roles["two"], **more), key=tagged), INVALID)


def test_c12_an_inherited_tag_cannot_be_dropped(stage, roles, tagged):
    needs_red = stage.role("c12-red", trust({"AWS": stage.account}, ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
                                            Condition={"StringNotEquals": {"aws:PrincipalTag/Team": "red"}}))
    stage.refused(stage.signed(assume(needs_red), key=tagged), DENIED)
    second = stage.assume(roles["two"], key=tagged)
    stage.refused(stage.signed(assume(needs_red), key=second), DENIED)


def test_c12_a_tag_more_than_fifty_through_a_chain_is_refused(stage, roles, tagged):
    forty_nine = tags(**{f"k{n}": "" for n in range(49)})
    fifty = tags(**{f"k{n}": "" for n in range(50)})
    stage.accepted(stage.signed(assume(roles["two"], **forty_nine), key=tagged))
    stage.refused(stage.signed(assume(roles["two"], **fifty), key=tagged), INVALID)


@pytest.mark.parametrize("more", [
    tags(a="1") | {"TransitiveTagKeys.member.1": "b"},
    tags(a="1", A="2"),
    {"Tags.member.1.Key": "aws:reserved", "Tags.member.1.Value": "x"},
    {"Tags.member.1.Key": "k" * 129, "Tags.member.1.Value": "x"},
    {"Tags.member.1.Key": "k", "Tags.member.1.Value": "x" * 257},
    {"Tags.member.1.Key": "", "Tags.member.1.Value": "x"},
    {"Tags.member.1.Value": "x"},
    {"Tags.member.1.Key": "x"},
], ids=["transitive-unknown", "twice", "reserved", "long-key", "long-value", "no-key", "key-absent", "value-absent"])
def test_c12_tags_out_of_bounds_are_refused(stage, roles, more):
    stage.refused(stage.signed(assume(roles["one"], **more)), INVALID)


def test_c12_a_source_identity_is_never_changed(stage, roles, tagged):
    for other in ("eve", "Ada", "ada2"):
        stage.refused(stage.signed(assume(roles["two"], SourceIdentity=other), key=tagged), DENIED)
    second = stage.assume(roles["two"], key=tagged)
    stage.refused(stage.signed(assume(roles["one"], SourceIdentity="eve"), key=second), DENIED)


def test_c12_c15_tags_and_source_identity_need_permissions_of_their_own(stage):
    plain = stage.role("c15-plain", trust({"AWS": stage.account}))
    stage.refused(stage.signed(assume(plain, **tags(a="1"))), DENIED)
    stage.refused(stage.signed(assume(plain, SourceIdentity="ada")), DENIED)


@pytest.mark.parametrize("duration", [
    "899", "43201", "129601", "-1", "0", "2147483648", "4294968196", "18446744073709551616", "3600.0", "3600 ", " 3600", "+3600",
    "3e3", "0xe10", "\uff11", "", "null", "3600\n",
])
def test_c13_a_duration_out_of_bounds_is_refused_and_never_cut(stage, roles, duration):
    stage.refused(stage.signed(assume(roles["one"], DurationSeconds=duration)), INVALID)
    if duration not in ("43201",):  # which a user's own session may have
        stage.refused(stage.signed(sts("GetSessionToken", DurationSeconds=duration)), INVALID)
        stage.refused(stage.signed(sts("GetFederationToken", Name="bob", DurationSeconds=duration)), INVALID)


def test_c13_one_second_more_than_the_role_allows_is_refused(stage):
    stage.refused(stage.signed(assume(stage.reader, DurationSeconds="3601")), INVALID)
    stage.accepted(stage.signed(assume(stage.reader, DurationSeconds="3600")))


def test_c13_a_duration_given_twice_is_refused(stage, roles):
    form = urlencode(assume(roles["one"])) + "&DurationSeconds=900&DurationSeconds=43200"
    stage.refused(stage.signed(form), "MalformedQueryString")


@pytest.mark.parametrize("seconds, nanos", [(899, 0), (43201, 0), (-1, 0), (0, 0), (1 << 31, 0), ((1 << 63) - 1, 0), (3600, 1), (3600, -1)])
def test_c13_a_duration_out_of_bounds_is_refused_over_grpc(stage, roles, seconds, nanos):
    stage.refused(stage.call("AssumeRole", message(roles["one"], duration=seconds, nanos=nanos)), INVALID)


def test_c14_c17_a_wrong_external_id_and_an_absent_role_are_one_answer(stage):
    role = stage.role("c14", trust({"AWS": stage.account}, Condition={"StringEquals": {"sts:ExternalId": "tenant-1"}}))
    absent = f"arn:aws:iam::{stage.account}:role/c14-absent"
    answers = set()
    for arn, external in ((absent, {}), (role, {}), (role, {"ExternalId": "tenant-2"}), (role, {"ExternalId": "Tenant-1"}), (role, {"ExternalId": "tenant-"})):
        answer = stage.refused(stage.signed(assume(arn, **external)), DENIED)
        # What is sealed differs each time, and has one length.
        text, sealed = re.subn(rb"failure message: [\w-]{2112}<", b"failure message: SEALED<", answer.anonymous[1])
        assert sealed == 1
        answers.add(text.replace(arn.encode(), b"ROLE"))
    assert len(answers) == 1, answers
    stage.refused(stage.signed(assume(role, ExternalId="tenant-1\n")), INVALID)
    stage.refused(stage.signed(assume(role, ExternalId="")), INVALID)


def varint(number):
    number &= (1 << 64) - 1
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def message(role, name="chosen", duration=None, nanos=0):
    """AssumeRoleRequest, written by hand, so that a duration may be anything."""
    text = field(1, role.encode()) + field(2, name.encode())
    if duration is not None:
        text += field(3, (b"\x08" + varint(duration) if duration else b"") + (b"\x10" + varint(nanos) if nanos else b""))
    return text

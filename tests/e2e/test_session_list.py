"""`brevet session list` and ListSessions: what is there, who sees it, and what a restart leaves of it."""

import json
import re
import signal
import time
from datetime import datetime

import grpc
import pytest
from conftest import refused, statement, triple, trust
from rpc import messages, refused as refused_call, send, signed
from test_providers import issuer  # noqa: F401 (a fixture)
from test_serve import client, served
from test_sessions import role
from test_web_identity import SUBJECT, exchange, role_for

METHOD = "/brevet.admin.v1.SessionService/ListSessions"


@pytest.fixture(scope="module")
def pb(tmp_path_factory):
    return messages(tmp_path_factory.mktemp("session"), "brevet/admin/v1/session.proto")


@pytest.fixture
def own(data_dir):
    """A service that nobody else has sessions of."""
    with served(data_dir) as (_, line):
        yield with_account(client(line, data_dir))


def with_account(brevet):
    brevet.account = brevet.sts().get_caller_identity()["Account"]
    return brevet


def listed(brevet, *filters, key=None):
    done = brevet.cli("session", "list", "-o", "json", *filters, key=key)
    assert (done.returncode, done.stderr) == (0, ""), done
    answer = json.loads(done.stdout)
    assert answer["incomplete_before"] is None
    return {session["access_key_id"]: session for session in answer["sessions"]}


def test_each_way_to_a_session_is_listed_with_who_asked_for_it_and_from_where(own):
    brevet = own
    assert listed(brevet) == {}
    assert brevet.cli("session", "list").stdout == ""
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    chaining, reader = role(brevet, "chaining", statement(action=actions)), role(brevet, "reader")
    for name in ("chaining", "reader"):
        document = trust({"AWS": brevet.account}, actions)
        brevet.iam().update_assume_role_policy(RoleName=name, PolicyDocument=document)
    admin = f"arn:aws:iam::{brevet.account}:user/admin"

    started = int(time.time())
    first = brevet.assume(chaining, "one", SourceIdentity="ada")
    chained = brevet.assume(reader, "two", key=first)
    token = triple(brevet.sts().get_session_token(DurationSeconds=900)["Credentials"])
    federated = triple(brevet.sts().get_federation_token(Name="guest")["Credentials"])

    sessions = listed(brevet)
    assert set(sessions) == {key[0] for key in (first, chained, token, federated)}
    one = sessions[first[0]]
    assert one | {"issue_time": "", "expire_time": "", "user_agent": "", "last_used_time": ""} == {
        "access_key_id": first[0],
        "arn": f"arn:aws:sts::{brevet.account}:assumed-role/chaining/one",
        "role_arn": chaining,
        "issued_to": admin,
        "provider_arn": None,
        "parent_access_key_id": None,
        "source_access_key_id": brevet.key[0],
        "source_identity": "ada",
        "source_ip": "127.0.0.1",
        "user_agent": "",
        "issue_time": "",
        "expire_time": "",
        "last_used_time": "",
        # It asked for the next one.
        "last_used_service": "sts",
        "revoked": False,
    }
    assert "Boto3" in one["user_agent"]
    issued, expires = [datetime.fromisoformat(one[name]).timestamp() for name in ("issue_time", "expire_time")]
    assert started <= issued <= time.time() and expires == issued + 3600
    two = sessions[chained[0]]
    assert (two["parent_access_key_id"], two["issued_to"], two["last_used_time"]) == (first[0], one["arn"], None)
    assert (sessions[token[0]]["arn"], sessions[token[0]]["role_arn"]) == (admin, None)
    assert sessions[federated[0]]["arn"] == f"arn:aws:sts::{brevet.account}:federated-user/guest"


def test_a_web_identity_is_listed_by_its_subject_and_provider(brevet, issuer):  # noqa: F811
    web = triple(exchange(brevet, role_for(brevet, issuer, "listed-web"), issuer.token())["Credentials"])
    provider = f"arn:aws:iam::{brevet.account}:oidc-provider/{issuer.name}"
    found = listed(brevet, "--provider", provider)[web[0]]
    assert (found["issued_to"], found["provider_arn"], found["source_access_key_id"]) == (SUBJECT, provider, None)
    assert web[0] not in listed(brevet, "--principal", brevet.role("reader"))


def test_filters_show_what_a_revocation_ends_and_revoked_is_told(own):
    brevet, reader = own, role(own, "reader")
    chaining = role(brevet, "chaining", statement(action="sts:AssumeRole"))
    ada = brevet.user("listed-ada", statement(action="sts:*"))
    user = f"arn:aws:iam::{brevet.account}:user/listed-ada"
    first, by_admin = brevet.assume(chaining, key=ada), brevet.assume(reader)
    child = brevet.assume(reader, key=first)
    for filters, expected in [
        ((), {first[0], child[0], by_admin[0]}),
        (("--principal", user), {first[0], child[0]}),
        (("--principal", reader), {child[0], by_admin[0]}),
        (("--principal", reader, "--session", first[0]), {child[0]}),
        (("--session", first[0]), {first[0], child[0]}),
        (("--session", child[0]), {child[0]}),
        (("--session", "ASIA2222222222222222"), set()),
    ]:
        assert set(listed(brevet, *filters)) == expected, filters

    assert run_ok(brevet, "session", "revoke", first[0]).startswith("revoked: ")
    assert {key: session["revoked"] for key, session in listed(brevet).items()} == {first[0]: True, child[0]: True, by_admin[0]: False}
    assert refused(brevet.sts(child).get_caller_identity)["Error"]["Code"] == "InvalidClientTokenId"
    table = run_ok(brevet, "session", "list").splitlines()
    assert table[0].split() == "ACCESS KEY ENDS IN WHO ISSUED TO FROM LAST USED".split()
    rows = {line.split()[0]: line for line in table[1:]}
    assert set(rows) == {first[0], child[0], by_admin[0]}
    assert rows[child[0]].endswith("revoked") and not rows[by_admin[0]].endswith("revoked")
    assert "assumed-role/reader/tests" in rows[child[0]] and re.search("  (59m ..s|1h 00m)  ", rows[child[0]]) and "127.0.0.1" in rows[child[0]]


def run_ok(brevet, *arguments):
    done = brevet.cli(*arguments)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def test_a_use_is_seen_with_its_time_and_service(own):
    brevet = own
    key = brevet.assume(role(brevet, "user-lister", statement(action="iam:ListUsers")))
    assert listed(brevet)[key[0]]["last_used_time"] is None
    brevet.iam(key).list_users()
    used = listed(brevet)[key[0]]
    assert used["last_used_service"] == "iam" and used["last_used_time"] >= used["issue_time"]
    brevet.sts(key).get_caller_identity()
    assert listed(brevet)[key[0]]["last_used_service"] == "sts"
    # A signature that is wrong is no use.
    other = brevet.assume(role(brevet, "unused"))
    refused(brevet.sts((other[0], "x" * 40, other[2])).get_caller_identity)
    assert listed(brevet)[other[0]]["last_used_time"] is None


def test_pages_are_followed_and_bound_to_their_question(own, pb):
    brevet, reader = own, role(own, "reader")
    keys = [brevet.assume(reader)[0] for _ in range(7)]

    def call(**fields):
        request = pb.ListSessionsRequest(**fields).SerializeToString()
        return send(brevet, METHOD, request, signed(brevet, METHOD, request), pb.ListSessionsResponse)

    seen, token = [], ""
    while True:
        page = call(page_size=3, page_token=token)
        assert len(page.sessions) <= 3 and not page.HasField("incomplete_before")
        seen += page.sessions
        token = page.next_page_token
        if not token:
            break
        last = token
        brevet.assume(reader)
    found = [session.access_key_id for session in seen if session.access_key_id in keys]
    assert sorted(found) == sorted(keys)
    times = [session.issue_time.seconds for session in seen]
    assert times == sorted(times, reverse=True)
    for wrong in ({"principal_arn": reader, "page_token": last}, {"page_token": "x"}, {"page_size": 1001}, {"page_size": -1}):
        assert refused_call(call, **wrong)[0] == grpc.StatusCode.INVALID_ARGUMENT, wrong


def test_c24_who_may_list(brevet, pb):
    request = pb.ListSessionsRequest().SerializeToString()
    assert refused_call(send, brevet, METHOD, request, []) == (grpc.StatusCode.UNAUTHENTICATED, "MISSING_AUTHENTICATION_TOKEN")
    nobody = brevet.user("lists-nothing", statement(action="brevet:RevokeSession"))
    code, reason = refused_call(send, brevet, METHOD, request, signed(brevet, METHOD, request, nobody))
    assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "NO_MATCHING_ALLOW")
    denied = brevet.cli("session", "list", key=nobody)
    assert denied.returncode == 3 and f"brevet:ListSessions on resource: arn:aws:brevet:us-east-1:{brevet.account}:session/*" in denied.stderr
    some = brevet.user("lists-all", statement(action="brevet:ListSessions", resource="arn:aws:brevet:*:*:session/*"))
    assert isinstance(listed(brevet, key=some), dict)
    absent = [brevet.cli("session", "list", "--principal", f"arn:aws:iam::{account}:user/absent") for account in (brevet.account, "999999999999")]
    assert [(one.returncode, one.stderr) for one in absent] == [
        (1, "brevet: There is no such user, role or identity provider in this account.\n")] * 2
    wrong = brevet.cli("session", "list", "--session", "AKIA2222222222222222")
    assert wrong.returncode == 1 and " is not the " in wrong.stderr, wrong


def test_an_orderly_stop_keeps_the_whole_list_and_a_crash_what_is_older_than_five_seconds(data_dir):
    def without_use(sessions):
        return {key: session | {"last_used_time": None, "last_used_service": None} for key, session in sessions.items()}

    with served(data_dir) as (_, line):
        brevet = with_account(client(line, data_dir))
        chaining = role(brevet, "chaining", statement(action="sts:AssumeRole"))
        first = brevet.assume(chaining)
        child = brevet.assume(chaining, key=first)
        before = listed(brevet)
        assert set(before) == {first[0], child[0]}
    with served(data_dir) as (process, line):
        brevet = with_account(client(line, data_dir))
        assert without_use(listed(brevet)) == without_use(before)
        assert set(listed(brevet, "--session", first[0])) == {first[0], child[0]}
        late = brevet.assume(chaining)
        deadline = time.monotonic() + 15
        while brevet.metric("brevet_sessions_unwritten"):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert brevet.metric("brevet_sessions") == 3
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with served(data_dir) as (_, line):
        brevet = with_account(client(line, data_dir))
        again = listed(brevet)
        assert set(again) == {first[0], child[0], late[0]}
        run_ok(brevet, "session", "revoke", late[0])
        assert listed(brevet, "--session", late[0])[late[0]]["revoked"]
        assert run_ok(brevet, "session", "list", "--session", late[0]).splitlines()[1].endswith("revoked")

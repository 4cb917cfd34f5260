"""`brevet session revoke`: what it ends, from which moment on, and who may."""

import threading
import time

import botocore.exceptions
import grpc
import pytest
from conftest import policy, refused, run, statement, triple, trust
from rpc import messages, refused as refused_call, send, signed
from test_providers import issuer  # noqa: F401 (a fixture)
from test_serve import audit, client, served
from test_web_identity import exchange, refused as refused_exchange, role_for

METHOD = "/brevet.admin.v1.SessionService/RevokeSession"
INVALID = ("InvalidClientTokenId", "The security token included in the request is invalid.")


@pytest.fixture(scope="module")
def pb(tmp_path_factory):
    return messages(tmp_path_factory.mktemp("session"), "brevet/admin/v1/session.proto")


def works(brevet, key):
    brevet.sts(key).get_caller_identity()


def is_refused(brevet, key):
    response = refused(brevet.sts(key).get_caller_identity)
    assert (response["Error"]["Code"], response["Error"]["Message"]) == INVALID
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403


def revoke(brevet, *arguments, key=None):
    """Revokes, and gives what was said of it."""
    done = brevet.cli("session", "revoke", *arguments, key=key)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def role(brevet, name, *statements):
    brevet.iam().create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": brevet.account}))
    if statements:
        brevet.iam().put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
    return f"arn:aws:iam::{brevet.account}:role/{name}"


def test_d11_a_session_ends_itself_with_its_children_and_needs_no_permission(brevet):
    chaining = role(brevet, "chaining", statement(action="sts:AssumeRole"))
    own, sibling = brevet.assume(chaining), brevet.assume(chaining)
    child = brevet.assume(brevet.role("reader"), key=own)
    denied = brevet.cli("session", "revoke", sibling[0], key=own)
    assert denied.returncode == 3 and f"brevet:RevokeSession on resource: arn:aws:brevet:us-east-1:{brevet.account}:session/{sibling[0]}" in denied.stderr

    said = revoke(brevet, own[0], key=own)
    assert said.startswith(f"revoked: the session {own[0]} and what was made from it. The revocation is kept until 20")
    is_refused(brevet, own)
    is_refused(brevet, child)
    # Nor does a wrong secret tell any more of it.
    is_refused(brevet, (own[0], "x" * 40, own[2]))
    works(brevet, sibling)
    again = brevet.cli("session", "revoke", own[0], key=own)
    assert again.returncode == 3 and INVALID[1] in again.stderr


def test_d11_no_call_that_begins_after_the_answer_is_accepted(brevet, pb):
    """While requests flow: every call that was accepted began before its session's revocation was answered."""
    sessions = [brevet.assume(brevet.role("reader"), f"s{n}") for n in range(8)]
    accepted, failures, stop = {key[0]: 0.0 for key in sessions}, [], threading.Event()

    def call(key, sts):
        while not stop.is_set():
            began = time.monotonic()
            try:
                sts.get_caller_identity()
                accepted[key[0]] = began
            except botocore.exceptions.ClientError as error:
                failures.append(error.response["Error"]["Code"])
                return

    threads = [threading.Thread(target=call, args=(key, brevet.sts(key))) for key in sessions]
    for thread in threads:
        thread.start()
    while not all(accepted.values()):
        time.sleep(0.01)
    answered = {}
    for key in sessions:
        request = pb.RevokeSessionRequest(access_key_id=key[0]).SerializeToString()
        send(brevet, METHOD, request, signed(brevet, METHOD, request))
        answered[key[0]] = time.monotonic()
    for thread in threads:
        thread.join(20)
    stop.set()
    assert failures == ["InvalidClientTokenId"] * len(sessions)
    assert all(accepted[key] < answered[key] for key in answered), (accepted, answered)


@pytest.fixture
def own(data_dir):
    """A service that nobody else has sessions of."""
    with served(data_dir) as (_, line):
        brevet = client(line, data_dir)
        brevet.account = brevet.sts().get_caller_identity()["Account"]
        yield brevet


def test_d13_of_a_role_a_user_or_all_until_now_and_new_ones_are_good(own):
    brevet, reader = own, role(own, "reader")
    ada = brevet.user("revoked-ada", statement(action="sts:*"))
    bob = brevet.user("revoked-bob", statement(action="sts:*"))
    deploy = role(brevet, "revoked-deploy")
    user = f"arn:aws:iam::{brevet.account}:user/revoked-ada"

    def made():
        return {
            "ada": triple(brevet.sts(ada).get_session_token()["Credentials"]),
            "bob": triple(brevet.sts(bob).get_session_token()["Credentials"]),
            "deploy by ada": brevet.assume(deploy, key=ada),
            "deploy by bob": brevet.assume(deploy, key=bob),
            "reader": brevet.assume(reader),
        }

    everyone = made().keys()
    for target, ended in [
        (("--role", deploy), {"deploy by ada", "deploy by bob"}),
        (("--principal", user), {"ada", "deploy by ada"}),
        (("--issued-before", "2020-01-01T00:00:00Z"), set()),
        (("--issued-before", "now"), set(everyone)),
    ]:
        before = made()
        said = revoke(brevet, *target)
        assert said.startswith("revoked: ") and said.count("\n") == 1, said
        for name, key in before.items():
            (is_refused if name in ended else works)(brevet, key)
        # At once, in the same second; and long-lived keys are no sessions.
        for key in (*made().values(), ada, bob):
            works(brevet, key)


def test_b25_a_revoked_provider_takes_the_minted_sessions_and_disabling_alone_does_not(brevet, issuer):  # noqa: F811
    arn = role_for(brevet, issuer, "minted")
    first = triple(exchange(brevet, arn, issuer.token())["Credentials"])
    assert brevet.cli("provider", "disable", issuer.url).returncode == 0
    works(brevet, first)
    provider = f"arn:aws:iam::{brevet.account}:oidc-provider/{issuer.name}"
    revoke(brevet, "--provider", provider)
    is_refused(brevet, first)
    assert refused_exchange(brevet, arn, issuer.token())[0] == "InvalidIdentityToken"

    assert brevet.cli("provider", "enable", issuer.url).returncode == 0
    second = triple(exchange(brevet, arn, issuer.token())["Credentials"])
    works(brevet, second)
    brevet.iam().delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    is_refused(brevet, second)


def test_d14_what_a_deleted_user_started_ends_with_the_user(brevet):
    key = brevet.user("leaving", statement(action="sts:*"))
    session, own = brevet.assume(brevet.role("reader"), key=key), triple(brevet.sts(key).get_session_token()["Credentials"])
    iam = brevet.iam()
    iam.delete_access_key(UserName="leaving", AccessKeyId=key[0])
    works(brevet, session)
    iam.delete_user_policy(UserName="leaving", PolicyName="p")
    iam.delete_user(UserName="leaving")
    is_refused(brevet, session)
    is_refused(brevet, own)


def test_a_restart_forgets_no_revocation_and_each_is_recorded(data_dir):
    with served(data_dir) as (_, line):
        brevet = client(line, data_dir)
        brevet.account = brevet.sts().get_caller_identity()["Account"]
        arn = role(brevet, "kept")
        one, by_role, after = brevet.assume(arn), brevet.assume(arn), None
        revoke(brevet, one[0])
        works(brevet, by_role)
        revoke(brevet, "--role", arn)
        after = brevet.assume(arn)
    with served(data_dir) as (_, line):
        again = client(line, data_dir)
        is_refused(again, one)
        is_refused(again, by_role)
        works(again, after)
        again.account = brevet.account
        works(again, again.assume(arn))
    records = [record for record in audit(data_dir) if record["eventName"] == "RevokeSession"]
    assert [record["requestParameters"] for record in records] == [{"accessKeyId": one[0]}, {"roleArn": arn}]
    assert all(record["outcome"] == "success" and record["eventSource"] == "admin.brevet" for record in records)
    assert all(record["responseElements"]["keptUntil"].startswith("20") for record in records)


def test_who_may_revoke_and_what_is_not_there(brevet, pb):
    request = pb.RevokeSessionRequest(access_key_id="ASIA2222222222222222").SerializeToString()
    assert refused_call(send, brevet, METHOD, request, []) == (grpc.StatusCode.UNAUTHENTICATED, "MISSING_AUTHENTICATION_TOKEN")
    nobody = brevet.user("revokes-nothing", statement(action="iam:*"))
    some = brevet.user("revokes-some", statement(action="brevet:RevokeSession", resource="arn:aws:brevet:*:*:session/ASIA2*"))
    code, reason = refused_call(send, brevet, METHOD, request, signed(brevet, METHOD, request, nobody))
    assert (code, reason) == (grpc.StatusCode.PERMISSION_DENIED, "NO_MATCHING_ALLOW")
    # Nobody knows which sessions there are, and asking twice is no fault.
    for _ in range(2):
        revoke(brevet, "ASIA2222222222222222", key=some)
    for target in (["--issued-before", "now"], ["--role", brevet.role("reader")], ["ASIA3333333333333333"]):
        assert brevet.cli("session", "revoke", *target, key=some).returncode == 3, target
    # What is elsewhere and what is nowhere are one answer.
    absent = [brevet.cli("session", "revoke", "--role", f"arn:aws:iam::{account}:role/absent") for account in (brevet.account, "999999999999")]
    assert [(one.returncode, one.stderr) for one in absent] == [
        (1, "brevet: There is no such user, role or identity provider in this account.\n")] * 2


def test_what_is_to_be_revoked_is_said_once_and_readably(brevet):
    for wrong in ([], ["ASIA2222222222222222", "--role", "x"], ["--issued-before", "yesterday"], ["--role", "x", "--principal", "y"]):
        assert brevet.cli("session", "revoke", *wrong).returncode == 2, wrong
    for wrong in (["AKIA2222222222222222"], ["--role", "reader"], ["--provider", brevet.role("reader")]):
        answer = brevet.cli("session", "revoke", *wrong)
        assert answer.returncode == 1 and " is not the " in answer.stderr, answer
    assert run("session", "revoke", "ASIA2222222222222222", BREVET_ENDPOINT=brevet.endpoint).returncode == 4

"""The life of a long-lived access key: made, shown, used, rotated, expired, quarantined and deleted, on every surface."""

import concurrent.futures
import datetime
import json
import re
import stat
import time

import grpc
import pytest
from conftest import BREVET, Brevet, environment, policy, refused, running, statement, trust
from rpc import messages, refused as refused_call, send, signed
from test_serve import audit, client, served

SERVICE = "/brevet.admin.v1.AccessKeyService/"
INVALID = ("InvalidClientTokenId", "The security token included in the request is invalid.")
UNKNOWN = "AKIAQQQQQQQQQQQQQQQQ"


@pytest.fixture(scope="module")
def pb(tmp_path_factory):
    return messages(tmp_path_factory.mktemp("access_key"), "brevet/admin/v1/access_key.proto")


def call(brevet, pb, method, key=None, **fields):
    """The answer to a signed call."""
    message = getattr(pb, method + "Request")(**fields).SerializeToString()
    metadata = signed(brevet, SERVICE + method, message, key=key)
    return send(brevet, SERVICE + method, message, metadata, getattr(pb, method + "Response"))


def cli(brevet, *arguments, key=None):
    """What the command line says."""
    done = brevet.cli("access-key", *arguments, key=key)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def created(brevet, *arguments, key=None):
    """A key that the command line made: what it said of it, and the key."""
    made = json.loads(cli(brevet, "create", "-o", "json", *arguments, key=key))
    return made, (made["access_key_id"], made["secret_access_key"], None)


def works(brevet, key):
    brevet.sts(key).get_caller_identity()
    brevet.iam(key).get_access_key_last_used(AccessKeyId=key[0])


def is_refused(brevet, key):
    """As an unknown key is, at the STS and at IAM."""
    for refusal in (refused(brevet.sts(key).get_caller_identity), refused(brevet.iam(key).list_users)):
        assert (refusal["Error"]["Code"], refusal["Error"]["Message"]) == INVALID
        assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 403


def code_of(refusal):
    return refusal["Error"]["Code"], refusal["ResponseMetadata"]["HTTPStatusCode"]


def test_a_key_lives_through_boto3(brevet):
    iam = brevet.iam()
    first = brevet.user("boto-life", statement())
    works(brevet, first)
    second = iam.create_access_key(UserName="boto-life")["AccessKey"]
    refusal = refused(iam.create_access_key, UserName="boto-life")
    assert code_of(refusal) == ("LimitExceeded", 409)
    assert refusal["Error"]["Message"] == "Cannot exceed quota for AccessKeysPerUser: 2"
    pages = iam.get_paginator("list_access_keys").paginate(UserName="boto-life", PaginationConfig={"PageSize": 1})
    listed = [page["AccessKeyMetadata"] for page in pages]
    assert [len(page) for page in listed] == [1, 1]
    assert {page[0]["AccessKeyId"] for page in listed} == {first[0], second["AccessKeyId"]}

    never = iam.get_access_key_last_used(AccessKeyId=second["AccessKeyId"])
    assert (never["UserName"], never["AccessKeyLastUsed"]) == ("boto-life", {"ServiceName": "N/A", "Region": "N/A"})
    iam.update_access_key(UserName="boto-life", AccessKeyId=first[0], Status="Inactive")
    is_refused(brevet, first)
    iam.update_access_key(UserName="boto-life", AccessKeyId=first[0], Status="Active")
    works(brevet, first)
    iam.delete_access_key(UserName="boto-life", AccessKeyId=first[0])
    is_refused(brevet, first)
    for operation in (iam.delete_access_key, iam.get_access_key_last_used):
        assert code_of(refused(operation, AccessKeyId=first[0])) == ("NoSuchEntity", 404)
    for bad in ("AKIA-not-an-id-at-all", "A" * 129):
        assert code_of(refused(iam.get_access_key_last_used, AccessKeyId=bad)) == ("ValidationError", 400)


def test_a_key_lives_through_the_aws_cli(brevet):
    brevet.user("cli-life", statement())
    made = json.loads(brevet.aws("iam", "create-access-key", "--user-name", "cli-life").stdout)["AccessKey"]
    key = (made["AccessKeyId"], made["SecretAccessKey"], None)
    assert brevet.aws("sts", "get-caller-identity", key=key).returncode == 0
    used = json.loads(brevet.aws("iam", "get-access-key-last-used", "--access-key-id", key[0]).stdout)
    assert (used["UserName"], used["AccessKeyLastUsed"]["ServiceName"]) == ("cli-life", "sts")
    off = ("--user-name", "cli-life", "--access-key-id", key[0])
    assert brevet.aws("iam", "update-access-key", *off, "--status", "Inactive").returncode == 0
    assert "InvalidClientTokenId" in brevet.aws("sts", "get-caller-identity", key=key).stderr
    assert brevet.aws("iam", "delete-access-key", *off).returncode == 0


def test_a_key_lives_through_the_command_line(brevet):
    first = brevet.user("line-life", statement())
    cli(brevet, "delete", first[0])
    made, key = created(brevet, "--user", "line-life", "--description", "für den Laptop", "--expires", "90d")
    assert (made["status"], made["description"], made["user_name"]) == ("active", "für den Laptop", "line-life")
    lifetime = datetime.datetime.fromisoformat(made["expires_at"]) - datetime.datetime.fromisoformat(made["created_at"])
    assert lifetime == datetime.timedelta(days=90)
    works(brevet, key)

    cli(brevet, "describe", key[0], "for the laptop")
    for said in (cli(brevet, "list", "--user", "line-life"), cli(brevet, "list", key=key), cli(brevet, "show", key[0])):
        assert key[0] in said and "for the laptop" in said and key[1] not in said
        assert re.search(r"last used    20\S+Z \((sts|iam) in us-east-1\)", said), said
    cli(brevet, "disable", key[0])
    is_refused(brevet, key)
    assert json.loads(cli(brevet, "show", key[0], "-o", "json"))["status"] == "inactive"
    cli(brevet, "enable", key[0])
    works(brevet, key)
    cli(brevet, "delete", key[0], key=key)
    is_refused(brevet, key)

    human = cli(brevet, "create", "--user", "line-life")
    assert re.fullmatch(
        r"access key id      AKIA[A-Z2-7]{16}\nsecret access key  [A-Za-z0-9]{40}\nThe secret is not shown again.\n", human
    )
    for arguments in (("--expires", "soon"), ("--expires", "90"), ("--csv-layout", "aws")):
        assert brevet.cli("access-key", "create", *arguments).returncode == 2
    for arguments in (("--description", "x" * 257), ("--description", "two\nlines"), ("--expires", "2020-01-01T00:00:00Z")):
        refusal = brevet.cli("access-key", "create", "--user", "line-life", *arguments)
        assert refusal.returncode == 1 and refusal.stdout == "", refusal
    assert brevet.cli("access-key", "show", UNKNOWN).returncode == 1


def test_a_key_lives_through_grpc(brevet, pb):
    brevet.user("grpc-life", statement())
    made = call(brevet, pb, "CreateAccessKey", user_name="grpc-life", description="d", ttl={"seconds": 3600})
    key = (made.access_key.access_key_id, made.secret_access_key, None)
    assert made.access_key.expire_time.seconds - made.access_key.create_time.seconds == 3600
    assert not made.access_key.HasField("last_used_time")
    works(brevet, key)
    got = call(brevet, pb, "GetAccessKey", access_key_id=key[0]).access_key
    assert (got.status, got.last_used_service) == (pb.ACCESS_KEY_STATUS_ACTIVE, "iam")
    pages, token = [], ""
    while page := call(brevet, pb, "ListAccessKeys", user_name="grpc-life", page_size=1, page_token=token):
        pages.append([key.access_key_id for key in page.access_keys])
        token = page.next_page_token
        if not token:
            break
    assert [len(page) for page in pages] == [1, 1] and [key[0]] in pages
    assert call(brevet, pb, "UpdateAccessKey", access_key_id=key[0], description="e").access_key.description == "e"
    assert call(brevet, pb, "DisableAccessKey", access_key_id=key[0]).access_key.status == pb.ACCESS_KEY_STATUS_INACTIVE
    is_refused(brevet, key)
    assert call(brevet, pb, "EnableAccessKey", access_key_id=key[0]).access_key.status == pb.ACCESS_KEY_STATUS_ACTIVE
    works(brevet, key)
    call(brevet, pb, "DeleteAccessKey", access_key_id=key[0])
    is_refused(brevet, key)


def test_grpc_refuses_with_the_codes_of_aws(brevet, pb):
    brevet.user("grpc-codes")
    call(brevet, pb, "CreateAccessKey", user_name="grpc-codes")
    key = call(brevet, pb, "ListAccessKeys", user_name="grpc-codes").access_keys[0].access_key_id
    invalid = (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_ERROR")
    for method, fields, answer in (
        ("CreateAccessKey", {"user_name": "grpc-codes"}, (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")),
        ("RotateAccessKey", {"access_key_id": key}, (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")),
        ("CreateAccessKey", {"user_name": "nobody-here"}, (grpc.StatusCode.NOT_FOUND, "NO_SUCH_ENTITY")),
        ("GetAccessKey", {"access_key_id": UNKNOWN}, (grpc.StatusCode.NOT_FOUND, "NO_SUCH_ENTITY")),
        ("QuarantineAccessKey", {"access_key_id": UNKNOWN}, (grpc.StatusCode.NOT_FOUND, "NO_SUCH_ENTITY")),
        ("GetAccessKey", {}, invalid),
        ("DeleteAccessKey", {"access_key_id": "AKIA"}, invalid),
        ("CreateAccessKey", {"user_name": "grpc-codes", "ttl": {"seconds": 0}}, invalid),
        ("CreateAccessKey", {"user_name": "grpc-codes", "ttl": {"seconds": 1, "nanos": 1}}, invalid),
        ("CreateAccessKey", {"user_name": "grpc-codes", "expire_time": {"seconds": 1}}, invalid),
        ("RotateAccessKey", {"access_key_id": key, "overlap": {"seconds": 31 * 86400}}, invalid),
        ("ListAccessKeys", {"page_size": 1001}, invalid),
    ):
        assert refused_call(call, brevet, pb, method, **fields) == answer, (method, fields)
    message = pb.GetAccessKeyRequest(access_key_id=key).SerializeToString() + b"\x9a\x06\x01x"  # field 99
    metadata = signed(brevet, SERVICE + "GetAccessKey", message)
    assert refused_call(send, brevet, SERVICE + "GetAccessKey", message, metadata)[0] == grpc.StatusCode.INVALID_ARGUMENT


def test_of_a_hundred_that_are_made_at_once_two_are(brevet, pb):
    brevet.iam().create_user(UserName="crowded")

    def make(number):
        if number % 2:
            try:
                return call(brevet, pb, "CreateAccessKey", user_name="crowded").access_key.access_key_id
            except grpc.RpcError as error:
                return error.code().name
        try:
            return brevet.iam().create_access_key(UserName="crowded")["AccessKey"]["AccessKeyId"]
        except Exception as error:  # noqa: BLE001
            return error.response["Error"]["Code"]

    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        ended = list(pool.map(make, range(100)))
    made = {answer for answer in ended if answer.startswith("AKIA")}
    assert len(made) == 2 and set(ended) - made <= {"LimitExceeded", "RESOURCE_EXHAUSTED"}, ended
    assert {key["AccessKeyId"] for key in brevet.iam().list_access_keys(UserName="crowded")["AccessKeyMetadata"]} == made


def test_a_key_that_expired_is_refused_as_an_unknown_one_and_its_sessions_go_on(brevet):
    first = brevet.user("expiring", statement())
    cli(brevet, "delete", first[0])
    _, key = created(brevet, "--user", "expiring", "--expires", "3s")
    works(brevet, key)
    session = brevet.assume(brevet.role("auditor"), key=key)
    time.sleep(3.1)
    is_refused(brevet, key)
    is_refused(brevet, (UNKNOWN, key[1], None))
    # Nor does a wrong secret tell any more of it.
    is_refused(brevet, (key[0], "x" * 40, None))
    assert brevet.cli("whoami", key=key).returncode == 3
    brevet.sts(session).get_caller_identity()
    assert json.loads(cli(brevet, "show", key[0], "-o", "json"))["status"] == "expired"
    (listed,) = brevet.iam().list_access_keys(UserName="expiring")["AccessKeyMetadata"]
    assert listed["Status"] == "Expired"
    enabled = brevet.cli("access-key", "enable", key[0])
    assert enabled.returncode == 1 and f"{key[0]} has expired" in enabled.stderr


def test_a_far_end_is_told_by_the_clock_of_the_service(tmp_path):
    clock = tmp_path / "clock"
    clock.write_text("+0")
    env = environment(FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1")
    command = ("faketime", "-f", "+0", "env", "-u", "FAKETIME", BREVET, "dev", "--listen", "127.0.0.1:0", "--output", "json")
    with running(*command, env=env) as (_, line):
        brevet = Brevet(json.loads(line))
        brevet.iam().create_user(UserName="far")
        made, key = created(brevet, "--user", "far", "--expires", "10m")
        brevet.sts(key).get_caller_identity()
        # Within what a signature may be off.
        clock.write_text("+605")
        time.sleep(0.2)
        refusal = refused(brevet.sts(key).get_caller_identity)
        assert (refusal["Error"]["Code"], refusal["Error"]["Message"]) == INVALID
        brevet.sts().get_caller_identity()


def test_rotation_gives_a_new_key_and_the_old_one_goes_after_the_overlap(brevet):
    old = brevet.user("rotating", statement())
    made = json.loads(cli(brevet, "rotate", old[0], "--overlap", "2s", "-o", "json"))
    new = (made["access_key_id"], made["secret_access_key"], None)
    assert made["rotated"]["access_key_id"] == old[0] and made["rotated"]["expires_at"] and made["expires_at"] is None
    works(brevet, new)
    works(brevet, old)
    time.sleep(2.1)
    is_refused(brevet, old)
    again = brevet.cli("access-key", "rotate", new[0])
    assert again.returncode == 1 and f"AccessKeysPerUser: 2. Delete {old[0]} first" in again.stderr
    cli(brevet, "delete", old[0])
    # Whoever has a key rotates it with itself.
    said = cli(brevet, "rotate", new[0], "--overlap", "0", key=new)
    assert f"old key            {new[0]} (disabled)" in said
    is_refused(brevet, new)
    works(brevet, re.search(r"id +(AKIA\w+)\nsecret access key +(\w+)", said).groups() + (None,))


def test_d11_a_quarantine_ends_the_key_and_its_sessions_at_once(brevet):
    key = brevet.user("leaked", statement())
    own = brevet.sts(key).get_session_token()["Credentials"]
    own = (own["AccessKeyId"], own["SecretAccessKey"], own["SessionToken"])
    brevet.iam().create_role(RoleName="hops", AssumeRolePolicyDocument=trust({"AWS": brevet.account}))
    brevet.iam().put_role_policy(RoleName="hops", PolicyName="p", PolicyDocument=policy(statement(action="sts:*")))
    role = f"arn:aws:iam::{brevet.account}:role/hops"
    session = brevet.assume(role, key=key)
    chained = brevet.assume(brevet.role("reader"), key=session)
    other = brevet.iam().create_access_key(UserName="leaked")["AccessKey"]
    other = (other["AccessKeyId"], other["SecretAccessKey"], None)
    unconcerned = brevet.assume(role, key=other)

    said = cli(brevet, "quarantine", key[0])
    assert said.startswith(f"disabled: {key[0]}. revoked: the sessions that it started until now.")
    for dead in (key, own, session, chained):
        refusal = refused(brevet.sts(dead).get_caller_identity)
        assert (refusal["Error"]["Code"], refusal["Error"]["Message"]) == INVALID
    for alive in (other, unconcerned):
        brevet.sts(alive).get_caller_identity()

    cli(brevet, "enable", key[0])
    works(brevet, key)
    assert refused(brevet.sts(session).get_caller_identity)["Error"]["Code"] == INVALID[0]
    brevet.sts(brevet.assume(role, key=key)).get_caller_identity()


def test_c1_c2_keys_of_others_are_not_reached_through_their_ids(brevet, pb):
    own = {"Resource": [f"arn:aws:iam::{brevet.account}:user/${{aws:username}}", "arn:aws:brevet:*:*:user/${aws:username}"]}
    bob = brevet.user("key-bob", {"Effect": "Allow", "Action": ["iam:*AccessKey*", "brevet:*", "sts:*"], **own})
    ada = brevet.user("key-ada", statement())
    denied = grpc.StatusCode.PERMISSION_DENIED
    for method in ("Get", "Update", "Enable", "Disable", "Rotate", "Quarantine", "Delete"):
        answers = set()
        for key in (ada[0], UNKNOWN):
            with pytest.raises(grpc.RpcError) as caught:
                call(brevet, pb, f"{method}AccessKey", key=bob, access_key_id=key)
            assert caught.value.code() == denied
            answers.add(caught.value.details().split(" Request ID:")[0])
        assert len(answers) == 1 and "key-ada" not in answers.pop(), method
    for method in ("Create", "List"):
        name = {"Create": "CreateAccessKey", "List": "ListAccessKeys"}[method]
        assert refused_call(call, brevet, pb, name, key=bob, user_name="key-ada")[0] == denied
    works(brevet, ada)
    # A session that was narrowed makes no key that would be wider, whatever its role may.
    brevet.iam().create_role(RoleName="key-maker", AssumeRolePolicyDocument=trust({"AWS": brevet.account}))
    brevet.iam().put_role_policy(RoleName="key-maker", PolicyName="p", PolicyDocument=policy(statement()))
    maker = f"arn:aws:iam::{brevet.account}:role/key-maker"
    session = brevet.assume(maker, Policy=policy(statement(action="s3:GetObject")))
    assert refused_call(call, brevet, pb, "CreateAccessKey", key=session, user_name="key-bob")[0] == denied
    assert refused_call(call, brevet, pb, "RotateAccessKey", key=session, access_key_id=bob[0])[0] == denied
    assert json.loads(cli(brevet, "show", bob[0], "-o", "json", key=bob))["user_name"] == "key-bob"


def test_new_keys_go_into_files_as_consoles_write_them(brevet, tmp_path):
    brevet.iam().create_user(UserName="filed")
    aws, huawei = tmp_path / "accessKeys.csv", tmp_path / "credentials.csv"
    said = cli(brevet, "create", "--user", "filed", "--csv", aws)
    written = re.fullmatch(rb"\xef\xbb\xbfAccess key ID,Secret access key\r\n(AKIA\w{16}),(\w{40})\r\n", aws.read_bytes())
    id, secret = (part.decode() for part in written.groups())
    assert id in said and secret not in said
    works_as = brevet.sts((id, secret, None)).get_caller_identity()["Arn"]
    assert works_as.endswith("user/filed")
    assert stat.S_IMODE(aws.stat().st_mode) == 0o600

    made = json.loads(cli(brevet, "rotate", id, "--csv", huawei, "--csv-layout", "huawei", "-o", "json"))
    assert "secret_access_key" not in made
    assert re.fullmatch(
        rb'User Name,Access Key Id,Secret Access Key\n"filed",' + made["access_key_id"].encode() + rb",\w{40}\n",
        huawei.read_bytes(),
    )
    # No file is written over, and without a file no key is made.
    cli(brevet, "delete", id)
    before = aws.read_bytes()
    again = brevet.cli("access-key", "create", "--user", "filed", "--csv", aws)
    assert again.returncode == 1 and "cannot make" in again.stderr and aws.read_bytes() == before
    assert len(brevet.iam().list_access_keys(UserName="filed")["AccessKeyMetadata"]) == 1
    absent = tmp_path / "absent.csv"
    assert brevet.cli("access-key", "create", "--user", "nobody-at-all", "--csv", absent).returncode == 1
    assert not absent.exists()


def test_a_key_of_a_deleted_user_is_dead_and_a_user_with_keys_is_not_deleted(brevet):
    key = brevet.user("departing")
    assert code_of(refused(brevet.iam().delete_user, UserName="departing")) == ("DeleteConflict", 409)
    cli(brevet, "delete", key[0])
    brevet.iam().delete_user(UserName="departing")
    is_refused(brevet, key)
    brevet.iam().create_user(UserName="departing")
    is_refused(brevet, key)


def test_last_use_end_and_description_survive_a_restart_and_no_secret_is_recorded(data_dir, pb):
    with served(data_dir) as (_, line):
        brevet = client(line, data_dir)
        brevet.iam().create_user(UserName="kept")
        made, key = created(brevet, "--user", "kept", "--description", "d", "--expires", "90d")
        brevet.sts(key).get_caller_identity()
        before = brevet.iam().get_access_key_last_used(AccessKeyId=key[0])["AccessKeyLastUsed"]
        age = datetime.datetime.now(datetime.timezone.utc) - before["LastUsedDate"]
        assert before["ServiceName"] == "sts" and before["Region"] == "us-east-1" and age.total_seconds() < 60
        cli(brevet, "quarantine", key[0])
        rotated = json.loads(cli(brevet, "rotate", key[0], "-o", "json"))
    with served(data_dir) as (_, line):
        brevet = client(line, data_dir)
        assert brevet.iam().get_access_key_last_used(AccessKeyId=key[0])["AccessKeyLastUsed"] == before
        shown = json.loads(cli(brevet, "show", key[0], "-o", "json"))
        assert (shown["description"], shown["status"]) == ("d", "inactive")
        assert json.loads(cli(brevet, "show", rotated["access_key_id"], "-o", "json"))["expires_at"] == rotated["expires_at"]
        is_refused(brevet, key)
    lines = audit(data_dir)
    recorded = {line["eventName"]: line for line in lines}
    assert recorded["QuarantineAccessKey"]["requestParameters"] == {"accessKeyId": key[0]}
    assert recorded["QuarantineAccessKey"]["responseElements"]["key"]["userName"] == "kept"
    assert recorded["RotateAccessKey"]["responseElements"]["accessKeyId"] == rotated["access_key_id"]
    assert recorded["CreateAccessKey"]["requestParameters"]["expiration"] == 90 * 86400
    text = json.dumps(lines)
    assert key[1] not in text and rotated["secret_access_key"] not in text

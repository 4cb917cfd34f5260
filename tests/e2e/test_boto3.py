"""Stock boto3 against `brevet dev`: the first exchange and its error cases."""

import datetime
import json

import botocore.exceptions
import pytest
from conftest import policy, refused, statement, triple, trust


def code_of(call, *arguments, **parameters):
    response = refused(call, *arguments, **parameters)
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_caller_identity_of_a_user(brevet):
    me = brevet.sts().get_caller_identity()
    assert me["Account"] == brevet.account
    assert me["Arn"].startswith(f"arn:aws:iam::{brevet.account}:user/")
    assert me["UserId"].startswith("AIDA") and len(me["UserId"]) == 21
    assert me["ResponseMetadata"]["RequestId"] == me["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]


def test_assume_role_gives_keys_that_work_and_say_who_they_are(brevet):
    role = brevet.role("reader")
    answer = brevet.sts().assume_role(RoleArn=role, RoleSessionName="ada@example.com", DurationSeconds=900)
    credentials = answer["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA") and len(credentials["AccessKeyId"]) == 20
    assert len(credentials["SecretAccessKey"]) == 40 and credentials["SecretAccessKey"].isalnum()
    assert len(credentials["SessionToken"]) <= 4096
    left = credentials["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert abs(left.total_seconds() - 900) < 10
    assert "PackedPolicySize" not in answer

    me = brevet.sts(triple(credentials)).get_caller_identity()
    assert me["Arn"] == answer["AssumedRoleUser"]["Arn"]
    assert me["Arn"] == f"arn:aws:sts::{brevet.account}:assumed-role/reader/ada@example.com"
    assert me["UserId"] == answer["AssumedRoleUser"]["AssumedRoleId"]


def test_session_token_of_a_user_keeps_the_user(brevet):
    keys = triple(brevet.sts().get_session_token(DurationSeconds=900)["Credentials"])
    assert brevet.sts(keys).get_caller_identity()["Arn"] == brevet.sts().get_caller_identity()["Arn"]


def test_federation_token_names_the_federated_user(brevet):
    answer = brevet.sts().get_federation_token(Name="bob", Policy=policy(statement(action="s3:*")))
    assert answer["FederatedUser"]["Arn"] == f"arn:aws:sts::{brevet.account}:federated-user/bob"
    assert 0 < answer["PackedPolicySize"] <= 100
    me = brevet.sts(triple(answer["Credentials"])).get_caller_identity()
    assert (me["Arn"], me["UserId"]) == (answer["FederatedUser"]["Arn"], f"{brevet.account}:bob")


def test_access_key_info_tells_the_account(brevet):
    answer = brevet.sts().get_access_key_info(AccessKeyId=brevet.key[0])
    assert answer["Account"] == brevet.account


def test_c18_foreign_and_unknown_keys_get_one_answer(brevet):
    sts = brevet.sts()
    answers = set()
    for key in ("AKIAIOSFODNN7EXAMPLE", "AKIAQQQQQQQQQQQQQQQQ"):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            sts.get_access_key_info(AccessKeyId=key)
        error = caught.value.response["Error"]
        answers.add((error["Code"], error["Message"].split(" Request ID")[0].replace(key, "KEY")))
    assert len(answers) == 1 and answers.pop()[0] == "AccessDenied"


def test_presigned_caller_identity_by_get(brevet):
    import urllib.request

    url = brevet.sts().generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    with urllib.request.urlopen(url) as answer:
        body = answer.read().decode()
        assert answer.headers["cache-control"] == "no-store"
    assert f"<Account>{brevet.account}</Account>" in body


def test_the_stage_is_set_with_iam_and_the_exchange_follows_it(brevet):
    iam = brevet.iam()
    key = brevet.user("stage-user", statement(action="sts:AssumeRole"))
    arn = iam.get_user(UserName="stage-user")["User"]["Arn"]
    role = iam.create_role(RoleName="stage-role", AssumeRolePolicyDocument=trust({"AWS": arn}))["Role"]
    assert role["MaxSessionDuration"] == 3600 and role["RoleId"].startswith("AROA")
    iam.put_role_policy(RoleName="stage-role", PolicyName="p", PolicyDocument=policy(statement(action="s3:Get*")))
    keys = brevet.assume(role["Arn"], key=key)
    assert brevet.sts(keys).get_caller_identity()["Arn"].endswith("assumed-role/stage-role/tests")

    iam.delete_role_policy(RoleName="stage-role", PolicyName="p")
    iam.delete_role(RoleName="stage-role")
    # The role is gone, and its sessions with it.
    assert code_of(brevet.sts(keys).get_caller_identity) == ("InvalidClientTokenId", 403)


def test_c27_a_role_made_again_is_another_role(brevet):
    iam = brevet.iam()
    document = trust({"AWS": f"arn:aws:iam::{brevet.account}:root"})
    role = iam.create_role(RoleName="again", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    keys = brevet.assume(role)
    iam.delete_role(RoleName="again")
    iam.create_role(RoleName="again", AssumeRolePolicyDocument=document)
    assert code_of(brevet.sts(keys).get_caller_identity) == ("InvalidClientTokenId", 403)


def test_external_id_decides_where_the_trust_policy_asks_for_it(brevet):
    condition = {"StringEquals": {"sts:ExternalId": "tenant-1"}}
    role = brevet.iam().create_role(
        RoleName="external", AssumeRolePolicyDocument=trust({"AWS": brevet.account}, Condition=condition)
    )["Role"]["Arn"]
    sts = brevet.sts()
    assert sts.assume_role(RoleArn=role, RoleSessionName="ok", ExternalId="tenant-1")
    for wrong in ({}, {"ExternalId": "tenant-2"}, {"ExternalId": "Tenant-1"}, {"ExternalId": "tenant-"}):
        assert code_of(sts.assume_role, RoleArn=role, RoleSessionName="no", **wrong) == ("AccessDenied", 403)


def test_c17_absent_refusing_and_foreign_roles_get_one_answer(brevet):
    key = brevet.user("prober", statement(action="sts:AssumeRole"))
    brevet.iam().create_role(
        RoleName="refusing", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{brevet.account}:user/prober"},
        Condition={"StringEquals": {"sts:ExternalId": "never"}}))
    answers = set()
    for account, name in ((brevet.account, "absent"), (brevet.account, "refusing"), ("999999999999", "foreign")):
        role = f"arn:aws:iam::{account}:role/{name}"
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            brevet.sts(key).assume_role(RoleArn=role, RoleSessionName="probe")
        error = caught.value.response["Error"]
        answers.add((error["Code"], error["Message"].replace(role, "ROLE").split(" Request ID")[0]))
    assert len(answers) == 1, answers


def test_role_chaining_is_cut_to_an_hour(brevet):
    iam = brevet.iam()
    root = {"AWS": f"arn:aws:iam::{brevet.account}:root"}
    roles = []
    for name in ("hop-one", "hop-two"):
        roles.append(iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(root), MaxSessionDuration=43200)["Role"]["Arn"])
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(statement(action="sts:AssumeRole")))
    first = brevet.assume(roles[0], DurationSeconds=43200)
    assert code_of(brevet.sts(first).assume_role, RoleArn=roles[1], RoleSessionName="long", DurationSeconds=3601) == (
        "ValidationError",
        400,
    )
    assert brevet.assume(roles[1], key=first, DurationSeconds=3600)


def test_transitive_tags_are_inherited_and_cannot_be_passed_again(brevet):
    iam = brevet.iam()
    root = {"AWS": f"arn:aws:iam::{brevet.account}:root"}
    tagged = ["sts:AssumeRole", "sts:TagSession"]
    one = iam.create_role(RoleName="tag-one", AssumeRolePolicyDocument=trust(root, tagged))["Role"]["Arn"]
    iam.put_role_policy(RoleName="tag-one", PolicyName="p", PolicyDocument=policy(statement(action="sts:*")))
    needs = {"StringEquals": {"aws:PrincipalTag/Team": "red"}}
    two = iam.create_role(RoleName="tag-two", AssumeRolePolicyDocument=trust(root, tagged, Condition=needs))["Role"]["Arn"]
    tag = [{"Key": "Team", "Value": "red"}]
    keys = brevet.assume(one, Tags=tag, TransitiveTagKeys=["Team"])
    assert brevet.assume(two, key=keys)
    code, _ = code_of(brevet.sts(keys).assume_role, RoleArn=two, RoleSessionName="again", Tags=tag)
    assert code in ("ValidationError", "InvalidParameterValue")
    assert code_of(brevet.sts(brevet.assume(one)).assume_role, RoleArn=two, RoleSessionName="bare")[0] == "AccessDenied"


def test_source_identity_is_kept_along_the_chain(brevet):
    iam = brevet.iam()
    root = {"AWS": f"arn:aws:iam::{brevet.account}:root"}
    actions = ["sts:AssumeRole", "sts:SetSourceIdentity"]
    for name in ("source-one", "source-two"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(root, actions))
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(statement(action="sts:*")))
    one, two = (f"arn:aws:iam::{brevet.account}:role/{name}" for name in ("source-one", "source-two"))
    first = brevet.sts().assume_role(RoleArn=one, RoleSessionName="xx", SourceIdentity="ada")
    assert first["SourceIdentity"] == "ada"
    chained = brevet.sts(triple(first["Credentials"])).assume_role(RoleArn=two, RoleSessionName="yy")
    assert chained["SourceIdentity"] == "ada"
    assert code_of(
        brevet.sts(triple(first["Credentials"])).assume_role, RoleArn=two, RoleSessionName="yy", SourceIdentity="eve"
    )[0] == "AccessDenied"


def test_a_session_policy_narrows(brevet):
    role = brevet.iam().create_role(
        RoleName="wide", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{brevet.account}:root"}))["Role"]["Arn"]
    brevet.iam().put_role_policy(RoleName="wide", PolicyName="p", PolicyDocument=policy(statement()))
    wide = brevet.assume(role)
    narrow = brevet.assume(role, Policy=policy(statement(action="iam:GetUser")))
    assert brevet.iam(wide).list_users()["Users"]
    assert code_of(brevet.iam(narrow).list_users) == ("AccessDenied", 403)


def test_a36_temporary_keys_ask_for_no_session_or_federation_token(brevet):
    keys = brevet.assume(brevet.role("reader"))
    assert code_of(brevet.sts(keys).get_session_token) == ("AccessDenied", 403)
    assert code_of(brevet.sts(keys).get_federation_token, Name="bob") == ("AccessDenied", 403)


def test_typed_exceptions(brevet):
    sts, role = brevet.sts(), brevet.role("reader")
    with pytest.raises(sts.exceptions.MalformedPolicyDocumentException):
        sts.assume_role(RoleArn=role, RoleSessionName="bad", Policy='{"Version": "2012-10-17", "Statement": [{}]}')
    tags = [{"Key": f"key-{n}", "Value": "v" * 250} for n in range(20)]
    tagged = brevet.iam().create_role(
        RoleName="packed",
        AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{brevet.account}:root"}, ["sts:AssumeRole", "sts:TagSession"]),
    )["Role"]["Arn"]
    with pytest.raises(sts.exceptions.PackedPolicyTooLargeException):
        sts.assume_role(RoleArn=tagged, RoleSessionName="bad", Tags=tags)
    iam = brevet.iam()
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName="nobody")
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust({"AWS": brevet.account}))
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.create_role(RoleName="broken", AssumeRolePolicyDocument='{"Version":')


def test_c13_durations_out_of_bounds(brevet):
    import botocore.session

    sts, role = brevet.sts(), brevet.role("reader")
    sts.meta.events.register("before-parameter-build", lambda **_: None)
    session = botocore.session.get_session()
    for duration in ("899", "43201", "3601", "-1", "0", "2147483648", "3600.0", "3600 ", "\uff11", ""):
        # botocore checks minimums itself, so the form is written by hand.
        code = raw_form(brevet, {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role,
                                 "RoleSessionName": "tests", "DurationSeconds": duration}, session)
        assert code == (400, "ValidationError"), duration


def raw_form(brevet, form, session):
    import re
    import urllib.error
    import urllib.parse
    import urllib.request

    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("POST", brevet.endpoint + "/", data=urllib.parse.urlencode(form).encode(),
                         headers={"Content-Type": "application/x-www-form-urlencoded"})
    SigV4Auth(Credentials(*brevet.key), "sts", "us-east-1").add_auth(request)
    prepared = request.prepare()
    call = urllib.request.Request(prepared.url, prepared.body, dict(prepared.headers), method="POST")
    try:
        with urllib.request.urlopen(call) as answer:
            return answer.status, None
    except urllib.error.HTTPError as error:
        return error.code, re.search("<Code>(.*?)</Code>", error.read().decode()).group(1)


def test_a_second_factor_is_refused_until_there_are_devices(brevet):
    sts, role = brevet.sts(), brevet.role("reader")
    serial = f"arn:aws:iam::{brevet.account}:mfa/ada"
    assert code_of(sts.assume_role, RoleArn=role, RoleSessionName="mfa", SerialNumber=serial, TokenCode="123456")[0] == "AccessDenied"
    assert code_of(sts.get_session_token, SerialNumber=serial, TokenCode="123456")[0] == "AccessDenied"


def test_wrong_secret_unknown_key_and_disabled_key(brevet):
    key = brevet.user("switched")
    assert code_of(brevet.sts((key[0], "x" * 40, None)).get_caller_identity) == ("SignatureDoesNotMatch", 403)
    assert code_of(brevet.sts(("AKIAQQQQQQQQQQQQQQQQ", "x" * 40, None)).get_caller_identity) == ("InvalidClientTokenId", 403)
    brevet.iam().update_access_key(UserName="switched", AccessKeyId=key[0], Status="Inactive")
    assert code_of(brevet.sts(key).get_caller_identity) == ("InvalidClientTokenId", 403)
    brevet.iam().update_access_key(UserName="switched", AccessKeyId=key[0], Status="Active")
    assert brevet.sts(key).get_caller_identity()
    brevet.iam().delete_access_key(UserName="switched", AccessKeyId=key[0])
    assert code_of(brevet.sts(key).get_caller_identity) == ("InvalidClientTokenId", 403)


def test_a26_key_and_token_are_bound(brevet):
    one, two = brevet.assume(brevet.role("reader")), brevet.assume(brevet.role("reader"))
    for wrong in (
        (one[0], one[1], None),
        (one[0], one[1], two[2]),
        (brevet.key[0], brevet.key[1], one[2]),
        (one[0], one[1], one[2][:-1] + ("A" if one[2][-1] != "A" else "B")),
    ):
        assert code_of(brevet.sts(wrong).get_caller_identity) == ("InvalidClientTokenId", 403)


def test_two_access_keys_a_user(brevet):
    iam = brevet.iam()
    brevet.user("collector")
    second = iam.create_access_key(UserName="collector")["AccessKey"]
    assert second["Status"] == "Active"
    with pytest.raises(iam.exceptions.LimitExceededException):
        iam.create_access_key(UserName="collector")
    listed = iam.list_access_keys(UserName="collector")["AccessKeyMetadata"]
    assert len(listed) == 2 and all("SecretAccessKey" not in key for key in listed)


def test_users_roles_and_policies_have_their_whole_life(brevet):
    iam = brevet.iam()
    user = iam.create_user(UserName="life", Path="/ops/", Tags=[{"Key": "team", "Value": "red"}])["User"]
    assert user["Arn"] == f"arn:aws:iam::{brevet.account}:user/ops/life"
    document = policy(statement(action="s3:GetObject"))
    managed = iam.create_policy(PolicyName="life-policy", PolicyDocument=document, Description="d")["Policy"]["Arn"]
    assert iam.get_policy(PolicyArn=managed)["Policy"]["DefaultVersionId"] == "v1"
    iam.attach_user_policy(UserName="life", PolicyArn=managed)
    iam.put_user_policy(UserName="life", PolicyName="inline", PolicyDocument=document)
    assert iam.get_user_policy(UserName="life", PolicyName="inline")["PolicyDocument"] == json.loads(document)
    assert iam.list_user_policies(UserName="life")["PolicyNames"] == ["inline"]
    assert iam.list_attached_user_policies(UserName="life")["AttachedPolicies"][0]["PolicyArn"] == managed
    for delete in (lambda: iam.delete_user(UserName="life"), lambda: iam.delete_policy(PolicyArn=managed)):
        with pytest.raises(iam.exceptions.DeleteConflictException):
            delete()
    version = iam.create_policy_version(PolicyArn=managed, PolicyDocument=document, SetAsDefault=True)
    assert version["PolicyVersion"]["VersionId"] == "v2"
    assert iam.get_policy_version(PolicyArn=managed, VersionId="v1")["PolicyVersion"]["Document"] == json.loads(document)
    iam.delete_policy_version(PolicyArn=managed, VersionId="v1")
    iam.detach_user_policy(UserName="life", PolicyArn=managed)
    iam.delete_user_policy(UserName="life", PolicyName="inline")
    iam.update_user(UserName="life", NewUserName="lived")
    iam.delete_user(UserName="lived")
    iam.delete_policy(PolicyArn=managed)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_user(UserName="lived")


def test_lists_come_in_pages_and_waiters_wait(brevet):
    iam = brevet.iam()
    for n in range(7):
        iam.create_user(UserName=f"page-{n}", Path="/pages/")
    pages = iam.get_paginator("list_users").paginate(PathPrefix="/pages/", PaginationConfig={"PageSize": 3})
    names = [[user["UserName"] for user in page["Users"]] for page in pages]
    assert [len(page) for page in names] == [3, 3, 1]
    assert sum(names, []) == [f"page-{n}" for n in range(7)]
    iam.get_waiter("user_exists").wait(UserName="page-0", WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    iam.get_waiter("role_exists").wait(RoleName="reader", WaiterConfig={"Delay": 1, "MaxAttempts": 2})


def test_c1_c2_a_narrow_user_changes_nobody(brevet):
    key = brevet.user("narrow", statement(action="sts:GetCallerIdentity"))
    iam = brevet.iam(key)
    document = policy(statement())
    for call, parameters in (
        (iam.create_access_key, {"UserName": "narrow"}),
        (iam.create_access_key, {}),
        (iam.create_access_key, {"UserName": "admin"}),
        (iam.put_user_policy, {"UserName": "narrow", "PolicyName": "p", "PolicyDocument": document}),
        (iam.put_role_policy, {"RoleName": "reader", "PolicyName": "p", "PolicyDocument": document}),
        (iam.update_assume_role_policy, {"RoleName": "reader", "PolicyDocument": trust({"AWS": "*"})}),
        (iam.get_user, {"UserName": "nobody-at-all"}),
        (iam.list_users, {}),
    ):
        assert code_of(call, **parameters) == ("AccessDenied", 403)

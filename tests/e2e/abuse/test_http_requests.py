"""Who signed, when and for what: requests of the AWS Query wire, bent in one place each. Rows A1 to A13 and A24 to A36."""

import pytest

from .sigv4 import Signer, sha256
from .stage import sts

MISMATCH, INCOMPLETE, MALFORMED = "SignatureDoesNotMatch", "IncompleteSignature", "MalformedQueryString"


def test_the_hand_made_signer_is_right(stage, session):
    for key in (stage.key, session):
        assert stage.account.encode() in stage.accepted(stage.signed(key=key)).body


@pytest.mark.parametrize("change, code", [
    (lambda s: ("0" if s[0] != "0" else "1") + s[1:], MISMATCH),
    (lambda s: s[:-1] + ("0" if s[-1] != "0" else "1"), MISMATCH),
    (lambda s: "0" * 64, MISMATCH),
    (lambda s: "f" * 64, MISMATCH),
    (lambda s: "A" * 64, MISMATCH),
    (lambda s: "g" * 64, MISMATCH),
    (lambda s: s[:-1], INCOMPLETE),
    (lambda s: s + "0", INCOMPLETE),
    (lambda s: s * 2, INCOMPLETE),
    (lambda s: "", INCOMPLETE),
], ids=["first", "last", "zeros", "ones", "upper", "no-hex", "63", "65", "128", "none"])
def test_a1_a_changed_signature_is_refused(stage, change, code):
    stage.refused(stage.signed().bent(change), code)


def test_a1_a_signature_in_upper_case_is_no_second_form(stage):
    request = stage.signed()
    while request.signature == request.signature.upper():
        request = stage.signed(shift=-1)
    stage.refused(request.bent(str.upper), MISMATCH)


@pytest.mark.parametrize("query", [
    "X-Amz-Signature=" + "0" * 64,
    "X-Amz-Algorithm=AWS4-HMAC-SHA256",
    "X-Amz-Credential=AKIAQQQQQQQQQQQQQQQQ/20260101/us-east-1/sts/aws4_request",
    "X-Amz-Date=20260101T000000Z",
    "X-Amz-Expires=60",
    "X-Amz-SignedHeaders=host",
    "X-Amz-Security-Token=abc",
    "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD",
])
def test_a2_credentials_in_header_and_query_are_refused_even_when_both_are_signed(stage, query):
    stage.refused(Signer(stage.key).sign(stage.unsigned(target=f"/?{query}")), INCOMPLETE)


def test_a2_a_presigned_request_with_an_authorization_header_is_refused(stage):
    both = stage.presigned().added(("Authorization", stage.signed().header("authorization")))
    stage.refused(both, INCOMPLETE)


@pytest.mark.parametrize("name", ["Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256", "Host"])
@pytest.mark.parametrize("same", [True, False], ids=["same", "other"])
def test_a3_a_repeated_header_of_authentication_is_refused(stage, session, name, same):
    request = stage.signed(key=session, headers=(("X-Amz-Content-Sha256", sha256(b"Action=GetCallerIdentity&Version=2011-06-15")),))
    value = request.header(name)
    again = value if same else value[:-1] + ("1" if value[-1] != "1" else "0")
    stage.refused(request.added((name, again)), INCOMPLETE)


@pytest.mark.parametrize("query, body", [
    ("", "Action=AssumeRole&Action=GetCallerIdentity&Version=2011-06-15"),
    ("", "Action=GetCallerIdentity&Action=GetCallerIdentity&Version=2011-06-15"),
    ("?Action=AssumeRole", "Action=GetCallerIdentity&Version=2011-06-15"),
    ("?Version=2010-05-08", "Action=GetCallerIdentity&Version=2011-06-15"),
    ("", "Action=GetCallerIdentity&Version=2011-06-15&Actio%6e=GetSessionToken"),
    ("", "Action=AssumeRole&Version=2011-06-15&RoleArn=a&RoleArn=b"),
    ("", "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=900&DurationSeconds=3600"),
])
def test_a4_a_parameter_given_twice_is_refused(stage, query, body):
    stage.refused(Signer(stage.key).sign(stage.unsigned(body, target=f"/{query}")), MALFORMED)


@pytest.mark.parametrize("body", [
    "action=GetCallerIdentity&Version=2011-06-15",
    "ACTION=GetCallerIdentity&Version=2011-06-15",
    "Action=GetCallerIdentity&version=2011-06-15",
    "Action=GetCallerIdentity&Version=2011-06-15&action=GetSessionToken",
    "Action=GetSessionToken&Version=2011-06-15&DurationSeconds=900&durationseconds=900",
])
def test_a5_parameters_in_another_case_are_refused(stage, body):
    stage.refused(stage.signed(body), MALFORMED)


@pytest.mark.parametrize("name", ["x-amz-security-token", "x-amz-tagging", "X-AMZ-Meta", "x-amz-content-sha256"])
def test_a6_an_amz_header_added_after_signing_is_refused(stage, name):
    value = sha256(stage.unsigned().body) if name.endswith("256") else "abc"
    stage.refused(stage.signed().added((name, value)), MISMATCH)


@pytest.mark.parametrize("header", [
    ("X-Forwarded-Host", "evil"), ("X-Forwarded-Proto", "https"), ("X-HTTP-Method-Override", "DELETE"), ("X-Original-URL", "/x"),
])
def test_a6_other_headers_added_after_signing_decide_nothing(stage, header):
    plain = stage.accepted(stage.signed())
    assert stage.accepted(stage.signed().added(header)).anonymous == plain.anonymous


@pytest.mark.parametrize("value", ["multipart/form-data", "application/json", "text/plain", ""])
def test_a6_a_content_type_that_is_no_form_is_refused(stage, value):
    signer = Signer(stage.key, signed_headers="host;x-amz-date")
    request = signer.sign(stage.unsigned()).replaced("content-type", value)
    stage.refused(request, "UnsupportedMediaType")


@pytest.mark.parametrize("signed, code", [
    ("x-amz-date", MISMATCH),
    ("content-type;x-amz-date", MISMATCH),
    ("host", MISMATCH),
    ("absent;host;x-amz-date", MISMATCH),
    ("", INCOMPLETE),
    ("x-amz-date;host", INCOMPLETE),
    ("host;host;x-amz-date", INCOMPLETE),
    ("host;x-amz-date;", INCOMPLETE),
    (";host;x-amz-date", INCOMPLETE),
    ("Host;x-amz-date", MISMATCH),
    ("host; x-amz-date", INCOMPLETE),
], ids=["no-host", "no-host-2", "no-date", "absent", "empty", "unsorted", "twice", "tail", "head", "case", "blank"])
def test_a7_signed_headers_must_be_whole_and_in_order(stage, signed, code):
    stage.refused(stage.signed(signed_headers=signed), code)


@pytest.mark.parametrize("host, code", [
    ("sts.example.com", MISMATCH),
    ("localhost", MISMATCH),
    ("127.0.0.1", MISMATCH),
    ("{},evil", INCOMPLETE),
    ("{}, {}", INCOMPLETE),
    ("user@{}", INCOMPLETE),
    ("{}/", INCOMPLETE),
    ("", INCOMPLETE),
])
def test_a8_a_request_signed_for_one_host_is_refused_at_another(stage, host, code):
    stage.refused(stage.signed().replaced("host", host.replace("{}", stage.authority)), code)


def test_a8_a_list_of_hosts_is_refused_though_signed(stage):
    request = stage.unsigned().replaced("host", f"{stage.authority}, evil")
    stage.refused(Signer(stage.key).sign(request), INCOMPLETE)


@pytest.mark.parametrize("authority", ["evil", "127.0.0.1:1", "user@{}"])
def test_a8_a_target_that_names_another_host_is_refused(stage, authority):
    request = stage.unsigned(target=f"http://{authority.replace('{}', stage.authority)}/")
    stage.refused(Signer(stage.key).sign(request), INCOMPLETE)


@pytest.mark.parametrize("signer", [
    {"service": "s3"}, {"service": "iam"}, {"service": "STS"}, {"service": "sts.amazonaws.com"},
    {"terminator": "aws5_request"}, {"terminator": "AWS4_REQUEST"}, {"scope_date": "20200101"}, {"scope_date": "2026"},
])
def test_a9_a_scope_that_is_not_ours_is_refused_and_its_part_named(stage, signer):
    answer = stage.refused(stage.signed(**signer), MISMATCH)
    (name, value), = signer.items()
    assert {"service": "service", "terminator": "terminator", "scope_date": "Date"}[name] in answer.message


def test_a9_a_key_for_one_api_does_not_open_the_other(stage):
    body = {"Action": "ListUsers", "Version": "2010-05-08"}
    stage.refused(stage.signed(body, service="sts"), MISMATCH)
    stage.accepted(stage.signed(body, service="iam"))


def test_a9_any_region_is_accepted_but_not_swapped(stage):
    request = stage.signed(region="us-west-2")
    stage.accepted(request)
    stage.refused(request.replaced("authorization", lambda text: text.replace("us-west-2", "us-east-1")), MISMATCH)


@pytest.mark.parametrize("credential", [
    "{id}/x/{scope}", "a/b/{id}/{scope}", "{id}={scope}", "{id},{scope}", "{id} /{scope}", "/{scope}", "{id}",
    "A" * 129 + "/{scope}", "AKIA\xb2\xb2/{scope}", "{id}/{scope}/", "{id}//{scope}", "", "{id}%2F{scope}", "../{scope}",
    "{id}\xa0/{scope}",
])
def test_a11_credentials_of_another_shape_are_refused(stage, credential):
    request = stage.signed()
    old = request.header("authorization").split("Credential=")[1].split(",")[0]
    new = credential.format(id=stage.key[0], scope=old.split("/", 1)[1])
    stage.refused(request.replaced("authorization", lambda text: text.replace(old, new)), INCOMPLETE)


def test_a12_the_date_header_does_not_replace_the_signed_amz_date(stage):
    stage.accepted(stage.signed(headers=(("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),)))


@pytest.mark.parametrize("date", [
    "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "06 Nov 1994 08:49:37", "20260101T000000Z", "now", "",
])
def test_a12_a_date_header_in_place_of_amz_date_has_one_form(stage, date):
    request = stage.unsigned(headers=(("Date", date),))
    stage.refused(Signer(stage.key).authorize(request, "20260101T000000Z"), INCOMPLETE)


def test_a12_a_request_without_any_date_is_refused(stage):
    stage.refused(Signer(stage.key).authorize(stage.unsigned(), "20260101T000000Z"), INCOMPLETE)


@pytest.mark.parametrize("shift", [-903, -3600, -86400 * 366, 903, 3600, 86400 * 366])
def test_a13_clocks_more_than_fifteen_minutes_apart_are_refused(stage, shift):
    answer = stage.refused(stage.signed(shift=shift), MISMATCH)
    assert answer.message.startswith("Signature expired:" if shift < 0 else "Signature not yet current:")


@pytest.mark.parametrize("shift", [-895, -60, 60, 895])
def test_a13_clocks_within_fifteen_minutes_are_accepted(stage, shift):
    stage.accepted(stage.signed(shift=shift))


@pytest.mark.parametrize("date", [
    "20260230T000000Z", "20261301T000000Z", "20260101T240000Z", "20260101T235960Z", "20260101T000000+0800", "20260101T000000",
    "20260101T0000Z", "2026-01-01T00:00:00Z", "20260101 000000Z", "20260101t000000z", "00000101T000000Z", "-0260101T000000Z",
    "+20260101T000000Z", "20260101T000000.0Z", "\xb2\xb0260101T000000Z", "1767225600", "", "9" * 40,
])
def test_a13_malformed_dates_are_refused(stage, date):
    request = stage.signed().replaced("x-amz-date", date)
    stage.refused(request, INCOMPLETE)


def test_a13_a_date_of_the_year_9999_is_not_yet_current(stage):
    stage.refused(stage.signed(date="99991231T235959Z"), MISMATCH)


@pytest.mark.parametrize("authorization", [
    lambda text: text.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
    lambda text: text.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"),
    lambda text: text.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
    lambda text: text.replace("AWS4-HMAC-SHA256", "aws4-hmac-sha256"),
    lambda text: text.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256-PAYLOAD"),
    lambda text: text.replace("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256\t"),
    lambda text: "AWS AKIAIOSFODNN7EXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=",
    lambda text: "Bearer abc",
    lambda text: "Basic YTpi",
    lambda text: "AWS4-HMAC-SHA256",
    lambda text: "",
    lambda text: text.replace("Signature=", "signature="),
    lambda text: text + ", Signature=" + "0" * 64,
    lambda text: text + ", Extra=1",
    lambda text: text.replace("SignedHeaders", "Headers"),
    lambda text: text.replace(",", ";"),
], ids=["sha1", "sha512", "v4a", "lower", "longer", "tab", "v2", "bearer", "basic", "bare", "empty", "case", "twice", "extra",
        "missing", "separator"])
def test_a24_a25_other_algorithms_and_forms_are_refused(stage, authorization):
    stage.refused(stage.signed().replaced("authorization", authorization), INCOMPLETE)


@pytest.mark.parametrize("region_set", ["*", "", "us-east-1,*"])
def test_a25_sigv4a_is_refused_as_an_unknown_algorithm(stage, region_set):
    request = stage.signed(algorithm="AWS4-ECDSA-P256-SHA256", headers=(("X-Amz-Region-Set", region_set),))
    stage.refused(request, INCOMPLETE)


def test_a26_key_and_token_belong_together(stage, session):
    other = stage.bystander
    character = "A" if session[2][20] != "A" else "B"
    for key in (
        (session[0], session[1], None),
        (session[0], session[1], ""),
        (session[0], session[1], other[2]),
        (other[0], session[1], session[2]),
        (session[0], session[1], session[2][:20] + character + session[2][21:]),
        (stage.key[0], stage.key[1], session[2]),
        (stage.key[0], stage.key[1], "x"),
        ("ASIAQQQQQQQQQQQQQQQQ", session[1], session[2]),
        ("ASIAQQQQQQQQQQQQQQQQ", session[1], None),
        (stage.key[0].replace("AKIA", "ASIA"), stage.key[1], None),
    ):
        stage.refused(stage.signed(key=key), "InvalidClientTokenId")


def test_a26_the_secret_of_another_session_is_a_mismatch(stage, session):
    stage.refused(stage.signed(key=(session[0], stage.bystander[1], session[2])), MISMATCH)


def test_a27_a_token_alone_is_no_credential(stage, session):
    stage.refused(stage.unsigned(headers=(("X-Amz-Security-Token", session[2]),)), "MissingAuthenticationToken")
    stage.refused(stage.unsigned(target=f"/?X-Amz-Security-Token={session[2]}"), "MissingAuthenticationToken")
    stage.refused(stage.unsigned(), "MissingAuthenticationToken")
    stage.refused(stage.unsigned(headers=(("Cookie", f"token={session[2]}"),)), "MissingAuthenticationToken")


def test_a28_a_token_stands_in_one_place_and_is_signed(stage, session):
    appended = Signer(session, header_token=False).sign(stage.unsigned()).added(("X-Amz-Security-Token", session[2]))
    stage.refused(appended, MISMATCH)
    request = stage.unsigned(target=f"/?X-Amz-Security-Token={session[2]}")
    stage.refused(Signer(session).sign(request), INCOMPLETE)
    stage.refused(Signer(session, header_token=False).sign(request), INCOMPLETE)


def test_a29_a_request_replayed_within_its_window_is_answered_and_recorded_each_time(stage):
    request = stage.signed(sts("AssumeRole", RoleArn=stage.reader, RoleSessionName="replayed"))
    stage.new_records()
    answers = [stage.accepted(request) for _ in range(3)]
    issued = [answer.body.split(b"<AccessKeyId>")[1][:20] for answer in answers]
    assert len(set(issued)) == 3
    recorded = [record["responseElements"]["credentials"]["accessKeyId"].encode() for record in stage.new_records()[0]]
    assert recorded == issued
    stage.refused(stage.signed(sts("AssumeRole", RoleArn=stage.reader, RoleSessionName="replayed"), shift=-903), MISMATCH)


def test_a34_unknown_disabled_and_deleted_keys_are_one_answer(stage):
    iam = stage.brevet.iam()
    disabled, deleted = stage.user("a34-disabled"), stage.user("a34-deleted")
    iam.update_access_key(UserName="a34-disabled", AccessKeyId=disabled[0], Status="Inactive")
    iam.delete_access_key(UserName="a34-deleted", AccessKeyId=deleted[0])
    unknown = ("AKIAQQQQQQQQQQQQQQQQ", "x" * 40, None)
    malformed = ("AKIA0000000000000000", "x" * 40, None)
    wrong = (disabled[0], "x" * 40, None)
    session_of_nobody = ("ASIAQQQQQQQQQQQQQQQQ", "x" * 40, "A" * 300)
    keys = (unknown, malformed, disabled, wrong, deleted, session_of_nobody)
    for make in (stage.signed, stage.presigned, stage.call):
        answers = {stage.refused(make(key=key), "InvalidClientTokenId").anonymous for key in keys}
        assert len(answers) == 1, answers


def test_a34_a_wrong_secret_is_told_as_such_and_never_locks_the_key(stage):
    key = stage.user("a34-victim")
    answers = {stage.refused(stage.signed(key=(key[0], f"{n:040d}", None)), MISMATCH).anonymous for n in range(25)}
    assert len(answers) == 1
    stage.accepted(stage.signed(key=key))


def test_a35_a_signature_right_up_to_any_byte_is_the_same_refusal(stage):
    request = stage.signed()
    answers = set()
    for right in (0, 1, 8, 32, 62, 63):
        flip = lambda s: s[:right] + "".join("0" if c != "0" else "1" for c in s[right:])
        answers.add(stage.refused(request.bent(flip), MISMATCH).anonymous)
    assert len(answers) == 1


@pytest.mark.parametrize("form", [sts("GetSessionToken"), sts("GetFederationToken", Name="bob")], ids=lambda form: form["Action"])
def test_a36_temporary_keys_buy_no_user_session(stage, session, form):
    stage.refused(stage.signed(form, key=session), "AccessDenied")
    nested = stage.brevet.sts().get_session_token()["Credentials"]
    key = (nested["AccessKeyId"], nested["SecretAccessKey"], nested["SessionToken"])
    stage.secrets |= set(key[1:])
    stage.refused(stage.signed(form, key=key), "AccessDenied")

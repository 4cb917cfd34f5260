"""Identity tokens that are genuine and claim what they should not (B5–B8, B18–B22, B26, B27, B30, B31), on both wires, with
all five properties of each refusal."""

import json
import time

import pytest
from conftest import trust

from .federation import ACTION
from .issuers import AUDIENCE, SUBJECT, Idp

INVALID, EXPIRED, REJECTED, DENIED = "InvalidIdentityToken", "ExpiredTokenException", "IDPRejectedClaim", "AccessDenied"
TAGS, SOURCE_IDENTITY = "https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity"
EVERYTHING = [ACTION, "sts:TagSession", "sts:SetSourceIdentity"]


@pytest.mark.parametrize("value", [
    '"never"', '"9999999999"', "null", "-1", "1.5", "9999999999.0", "1e10", "1e400", "NaN", "Infinity", "true", "[9999999999]", "{}",
    "253402300800", "9223372036854775808", "18446744073709551616", "010",
])
@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
def test_b5_a_time_of_another_type_is_not_an_absent_one(federation, name, value):
    federation.refused(federation.idp.text(name, value), INVALID)


def test_b5_a_time_that_is_over_is_over(federation):
    now = int(time.time())
    for claims in ({"exp": 0}, {"exp": 1, "iat": 0}, {"iat": now - 600, "exp": now - 61}):
        federation.refused(lambda: federation.idp.token(**claims), EXPIRED)
    federation.accepted(lambda: federation.idp.token(iat=now - 600, exp=now - 30))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "exp", "iat"])
def test_b6_what_is_required_is_there_once_and_by_its_name(federation, name):
    idp, good = federation.idp, federation.idp.claims()
    value = json.dumps(good[name])
    federation.refused(idp.token(**{name: None}), INVALID)
    federation.refused(idp.token(**{name: None, name.title(): good[name]}), INVALID)
    # In the header alone, which is for encrypted tokens.
    federation.refused(idp.token(header={name: good[name]}, **{name: None}), INVALID)
    escaped = f"\\u{ord(name[0]):04x}{name[1:]}"
    for twin, twins_value in ((name, value), (name, '"other"'), (name, "null"), (escaped, value)):
        text = json.dumps(good)
        for payload in (text.replace("{", f'{{"{twin}":{twins_value},', 1), f'{text[:-1]},"{twin}":{twins_value}}}'):
            federation.refused(idp.token(payload=payload), INVALID)


def test_b6_names_that_conditions_do_not_tell_apart_are_refused(federation):
    for claims in ({"Sub": SUBJECT}, {"SUB": "x"}, {"a/b": "1", "a": {"b": "2"}}):
        federation.refused(lambda: federation.idp.token(**claims), REJECTED)
    federation.refused(federation.idp.token(header={"sub": "repo:evil/x"}), INVALID)


@pytest.mark.parametrize("audience", [
    "other", "", "*", ["*"], AUDIENCE[:-1], AUDIENCE + "/", AUDIENCE + "x", AUDIENCE.upper(), f" {AUDIENCE}", f"{AUDIENCE},other", f"https://{AUDIENCE}",
    [AUDIENCE, "other"], ["other", AUDIENCE], [AUDIENCE, AUDIENCE], ["other"], [], 7, True, {"a": AUDIENCE}, [[AUDIENCE]], [AUDIENCE, 7],
], ids=str)
def test_b7_the_audience_is_ours_and_nobody_else_s(federation, audience):
    federation.refused(federation.idp.token(aud=audience), INVALID)
    federation.refused(federation.idp.token(aud=audience, azp="other"), INVALID)


def test_b7_whom_a_token_was_issued_to_counts_besides(federation):
    idp = federation.idp
    federation.refused(idp.token(aud=None, azp=AUDIENCE), INVALID)
    federation.refused(idp.token(aud="other", azp=AUDIENCE), INVALID)
    for party in ("other", "", "*", AUDIENCE.upper(), [AUDIENCE], None):
        federation.refused(idp.token(aud=[AUDIENCE, "other"], azp=party), INVALID)
    federation.refused(idp.text("aud", json.dumps([AUDIENCE] + [""] * 3_000)), INVALID)
    federation.accepted(lambda: idp.token(aud=[AUDIENCE]))
    federation.accepted(lambda: idp.token(aud=[AUDIENCE, "other"], azp=AUDIENCE))


@pytest.mark.parametrize("iss", [
    "https://idp.example.com/realm/", "https://IDP.example.com/realm", "https://idp.example.com/Realm", "http://idp.example.com/realm",
    "HTTPS://idp.example.com/realm", "https://user@idp.example.com/realm", "https://idp.example.com:443/realm",
    "https://idp.example.com/./realm", "https://idp.example.com/x/../realm", "https://idp.example.com//realm",
    "https://idp.example.com/%72ealm", "https://idp.example.com/realm?", "https://idp.example.com/realm?x=y",
    "https://idp.example.com/realm#", "https://\u0456dp.example.com/realm", "https://xn--dp-blc.example.com/realm",
    "https://idp.example.com./realm", "https://idp.example.com\\realm", "https://idp.example.com/realm\n", " https://idp.example.com/realm",
    "idp.example.com/realm", "//idp.example.com/realm", "https://idp.example.com", "", "*", "\0", "://idp.example.com/realm",
    "ftp://idp.example.com/realm", "https://idp.example.com/realm\u200b",
])
def test_b8_an_issuer_has_one_spelling(federation, iss):
    federation.refused(federation.idp.token(iss=iss), INVALID)


@pytest.mark.parametrize("url", [
    "https://other.example.com?", "https://other.example.com/?a=b", "https://other.example.com/#a", "https://OTHER.example.com",
    "https://other.example.com:443", "https://user@other.example.com", "https://other.example.com/a/../b", "https://other.example.com/%61",
    "https://\u0456dp.example.com", "http://other.example.com", "https://other.example.com//a", "https://2130706433", "https://0x7f.1",
    "https://[::ffff:127.0.0.1]", "https://127.1", "file:///etc/passwd", "",
])
def test_b8_an_issuer_with_two_spellings_is_not_registered(federation, url):
    stage = federation.stage
    create = {"Action": "CreateOpenIDConnectProvider", "Version": "2010-05-08", "Url": url, "ClientIDList.member.1": AUDIENCE}
    answer = stage.send(stage.signed(create, service="iam"))
    assert (answer.status, answer.code) in {(400, "InvalidInput"), (400, "ValidationError")}, answer
    applied = federation.apply(url, federation.idp.jwks())
    assert applied.returncode == 1 and ("issuer URL" in applied.stderr or not url), applied
    stage.unharmed()


STRANGERS = {
    "repo:acme/*": ["repo:acme-evil/shop:ref:refs/heads/main", "repo:acme@1/shop:x", "repo:Acme/shop:x", "xrepo:acme/shop", "repo:acme", "repo:acme%2fshop"],
    "repo:acme/shop:ref:refs/heads/main": ["repo:acme/shop:ref:refs/heads/main2", "repo:acme/shop:ref:refs/heads/*", "repo:acme/shop:*", "*"],
    "repo:acme/shop:ref:refs/heads/*": ["repo:acme/shop:ref:refs/tags/x", "repo:acme/shop2:ref:refs/heads/main", "repo:acme/shop:pull_request"],
}


@pytest.mark.parametrize("pattern", STRANGERS)
def test_b18_a_pattern_lets_nobody_in_but_those_it_spells(federation, pattern):
    """A `*` goes over `/` and `:`, as in AWS; the subject is the issuer's text, and no path."""
    idp = federation.idp
    role = federation.trusting(f"b18-{list(STRANGERS).index(pattern)}", idp, {"StringLike": {f"{idp.name}:sub": pattern}})
    federation.accepted(lambda: idp.token(sub=pattern.replace("*", "main")), role)
    for subject in STRANGERS[pattern]:
        federation.refused(lambda: idp.token(sub=subject), DENIED, role)


GITHUB = "token.actions.githubusercontent.com"
OPEN = {
    "no condition": ({"Federated": GITHUB}, None),
    "audience alone": ({"Federated": GITHUB}, {"StringEquals": {f"{GITHUB}:aud": AUDIENCE}}),
    "open subject": ({"Federated": GITHUB}, {"StringLike": {f"{GITHUB}:sub": "repo:*"}}),
    "open owner": ({"Federated": GITHUB}, {"StringLike": {f"{GITHUB}:sub": "repo:acme*"}}),
    "if it exists": ({"Federated": GITHUB}, {"StringEqualsIfExists": {f"{GITHUB}:repository_id": "4411"}}),
    "not somebody": ({"Federated": GITHUB}, {"StringNotEquals": {f"{GITHUB}:sub": SUBJECT}}),
    "everyone": ("*", None),
    "every AWS principal": ({"AWS": "*"}, None),
}


@pytest.mark.parametrize("what", OPEN)
def test_b18_b20_an_open_door_is_refused_when_it_is_written(federation, admin, what):
    """IAM's CreateRole and UpdateAssumeRolePolicy, and the same over gRPC."""
    stage, (principal, condition) = federation.stage, OPEN[what]
    if isinstance(principal, dict) and "Federated" in principal:
        principal = {"Federated": f"arn:aws:iam::{stage.account}:oidc-provider/{GITHUB}"}
    document = trust(principal, ACTION if "Federated" in principal else "sts:AssumeRole", **({"Condition": condition} if condition else {}))
    for form in (
        {"Action": "CreateRole", "RoleName": "open", "AssumeRolePolicyDocument": document},
        {"Action": "UpdateAssumeRolePolicy", "RoleName": "federated", "PolicyDocument": document},
    ):
        stage.refused(stage.signed({**form, "Version": "2010-05-08"}, service="iam"), "MalformedPolicyDocument")
    stage.refused(admin("CreateRole", role_name="open", assume_role_policy_document=document), "MalformedPolicyDocument")
    stage.refused(admin("PutRoleTrust", role_name="federated", policy_document=document), "MalformedPolicyDocument")
    # Only who insists gets it, and the audit log says so.
    stage.new_records()
    stage.accepted(admin("CreateRole", role_name=f"open-{list(OPEN).index(what)}", assume_role_policy_document=document, allow_dangerous=True))
    [made] = [record for record in stage.new_records()[0] if record["eventName"] == "CreateRole" and record["outcome"] == "success"]
    assert "angerous" in json.dumps(made["requestParameters"]), made


@pytest.mark.parametrize("subject", ["*", "?", "repo:*", "repo:acme/shop:*", "repo:acme/shop:ref:refs/heads/mai?", "${aws:username}", "${*}", "$"])
def test_b19_what_a_claim_says_is_data(federation, subject):
    idp = federation.idp
    federation.refused(lambda: idp.token(sub=subject), DENIED)


def test_b19_a_claim_in_a_variable_is_no_pattern(federation):
    idp = federation.idp
    same = {"StringLike": {f"{idp.name}:wanted": f"${{{idp.name}:team}}"}}
    role = federation.trusting("b19-variable", idp, same)
    federation.accepted(lambda: idp.token(team="red", wanted="red"), role)
    for team in ("*", "r*", "re?", "???", "${*}", f"${{{idp.name}:wanted}}", "red/*"):
        federation.refused(lambda: idp.token(team=team, wanted="red"), DENIED, role)
        federation.accepted(lambda: idp.token(team=team, wanted=team), role)


@pytest.mark.parametrize("subject", [
    SUBJECT.upper(), SUBJECT + " ", " " + SUBJECT, SUBJECT + "\u200b", SUBJECT.replace("a", "\u0430"), SUBJECT.replace("m", "m\u0301"),
    SUBJECT.replace("/", "\u2215"), SUBJECT.replace("o", "\u00ba"), SUBJECT.replace("s", "\u017f"), SUBJECT.replace("i", "\u0131"),
], ids=ascii)
def test_b21_a_subject_that_looks_alike_is_another(federation, subject):
    federation.refused(lambda: federation.idp.token(sub=subject), DENIED)


@pytest.mark.parametrize("end", ["\n", "\r", "\t", "\0", "\x1b[31m", "\x7f", "\u0085", "\u2028", "\u202e", "\ufdd0", "\uffff", "\U0001fffe", "x" * 255], ids=ascii)
def test_b21_a_subject_that_could_forge_a_line_is_refused(federation, end):
    federation.refused(federation.idp.token(sub=SUBJECT + end), INVALID)
    federation.refused(federation.idp.token(sub=end + SUBJECT), INVALID)


def test_b21_one_normal_form_is_not_the_other(federation):
    idp = federation.idp
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    role = federation.trusting("b21-form", idp, {"StringEquals": {f"{idp.name}:sub": composed}})
    federation.accepted(lambda: idp.token(sub=composed), role)
    federation.refused(lambda: idp.token(sub=decomposed), DENIED, role)


@pytest.mark.parametrize("value", ["7", f'["{SUBJECT}"]', f'{{"sub":"{SUBJECT}"}}', "true", "null", '""'])
@pytest.mark.parametrize("name", ["sub", "iss", "azp", "jti"])
def test_b22_a_claim_has_its_type(federation, name, value):
    federation.refused(federation.idp.text(name, value), INVALID)


def test_b22_the_types_of_other_claims_are_not_guessed(federation):
    idp = federation.idp
    verified = federation.trusting("b22-verified", idp, {"StringEquals": {f"{idp.name}:sub": SUBJECT}, "Bool": {f"{idp.name}:email_verified": "true"}})
    grouped = federation.trusting("b22-grouped", idp, {
        "StringEquals": {f"{idp.name}:sub": SUBJECT}, "ForAnyValue:StringEquals": {f"{idp.name}:groups": "admin"}})
    federation.accepted(lambda: idp.token(email_verified=True), verified)
    federation.accepted(lambda: idp.token(groups=["users", "admin"]), grouped)
    for value in ("false", False, 1, "yes", None, [], {}):
        federation.refused(lambda: idp.token(email_verified=value), DENIED, verified)
    for groups in ("admin,users", "['admin']", '["admin"]', [["admin"]], {"admin": True}, ["admins"], [], None, ["admin", {}]):
        federation.refused(lambda: idp.token(groups=groups), DENIED, grouped)
    federation.refused(lambda: idp.text("groups", json.dumps([0] * 2_100)), INVALID, grouped)


def test_b26_times_are_within_their_bounds(federation):
    idp, now = federation.idp, int(time.time())
    # Clocks may differ by a minute; a few seconds of leave for the test.
    for claims in ({"nbf": now + 75}, {"iat": now + 75, "exp": now + 300}, {"nbf": 9_999_999_999}):
        federation.refused(lambda: idp.token(**claims), INVALID)
    for claims in ({"iat": now, "exp": now + 86_401}, {"iat": now, "exp": now + 315_360_000}, {"iat": 0}, {"iat": now + 30, "exp": now + 30}):
        federation.refused(lambda: idp.token(**claims), REJECTED)
    for claims in ({"nbf": now + 50}, {"iat": now + 50, "exp": now + 300}, {"iat": now, "exp": now + 86_400}):
        federation.accepted(lambda: idp.token(**claims))


def test_b26_an_old_sign_in_is_refused_where_the_role_asks_for_a_new_one(federation):
    """`auth_time` is a claim like any other: a trust policy bounds it."""
    idp, now = federation.idp, int(time.time())
    role = federation.trusting("b26-recent", idp, {
        "StringEquals": {f"{idp.name}:sub": SUBJECT}, "NumericGreaterThan": {f"{idp.name}:auth_time": str(now - 3600)}})
    federation.accepted(lambda: idp.token(auth_time=now), role)
    for auth_time in (now - 7200, 0, None, "never"):
        federation.refused(lambda: idp.token(auth_time=auth_time), DENIED, role)


def test_b27_the_role_says_how_long_a_session_is_and_not_the_token(federation):
    """As in AWS: a token of five minutes gets what the role gives, and no more than that."""
    for seconds in (3601, 43_200):
        federation.refused(federation.idp.token, "ValidationError", hides=False, seconds=seconds)
    for seconds in (1, 899, 43_201, 2_000_000_000):
        federation.refused(federation.idp.token, "ValidationError", seconds=seconds)
    federation.accepted(federation.idp.token, seconds=3600)
    longer = federation.trusting("b27-longer", federation.idp, MaxSessionDuration=43_200)
    federation.accepted(federation.idp.token, longer, seconds=43_200)


def test_b30_tags_of_another_form_are_refused(federation):
    role = federation.trusting("b30-tagged", federation.idp, action=EVERYTHING)
    for tags in (
        "team=red", 7, [], {"principal_tags": {"team": "red"}}, {"principal_tags": {"team": ["red", "blue"]}}, {"principal_tags": {"team": [7]}},
        {"principal_tags": {"te*m": ["red"]}}, {"principal_tags": {f"k{n}": ["v"] for n in range(51)}}, {"transitive_tag_keys": "team"}, {"other": {}},
    ):
        federation.refused(lambda: federation.idp.token(**{TAGS: tags}), REJECTED, role)
    # In both forms at once, which could disagree.
    both = {TAGS: {"principal_tags": {"team": ["red"]}}, f"{TAGS}/principal_tags": {"team": ["blue"]}}
    federation.refused(lambda: federation.idp.token(**both), REJECTED, role)
    for name in (7, "", "x", "eve smith", ["eve"], "x" * 65):
        federation.refused(lambda: federation.idp.token(**{SOURCE_IDENTITY: name}), REJECTED, role)


def test_b30_tags_that_conflict_are_refused(federation):
    role = federation.trusting("b30-conflict", federation.idp, action=EVERYTHING)
    for tags in (
        {"principal_tags": {"team": ["red"], "Team": ["blue"]}},
        {"principal_tags": {"team": ["red"]}, "transitive_tag_keys": ["other"]},
        {"principal_tags": {"aws:team": ["red"]}},
    ):
        federation.refused(lambda: federation.idp.token(**{TAGS: tags}), "ValidationError", role)


def test_b30_a_tag_or_a_name_needs_its_own_permission(federation):
    for claims in ({TAGS: {"principal_tags": {"team": ["red"]}}}, {SOURCE_IDENTITY: "eve"}):
        # The role trusts the token as such, so it may say what of it goes too far.
        federation.refused(lambda: federation.idp.token(**claims), DENIED, hides=False)
        federation.refused(lambda: federation.idp.token(sub="repo:evil/x", **claims), DENIED)


ADMIN = {"policy": "consoleAdmin", "policies": ["arn:aws:iam::aws:policy/AdministratorAccess"], "is_admin": True, "role": "admin", "roles": ["admin"],
         "groups": ["admin"], "scope": "*", "aws:PrincipalArn": "arn:aws:iam::000000000000:root", "aws:PrincipalIsAWSService": "true"}


def test_b31_no_claim_names_a_policy_or_a_role(federation):
    stage, idp = federation.stage, federation.idp
    key = federation.accepted(lambda: idp.token(**ADMIN))
    stage.accepted(stage.signed(key=key))
    stage.refused(stage.signed({"Action": "ListUsers", "Version": "2010-05-08"}, key=key, service="iam"), DENIED)
    message = federation.messages.GetAccessKeyInfoRequest(access_key_id=stage.key[0])
    stage.accepted(stage.call("GetAccessKeyInfo", message, key=key))
    federation.refused(lambda: idp.token(sub="repo:evil/x", **ADMIN), DENIED)
    other = federation.trusting("b31-other", Idp("https://nobody.example.com"))
    federation.refused(lambda: idp.token(role_arn=other, **ADMIN), DENIED, other)
    root = federation.trusting("b31-keys", idp, {"StringEquals": {f"{idp.name}:sub": SUBJECT, "aws:PrincipalArn": ADMIN["aws:PrincipalArn"]}})
    federation.refused(lambda: idp.token(**ADMIN), DENIED, root)

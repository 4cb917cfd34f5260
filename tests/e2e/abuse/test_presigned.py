"""Presigned requests of the AWS Query wire: rows A5, A14 to A16, A19, A28 and A32."""

import re
import subprocess
import time

import pytest
from conftest import BREVET, environment, policy, running, statement, trust
from test_serve import client, served

from .stage import Stage

MISMATCH, INCOMPLETE, MALFORMED = "SignatureDoesNotMatch", "IncompleteSignature", "MalformedQueryString"


def test_a_presigned_request_is_good_for_its_time(stage, session):
    for key in (stage.key, session):
        stage.accepted(stage.presigned(key=key))
    stage.accepted(stage.presigned(expires="604800"))


@pytest.mark.parametrize("expires", [
    "0", "-1", "604801", "1000000", "1e30", "+60", " 60", "60 ", "6e1", "0x3c", "60.0", "", "\xb2", "0000060", "NaN", "60\n", None,
])
def test_a14_expires_is_one_to_604800_in_digits(stage, expires):
    stage.refused(stage.presigned(expires=expires), INCOMPLETE)


def test_a5_a14_a_second_expires_in_another_case_is_refused(stage):
    stage.refused(stage.presigned(more={"x-amz-expires": "604800"}), MALFORMED)
    stage.refused(stage.presigned(expires=None, more={"x-amz-expires": "60"}), MALFORMED)
    stage.refused(stage.presigned().but(target=stage.presigned().target + "&X-Amz-Expires=604800"), MALFORMED)


@pytest.mark.parametrize("shift, expires", [
    (-62, "60"),  # over by what it says
    (-3, "1"),
    (-903, "604800"),  # over by what is allowed here, whatever it says
    (-86400, "604800"),
    (903, "604800"),  # not yet
    (86400, "60"),
])
def test_a15_a_presigned_request_lives_from_its_date(stage, shift, expires):
    answer = stage.refused(stage.presigned(shift=shift, expires=expires), MISMATCH)
    assert answer.message.startswith("Signature expired:" if shift < 0 else "Signature not yet current:")


@pytest.mark.parametrize("shift, expires", [(-55, "60"), (-890, "604800"), (890, "1")])
def test_a15_within_its_time_it_is_accepted(stage, shift, expires):
    stage.accepted(stage.presigned(shift=shift, expires=expires))


@pytest.mark.parametrize("name", [
    "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature",
    "X-Amz-Security-Token",
])
class TestEachParameter:
    def test_a19_repeated_is_refused(self, stage, session, name):
        request = stage.presigned(key=session)
        stage.refused(request.but(target=f"{request.target}&{name}=1"), MALFORMED)

    def test_a5_in_another_case_is_refused(self, stage, session, name):
        request = stage.presigned(key=session)
        for other in (name.lower(), name.upper()):
            stage.refused(request.but(target=request.target.replace(name + "=", other + "=")), MALFORMED)

    def test_a24_absent_is_refused(self, stage, session, name):
        request = stage.presigned(key=session)
        bare = request.but(target=re.sub(f"&{name}=[^&]*", "", request.target))
        stage.refused(bare, "InvalidClientTokenId" if name == "X-Amz-Security-Token" else INCOMPLETE)

    def test_a1_changed_is_refused(self, stage, session, name):
        request = stage.presigned(key=session)
        changed = request.but(target=re.sub(f"({name}=[^&]*?)([^&]{{2}})(?=&|$)", r"\1zz", request.target, count=1))
        assert changed != request
        stage.refused(changed, {
            "X-Amz-Credential": MISMATCH,  # the terminator
            "X-Amz-SignedHeaders": MISMATCH,
            "X-Amz-Signature": MISMATCH,
            "X-Amz-Security-Token": "InvalidClientTokenId",
        }.get(name, INCOMPLETE))


@pytest.mark.parametrize("pieces", ["&&", "&"])
def test_a19_empty_pieces_of_the_query_mean_nothing(stage, pieces):
    request = stage.presigned()
    stage.accepted(request.but(target=request.target.replace("&Version", pieces + "Version") + pieces))


def test_a19_the_order_of_parameters_means_nothing_and_their_values_everything(stage):
    request = stage.presigned()
    pieces = request.target[2:].split("&")
    stage.accepted(request.but(target="/?" + "&".join(reversed(pieces))))
    for extra, code in (("&X-Amz-Extra=1", MISMATCH), ("&Extra=1", "ValidationError"), ("&a=1&a=2", MALFORMED), ("&=x", MALFORMED)):
        stage.refused(request.but(target=request.target + extra), code)


def test_a18_the_spelling_of_an_escape_means_nothing(stage):
    request = stage.presigned()
    stage.accepted(request.but(target=request.target.replace("GetCallerIdentity", "Get%43aller%49dentity")))
    stage.accepted(request.but(target=request.target.replace("%2F", "%2f")))
    stage.refused(request.but(target=request.target.replace("%2F", "%2")), MALFORMED)


def test_a28_a_token_in_header_and_query_is_refused(stage, session):
    for value in (session[2], stage.bystander[2], ""):
        stage.refused(stage.presigned(key=session).added(("X-Amz-Security-Token", value)), INCOMPLETE)
    stage.refused(stage.presigned(key=session, header_token=False).added(("X-Amz-Security-Token", session[2])), INCOMPLETE)
    stage.refused(stage.presigned().added(("X-Amz-Date", "20260101T000000Z")), INCOMPLETE)


def test_a28_a_token_appended_after_signing_is_refused(stage, session):
    request = stage.presigned(key=session, header_token=False)
    stage.refused(request.but(target=f"{request.target}&X-Amz-Security-Token={session[2]}"), MISMATCH)


def test_a26_presigned_with_no_or_another_token_is_refused(stage, session):
    for key in ((*session[:2], None), (*session[:2], stage.bystander[2]), (*stage.key[:2], session[2])):
        stage.refused(stage.presigned(key=key), "InvalidClientTokenId")


def test_a6_unsigned_amz_headers_are_refused(stage):
    stage.refused(stage.presigned().added(("X-Amz-Tagging", "a=b")), MISMATCH)


def test_a7_a_presigned_request_signs_its_host(stage):
    stage.refused(stage.presigned(signed_headers="accept", headers=(("Accept", "*/*"),)), MISMATCH)
    stage.refused(stage.presigned().replaced("host", "evil"), MISMATCH)


@pytest.mark.parametrize("signer", [{"service": "s3"}, {"terminator": "aws5_request"}, {"scope_date": "20200101"}])
def test_a9_a_scope_that_is_not_ours_is_refused(stage, signer):
    stage.refused(stage.presigned(**signer), MISMATCH)


@pytest.mark.parametrize("algorithm", ["AWS4-HMAC-SHA1", "AWS4-ECDSA-P256-SHA256", "aws4-hmac-sha256", ""])
def test_a24_other_algorithms_are_refused(stage, algorithm):
    stage.refused(stage.presigned(algorithm=algorithm), INCOMPLETE)


def test_a22_an_unsigned_payload_is_refused_in_either_place(stage):
    stage.refused(stage.presigned(payload_hash="UNSIGNED-PAYLOAD", more={"X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"}), MISMATCH)
    header = (("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"),)
    signed = "host;x-amz-content-sha256"
    stage.refused(stage.presigned(payload_hash="UNSIGNED-PAYLOAD", headers=header, signed_headers=signed), MISMATCH)


def test_a32_whoever_relays_a_presigned_request_steers_nothing(stage, session):
    """Method, parameters and body stay those that were signed."""
    request = stage.presigned(key=session)
    body = b"Action=GetSessionToken&Version=2011-06-15"
    stage.refused(request.but(method="POST"), MISMATCH)
    stage.refused(request.but(body=body).added(("Content-Type", "application/x-www-form-urlencoded")), MALFORMED)
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    stage.refused(request.but(method="POST", body=body).added(*form), MALFORMED)  # Action twice
    stage.refused(request.but(method="POST", body=b"DurationSeconds=900").added(*form), "ValidationError")
    stage.refused(request.but(target=request.target.replace("GetCallerIdentity", "GetSessionToken")), MISMATCH)
    answer = stage.accepted(request.added(("Accept", "application/json"), ("X-Forwarded-Host", "evil")))
    assert answer.headers["content-type"].startswith("text/xml")
    assert b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">' in answer.body


def test_a16_d22_nothing_outlives_its_session(stage, tmp_path):
    """A service of its own, whose clock is moved past the end of a session between two starts."""
    data_dir = tmp_path / "data"
    subprocess.run([BREVET, "init", "--data-dir", data_dir], check=True, env=environment(), capture_output=True)
    with served(data_dir) as (_, line):
        early = Stage(client(line, data_dir), data_dir)
        account = early.brevet.sts().get_caller_identity()["Account"]
        role = early.role("r", trust({"AWS": account}), policy(statement()))
        key = early.assume(role, DurationSeconds=900)
        minted = time.time()
    late_by = 910
    command = ["faketime", "-f", f"+{late_by}s", BREVET, "serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0",
               "--admin-listen", "127.0.0.1:0"]
    with running(*command) as (_, line):
        late = Stage(client(line, data_dir), data_dir)
        late.secrets |= {key[1], key[2]}
        late.unharmed = lambda: late.accepted(late.signed(shift=late_by))
        # Signed while the session lived, for longer than it lived.
        late.refused(late.presigned(key=key, shift=int(minted - time.time()) + 600, expires="900"), "ExpiredToken")
        late.refused(late.signed(key=key, shift=late_by), "ExpiredToken")
        late.refused(late.call(key=key, shift=late_by), "ExpiredToken")
        # Only who holds a genuine token learns that it has expired.
        tampered = key[2][:30] + ("A" if key[2][30] != "A" else "B") + key[2][31:]
        late.refused(late.signed(key=(key[0], key[1], tampered), shift=late_by), "InvalidClientTokenId")

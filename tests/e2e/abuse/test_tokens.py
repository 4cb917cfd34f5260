"""Security tokens, tampered with: D1 to D7, at the service on both wires and at a resource service."""

import base64
import hashlib
import string

import pytest

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
TOKEN = "InvalidClientTokenId"


def decoded(token):
    return bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))


def encoded(raw):
    return base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")


def with_token(key, token):
    return (key[0], key[1], token)


@pytest.fixture(scope="module")
def everywhere(stage, resource, session):
    """Proves that a token is refused in every place, for the good key and secret."""

    def refused(token):
        key = with_token(session, token)
        stage.refused(stage.signed(key=key), TOKEN)
        stage.refused(stage.presigned(key=key), TOKEN)
        stage.refused(stage.call(key=key), TOKEN)
        resource.refused(resource.signed(key=key), TOKEN)

    return refused


def test_d1_every_flipped_byte_is_refused(stage, resource, session):
    raw, resting = decoded(session[2]), resource.signed()
    for place in range(len(raw)):
        flipped = bytearray(raw)
        flipped[place] ^= 1 << place % 8
        key = with_token(session, encoded(flipped))
        answer = resource.send(resource.signed(key=key))
        assert (answer.status, answer.code) == (403, TOKEN), place
        if place % 8 == 0:
            stage.refused(stage.signed(key=key), TOKEN)
    resource.accepted(resting)


def test_d1_every_truncation_is_refused(resource, session):
    for length in range(1, len(session[2])):
        answer = resource.send(resource.signed(key=with_token(session, session[2][:length])))
        assert (answer.status, answer.code) == (403, TOKEN), length


@pytest.mark.parametrize("change", [
    lambda token: token + "A", lambda token: token + "AAAA", lambda token: "A" + token, lambda token: token[4:],
    lambda token: token[:-4], lambda token: token * 2, lambda token: token[::-1], lambda token: "A" * len(token), lambda token: "A",
    lambda token: encoded(decoded(token) + b"\0"), lambda token: encoded(decoded(token)[:-1]), lambda token: token.swapcase(),
], ids=["longer", "longer-4", "before", "behind", "cut", "twice", "back", "zeros", "one", "byte-more", "byte-less", "case"])
def test_d1_lengthened_cut_and_turned_tokens_are_refused(everywhere, session, change):
    everywhere(change(session[2]))


def test_d1_halves_of_two_tokens_make_none(everywhere, stage, session):
    for cut in (48 * 4 // 3, len(session[2]) // 2, len(session[2]) - 86):
        everywhere(session[2][:cut] + stage.bystander[2][cut:])
        everywhere(stage.bystander[2][:cut] + session[2][cut:])


@pytest.mark.parametrize("change", [
    lambda token: token + "=", lambda token: token + "==", lambda token: token.replace("-", "+").replace("_", "/") + "=",
    lambda token: token.replace(token[5], "%" + f"{ord(token[5]):02X}", 1), lambda token: token[:10] + " " + token[10:],
    lambda token: token[:10] + "\t" + token[10:], lambda token: token[:10] + "." + token[10:], lambda token: f'"{token}"',
    lambda token: f"{token},{token}",
], ids=["padded", "padded-2", "standard", "percent", "blank", "tab", "dot", "quoted", "list"])
def test_d2_another_spelling_of_a_token_is_refused(stage, resource, session, change):
    key = with_token(session, change(session[2]))
    stage.refused(stage.signed(key=key), TOKEN)
    resource.refused(resource.signed(key=key), TOKEN)
    stage.refused(stage.call(key=key), "IncompleteSignature" if "\t" in key[2] else TOKEN)


def test_d2_trailing_bits_of_a_token_are_zero(everywhere, stage):
    """Only lengths that leave bits over have such a second spelling."""
    for name in ("ab", "abc", "abcd", "abcde"):
        key = stage.assume(stage.reader, name)
        left_over = len(key[2]) % 4
        if left_over in (2, 3):
            last = ALPHABET.index(key[2][-1])
            for bits in range(1, 16 if left_over == 2 else 4):
                stage.refused(stage.signed(key=with_token(key, key[2][:-1] + ALPHABET[last | bits])), TOKEN)
            return
    pytest.fail("no token leaves bits over")


@pytest.mark.parametrize("place, values", [
    ("version", (0, 2, 255)), ("suite", (0, 2, 255)), ("key", (0, 1, 255)), ("epoch", (0, 1, 255)), ("flags", (1, 2, 128)),
    ("issued", (0, 255)), ("expires", (0, 127, 255)), ("session", (0, 255)), ("length", (0, 255)),
])
def test_d3_d22_no_field_of_the_header_can_be_another(everywhere, session, place, values):
    offset = {"version": 0, "suite": 1, "key": 5, "epoch": 9, "session": 10, "issued": 27, "expires": 32, "flags": 37, "length": 46}[place]
    for value in values:
        raw = decoded(session[2])
        if raw[offset] != value:
            raw[offset] = value
            everywhere(encoded(raw))


def test_d4_tokens_of_another_deployment_are_refused(brevet, stage, resource):
    """The same names elsewhere: another trust domain, other keys."""
    foreign = brevet.assume(brevet.role("reader"), "attacker")
    stage.secrets |= set(foreign[1:])
    for request in (stage.signed(key=foreign), stage.presigned(key=foreign), stage.call(key=foreign)):
        stage.refused(request, TOKEN)
    resource.refused(resource.signed(key=foreign), TOKEN)


def test_d5_a_token_signed_by_whoever_holds_a_secret_is_refused(everywhere, stage, session, bundle):
    """Signatures are public-key: no secret that a user, a session or a validator holds makes one."""
    raw = decoded(session[2])
    for secret in (session[1].encode(), stage.key[1].encode(), bundle.read_bytes(), b""):
        mac = hashlib.sha512(secret + bytes(raw[:-64])).digest()
        everywhere(encoded(raw[:-64] + mac))
    everywhere(encoded(raw[:-64] + bytes(64)))


def test_d6_a_token_does_not_carry_over_to_another_scope(stage, resource):
    """What was signed for the resource service does not open the STS, and the other way round."""
    for request in (resource.signed(service="sts"), resource.signed(service="iam")):
        resource.refused(request, "SignatureDoesNotMatch")
    stage.refused(stage.signed(key=resource.key, service="s3"), "SignatureDoesNotMatch")


def test_d7_a_token_serves_its_own_key_alone(stage, resource, session):
    for key in ((stage.bystander[0], stage.bystander[1], session[2]), (session[0], session[1], stage.bystander[2])):
        stage.refused(stage.signed(key=key), TOKEN)
        stage.refused(stage.presigned(key=key), TOKEN)
        stage.refused(stage.call(key=key), TOKEN)
        resource.refused(resource.signed(key=key), TOKEN)


@pytest.mark.parametrize("length", [4097, 8000])
def test_d20_a_token_beyond_the_limit_is_refused(everywhere, length):
    everywhere("A" * length)

"""Identity tokens that were never issued (B1–B4, B13, B14, B24, B28, B29, B34), on both wires, with all five properties of
each refusal."""

import base64
import hmac
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .issuers import ALGORITHMS, AUDIENCE, KEYS, Idp, b64, jws, public_jwk, signature

INVALID = "InvalidIdentityToken"


def test_a_good_token_of_each_key_is_taken(federation):
    for kid in KEYS:
        federation.accepted(lambda: federation.idp.token(kid))


@pytest.mark.parametrize("name", ["none", "None", "nOnE", "", "rs256", "RS256 ", "ES512", None, ["RS256"], 7])
@pytest.mark.parametrize("ending", ["", "AA", "signed"])
def test_b1_no_signature_is_no_proof(federation, name, ending):
    header = {"kid": "rsa"} if name is None else {"alg": name, "kid": "rsa"}
    token = jws(header, federation.idp.claims(), lambda message: signature("RS256", KEYS["rsa"], message))
    federation.refused(token if ending == "signed" else token.rsplit(".", 1)[0] + "." + ending, INVALID)


def test_b1_parts_that_are_not_there_are_missed(federation):
    message, signed = federation.idp.token().rsplit(".", 1)
    for token in (message, message + ".", "....", "." * 5, f"{message}..{signed}", f".{message}.{signed}", f"..{signed}"):
        federation.refused(token, INVALID)
    # Fewer than four characters are no token by the length alone.
    for token in ("..", "."):
        federation.refused(token, "ValidationError")


def public_secrets():
    """Everything of the published keys that a careless verifier could take for a shared secret."""
    encodings, formats = serialization.Encoding, serialization.PublicFormat
    for kid in ("rsa", "p-256"):
        public, jwk = KEYS[kid].public_key(), public_jwk(KEYS[kid], kid)
        for encoding in (encodings.PEM, encodings.DER):
            spki = public.public_bytes(encoding, formats.SubjectPublicKeyInfo)
            yield kid, spki
            yield kid, spki.strip()
        member = jwk["n" if kid == "rsa" else "x"]
        yield from ((kid, text) for text in (json.dumps(jwk).encode(), member.encode(), base64.urlsafe_b64decode(member + "==")))
    yield "rsa", KEYS["rsa"].public_key().public_bytes(encodings.PEM, formats.PKCS1)
    yield "p-256", KEYS["p-256"].public_key().public_bytes(encodings.X962, formats.UncompressedPoint)
    yield "rsa", b""


@pytest.mark.parametrize("name", ["HS256", "HS384", "HS512"])
def test_b2_a_public_key_is_no_shared_secret(federation, name):
    digest = f"sha{name[2:]}"
    for kid, secret in public_secrets():
        header = {"alg": name, "kid": kid}
        federation.refused(jws(header, federation.idp.claims(), lambda message: hmac.digest(secret, message, digest)), INVALID)


@pytest.mark.parametrize("kid", [AUDIENCE, "rsa", None])
def test_b3_a_client_s_secret_is_no_key(federation, kid):
    for secret in (b"client-secret", AUDIENCE.encode()):
        header = {"alg": "HS256"} if kid is None else {"alg": "HS256", "kid": kid}
        federation.refused(jws(header, federation.idp.claims(), lambda message: hmac.digest(secret, message, "sha256")), INVALID)


@pytest.mark.parametrize("name", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
@pytest.mark.parametrize("kid", KEYS)
def test_b4_the_algorithm_is_the_key_s(federation, kid, name):
    """Under another key's name, signed by the one and by the other."""
    signers = {kid, *(other for other, own in ALGORITHMS.items() if own == name)}
    if ALGORITHMS[kid] == name:
        federation.accepted(lambda: federation.idp.token(kid))
        signers = {}
    for signer in signers:
        key = KEYS[signer]
        federation.refused(federation.idp.token(kid, key=key, algorithm=ALGORITHMS[signer], header={"alg": name}), INVALID)
        federation.refused(federation.idp.token(kid, key=key, algorithm=name, header={"alg": name}), INVALID)


def test_b4_keys_for_something_else_verify_nothing(federation):
    idp = Idp("https://purposes.example.com")
    purposes = {
        "enc": {"use": "enc"}, "sign": {"use": None, "key_ops": ["sign"]}, "none": {"key_ops": []}, "oaep": {"alg": "RSA-OAEP"},
        "rs512": {"alg": "RS512"},
    }
    odd = [public_jwk(KEYS["rsa"], kid, **members) for kid, members in purposes.items()]
    federation.register(idp, {"keys": [*odd, public_jwk(KEYS["ed25519"], "ed25519")]}, algorithms=["RS256", "RS512", "PS256", "EdDSA"])
    role = federation.trusting("b4-purposes", idp)
    for kid in purposes:
        federation.refused(idp.token(kid, key=KEYS["rsa"]), INVALID, role)
    federation.accepted(lambda: idp.token("rs512", key=KEYS["rsa"], algorithm="RS512"), role)
    # PKCS #1 under the name of PSS, and the other way round.
    for name, scheme in (("PS256", "RS256"), ("RS256", "PS256")):
        federation.register(idp, algorithms=["RS256", "PS256"])
        federation.accepted(lambda: idp.token(algorithm=name), role)
        federation.refused(idp.token(algorithm=scheme, header={"alg": name}), INVALID, role)


def own_key():
    key = rsa.generate_private_key(65537, 2048)
    return key, public_jwk(key, "rsa")


@pytest.mark.parametrize("name, value", [
    ("jku", "https://evil.example/keys"), ("jku", None), ("x5u", "https://evil.example/cert"), ("x5c", ["MIIB"]), ("jwk", {}),
    ("crit", ["x"]), ("crit", []), ("b64", False), ("b64", True), ("zip", "DEF"), ("cty", "JWT"), ("enc", "A256GCM"),
    ("typ", "at+jwt"), ("typ", "JWE"), ("typ", 1), ("iss", "https://idp.example.com/realm"),
])
def test_b13_headers_that_name_a_key_or_change_the_reading_are_refused(federation, name, value):
    header = json.dumps({"alg": "RS256", "kid": "rsa", name: value})
    federation.refused(federation.idp.token(header=header), INVALID)


def test_b13_a_token_brings_no_key_of_its_own(federation, tripwire):
    key, jwk = own_key()
    at_tripwire = f"http://127.0.0.1:{tripwire.port}/keys"
    for more in ({"jwk": jwk}, {"jku": at_tripwire}, {"x5u": at_tripwire}, {}):
        federation.refused(federation.idp.token(header=more, key=key), INVALID)
    assert tripwire.connections == 0


def test_b13_other_serializations_are_no_tokens(federation):
    good = federation.idp.token()
    header, payload, signed = good.split(".")
    general = {"payload": payload, "signatures": [{"protected": header, "signature": signed}]}
    flat = {"payload": payload, "protected": header, "signature": signed}
    jwe = ".".join((b64('{"alg":"RSA-OAEP","enc":"A256GCM"}'), "AAAA", "AAAA", payload, "AAAA"))
    nested = jws({"alg": "RS256", "kid": "rsa"}, good, lambda message: signature("RS256", KEYS["rsa"], message))
    for token in (json.dumps(general), json.dumps(flat), jwe, nested, f"{good}.{good}", f"{good}~", f"Bearer {good}"):
        federation.refused(token, INVALID)


@pytest.mark.parametrize("kid", [
    "../../../dev/null", "' OR 1=1--", "a\0b", "\0", "*", "RSA", "rsa ", "rsa\n", "k" * 256, "k" * 257, "k" * 10_000, "", 7, 0,
    ["rsa"], {"kid": "rsa"}, True,
], ids=str)
def test_b14_the_id_of_a_key_is_a_name_and_no_more(federation, kid):
    federation.refused(federation.idp.token(header={"kid": kid}), INVALID)


def test_b14_an_id_of_a_megabyte_is_not_read(federation):
    federation.refused(federation.idp.token(header={"kid": "k" * (1 << 20)}), "RequestEntityTooLarge")


def test_b14_a_token_that_names_no_key_is_taken_if_one_key_fits(federation):
    idp = Idp("https://nameless.example.com")
    federation.register(idp)
    role = federation.trusting("b14-nameless", idp)
    federation.accepted(lambda: idp.token(header={"kid": None}), role)
    federation.refused(idp.token(header='{"alg":"RS256","kid":null}'), INVALID, role)
    federation.refused(idp.token(header={"kid": None}, key=own_key()[0]), INVALID, role)
    idp.keys["second"] = own_key()[0]
    federation.register(idp)
    for kid in ("rsa", "second"):
        federation.refused(idp.token(kid, header={"kid": None}), INVALID, role)
        federation.accepted(lambda: idp.token(kid), role)


def test_b24_each_issuer_has_keys_of_its_own(federation):
    """Two issuers that call their keys alike, each trusted for itself."""
    one, other = (Idp(f"https://{name}.example.com", {"rsa": own_key()[0], "p-256": ec.generate_private_key(ec.SECP256R1())})
                  for name in ("one", "other"))
    for idp in (one, other):
        federation.register(idp)
    roles = [federation.trusting(f"b24-{idp.name}", idp) for idp in (one, other)]
    for idp, role in zip((one, other), roles):
        federation.accepted(idp.token, role)
    for kid in one.keys:
        federation.refused(one.token(kid, iss=other.url), INVALID, roles[1])
        federation.refused(one.token(kid, iss=other.url), INVALID, roles[0])
    # Genuine, but the role trusts the other.
    federation.refused(one.token, "AccessDenied", roles[1])


def test_b28_a_token_has_one_spelling(federation):
    header, payload, signed = federation.idp.token("ed25519").split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    trailing = signed[:-1] + alphabet[alphabet.index(signed[-1]) + 1]
    assert base64.urlsafe_b64decode(trailing + "==") == base64.urlsafe_b64decode(signed + "==")
    standard = signed.replace("-", "+").replace("_", "/")
    for parts in (
        (header, payload, trailing), (header, payload, signed + "="), (header, payload, signed + "=="), (header + "=", payload, signed),
        (header, payload + "\n", signed), (header, " " + payload, signed), (header, payload, signed[:20] + "\r\n" + signed[20:]),
        (header, payload, standard + "+/"), (header, payload + "é", signed), (header, payload, signed + "\0"),
    ):
        federation.refused(".".join(parts), INVALID)
    with_escapes = federation.idp.token("ed25519", note="???>>>~~~")
    assert "-" in with_escapes or "_" in with_escapes
    federation.refused(with_escapes.replace("-", "+").replace("_", "/"), INVALID)


def test_b28_a_token_beyond_its_length_is_refused_unread(federation):
    def sized(length):
        return federation.idp.token("ed25519", note="x" * length)

    fitting = next(n for n in range(15_100, 14_000, -1) if len(sized(n)) <= 20_000)
    federation.accepted(lambda: sized(fitting))
    for token in (sized(fitting + 3), "a" * 20_001, sized(15_000)[:-1] + "x" * 1_000):
        federation.refused(token, "ValidationError")
    huge_header = jws(json.dumps({"alg": "EdDSA", "kid": "ed25519", "x": "x" * (1 << 20)}), federation.idp.claims(), lambda _: b"x" * 64)
    for token in (huge_header, "a" * 10_000_000):
        federation.refused(token, "RequestEntityTooLarge")


BOMBS = {
    "depth": '{"a":' + "[" * 7_000 + "]" * 7_000 + "}", "open": '{"a":' + "[" * 14_000, "objects": '{"a":' * 2_800,
    "just too deep": '{"a":' + "[" * 32 + "]" * 32 + "}",
    "members": "{" + ",".join(f'"{n}":0' for n in range(1_500)) + "}", "elements": '{"a":[' + "0," * 7_000 + "0]}",
    "digits": '{"a":' + "9" * 14_000 + "}", "exponent": '{"a":1e999999999}', "negative": '{"a":-1e400}',
    "surrogate": '{"a":"\\ud800"}', "half pair": '{"a":"\\udc00\\ud800"}', "name": '{"\\ud800":1}',
}


@pytest.mark.parametrize("name", BOMBS)
def test_b29_json_that_is_a_bomb_is_refused(federation, name):
    claims = json.dumps(federation.idp.claims())
    for payload in (BOMBS[name], claims[:-1] + "," + BOMBS[name][1:]):
        federation.refused(federation.idp.token("ed25519", payload=payload), INVALID)
    federation.refused(federation.idp.token("ed25519", header='{"alg":"EdDSA","kid":"ed25519",' + BOMBS[name][1:]), INVALID)


def test_b29_bytes_that_are_no_text_are_refused(federation):
    claims = json.dumps(federation.idp.claims()).encode()
    for payload in (claims.replace(b"acme", b"ac\xff"), b"\xef\xbb\xbf" + claims, b"\xff\xfe" + claims, claims + b"\0", b"", b"null", b"[]"):
        federation.refused(federation.idp.token(payload=payload), INVALID)


@pytest.mark.parametrize("claims", [
    {"exp": 0}, {"aud": "other"}, {"sub": None}, {"exp": "never"}, {"iat": 9_999_999_999}, {"https://aws.amazon.com/tags": 7}, {"sub": "x"}, {},
], ids=str)
def test_b34_nothing_is_told_of_claims_that_nobody_signed(federation, claims):
    """Whatever they say, the answer is that of a bad signature."""
    forged = federation.idp.token(key=own_key()[0], **claims)
    answer = federation.refused(forged, INVALID)
    assert answer.message == "The identity token's signature is not valid."


def test_b34_a_wrapped_assertion_is_not_taken_for_its_wrapper(federation):
    """The outer token is of a stranger, who chose its key; the inner one is only quoted."""
    key, jwk = own_key()
    stranger = Idp("https://evil.example", {"rsa": key})
    inner = federation.idp.token()
    for token in (stranger.token(assertion=inner), stranger.token(iss=federation.idp.url, act={"sub": "x"}, id_token=inner),
                  stranger.token(header={"jwk": jwk}, iss=federation.idp.url, inner=inner)):
        federation.refused(token, INVALID)

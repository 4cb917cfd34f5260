"""Keys that prove nothing (B16), and keys that come and go (B17), on both wires, with all five properties of each refusal."""

import contextlib
import hashlib
import hmac

from conftest import BREVET, environment, running
from test_serve import client

from .federation import Federation
from .issuers import KEYS, b64, jws, public_jwk, signature, status, unsigned_pkcs1
from .stage import Stage

INVALID, UNREACHABLE = "InvalidIdentityToken", "IDPCommunicationError"


def integer(value):
    return b64(value.to_bytes(max(1, (value.bit_length() + 7) // 8)))


def rsa_jwk(kid, n, e):
    return {"kty": "RSA", "kid": kid, "use": "sig", "n": integer(n), "e": integer(e)}


def is_prime(n):
    return all(pow(a, n - 1, n) == 1 for a in (2, 3, 5, 7, 11))


def small_rsa():
    """512 bits: as good as published to whoever has a day."""
    p, q = (next(n for n in range(start | 1, start + 10_000, 2) if is_prime(n) and n % 65_537 != 1) for start in (2**255 + 2**254, 2**256 - 2**200))
    n, d = p * q, pow(65_537, -1, (p - 1) * (q - 1))
    assert n.bit_length() == 512 and pow(pow(3, d, n), 65_537, n) == 3
    return n, d


def weak_keys():
    """By the id of each key: what is published, and how anyone signs with it."""
    genuine = KEYS["rsa"].public_key().public_numbers()
    n, d = small_rsa()
    size = (n.bit_length() + 7) // 8
    by_small = lambda text: pow(int.from_bytes(unsigned_pkcs1(text, size)), d, n).to_bytes(size)
    yield "512 bits", rsa_jwk("512 bits", n, 65_537), "RS256", by_small
    # What is raised to the power of one stays what it is.
    yield "e=1", rsa_jwk("e=1", genuine.n, 1), "RS256", lambda text: unsigned_pkcs1(text, 256)
    zeros = lambda size: lambda _: bytes(size)
    genuine_signature = lambda text: signature("RS256", KEYS["rsa"], text)
    for kid, modulus, exponent, sign in (
        ("even", genuine.n, 65_538, genuine_signature), ("e=3", genuine.n, 3, genuine_signature), ("e=0", genuine.n, 0, zeros(256)),
        ("n=0", 0, 65_537, zeros(256)), ("n=1", 1, 65_537, zeros(1)), ("n even", genuine.n - 1, 65_537, genuine_signature),
    ):
        yield kid, rsa_jwk(kid, modulus, exponent), "RS256", sign
    point = {"kty": "EC", "crv": "P-256", "use": "sig"}
    for kid, x, y in (("off the curve", 1, 1), ("infinity", 0, 0), ("beyond the field", 2**256 - 1, 2**256 - 1)):
        for n, sign in enumerate((zeros(64), lambda text: signature("ES256", KEYS["p-256"], text), lambda _: (1).to_bytes(32) * 2)):
            kid_n = f"{kid} {n}"
            yield kid_n, {**point, "kid": kid_n, "x": b64(x.to_bytes(32)), "y": b64(y.to_bytes(32))}, "ES256", sign
    # With the neutral element as key, the neutral element and zero sign whatever there is.
    neutral = (1).to_bytes(32, "little")
    for kid, x in (("neutral", neutral), ("order 4", bytes(32)), ("neutral, signed", neutral[:31] + b"\x80")):
        yield kid, {"kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "x": b64(x)}, "EdDSA", lambda _: neutral + bytes(32)
    secret = hashlib.sha256(b"published").digest()
    for name in ("HS256", "RS256", "EdDSA"):
        jwk = {"kty": "oct", "kid": f"oct {name}", "k": b64(secret), "alg": "HS256"}
        yield f"oct {name}", jwk, name, lambda text: hmac.digest(secret, text, "sha256")
    twin = public_jwk(KEYS["rsa"], "twin")
    yield "twin", twin, "RS256", genuine_signature
    private = {**public_jwk(KEYS["rsa"], "private"), "d": "AQAB"}
    yield "private", private, "RS256", genuine_signature


def test_b16_weak_keys_are_left_out_and_the_good_one_serves(federation, host):
    idp, role = federation.hosted(host, "b16")
    weak = list(weak_keys())
    good = public_jwk(KEYS["ed25519"], "ed25519")
    published = {"keys": [*(jwk for _, jwk, _, _ in weak), public_jwk(KEYS["p-256"], "twin"), good]}
    idp.jwks = lambda: published
    federation.accepted(lambda: idp.token("ed25519"), role)
    # Each alone, so that each is asked for where it may be found.
    for n, (kid, jwk, algorithm, sign) in enumerate(weak):
        alone, role = federation.hosted(host, f"b16-{n}")
        twins = [public_jwk(KEYS["p-256"], "twin")] if kid == "twin" else []
        alone.jwks = lambda: {"keys": [jwk, *twins, good]}
        forged = lambda: jws({"alg": algorithm, "kid": kid}, alone.claims(), sign)
        federation.accepted(lambda: alone.token("ed25519"), role)
        for make in (forged, lambda: jws({"alg": algorithm}, alone.claims(), sign)):
            federation.refused(make, INVALID, role)
        federation.unregister(alone)


@contextlib.contextmanager
def movable(data_dir, directory):
    """A service whose clock can be set ahead while its timers go on as they were."""
    clock = directory / "clock"

    def ahead(seconds):
        # At once: the service reads the file whenever it asks for the time.
        (directory / "next").write_text(f"+{seconds}")
        (directory / "next").replace(clock)

    ahead(0)
    env = environment(FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1")
    # faketime's own variable, which env takes away, would go before the file.
    command = ("faketime", "-f", "+0", "env", "-u", "FAKETIME", BREVET, "serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0",
               "--admin-listen", "127.0.0.1:0")
    with running(*command, env=env) as (_, line):
        yield line, ahead


def test_b17_keys_that_are_withdrawn_die_within_the_hour_and_all_within_a_day(data_dir, host, tmp_path, federation):
    with movable(data_dir, tmp_path) as (line, ahead):
        stage = Stage(client(line, data_dir), data_dir)
        stage.account = stage.brevet.sts().get_caller_identity()["Account"]
        stage.ahead = 0
        # Its sessions end meanwhile: the user who has nothing to do with it goes on.
        stage.unharmed = lambda: stage.accepted(stage.signed(shift=stage.ahead))
        later = Federation(stage, federation.messages, tmp_path)
        idp, role = later.hosted(host, "b17")
        idp.keys["old"] = idp.keys.pop("rsa")
        later.accepted(lambda: idp.token("old"), role)

        def pass_to(seconds):
            stage.ahead = idp.ahead = seconds
            ahead(seconds)

        # A new key is served after one fetch; the old one, still published, goes on.
        idp.keys["new"] = KEYS["rsa"]
        later.accepted(lambda: idp.token("new"), role)
        later.accepted(lambda: idp.token("old"), role)
        assert host.fetches(idp.at_keys) == 2
        # The old key is withdrawn: refused once an hour has passed, at the latest.
        del idp.keys["old"]
        withdrawn = lambda: idp.token("old", key=KEYS["rsa"], algorithm="RS256")
        later.accepted(withdrawn, role)
        pass_to(3_601)
        later.refused(withdrawn, INVALID, role)
        later.accepted(lambda: idp.token("new"), role)
        # The issuer is down: what it published goes on for a day, and what it did not is not called unknown.
        host.routes[idp.at_keys] = status(503)
        pass_to(2 * 3_601)
        later.accepted(lambda: idp.token("new"), role)
        later.refused(withdrawn, UNREACHABLE, role)
        pass_to(3_601 + 86_400 + 60)
        later.refused(lambda: idp.token("new"), UNREACHABLE, role)


def test_b17_a_rollover_while_the_issuer_is_down_says_try_again(federation, host):
    idp, role = federation.hosted(host, "b17-down")
    federation.accepted(idp.token, role)
    keys, host.routes[idp.at_keys] = host.routes[idp.at_keys], status(500)
    rolled = lambda: idp.token(header={"kid": "new"})
    federation.refused(rolled, UNREACHABLE, role)
    federation.accepted(idp.token, role)
    host.routes[idp.at_keys] = keys
    federation.refused(rolled, UNREACHABLE, role)
    federation.accepted(idp.token, role)

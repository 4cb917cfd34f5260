"""Writes tests/vectors/federation/pyjwt.json: tokens that PyJWT signs, one for each algorithm, and some that must not pass.

    pip install 'pyjwt[crypto]==2.15.1'
    python interop/python/pyjwt_vectors.py > tests/vectors/federation/pyjwt.json

The private keys are made anew at each run and never leave it.
"""

import base64
import hashlib
import hmac
import json
import sys

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER = "https://idp.example.com/realm"
CLIENT_ID = "sts.amazonaws.com"
NOW = 1_795_000_000

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS = {
    "rsa": (RSA, ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]),
    "p-256": (ec.generate_private_key(ec.SECP256R1()), ["ES256"]),
    "p-384": (ec.generate_private_key(ec.SECP384R1()), ["ES384"]),
    "ed25519": (ed25519.Ed25519PrivateKey.generate(), ["EdDSA"]),
}

CLAIMS = {
    "iss": ISSUER,
    "aud": CLIENT_ID,
    "sub": "repo:octo-org/octo-repo:ref:refs/heads/main",
    "iat": NOW - 60,
    "nbf": NOW - 60,
    "exp": NOW + 300,
    "jti": "6bf7fa2e-4c8b-4b0e-a9e4-1c9f62a1e1c5",
    "actor": "octocat ☃ 😀",
    "run_number": 17,
    "protected": True,
    "groups": ["a", "b,c"],
    "kubernetes.io": {"namespace": "ci", "pod": {"name": "builder-0"}},
}


def jwk(kid, key, algorithm):
    return {**jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}


def part(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hmac_with_public_key():
    """What PyJWT itself refuses to make: HS256 with the RSA key's public half as the secret."""
    secret = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": "rsa"}
    message = f"{part(json.dumps(header).encode())}.{part(json.dumps(CLAIMS).encode())}"
    return f"{message}.{part(hmac.new(secret, message.encode(), hashlib.sha256).digest())}"


def token(name, verdict, *, algorithm="RS256", kid="rsa", key=RSA, claims=None, headers=None):
    claims = {**CLAIMS, **(claims or {})}
    claims = {name: value for name, value in claims.items() if value is not None}
    signed = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid, **(headers or {})})
    return {"name": name, "verdict": verdict, "token": signed}


good = [
    token(algorithm, "accepted", algorithm=algorithm, kid=kid, key=key)
    for kid, (key, algorithms) in KEYS.items()
    for algorithm in algorithms
]
bad = [
    token("none", "Algorithm", algorithm="none", key=None),
    {"name": "HS256 with the public key", "verdict": "Algorithm", "token": hmac_with_public_key()},
    token("another key", "Signature", key=rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    token("an algorithm that is not the key's", "Algorithm", kid="p-256"),
    token("a key that is not published", "UnknownKey", kid="gone"),
    token("expired", "Expired", claims={"iat": NOW - 600, "nbf": None, "exp": NOW - 60}),
    token("not yet valid", "NotYetValid", claims={"nbf": NOW + 61}),
    token("another audience", "Audience", claims={"aud": "sts.amazonaws.com.evil.example"}),
    token("several audiences", "Audience", claims={"aud": [CLIENT_ID, "other"]}),
    token("another issuer", "Issuer", claims={"iss": ISSUER + "/"}),
    token("no subject", "Missing", claims={"sub": None}),
    token("a key of its own", "Header", headers={"jwk": jwk("rsa", RSA, "RS256")}),
    token("critical", "Header", headers={"crit": ["exp"], "exp": NOW + 300}),
]

json.dump(
    {
        "made_by": f"PyJWT {jwt.__version__}",
        "issuer": ISSUER,
        "client_id": CLIENT_ID,
        "now": NOW,
        "jwks": {"keys": [jwk(kid, key, algorithms[0]) for kid, (key, algorithms) in KEYS.items()]},
        "tokens": good + bad,
    },
    sys.stdout,
    indent=1,
)
print()

"""Identity tokens by hand, and issuers that behave as badly as a test wants them to."""

import base64
import contextlib
import datetime
import hashlib
import ipaddress
import json
import re
import socket
import ssl
import struct
import threading
import time
import uuid

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUDIENCE = "sts.amazonaws.com"
SUBJECT = "repo:acme/shop:ref:refs/heads/main"
# One set for all tests: keys are slow to make, and no test changes one.
KEYS = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "p-256": ec.generate_private_key(ec.SECP256R1()),
    "p-384": ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
ALGORITHMS = {"rsa": "RS256", "p-256": "ES256", "p-384": "ES384", "ed25519": "EdDSA"}


def b64(data):
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def public_jwk(key, kid, **more):
    kinds = {rsa.RSAPrivateKey: jwt.algorithms.RSAAlgorithm, ec.EllipticCurvePrivateKey: jwt.algorithms.ECAlgorithm}
    kind = next((maker for kind, maker in kinds.items() if isinstance(key, kind)), jwt.algorithms.OKPAlgorithm)
    members = {**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "use": "sig", **more}
    members.pop("key_ops", None) if "key_ops" not in more else None
    return {name: value for name, value in members.items() if value is not None}


def signature(algorithm, key, message):
    """Whatever the algorithm is called, the key signs as its kind can."""
    digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}.get(algorithm[-3:], hashes.SHA256())
    if isinstance(key, rsa.RSAPrivateKey):
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return key.sign(message, pss if algorithm.startswith("PS") else padding.PKCS1v15(), digest)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = key.key_size // 8
        r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA384() if size == 48 else hashes.SHA256())))
        return r.to_bytes(size) + s.to_bytes(size)
    return key.sign(message)


def written(part):
    """A part of a token: JSON of an object, or a text as it is."""
    return part if isinstance(part, (str, bytes)) else json.dumps(part)


def jws(header, payload, sign):
    message = f"{b64(written(header))}.{b64(written(payload))}"
    return f"{message}.{b64(sign(message.encode()))}"


def without_none(members):
    return {name: value for name, value in members.items() if value is not None}


class Idp:
    """Who signs tokens under a name. `None` takes a claim or a header parameter away."""

    def __init__(self, url, keys=KEYS):
        self.url = url
        self.keys = dict(keys)
        self.ahead = 0

    @property
    def name(self):
        return self.url.split("://")[1]

    def claims(self, **changes):
        now = int(time.time()) + self.ahead
        good = {"iss": self.url, "aud": AUDIENCE, "sub": SUBJECT, "iat": now, "exp": now + 300, "jti": uuid.uuid4().hex}
        return without_none({**good, **changes})

    def jwks(self):
        return {"keys": [public_jwk(key, kid) for kid, key in self.keys.items()]}

    def token(self, kid="rsa", header=None, payload=None, key=None, algorithm=None, **claims):
        key = key or self.keys[kid]
        algorithm = algorithm or next(ALGORITHMS[name] for name, own in KEYS.items() if type(own) is type(key) and
                                      getattr(own, "key_size", 0) == getattr(key, "key_size", 0))
        if not isinstance(header, (str, bytes)):
            header = without_none({"alg": algorithm, "kid": kid, "typ": "JWT", **(header or {})})
        return jws(header, self.claims(**claims) if payload is None else payload, lambda text: signature(algorithm, key, text))

    def text(self, name, value):
        """A token with one claim written as it is, for what no JSON library writes."""
        claims = self.claims(**{name: None})
        return self.token(payload=json.dumps(claims).replace("{", f'{{"{name}":{value},', 1))


class Tripwire:
    """A listener at both loopback addresses that counts who connects."""

    def __init__(self):
        self.connections = 0
        first = socket.create_server(("127.0.0.1", 0))
        self.port = first.getsockname()[1]
        self.sockets = [first]
        with contextlib.suppress(OSError):
            self.sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        for listener in self.sockets:
            threading.Thread(target=self.count, args=[listener], daemon=True).start()

    def count(self, listener):
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].close()
                self.connections += 1

    def close(self):
        for listener in self.sockets:
            listener.close()


def certificates(folder):
    """An authority, and what it says of this machine: its certificate in PEM, and a file of chain and key."""
    def named(name):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def made(name, key, issuer, issuer_key, *extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateBuilder(named(issuer), named(name), key.public_key(), x509.random_serial_number(),
                                          now - datetime.timedelta(days=1), now + datetime.timedelta(days=30))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(issuer_key, hashes.SHA256())

    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = made("authority", authority_key, "authority", authority_key, (x509.BasicConstraints(True, None), True))
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in ("127.0.0.1", "::1")]
    leaf = made("issuer", key, "authority", authority_key, (x509.BasicConstraints(False, None), True),
                (x509.SubjectAlternativeName([*addresses, x509.DNSName("localhost")]), False),
                (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False))
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "issuer.pem"
    file.write_bytes(leaf.public_bytes(pem) + private)
    return authority.public_bytes(pem).decode(), file


class Host:
    """An HTTPS server with many issuers, each below a path of its own. `routes` says how each path is answered."""

    def __init__(self, folder):
        self.ca, file = certificates(folder)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(file)
        self.routes, self.asked = {}, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.base = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.answer, args=[self.listener.accept()[0]], daemon=True).start()

    def answer(self, plain):
        with contextlib.suppress(OSError), plain, self.context.wrap_socket(plain, server_side=True) as connection:
            while head := self.head(connection):
                path = re.match(rb"GET (\S+) ", head).group(1).decode()
                self.asked.append(path)
                self.routes.get(path, status(404))(connection)

    @staticmethod
    def head(connection):
        """Of the next request, which has no body; without buffers that would outlive the connection."""
        head = b""
        while not head.endswith(b"\r\n\r\n") and (more := connection.recv(4096)):
            head += more
        return head

    def issuer(self, path, **routes):
        """An issuer below this path. It behaves, but for `discovery` and `keys` if they are given."""
        idp = Idp(f"{self.base}/{path}")
        idp.at_discovery, idp.at_keys = f"/{path}/.well-known/openid-configuration", f"/{path}/keys"
        document = {"issuer": idp.url, "jwks_uri": f"{self.base}{idp.at_keys}"}
        self.routes[idp.at_discovery] = routes.get("discovery") or body(document)
        self.routes[idp.at_keys] = routes.get("keys") or (lambda connection: body(idp.jwks())(connection))
        return idp

    def fetches(self, path):
        return self.asked.count(path)


# Ways to answer.


def raw(*chunks, pause=0, times=1, then=None):
    """Bytes, again and again with pauses between them."""
    def answer(connection):
        for _ in range(times):
            for chunk in chunks:
                connection.sendall(chunk)
            time.sleep(pause)
        if then:
            then(connection)
        connection.close()
    return answer


def body(content, headers=""):
    content = content if isinstance(content, bytes) else written(content).encode()
    def answer(connection):
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{headers}Content-Length: {len(content)}\r\n\r\n"
        connection.sendall(head.encode() + content)
    return answer


def status(code, headers=""):
    return raw(f"HTTP/1.1 {code} X\r\n{headers}Content-Length: 2\r\n\r\n{{}}".encode())


def reset(connection):
    """RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def unsigned_pkcs1(message, size):
    """What an RSA signature is of, which is the signature itself if the exponent is 1 (RFC 8017 §9.2)."""
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message).digest()
    return b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest

"""All that a thief has who takes everything of a scoped zone's validator: its bundle file, and the requests that it saw.

A second reading of docs/token-format.md. It opens what the bundle has keys for, and signs with every key that it finds.
"""

import base64
import dataclasses
import datetime
import hashlib
import hmac

import botocore.auth
import botocore.awsrequest
import botocore.credentials
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEADER = 48
SIGNATURE = 64


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def expand(key, info):
    return mac(key, info + b"\1")


def derive(key, info):
    return expand(mac(bytes(32), key), info)


@dataclasses.dataclass
class Box:
    head: bytes
    sealed: bytes

    @property
    def kind(self):
        return self.head[4]


@dataclasses.dataclass
class Token:
    """A token in parts; every byte of it stands in clear or sealed."""

    header: bytes
    body: bytes
    boxes: list
    signature: bytes

    @classmethod
    def read(cls, text):
        whole = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        header, signature = whole[:HEADER], whole[-SIGNATURE:]
        end = HEADER + int.from_bytes(header[46:48])
        body, rest = whole[HEADER:end], whole[end:-SIGNATURE]
        boxes, count, rest = [], rest[0], rest[1:]
        for _ in range(count):
            length = {1: 32 * rest[5], 2: 40}[rest[4]] + 16
            boxes.append(Box(rest[:6], rest[6 : 6 + length]))
            rest = rest[6 + length :]
        assert not rest
        return cls(header, body, boxes, signature)

    def dates(self):
        """YYYYMMDD of each UTC date from a quarter of an hour before the issue to as long after the end."""
        first, last = (int.from_bytes(self.header[at : at + 5]) + shift for at, shift in ((26, -900), (31, 900)))
        days = range(first // 86_400, last // 86_400 + 1)
        return [datetime.datetime.fromtimestamp(day * 86_400, datetime.UTC).strftime("%Y%m%d") for day in days]

    def unsigned(self):
        boxes = sorted(self.boxes, key=lambda box: box.head[:4])
        return self.header + self.body + bytes([len(boxes)]) + b"".join(box.head + box.sealed for box in boxes)

    def text(self):
        return base64.urlsafe_b64encode(self.unsigned() + self.signature).decode().rstrip("=")

    def signed_by(self, seed):
        key = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        return dataclasses.replace(self, signature=key.sign(b"STS-TOKEN\0v1\0" + self.unsigned()))


class StolenValidator:
    """What the file of one zone opens."""

    def __init__(self, bundle, messages):
        line, _, rest = bundle.partition(b"\n")
        assert line == b"brevet trust bundle 1"
        self.anchor = rest[4:36]
        self.trust = messages.TrustBundle.FromString(rest[100:])
        (self.keys,) = self.trust.zone_keys

    def zone_id(self):
        return derive(self.keys.zone, b"sts/v1/zid")[:4]

    def materials(self):
        """Every 32 bytes that the file holds."""
        public = [key.public for key in self.trust.verifying_keys]
        return [self.keys.zone, self.keys.seal, self.anchor, *public]

    def open_box(self, token, box, key=None):
        """The content of a box, if a key of the zone opens it."""
        sealing = expand(key or self.keys.zone, b"sts/v1/box" + token.header)
        try:
            return AESGCM(sealing).decrypt(bytes(12), box.sealed, token.header + box.head)
        except InvalidTag:
            return None

    def claims(self, token):
        sealing = expand(self.keys.seal, b"sts/v1/body" + token.header)
        return AESGCM(sealing).decrypt(bytes(12), token.body, token.header)

    def signing_keys(self, token):
        """By service: the key of each date that the session can touch."""
        (own,) = [box for box in token.boxes if box.head[:4] == self.zone_id()]
        content = self.open_box(token, own)
        keys = [content[i : i + 32] for i in range(0, len(content), 32)]
        dates = token.dates()
        assert len(keys) == len(self.trust.services) * len(dates)
        chunks = (keys[i : i + len(dates)] for i in range(0, len(keys), len(dates)))
        return {service: dict(zip(dates, chunk)) for service, chunk in zip(self.trust.services, chunks)}

    def seal(self, header, claims, content, zone_id=None):
        """A token of one's own making, in order but for its signature."""
        header = header[:46] + (len(claims) + 16).to_bytes(2)
        body = AESGCM(expand(self.keys.seal, b"sts/v1/body" + header)).encrypt(bytes(12), claims, header)
        head = (zone_id or self.zone_id()) + bytes([1, len(content) // 32])
        sealed = AESGCM(expand(self.keys.zone, b"sts/v1/box" + header)).encrypt(bytes(12), content, header + head)
        return Token(header, body, [Box(head, sealed)], bytes(SIGNATURE))


class SignedWith(botocore.auth.SigV4Auth):
    """SigV4 with the last rung of the key ladder at hand, in the place of a secret."""

    def __init__(self, key, access_key, token, service, region):
        super().__init__(botocore.credentials.Credentials(access_key, "-", token), service, region)
        self.key = key

    def signature(self, string_to_sign, request):
        return mac(self.key, string_to_sign.encode()).hex()


def access_key_of(token):
    return "ASIA" + base64.b32encode(token.header[10:20]).decode()


def forged(url, key, access_key, token, service, region="us-east-1", body=b""):
    """A request signed with 32 bytes, whatever they are."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
    made = botocore.awsrequest.AWSRequest("POST" if body else "GET", url, data=body, headers=headers)
    made.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    SignedWith(key, access_key, token, service, region).add_auth(made)
    return made.prepare()


def today(keys):
    """The key of today among those of a service."""
    return keys[datetime.datetime.now(datetime.UTC).strftime("%Y%m%d")]

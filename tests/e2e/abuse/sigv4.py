"""SigV4 by hand, so that each part of a signature can be bent. It shares no code with the product or with botocore."""

import dataclasses
import hashlib
import hmac
import re
import time
from urllib.parse import quote, unquote, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclasses.dataclass(frozen=True)
class Request:
    """An HTTP request, byte for byte. Header values are latin-1 text."""

    method: str
    target: str
    headers: tuple
    body: bytes = b""

    def but(self, **changes):
        return dataclasses.replace(self, **changes)

    def header(self, name):
        return next((value for other, value in self.headers if other.lower() == name.lower()), None)

    def added(self, *headers):
        return self.but(headers=self.headers + headers)

    def without(self, name):
        return self.but(headers=tuple(pair for pair in self.headers if pair[0].lower() != name.lower()))

    def replaced(self, name, value):
        """Every header of that name with another value, which may be a function of the old one."""
        change = value if callable(value) else lambda _: value
        return self.but(headers=tuple((n, change(v) if n.lower() == name.lower() else v) for n, v in self.headers))

    def bent(self, change):
        """With another signature in its header."""
        return self.replaced("authorization", lambda text: text.replace(self.signature, change(self.signature)))

    @property
    def signature(self):
        found = re.search(r"Signature=([^&,]+)", self.target + " " + (self.header("authorization") or ""))
        return found and found.group(1)


@dataclasses.dataclass(frozen=True)
class Call(Request):
    """A gRPC call: `body` is its message, `host` its authority."""

    frame: bytes | None = None  # sent in place of the message in its frame
    authority: str | None = None  # sent beside `host`, in place of it


@dataclasses.dataclass(frozen=True)
class Signer:
    key: tuple
    service: str = "sts"
    region: str = "us-east-1"
    terminator: str = "aws4_request"
    algorithm: str = ALGORITHM
    shift: int = 0  # seconds that the signer's clock is ahead
    date: str | None = None  # the text of X-Amz-Date
    scope_date: str | None = None
    access_key_id: str | None = None
    signed_headers: str | None = None
    payload_hash: str | None = None
    double_encode: bool = True
    header_token: bool = True  # the token is signed, or not there at all

    @property
    def amz_date(self):
        return self.date or time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() + self.shift))

    def scope(self, amz_date):
        return "/".join((self.scope_date or amz_date[:8], self.region, self.service, self.terminator))

    def sign(self, request):
        """Adds `X-Amz-Date`, `X-Amz-Security-Token` and `Authorization`, all in headers."""
        amz_date = self.amz_date
        request = request.added(("X-Amz-Date", amz_date))
        if self.key[2] and self.header_token:
            request = request.added(("X-Amz-Security-Token", self.key[2]))
        return self.authorize(request, amz_date)

    def authorize(self, request, amz_date):
        signed = self.signed_headers if self.signed_headers is not None else names(request)
        payload_hash = self.payload_hash or request.header("x-amz-content-sha256") or sha256(request.body)
        canonical = self.canonical(request, signed, payload_hash)
        credential = f"{self.access_key_id or self.key[0]}/{self.scope(amz_date)}"
        return request.added((
            "Authorization",
            f"{self.algorithm} Credential={credential}, SignedHeaders={signed}, Signature={self.signature(amz_date, canonical)}",
        ))

    def presign(self, request, expires="60", **more):
        """Adds the parameters of the presigned form to the target."""
        amz_date, signed = self.amz_date, self.signed_headers or "host"
        parameters = {
            "X-Amz-Algorithm": self.algorithm,
            "X-Amz-Credential": f"{self.access_key_id or self.key[0]}/{self.scope(amz_date)}",
            "X-Amz-Date": amz_date,
            "X-Amz-Expires": expires,
            "X-Amz-SignedHeaders": signed,
            **({"X-Amz-Security-Token": self.key[2]} if self.key[2] and self.header_token else {}),
            **more,
        }
        added = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items() if value is not None)
        request = request.but(target=request.target + ("&" if "?" in request.target else "?") + added)
        canonical = self.canonical(request, signed, self.payload_hash or EMPTY_SHA256)
        return request.but(target=f"{request.target}&X-Amz-Signature={self.signature(amz_date, canonical)}")

    def canonical(self, request, signed, payload_hash):
        path, _, query = request.target.partition("?")
        if not path.startswith("/"):  # absolute form
            path = "/" + path.split("/", 3)[3]
        path = "/".join(quote(part if self.double_encode else unquote_to_bytes(part), safe="-._~") for part in path.split("/"))
        pairs = [pair.partition("=") for pair in query.split("&") if pair]
        pairs = sorted((encoded(name), encoded(value)) for name, _, value in pairs)
        lines = [request.method, path, "&".join(f"{name}={value}" for name, value in pairs)]
        for name in signed.split(";"):
            values = [v for n, v in request.headers if n.lower() == name]
            lines.append(name + ":" + ",".join(re.sub("[ \t]+", " ", value.strip(" \t")) for value in values))
        return "\n".join([*lines, "", signed, payload_hash]).encode("latin-1")

    def signature(self, amz_date, canonical):
        text = "\n".join((self.algorithm, amz_date, self.scope(amz_date), hashlib.sha256(canonical).hexdigest()))
        key = ("AWS4" + self.key[1]).encode()
        for part in (*self.scope(amz_date).split("/"), text):
            key = hmac.digest(key, part.encode(), "sha256")
        return key.hex()


def names(request):
    return ";".join(sorted({name.lower() for name, _ in request.headers}))


def encoded(text):
    return quote(unquote(text.replace("+", " ")), safe="-._~")


def sha256(body):
    return hashlib.sha256(body).hexdigest()

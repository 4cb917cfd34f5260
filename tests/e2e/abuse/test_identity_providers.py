"""Issuers that attack whoever asks them for their keys, and places where nobody may be sent (B9–B12, B15–B17, B25), on both
wires, with all five properties of each refusal."""

import concurrent.futures
import gzip
import json
import time
import uuid

import pytest

from . import wire
from .issuers import Idp, b64, body, raw, reset, status

INVALID, UNREACHABLE = "InvalidIdentityToken", "IDPCommunicationError"


# The places of `{port}` that lead to this machine, in whatever spelling.
SPELLINGS = [
    "127.0.0.1", "localhost", "localhost.", "LOCALHOST", "idp.localhost", "127.1", "127.0.0.1.", "2130706433", "0x7f.0.0.1", "0x7f000001",
    "0177.0.0.1", "017700000001", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[::]", "0.0.0.0", "0",
]


@pytest.mark.parametrize("place", SPELLINGS)
def test_b9_nobody_is_sent_anywhere_by_a_token(federation, tripwire, place):
    """An unregistered issuer is never connected to, whatever the token says of it."""
    for scheme in ("http", "https"):
        url = f"{scheme}://{place}:{tripwire.port}"
        for iss in (url, url + "/", url + "/.well-known/openid-configuration", f"{scheme}://user:pass@{place}:{tripwire.port}"):
            federation.refused(federation.idp.token(iss=iss), INVALID)
    federation.refused(federation.idp.token(iss=url, header={"jku": url}), INVALID)
    assert tripwire.connections == 0


@pytest.mark.parametrize("iss", [
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/", "https://metadata.google.internal", "http://[fd00:ec2::254]/",
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO", "unix:/run/docker.sock", "https://idp.example.com\r\nHost: x", "javascript:0",
])
def test_b9_nor_to_metadata_or_by_another_scheme(federation, iss):
    started = time.monotonic()
    federation.refused(federation.idp.token(iss=iss), INVALID)
    assert time.monotonic() - started < 2, "something was waited for"


def test_b9_a_registered_issuer_of_no_account_of_the_role_is_not_asked(federation, host):
    idp, _ = federation.hosted(host, "b9-other-account")
    other = "arn:aws:iam::999999999999:role/any"
    federation.refused(idp.token, INVALID, other, hides=False)
    assert host.fetches(idp.at_discovery) == 0


def private(federation, name, **members):
    """An issuer that is on the internet by its name, but for what the members say."""
    idp = Idp(members.pop("url", f"https://{name}.example.com"))
    federation.register(idp, ca=members.pop("ca"), **members)
    return idp, federation.role


def test_b10_the_tripwire_would_be_reached_where_it_is_allowed(federation, host, tripwire):
    """So that no connection means something."""
    for n, (place, reached) in enumerate((("127.0.0.1", 1), ("localhost", 1), ("2130706433", 1), ("127.0.0.1", 0))):
        seen = tripwire.connections
        url = f"https://{place}:{tripwire.port}/document"
        idp, role = private(federation, f"b10-control-{n}", ca=host.ca, discovery_url=url, allow_private=bool(reached))
        federation.refused(idp.token, UNREACHABLE, role)
        assert (tripwire.connections > seen) == bool(reached), place
    seen = tripwire.connections
    document = {"issuer": f"{host.base}/b10-control", "jwks_uri": f"https://127.0.0.1:{tripwire.port}/keys"}
    idp, role = federation.hosted(host, "b10-control", False, discovery=body(document))
    federation.refused(idp.token, UNREACHABLE, role)
    assert tripwire.connections > seen


@pytest.mark.parametrize("place", ["127.0.0.1", "localhost", "[::1]"])
def test_b10_an_issuer_at_this_machine_needs_leave_to_be_there(federation, host, tripwire, place):
    idp, role = private(federation, f"b10-issuer-{SPELLINGS.index(place)}", url=f"https://{place}:{tripwire.port}", ca=host.ca)
    refused_and_unreached(federation, tripwire, idp, role)


@pytest.mark.parametrize("place", SPELLINGS)
def test_b10_nor_is_its_document_where_it_must_not_be(federation, host, tripwire, place):
    for n, scheme in enumerate(("https", "http")):
        url = f"{scheme}://{place}:{tripwire.port}/document"
        idp, role = private(federation, f"b10-document-{SPELLINGS.index(place)}-{n}", ca=host.ca, discovery_url=url)
        refused_and_unreached(federation, tripwire, idp, role)
        federation.unregister(idp)


def refused_and_unreached(federation, tripwire, idp, role):
    federation.refused(idp.token, UNREACHABLE, role)
    assert tripwire.connections == 0


LEADS = [
    # This machine's addresses in the forms that are refused even to providers with leave to be here.
    "https://0.0.0.0:{port}/keys", "https://0:{port}/keys", "https://[::]:{port}/keys", "https://[::ffff:127.0.0.1]:{port}/keys",
    "https://[::127.0.0.1]:{port}/keys", "https://user@127.0.0.1:{port}/keys", "https://user:x@localhost:{port}/keys",
    # Without TLS, from an issuer with it.
    "http://127.0.0.1:{port}/keys", "http://localhost:{port}/keys", "HTTP://127.0.0.1:{port}/keys", "http://2130706433:{port}/keys",
    "file:///etc/passwd", "ftp://127.0.0.1:{port}/keys", "gopher://127.0.0.1:{port}/_", "ws://127.0.0.1:{port}/", "//127.0.0.1:{port}/keys", "/keys", "",
    "data:application/json,{{}}", "https://169.254.169.254/keys", "https://[fd00:ec2::254]/keys",
]


@pytest.mark.parametrize("lead", LEADS)
def test_b10_a_document_sends_nobody_where_the_issuer_must_not_be(federation, host, tripwire, lead):
    name = f"b10-lead-{LEADS.index(lead)}"
    document = {"issuer": f"{host.base}/{name}", "jwks_uri": lead.format(port=tripwire.port)}
    idp, role = federation.hosted(host, name, False, discovery=body(document))
    refused_and_unreached(federation, tripwire, idp, role)
    assert (host.fetches(idp.at_discovery), host.fetches(idp.at_keys)) == (1, 0)
    federation.unregister(idp)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("at", ["discovery", "keys"])
def test_b10_redirects_are_not_followed(federation, host, tripwire, at, code):
    for n, target in enumerate(("http://127.0.0.1", "https://127.0.0.1", "https://localhost")):
        answer = status(code, f"Location: {target}:{tripwire.port}/keys\r\n")
        idp, role = federation.hosted(host, f"b10-{at}-{code}-{n}", False, **{at: answer})
        refused_and_unreached(federation, tripwire, idp, role)
        federation.unregister(idp)


@pytest.mark.parametrize("named", [
    "", None, "{url}/", "{url}x", "https://idp.example.com/realm", "{upper}", "http{rest}", "{url} ", ["{url}"], 7, {},
], ids=str)
def test_b11_a_document_is_its_issuer_s(federation, host, named):
    name = f"b11-{uuid.uuid4().hex}"
    url = f"{host.base}/{name}"
    if isinstance(named, str):
        named = named.format(url=url, upper=url.upper(), rest=url.removeprefix("https"))
    elif named == ["{url}"]:
        named = [url]
    document = {"issuer": named, "jwks_uri": f"{url}/keys"}
    idp, role = federation.hosted(host, name, False, discovery=body({n: v for n, v in document.items() if v is not None}))
    federation.refused(idp.token, UNREACHABLE, role)
    assert host.fetches(idp.at_keys) == 0
    federation.unregister(idp)


def huge(announced):
    head = b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 104857600\r\n" if announced else b"") + b"\r\n"
    return raw(head, then=raw(b" " * (1 << 20), times=100))


HOSTILE = {
    "100 MB": huge(False), "100 MB, announced": huge(True),
    "chunks without end": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", then=raw(b"10000\r\n" + b" " * 65_536 + b"\r\n", times=10_000)),
    "drip": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", then=raw(b" ", pause=0.5, times=40)),
    "silence": raw(b"HTTP/1.1 200 OK\r\nA: ", pause=20),
    "a head without end": raw(b"HTTP/1.1 200 OK\r\n", then=raw(b"a: b\r\n" * 1000, times=1000)),
    "gzip bomb": body(gzip.compress(b" " * (32 << 20)), "Content-Encoding: gzip\r\n"),
    "100000 keys": body('{"keys":[' + ",".join(["{}"] * 100_000) + "]}"), "51 keys": body({"keys": [{"kty": "x"}] * 51}),
    "arrays": body("[" * 200_000), "objects": body('{"a":' * 40_000), "two lists": body('{"keys":[],"keys":[]}'),
    "HTML": body("<html>"), "nothing": body(""), "null": body("null"), "no list": body("{}"), "half": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}"),
    "500": status(500), "404": status(404), "204": raw(b"HTTP/1.1 204 X\r\n\r\n"), "304": raw(b"HTTP/1.1 304 X\r\n\r\n"),
    "not HTTP": raw(b"SSH-2.0-OpenSSH\r\n"), "reset": reset,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_b12_whatever_comes_instead_of_keys_nobody_is_harmed(federation, host, what):
    """At the first fetch; and then in place of keys that were there, which go on."""
    name = f"b12-{list(HOSTILE).index(what)}"
    began = time.monotonic()
    first, role = federation.hosted(host, f"{name}-first", False, keys=HOSTILE[what])
    federation.refused(first.token, UNREACHABLE, role)
    idp, role = federation.hosted(host, name)
    federation.accepted(idp.token, role)
    host.routes[idp.at_keys] = HOSTILE[what]
    federation.refused(lambda: idp.token(header={"kid": "new"}), UNREACHABLE, role)
    federation.accepted(idp.token, role)
    assert time.monotonic() - began < 12, "more than three seconds for each fetch, and some for the rest"
    # The document is read with the same care.
    if what not in ("51 keys", "100000 keys", "drip"):
        other, role = federation.hosted(host, f"{name}-document", False, discovery=HOSTILE[what])
        federation.refused(other.token, UNREACHABLE, role)
        federation.unregister(other)
    for gone in (first, idp):
        federation.unregister(gone)


def test_b12_an_issuer_that_hangs_holds_up_nobody_else(federation, host):
    stuck, stuck_role = federation.hosted(host, "b12-stuck", False, keys=HOSTILE["silence"])
    good, role = federation.hosted(host, "b12-good")
    stage = federation.stage
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        sources = [next(stage.sources) for _ in range(40)]
        waiting = [pool.submit(wire.send, stage.address, federation.form(stuck.token(), stuck_role), source) for source in sources]
        time.sleep(0.3)
        began = time.monotonic()
        federation.accepted(good.token, role)
        federation.accepted(federation.idp.token)
        assert time.monotonic() - began < 2 and not any(call.done() for call in waiting)
        assert {call.result().code for call in waiting} == {UNREACHABLE}
    assert host.fetches(stuck.at_keys) == 1


def test_b15_ten_thousand_unknown_keys_are_asked_for_once(federation, host):
    idp, role = federation.hosted(host, "b15")
    federation.accepted(idp.token, role)
    stage, template = federation.stage, idp.token("ed25519")
    claims, signed = template.split(".")[1:]

    def flood(_):
        with wire.connect(stage.address, next(stage.sources)) as connection:
            codes = set()
            for n in range(250):
                token = ".".join((b64(json.dumps({"alg": "EdDSA", "kid": uuid.uuid4().hex})), claims, signed))
                request = federation.form(token, role)
                connection.sendall(wire.to_bytes(request))
                [answer] = wire.read_answers(connection)
                codes.add(answer.code)
            return codes

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        flooding = [pool.submit(flood, n) for n in range(40)]
        for _ in range(5):
            federation.accepted(idp.token, role)
        assert set().union(*(done.result() for done in flooding)) <= {INVALID, UNREACHABLE}
    federation.refused(lambda: idp.token(header={"kid": uuid.uuid4().hex}), UNREACHABLE, role)
    federation.accepted(idp.token, role)
    # The first, and one for all that were unknown.
    assert host.fetches(idp.at_keys) == 2


def test_b25_a_provider_that_is_turned_off_is_as_good_as_absent_at_once(federation, admin):
    stage, idp, stranger = federation.stage, Idp("https://off.example.com"), Idp("https://not.example.com")
    federation.register(idp)
    role = federation.trusting("b25", idp)
    key = federation.accepted(idp.token, role)
    unknown = federation.refused(stranger.token, INVALID, role)
    began = time.monotonic()
    stage.accepted(admin("DisableOidcProvider", issuer=idp.url))
    answer = federation.refused(idp.token, INVALID, role)
    assert answer.message == unknown.message.replace(stranger.url, idp.url)
    assert time.monotonic() - began < 2
    # Also of a token that nobody signed: nothing of the provider is told.
    forged = idp.token().rsplit(".", 1)[0] + ".AAAA"
    assert federation.refused(forged, INVALID, role).message == answer.message
    # Sessions that were issued go on: nothing revokes them yet.
    stage.accepted(stage.signed(key=key))
    stage.accepted(admin("EnableOidcProvider", issuer=idp.url))
    federation.accepted(idp.token, role)

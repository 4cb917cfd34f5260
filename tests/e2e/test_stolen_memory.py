"""All that a scoped zone's validator has in memory, read from the outside: no secret of a session, no key that mints, none of
another zone. Whatever looks like a key is tried as one."""

import contextlib
import hashlib
import re

import pytest
import rpc
import stolen_validator
import test_zones
from conftest import TARGET, environment, key_environment, running, statement
from cryptography.hazmat.primitives.asymmetric import ed25519
from test_zones import deployment  # noqa: F401 (a fixture)

FOLLOWING = ["brevet:GetTrustBundle", "brevet:WatchTrust", "brevet:AcknowledgeTrust"]


def memory(pid):
    """Every part of a process's memory that it can write to."""
    parts = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, mode = line.split()[:2]
            if mode.startswith("rw") and "[vv" not in line:
                begin, end = (int(part, 16) for part in span.split("-"))
                mem.seek(begin)
                # A part may have gone since the maps were read.
                with contextlib.suppress(OSError):
                    parts.append(mem.read(end - begin))
    return parts


def keys_by_their_looks(parts):
    """Aligned windows of 32 bytes that look drawn at random: few of their bytes occur twice, and they are no text."""
    found = set()
    for part in parts:
        for at in range(0, len(part) - 31, 8):
            window = part[at : at + 32]
            if len(set(window)) >= 24 and max(window) >= 128:
                found.add(window)
    return found


def follows(deployment, asks):
    """How a validator of `storage` is started that follows, with keys of its own, and perhaps asks for those of others."""
    zone = f"arn:aws:brevet:*:{deployment.brevet.account}:zone/storage"
    action = [*FOLLOWING, "brevet:GetSigningKey"] if asks else FOLLOWING
    key = deployment.brevet.user("follower", statement(action=action, resource=zone))
    more = ("--sts", deployment.brevet.endpoint, "--zone", "storage")
    return (*more, "--online-keys") if asks else more, key_environment(key)


def above_the_last(secret, dates):
    """The rungs of the ladder from which keys for other services could be made."""
    for date in dates:
        rung = b"AWS4" + secret.encode()
        for step in (date.encode(), b"us-east-1", b"s3"):
            rung = stolen_validator.mac(rung, step)
            yield rung


@pytest.mark.parametrize("mode", ["file", "following", "asking"])
def test_d5_d6_nothing_in_the_memory_of_a_validator_mints_or_signs_for_another_zone(deployment, tmp_path, mode):  # noqa: F811
    folder = tmp_path / "messages"
    folder.mkdir()
    messages = rpc.messages(folder, "brevet/token/v1/bundle.proto")
    own, other = (
        stolen_validator.StolenValidator(deployment.bundle(zone).read_bytes(), messages) for zone in ("storage", "compute")
    )
    more, env = ((), {}) if mode == "file" else follows(deployment, mode == "asking")
    copy = deployment.bundle("storage") if mode == "file" else tmp_path / "copy.bundle"
    command = (TARGET / "examples" / "protected_axum", "--listen", "127.0.0.1:0", "--bundle", copy, "--service", "s3", *more)
    key = deployment.keys()
    token = stolen_validator.Token.read(key[2])
    with running(*command, env=environment(**env)) as (process, line):
        url = re.search(r"http://\S+", line).group()
        for _ in range(3):
            assert test_zones.get(f"{url}/b/k", key, "s3") == (200, None)
            if mode == "asking":
                assert test_zones.get(f"{url}/b/k", deployment.brevet.key, "s3") == (200, None)
        parts = memory(process.pid)

    # The reading sees what is there.
    signing = own.signing_keys(token)
    assert any(own.trust.verifying_keys[0].public in part for part in parts)
    assert any(stolen_validator.today(signing["s3"]) in part for part in parts)

    def is_anywhere(secret):
        return any(secret in part for part in parts)

    assert not is_anywhere(other.keys.zone)
    for service, keys in other.signing_keys(token).items():
        assert not any(is_anywhere(found) for found in keys.values()), service
    for secret in (key[1], deployment.brevet.key[1]):
        assert not is_anywhere(secret.encode())
        assert not any(is_anywhere(rung) for rung in above_the_last(secret, token.dates()))

    foreign = [box for box in token.boxes if box.head[:4] != own.zone_id()]
    public = {key.public for key in own.trust.verifying_keys} | {own.anchor}
    tried = keys_by_their_looks(parts)
    assert stolen_validator.today(signing["s3"]) in tried
    for window in tried:
        assert all(own.open_box(token, box, window) is None for box in foreign), hashlib.sha256(window).hexdigest()
        seed = ed25519.Ed25519PrivateKey.from_private_bytes(window)
        assert seed.public_key().public_bytes_raw() not in public
    print(f"{sum(map(len, parts)) >> 20} MiB read, {len(tried)} windows tried")

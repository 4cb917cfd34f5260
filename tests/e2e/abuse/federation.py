"""Exchanges of identity tokens on both wires, and what holds for every one that is refused."""

import contextlib
import json
import re

from conftest import policy, statement, trust

from .issuers import AUDIENCE, SUBJECT, Idp
from .sigv4 import Call
from .stage import SERVICE, sts

ACTION = "sts:AssumeRoleWithWebIdentity"


class Federation:
    """A stage, with identity providers."""

    def __init__(self, stage, messages, folder):
        self.stage, self.messages, self.folder = stage, messages, folder
        self.iam = stage.brevet.iam()
        self.absent = f"arn:aws:iam::{stage.account}:role/absent"
        self.idp = Idp("https://idp.example.com/realm")
        self.register(self.idp)
        self.role = self.trusting("federated", self.idp)

    # What is there.

    def register(self, idp, jwks=None, **members):
        """Makes a provider or replaces it; without a place where its keys are, they are pinned."""
        applied = self.apply(idp.url, jwks or idp.jwks(), **members)
        assert applied.returncode == 0, applied.stderr

    def apply(self, url, jwks=None, ca=None, **members):
        file = self.folder / "provider.json"
        provider = {"issuer": url, "client_ids": [AUDIENCE], **members}
        if ca:
            (self.folder / "ca.pem").write_text(ca)
            provider["ca_file"] = "ca.pem"
        elif jwks:
            (self.folder / "keys.json").write_text(json.dumps(jwks))
            provider["jwks_file"] = "keys.json"
        file.write_text(json.dumps(provider))
        return self.stage.brevet.cli("provider", "apply", file)

    def hosted(self, host, path, trusted=True, **routes):
        """An issuer that is asked for its keys, and a role for its tokens: whichever, if none of them is good for any."""
        idp = host.issuer(path, **routes)
        self.register(idp, ca=host.ca, allow_private=True)
        return idp, self.trusting(path, idp) if trusted else self.role

    def unregister(self, idp):
        """An account has room for a hundred."""
        self.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=self.provider(idp))

    def provider(self, idp):
        return f"arn:aws:iam::{self.stage.account}:oidc-provider/{idp.name}"

    def trusting(self, name, idp, condition=None, action=ACTION, **more):
        condition = condition or {"StringEquals": {f"{idp.name}:sub": SUBJECT}}
        document = trust({"Federated": self.provider(idp)}, action, Condition=condition)
        return self.stage.role(name, document, policy(statement(action="sts:*")), **more)

    # What is asked, on each wire.

    def form(self, token, role, **more):
        return self.stage.unsigned(sts("AssumeRoleWithWebIdentity", RoleArn=role, RoleSessionName="ci", WebIdentityToken=token, **more))

    def call(self, token, role, seconds=None, **more):
        request = self.messages.AssumeRoleWithWebIdentityRequest(role_arn=role, role_session_name="ci", web_identity_token=token, **more)
        if seconds:
            request.duration.seconds = seconds
        return Call("POST", SERVICE + "AssumeRoleWithWebIdentity", (("host", self.stage.authority),), request.SerializeToString())

    def both(self, token, role, seconds=None):
        yield self.form(token, role, **({"DurationSeconds": str(seconds)} if seconds else {}))
        yield self.call(token, role, seconds)

    # What is answered.

    def refused(self, make, code, role=None, hides=True, seconds=None):
        """Refused on both wires with this class and to nobody's harm; and, unless whoever is trusted may know better, as
        if there were no such role. `make` is a token, or makes a new one for each wire: repeats share a record."""
        role = role or self.role
        for wire in (0, 1):
            token = make() if callable(make) else make
            with self.secret(token):
                answers = [
                    self.stage.refused(list(self.both(token, asked, seconds))[wire], code)
                    for asked in ((role, self.absent) if hides else (role,))
                ]
            assert len({told(answer) for answer in answers}) == 1, answers
        return answers[0]

    def accepted(self, make, role=None, seconds=None):
        """Taken on both wires. Gives the session of the first."""
        for wire in (1, 0):
            token = make() if callable(make) else make
            answer = self.stage.accepted(list(self.both(token, role or self.role, seconds))[wire])
        key = tuple(re.search(f"<{name}>(.*?)</{name}>", answer.body.decode()).group(1)
                    for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
        self.stage.secrets |= {key[1], key[2]}
        return key

    @contextlib.contextmanager
    def secret(self, token):
        """While this lasts, no part of the token may be told."""
        parts = {part for part in token.split(".") if 16 <= len(part) < 20_000} - self.stage.secrets
        self.stage.secrets |= parts
        try:
            yield
        finally:
            self.stage.secrets -= parts


def told(answer):
    """All of an answer but what differs each time."""
    text = re.sub("Request ID: .*", "", answer.message, flags=re.DOTALL)
    return answer.status, answer.code, re.sub(r"current date/time \d+", "", text)

"""The service under attack, and the five things that hold for every refusal."""

import itertools
import json
import re
import time
import urllib.request
from urllib.parse import quote, urlencode

from . import wire
from .sigv4 import Call, Request, Signer, sha256

SERVICE = "/brevet.sts.v1.SecurityTokenService/"
IDENTITY = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
FORM = ("Content-Type", "application/x-www-form-urlencoded")

UNIMPLEMENTED, INVALID, EXHAUSTED, DENIED, PRECONDITION, UNAVAILABLE, UNAUTHENTICATED = 12, 3, 8, 7, 9, 14, 16
# HTTP and gRPC status of each class.
CLASSES = {
    "MissingAuthenticationToken": (403, UNAUTHENTICATED),
    "IncompleteSignature": (400, INVALID),
    "MalformedQueryString": (400, INVALID),
    "InvalidClientTokenId": (403, UNAUTHENTICATED),
    "SignatureDoesNotMatch": (403, UNAUTHENTICATED),
    "ExpiredToken": (403, UNAUTHENTICATED),
    "AccessDenied": (403, DENIED),
    "ValidationError": (400, INVALID),
    "InvalidIdentityToken": (400, UNAUTHENTICATED),
    "ExpiredTokenException": (400, UNAUTHENTICATED),
    "IDPRejectedClaim": (403, DENIED),
    "IDPCommunicationError": (400, UNAVAILABLE),
    "MalformedPolicyDocument": (400, INVALID),
    "PackedPolicyTooLarge": (400, INVALID),
    "OutboundWebIdentityFederationDisabledException": (403, PRECONDITION),
    "SessionDurationEscalationException": (403, DENIED),
    "JWTPayloadSizeExceededException": (400, INVALID),
    "InvalidAction": (400, UNIMPLEMENTED),
    "MissingAction": (400, INVALID),
    "NotFound": (404, UNIMPLEMENTED),
    "MethodNotAllowed": (405, UNIMPLEMENTED),
    "UnsupportedMediaType": (415, UNIMPLEMENTED),
    "RequestEntityTooLarge": (413, EXHAUSTED),
    "RequestTimeout": (408, 4),
}
ISSUING = ("AssumeRole", "AssumeRoleWithWebIdentity", "GetSessionToken", "GetFederationToken", "GetWebIdentityToken")


def sts(action, **parameters):
    return {"Action": action, "Version": "2011-06-15", **parameters}


class Stage:
    """A running service whose audit log can be read."""

    def __init__(self, brevet, data_dir):
        self.brevet = brevet
        self.key = brevet.key
        self.authority = brevet.authority
        host, port = self.authority.split(":")
        self.address = (host, int(port))
        self.audit_dir = data_dir / "audit"
        self.secrets = {brevet.key[1]}
        self.sources = (f"127.{a}.{b}.{c}" for a, b, c in itertools.product(range(1, 255), range(256), range(1, 255)))
        self.read = {}

    # What is asked of it.

    def unsigned(self, form=IDENTITY, headers=(), method="POST", target="/"):
        body = form if isinstance(form, bytes) else (form if isinstance(form, str) else urlencode(form)).encode()
        return Request(method, target, (("Host", self.authority), FORM, *headers), body)

    def signed(self, form=IDENTITY, key=None, headers=(), **signer):
        return Signer(key or self.key, **signer).sign(self.unsigned(form, headers))

    def presigned(self, form=IDENTITY, key=None, expires="60", more=None, headers=(), **signer):
        query = form if isinstance(form, str) else urlencode(form, quote_via=quote)
        request = Request("GET", f"/?{query}", (("Host", self.authority), *headers))
        return Signer(key or self.key, **signer).presign(request, expires, **(more or {}))

    def call(self, method="GetCallerIdentity", message=b"", key=None, headers=(), declared=None, **signer):
        message = message if isinstance(message, bytes) else message.SerializeToString()
        declared = (("X-Amz-Content-Sha256", declared or sha256(message)),) if declared != "" else ()
        call = Call("POST", SERVICE + method, (("host", self.authority), *declared, *headers), message)
        return Signer(key or self.key, **signer).sign(call)

    def send(self, request):
        """Each from another source, so that none uses up the audit budget of the next."""
        return wire.send(self.address, request, next(self.sources))

    # What it answers.

    def accepted(self, request):
        answer = self.send(request)
        assert answer.status == (0 if isinstance(request, Call) else 200), answer
        return answer

    def refused(self, request, code):
        """Sends what must be refused, and proves that nothing but a refusal came of it."""
        issued = self.issued()
        self.new_records()
        answer = self.send(request)
        self.check_refusal(request, answer, code)
        assert self.issued() == issued
        return answer

    def check_refusal(self, request, answer, code):
        # 1. The exact class.
        http, grpc = CLASSES[code]
        assert (answer.status, answer.code) == (grpc if isinstance(request, Call) else http, code), answer
        if isinstance(request, Call):
            snake = re.sub("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", code).upper()
            assert code == "AccessDenied" or answer.reason == snake, answer
        else:
            assert b"<Type>Sender</Type>" in answer.body and answer.headers["cache-control"] == "no-store"
        assert answer.message
        # 2. Nothing minted, 4. one record, which repeats nothing secret.
        records, text = self.records_until(answer.request_id)
        assert not [record for record in records if record["outcome"] == "success"], records
        ours = [record for record in records if record["requestID"] == answer.request_id]
        assert len(ours) == 1 and "attempts" not in ours[0], ours
        assert (ours[0]["outcome"], ours[0]["errorCode"]) == ("denied", code)
        # 5. Neither record nor answer tells a secret.
        told = text + str(answer.headers) + answer.body.decode("utf-8", "replace")
        assert not [secret for secret in self.secrets if secret in told]
        signature = request.signature if isinstance(request, Request) else None
        assert not signature or len(signature) < 32 or signature not in told
        # 3. Nothing lost.
        self.unharmed()

    def unharmed(self):
        """A session that has nothing to do with the attack goes on."""
        self.accepted(self.signed(key=self.bystander))

    def dropped(self, sent):
        """Bytes that are no request at all: at most a bare 400 or 431, and the connection closed."""
        issued = self.issued()
        self.new_records()
        with wire.connect(self.address, next(self.sources)) as connection:
            connection.sendall(sent)
            answers = wire.read_answers(connection)
            assert connection.recv(1) == b"" if not answers else True
        assert [answer.status for answer in answers] in ([], [400], [414], [431]), answers
        assert self.issued() == issued
        assert not [record for record in self.new_records()[0] if record["outcome"] == "success"]
        self.unharmed()

    # What it remembers.

    def issued(self):
        """How many credentials it has given out, by its own count."""
        with urllib.request.urlopen(self.brevet.admin_endpoint + "/metrics") as answer:
            lines = answer.read().decode().splitlines()
        ours = [line for line in lines if line.startswith("brevet_requests_total") and 'outcome="success"' in line]
        return sum(float(line.split()[-1]) for line in ours if any(f'"{operation}"' in line for operation in ISSUING))

    def new_records(self):
        """Audit records since the last time, and their text."""
        text = ""
        for file in sorted(self.audit_dir.glob("*.jsonl")):
            with open(file) as stream:
                stream.seek(self.read.get(file, 0))
                lines = stream.read()
            whole = lines[: lines.rfind("\n") + 1]
            self.read[file] = self.read.get(file, 0) + len(whole)
            text += whole
        return [json.loads(line) for line in text.splitlines()], text

    def records_until(self, request_id):
        records, text, deadline = [], "", time.monotonic() + 5
        while time.monotonic() < deadline:
            more, more_text = self.new_records()
            records, text = records + more, text + more_text
            if any(record["requestID"] == request_id for record in records):
                return records, text
            time.sleep(0.002)
        raise AssertionError(f"no audit record of {request_id}: {records}")

    def all_records(self):
        return [json.loads(line) for file in self.audit_dir.glob("*.jsonl") for line in file.read_text().splitlines()]

    # Who is there.

    def assume(self, role, name="abuse", **parameters):
        key = self.brevet.assume(role, name, **parameters)
        self.secrets |= {key[1], key[2]}
        return key

    def user(self, name, *statements):
        key = self.brevet.user(name, *statements)
        self.secrets.add(key[1])
        return key

    def role(self, name, trust, policy=None, **more):
        iam = self.brevet.iam()
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)["Role"]["Arn"]
        if policy:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
        return role

"""Sends requests that no library would send, and reads what comes back."""

import dataclasses
import http.client
import json
import re
import socket
import struct

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from google.rpc import error_details_pb2, status_pb2

from .sigv4 import Call

TIMEOUT = 20


class Ended(Exception):
    """The peer ended the stream or the connection without an answer."""


@dataclasses.dataclass
class Answer:
    """What came back, in words that all wires share."""

    status: int  # HTTP's, or gRPC's
    code: str | None
    message: str | None
    request_id: str | None
    body: bytes
    headers: dict
    reason: str | None = None  # of gRPC's ErrorInfo

    @property
    def anonymous(self):
        """All of the answer that may tell one caller from another."""
        return (self.status, self.body.replace((self.request_id or "-").encode(), b"ID"))


def connect(address, source):
    connection = socket.create_connection(address, TIMEOUT, source_address=(source, 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def to_bytes(request, length=True, version="HTTP/1.1"):
    head = [f"{request.method} {request.target} {version}"]
    head += [f"{name}: {value}" for name, value in request.headers]
    if length and request.method != "GET" or request.body and length:
        head.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + request.body


def read_answers(connection, count=1):
    """Reads so many answers to HTTP/1 requests; fewer if the peer closes before."""
    answers, stream = [], connection.makefile("rb")

    class Kept:
        def makefile(self, _mode):
            return Uncloseable(stream)

    for _ in range(count):
        response = http.client.HTTPResponse(Kept())
        try:
            response.begin()
            body = response.read()
        except (http.client.BadStatusLine, ConnectionError):
            break
        answers.append(parse(response.status, {name.lower(): value for name, value in response.getheaders()}, body))
    return answers


class Uncloseable:
    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def close(self):
        pass


def parse(status, headers, body):
    """XML of the Query wire, or JSON of a resource service."""
    text = body.decode("utf-8", "replace")
    if "json" in headers.get("content-type", ""):
        error = json.loads(text)
        return Answer(status, error.get("error"), error.get("message"), error.get("request_id"), body, headers)

    def element(name):
        found = re.search(f"<{name}>(.*?)</{name}>", text, re.DOTALL)
        return found and found.group(1)

    return Answer(status, element("Code"), element("Message"), headers.get("x-amzn-requestid"), body, headers)


def send(address, request, source="127.0.0.1"):
    if isinstance(request, Call):
        return send_call(address, request, source)
    with connect(address, source) as connection:
        sent = request if isinstance(request, bytes) else to_bytes(request)
        try:
            connection.sendall(sent)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before the end; the answer is there all the same
        answers = read_answers(connection)
        if not answers:
            raise Ended
        return answers[0]


def framed(message, flag=0, length=None):
    return struct.pack(">BI", flag, len(message) if length is None else length) + message


def send_call(address, call, source):
    headers = [(":method", call.method), (":scheme", "http"), (":path", call.target)]
    headers.append((":authority", call.authority or call.header("host")))
    fields = [(n.lower(), v) for n, v in call.headers if n.lower() != "host" or call.authority]
    if not any(name == "content-type" for name, _ in fields):
        fields.append(("content-type", "application/grpc"))
    fields.append(("te", "trailers"))
    frame = framed(call.body) if call.frame is None else call.frame
    with connect(address, source) as connection:
        return Http2(connection).exchange(headers + fields, frame)


class Http2:
    """One gRPC call on one connection, with no check of what is sent."""

    def __init__(self, connection):
        self.socket = connection
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            validate_outbound_headers=False, normalize_outbound_headers=False, validate_inbound_headers=False))
        self.h2.initiate_connection()
        self.headers, self.body, self.over = {}, b"", None

    def exchange(self, headers, data):
        encoded = [(name.encode(), value if isinstance(value, bytes) else value.encode("latin-1")) for name, value in headers]
        self.h2.send_headers(1, encoded, end_stream=not data)
        self.flush()
        while data and not self.over:
            room = min(self.h2.local_flow_control_window(1), self.h2.max_outbound_frame_size)
            if room == 0:
                self.receive()
                continue
            chunk, data = data[:room], data[room:]
            self.h2.send_data(1, chunk, end_stream=not data)
            self.flush()
        while not self.over:
            self.receive()
        if self.over != "ended" and not self.headers:
            raise Ended(self.over)
        return self.answer()

    def flush(self):
        try:
            self.socket.sendall(self.h2.data_to_send())
        except (BrokenPipeError, ConnectionResetError):
            pass

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            self.over = "closed"
            return
        for event in self.h2.receive_data(data):
            if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                self.headers.update({text(name): text(value) for name, value in event.headers})
            elif isinstance(event, h2.events.DataReceived):
                self.body += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, 1)
            elif isinstance(event, h2.events.StreamEnded):
                self.over = "ended"
            elif isinstance(event, h2.events.StreamReset) and self.over is None:
                self.over = f"reset: {event.error_code}"
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.over = self.over or f"terminated: {event.error_code}"
        self.flush()

    def answer(self):
        headers = self.headers
        if headers.get("content-type", "") != "application/grpc":
            return Answer(int(headers[":status"]), None, None, headers.get("x-amzn-requestid"), self.body, headers)
        details = status_pb2.Status.FromString(unpadded(headers.get("grpc-status-details-bin", "")))
        info, request = error_details_pb2.ErrorInfo(), error_details_pb2.RequestInfo()
        for detail in details.details:
            for kind in (info, request):
                if detail.Is(kind.DESCRIPTOR):
                    detail.Unpack(kind)
        if headers["grpc-status"] != "0":
            assert info.domain == "brevet" or not details.details
            assert request.request_id in ("", headers.get("x-amzn-requestid"))
        told = "\n".join((headers.get("grpc-message", ""), str(details))).encode()
        return Answer(int(headers["grpc-status"]), info.metadata.get("code"), details.message, headers.get("x-amzn-requestid"),
                      self.body or told, headers, info.reason)


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value


def unpadded(value):
    import base64

    return base64.b64decode(value + "=" * (-len(value) % 4))

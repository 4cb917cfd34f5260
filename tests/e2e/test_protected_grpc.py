"""The tonic example: a gRPC service that embeds the validator, called by grpcio with botocore's signature."""

import re

import grpc
import pytest
import rpc
from conftest import TARGET, running

METHOD = "/brevet.example.v1.WhoAmIService/WhoAmI"


class Service:
    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.authority = endpoint.split("//")[1]
        self.key = None


@pytest.fixture(scope="module")
def service(brevet):
    with running(TARGET / "examples" / "protected_tonic", "--listen", "127.0.0.1:0", "--bundle", brevet.bundle) as (_, line):
        yield Service(re.search(r"http://\S+", line).group())


def call(service, key, message=b"\x0a\x05hello", sent=None, scope="s3"):
    metadata = rpc.signed(service, METHOD, message, key=key, service=scope)
    return rpc.send(service, METHOD, message if sent is None else sent, metadata)


def code(*arguments, **options):
    return rpc.refused(call, *arguments, **options)[0]


def test_a_call_with_temporary_keys_is_answered(brevet, service):
    key = brevet.assume(brevet.role("reader"), "grpc-service")
    answer = call(service, key)
    for part in (b"hello", key[0].encode(), b"assumed-role/reader/grpc-service"):
        assert part in answer


def test_a_changed_message_another_scope_and_another_token_are_refused(brevet, service):
    one, two = brevet.assume(brevet.role("reader")), brevet.assume(brevet.role("reader"))
    assert code(service, one, sent=b"\x0a\x05hallo") == grpc.StatusCode.UNAUTHENTICATED
    assert code(service, one, scope="sts") == grpc.StatusCode.UNAUTHENTICATED
    assert code(service, (one[0], one[1], two[2])) == grpc.StatusCode.UNAUTHENTICATED
    assert code(service, brevet.key) == grpc.StatusCode.UNAUTHENTICATED


def test_an_unsigned_call_is_refused(service):
    assert rpc.refused(rpc.send, service, METHOD, b"", [])[0] == grpc.StatusCode.UNAUTHENTICATED

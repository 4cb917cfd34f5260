"""gRPC calls from Python: grpcio carries them, botocore signs them."""

import hashlib
import importlib.util
import subprocess
import sys

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import grpc
import pytest
from conftest import ROOT
from google.rpc import error_details_pb2, status_pb2


def messages(folder, proto):
    """The module of a proto file's messages, made in a folder."""
    compiler = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", f"--python_out={folder}", proto]
    subprocess.run(compiler, check=True)
    made = folder / proto.replace(".proto", "_pb2.py")
    # Not by its package: another file's may have been made in another folder.
    spec = importlib.util.spec_from_file_location(made.stem, made)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def signed(brevet, method, message, key=None, service="sts", change=None):
    """The metadata of a call, signed as any AWS request is."""
    headers = {"host": brevet.authority, "x-amz-content-sha256": hashlib.sha256(message).hexdigest()}
    request = botocore.awsrequest.AWSRequest("POST", f"{brevet.endpoint}{method}", headers=headers, data=message)
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(*(key or brevet.key)), service, "us-east-1").add_auth(request)
    metadata = {name.lower(): value for name, value in request.headers.items() if name.lower() != "host"}
    metadata.update(change or {})
    return [(name, value) for name, value in metadata.items() if value is not None]


def send(brevet, method, message, metadata, answer=None):
    """A call with one message and one answer, both bytes unless a type of message says how to read it."""
    with grpc.insecure_channel(brevet.authority) as channel:
        rpc = channel.unary_unary(method, response_deserializer=answer.FromString if answer else None)
        return rpc(message, metadata=metadata, timeout=30)


def refused(call, *arguments, **options):
    """Status and ErrorInfo.reason of a call that must fail."""
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **options)
    packed = dict(caught.value.trailing_metadata()).get("grpc-status-details-bin", b"")
    info = error_details_pb2.ErrorInfo()
    for detail in status_pb2.Status.FromString(packed).details:
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
    return caught.value.code(), info.reason

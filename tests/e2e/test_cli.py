"""The command line: exit codes, output that programs can read, and finding out why a signature is wrong."""

import json
import subprocess

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from conftest import BREVET, environment, key_environment, run

KEY = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY1", None)


def raw_request(url="http://sts.example.com/", body="Action=GetCallerIdentity&Version=2011-06-15", service="sts", auth=botocore.auth.SigV4Auth):
    """A signed request as it goes over the wire."""
    made = botocore.awsrequest.AWSRequest("POST", url, data=body.encode(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    auth(botocore.credentials.Credentials(*KEY), service, "us-east-1").add_auth(made)
    host = url.split("/")[2]
    lines = [f"POST /{url.split('/', 3)[3]} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in made.headers.items()]
    return "\r\n".join(lines) + "\r\n\r\n" + body


def debug(request, secret=KEY[1], *more):
    return run("debug", "signature", "--secret-key", secret, *more, stdin=request)


def test_whoami_and_creds_sign_with_the_usual_variables(brevet):
    me = run("whoami", "--endpoint", brevet.endpoint, **key_environment(brevet.key))
    assert json.loads(me.stdout)["account"] == brevet.account
    made = brevet.cli("creds", brevet.role("reader"))
    process = json.loads(made.stdout)
    assert process["Version"] == 1 and set(process) == {"Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}
    session = (process["AccessKeyId"], process["SecretAccessKey"], process["SessionToken"])
    assert brevet.sts(session).get_caller_identity()["Arn"].endswith("assumed-role/reader/brevet")


def test_credential_process_works_in_a_stock_sdk(brevet, tmp_path):
    config = tmp_path / "config"
    config.write_text(f"[profile x]\ncredential_process = {BREVET} creds {brevet.role('reader')} --endpoint {brevet.endpoint}\n")
    script = "import boto3, os; print(boto3.Session(profile_name='x').client('sts', endpoint_url=os.environ['E']).get_caller_identity()['Arn'])"
    import sys

    # The helper signs with the user's own keys; AWS_PROFILE names the profile that runs it.
    env = {**environment(), **key_environment(brevet.key), "E": brevet.endpoint, "AWS_CONFIG_FILE": str(config)}
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, timeout=30)
    assert "assumed-role/reader" in answer.stdout, answer.stderr


def test_the_env_form_is_for_eval(brevet):
    made = brevet.cli("creds", brevet.role("reader"), "--format", "env")
    shell = subprocess.run(["sh", "-c", f"{made.stdout}\necho $AWS_ACCESS_KEY_ID $AWS_ENDPOINT_URL_STS"], capture_output=True, text=True)
    access_key, endpoint = shell.stdout.split()
    assert access_key.startswith("ASIA") and endpoint == brevet.endpoint


def test_exit_codes_tell_what_went_wrong(brevet):
    assert run("whoami", BREVET_ENDPOINT=brevet.endpoint).returncode == 4
    assert brevet.cli("whoami", key=(brevet.key[0], "x" * 40, None)).returncode == 3
    assert brevet.cli("creds", brevet.role("reader") + "x").returncode == 3
    assert brevet.cli("whoami", "--endpoint", "http://127.0.0.1:1").returncode == 5
    assert run("no-such-verb").returncode == 2
    for arguments in (("--help",), ("--version",), ("dev", "--help")):
        assert run(*arguments).returncode == 0


def test_failures_go_to_standard_error_alone(brevet):
    denied = brevet.cli("creds", brevet.role("reader") + "x")
    assert denied.stdout == "" and "is not authorized to perform: sts:AssumeRole" in denied.stderr


def test_a_right_signature_is_shown_with_its_steps():
    process = debug(raw_request())
    assert process.returncode == 0
    for part in ("--- canonical request\nPOST\n/\n", "--- string to sign\nAWS4-HMAC-SHA256\n", "--- signature\n", "OK    the signature is right"):
        assert part in process.stdout


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda r: r + "\n", "without the line break at its end"),
        (lambda r: r.replace("Host: sts.example.com", "Host: sts.example.com:8731"), "the client signed the host \"sts.example.com\""),
        (lambda r: r.replace("GetCallerIdentity", "GetSessionToken"), "none of the usual ones"),
    ],
)
def test_the_usual_mistakes_are_named(change, cause):
    process = debug(change(raw_request()))
    assert process.returncode == 6
    assert "FAIL" in process.stdout and cause in process.stdout


def test_a_secret_file_with_a_line_break_is_found_out(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(KEY[1] + "\n")
    process = run("debug", "signature", "--secret-key-file", secret, stdin=raw_request())
    assert process.returncode == 6 and "white space around it" in process.stdout


def test_a_path_canonicalised_for_s3_is_found_out():
    request = raw_request("http://api.example.com/a%20b", service="queue", auth=botocore.auth.S3SigV4Auth)
    process = debug(request)
    assert process.returncode == 6 and "another kind of service" in process.stdout


def test_refusals_before_the_signature_say_so():
    process = debug(raw_request(), KEY[1], "--at", "20200101T000000Z")
    assert process.returncode == 6 and "Signature not yet current" in process.stdout
    process = debug("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert process.returncode == 6 and "Missing Authentication Token" in process.stdout


def test_the_first_line_that_differs_from_the_clients_is_shown(tmp_path):
    request = raw_request()
    ours = debug(request).stdout.split("--- canonical request\n")[1].split("\n--- string to sign")[0]
    theirs = tmp_path / "theirs"
    theirs.write_text(ours.replace("host:sts.example.com", "host:sts.example.org"))
    process = debug(request, KEY[1], "--canonical-request", theirs)
    assert "first difference" in process.stdout
    assert "sent  host:sts.example.org" in process.stdout and "ours  host:sts.example.com" in process.stdout


def test_what_is_no_request_is_a_plain_failure():
    process = debug("this is not HTTP")
    assert process.returncode == 1 and process.stdout == ""

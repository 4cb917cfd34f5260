"""`brevet init`, `serve` and `bundle` on a data directory: what lasts, what is recorded, what a crash leaves."""

import concurrent.futures
import csv
import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

import botocore.exceptions
import pytest
from conftest import BREVET, TARGET, Brevet, environment, policy, run, running, statement, trust


def served(data_dir, *more, **options):
    return running(BREVET, "serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", *more, **options)


def first_key(data_dir):
    with open(data_dir / "credentials.csv") as file:
        row = next(csv.DictReader(file))
    return row["Access key ID"], row["Secret access key"], None


def client(line, data_dir):
    endpoint, admin = re.search(r"listening on (\S+) \(admin: (\S+)\)", line).groups()
    key = first_key(data_dir)
    info = {"endpoint": endpoint, "admin_endpoint": admin, "account": "", "roles": [], "access_key_id": key[0], "secret_access_key": key[1]}
    brevet = Brevet(info)
    return brevet


def audit(data_dir):
    lines = []
    for file in sorted((data_dir / "audit").glob("*.jsonl")):
        assert file.stat().st_mode & 0o777 == 0o600
        lines += [json.loads(line) for line in file.read_text().splitlines()]
    return lines


def test_init_makes_what_it_says_for_its_owner_alone(data_dir):
    modes = {path.name: path.stat().st_mode & 0o777 for path in data_dir.iterdir()}
    assert modes["master.key"] == modes["credentials.csv"] == modes["brevet.redb"] == 0o600
    assert data_dir.stat().st_mode & 0o777 == 0o700
    text = (data_dir / "credentials.csv").read_text()
    assert re.fullmatch(r"User Name,Access key ID,Secret access key\nadmin,AKIA[A-Z2-7]{16},[A-Za-z0-9]{40}\n", text)


def test_init_refuses_a_directory_that_is_initialised(data_dir):
    before = (data_dir / "credentials.csv").read_bytes()
    again = run("init", "--data-dir", data_dir)
    assert again.returncode == 1 and "already initialised" in again.stderr
    assert (data_dir / "credentials.csv").read_bytes() == before


def test_f22_of_many_inits_at_once_one_wins(tmp_path):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(lambda _: run("init", "--data-dir", tmp_path / "data"), range(8)))
    assert sorted(process.returncode for process in ended) == [0] + [1] * 7
    with served(tmp_path / "data") as (_, line):
        assert client(line, tmp_path / "data").sts().get_caller_identity()


def test_d27_the_store_holds_no_secret_in_clear(data_dir):
    secret = first_key(data_dir)[1].encode()
    assert secret not in (data_dir / "brevet.redb").read_bytes()


def test_serve_without_init_says_what_to_run(tmp_path):
    process = run("serve", "--data-dir", tmp_path)
    assert process.returncode == 1 and "brevet init" in process.stderr


def test_f7_a_second_service_on_one_directory_is_refused(data_dir):
    with served(data_dir):
        second = run("serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0")
        assert second.returncode == 1 and "another brevet is using" in second.stderr


def test_f21_a_master_key_that_others_can_read_or_that_does_not_fit_is_refused(data_dir, tmp_path):
    key = data_dir / "master.key"
    key.chmod(0o644)
    assert "chmod 600" in run("serve", "--data-dir", data_dir).stderr
    key.chmod(0o600)
    right = key.read_bytes()
    key.write_bytes(bytes(32))
    wrong = run("serve", "--data-dir", data_dir)
    assert wrong.returncode == 1 and "does not fit" in wrong.stderr
    key.write_bytes(right)
    with served(data_dir):
        pass


def test_a_first_key_that_still_lies_there_is_warned_about(data_dir):
    process = subprocess.Popen(
        [BREVET, "serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    process.stdout.readline()
    process.terminate()
    assert "credentials.csv still lies there" in process.communicate(timeout=10)[1]
    assert process.returncode == 0


def test_every_acknowledged_change_survives_kill_9(data_dir):
    key, names = first_key(data_dir), []
    for n in range(5):
        with served(data_dir) as (process, line):
            iam = client(line, data_dir).iam(key)
            found = {user["UserName"] for user in iam.list_users()["Users"]}
            assert set(names) <= found, f"lost: {set(names) - found}"
            for m in range(5):
                iam.create_user(UserName=f"u-{n}-{m}")
                names.append(f"u-{n}-{m}")
            process.send_signal(signal.SIGKILL)
            process.wait()
    with served(data_dir) as (_, line):
        found = {user["UserName"] for user in client(line, data_dir).iam(key).list_users()["Users"]}
    assert set(names) <= found


def test_sessions_outlive_a_restart_without_being_stored(data_dir):
    with served(data_dir) as (_, line):
        token = client(line, data_dir).sts().get_session_token()["Credentials"]
    key = (token["AccessKeyId"], token["SecretAccessKey"], token["SessionToken"])
    with served(data_dir) as (_, line):
        assert client(line, data_dir).sts(key).get_caller_identity()


def test_the_audit_log_has_one_record_for_each_issuance_denial_failure_and_change(data_dir):
    with served(data_dir) as (_, line):
        brevet = client(line, data_dir)
        account = brevet.sts().get_caller_identity()["Account"]
        brevet.iam().create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": account}))
        role = f"arn:aws:iam::{account}:role/r"
        issued = brevet.sts().assume_role(RoleArn=role, RoleSessionName="audited")
        for call, parameters in (
            (brevet.sts().assume_role, {"RoleArn": role + "x", "RoleSessionName": "denied"}),
            (brevet.sts((brevet.key[0], "w" * 40, None)).get_caller_identity, {}),
            (brevet.sts(("AKIAQQQQQQQQQQQQQQQQ", "w" * 40, None)).get_caller_identity, {}),
        ):
            with pytest.raises(botocore.exceptions.ClientError):
                call(**parameters)
        # Durable before the answer: the file is read while the service runs.
        records = audit(data_dir)
    records = audit(data_dir)
    by_outcome = [(r["eventName"], r["outcome"], r.get("errorCode")) for r in records]
    assert by_outcome == [
        ("CreateRole", "success", None),
        ("AssumeRole", "success", None),
        ("AssumeRole", "denied", "AccessDenied"),
        ("GetCallerIdentity", "denied", "SignatureDoesNotMatch"),
        ("GetCallerIdentity", "denied", "InvalidClientTokenId"),
    ]
    done = records[1]
    assert done["requestID"] == issued["ResponseMetadata"]["RequestId"]
    assert done["userIdentity"]["accessKeyId"] == brevet.key[0]
    assert done["responseElements"]["credentials"]["accessKeyId"] == issued["Credentials"]["AccessKeyId"]
    assert done["sourceIPAddress"] == "127.0.0.1"
    assert records[2]["reason"] == "TRUST_NOT_SATISFIED"
    whole = "".join(file.read_text() for file in (data_dir / "audit").glob("*.jsonl"))
    for secret in (issued["Credentials"]["SecretAccessKey"], issued["Credentials"]["SessionToken"], brevet.key[1]):
        assert secret not in whole


def test_c23_no_record_no_keys(data_dir):
    with served(data_dir) as (_, line):
        brevet = client(line, data_dir)
        audit_dir = data_dir / "audit"
        audit_dir.rename(data_dir / "moved")
        for file in (data_dir / "moved").iterdir():
            file.unlink()
        audit_dir.write_text("in the way")
        sts = brevet.sts()
        for call in (sts.get_session_token, lambda: brevet.iam().create_user(UserName="nobody")):
            with pytest.raises(botocore.exceptions.ClientError) as caught:
                call()
            assert caught.value.response["Error"]["Code"] == "ServiceUnavailable"
        assert sts.get_caller_identity()
        with pytest.raises(urllib.error.HTTPError) as unready:
            urllib.request.urlopen(brevet.admin_endpoint + "/readyz")
        assert unready.value.code == 503 and "audit" in unready.value.read().decode()
        # What was not handed out is no session.
        assert brevet.cli("session", "list").stdout == "" and brevet.metric("brevet_sessions") == 0
        # It recovers by itself.
        audit_dir.unlink()
        audit_dir.mkdir(mode=0o700)
        for _ in range(50):
            try:
                assert sts.get_session_token()["Credentials"]
                break
            except botocore.exceptions.ClientError:
                time.sleep(0.1)
        else:
            pytest.fail("issuance did not recover")
        assert brevet.metric("brevet_sessions") == 1


def test_bundles_come_from_a_running_and_from_a_stopped_service(data_dir, tmp_path):
    with served(data_dir) as (_, line):
        assert run("bundle", "--data-dir", data_dir, "-o", tmp_path / "running").returncode == 0
        brevet = client(line, data_dir)
        account = brevet.sts().get_caller_identity()["Account"]
        brevet.iam().create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": account}))
        key = brevet.assume(f"arn:aws:iam::{account}:role/r")
    assert run("bundle", "--data-dir", data_dir, "-o", tmp_path / "stopped").returncode == 0
    import test_services

    for bundle in ("running", "stopped"):
        assert (tmp_path / bundle).stat().st_mode & 0o777 == 0o600
        with running(TARGET / "examples" / "protected_axum", "--listen", "127.0.0.1:0", "--bundle", tmp_path / bundle) as (_, line):
            url = re.search(r"http://\S+", line).group()
            assert test_services.send(test_services.request(f"{url}/b/k", key))[0] == 200


def test_f18_a_stop_is_clean(data_dir):
    with served(data_dir) as (process, line):
        assert client(line, data_dir).sts().get_caller_identity()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not (data_dir / "control.sock").exists()


def test_the_configuration_is_strict_and_tells_all_faults(data_dir, tmp_path):
    config = tmp_path / "brevet.toml"
    config.write_text("listen = 'nowhere'\n[audit]\nsync = 'never'\n")
    process = run("serve", "--data-dir", data_dir, "--config", config)
    assert process.returncode == 1 and "listen" in process.stderr and "audit.sync" in process.stderr
    config.write_text("listn = '127.0.0.1:0'\n")
    assert "listn" in run("serve", "--data-dir", data_dir, "--config", config).stderr


def test_e22_plaintext_beyond_loopback_is_refused(data_dir):
    process = run("serve", "--data-dir", data_dir, "--listen", "0.0.0.0:0")
    assert process.returncode == 1 and "--allow-plaintext" in process.stderr
    for flag in ("--listen", "--admin-listen", "--issuer-listen"):
        process = run("dev", flag, "0.0.0.0:0")
        assert process.returncode == 1 and "--expose-dev" in process.stderr


def test_tls_serves_both_wires(data_dir, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-keyout", key,
         "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-addext", "basicConstraints=critical,CA:FALSE"],
        check=True, capture_output=True)
    with served(data_dir, "--tls-cert", cert, "--tls-key", key) as (_, line):
        brevet = client(line, data_dir)
        assert brevet.endpoint.startswith("https://")
        assert brevet.client("sts", verify=str(cert)).get_caller_identity()
        whoami = brevet.cli("whoami", "--ca-file", cert)
        assert json.loads(whoami.stdout)["arn"].endswith("user/admin"), whoami.stderr


def test_health_readiness_and_metrics(brevet):
    for path, content in (("/livez", "ok"), ("/readyz", "ok"), ("/readyz?verbose", "audit")):
        with urllib.request.urlopen(brevet.admin_endpoint + path) as answer:
            assert answer.status == 200 and content in answer.read().decode()
    series = 'brevet_requests_total{api="query",operation="GetCallerIdentity",outcome="success",reason=""}'
    before = brevet.metric(series)
    brevet.sts().get_caller_identity()
    assert brevet.metric(series) == before + 1


def test_g6_strangers_make_no_metric_labels(brevet):
    body = b"Action=Invented&Version=2011-06-15"
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(brevet.endpoint + "/", data=body)
    with urllib.request.urlopen(brevet.admin_endpoint + "/metrics") as answer:
        assert "Invented" not in answer.read().decode()


def test_permissions_changed_at_the_stage_hold_at_once(brevet):
    key = brevet.user("at-once", statement(action="iam:ListUsers"))
    assert brevet.iam(key).list_users()
    brevet.iam().put_user_policy(UserName="at-once", PolicyName="p", PolicyDocument=policy(statement("Deny")))
    with pytest.raises(botocore.exceptions.ClientError):
        brevet.iam(key).list_users()


def test_g1_no_log_level_shows_a_secret(data_dir, tmp_path):
    log = tmp_path / "log"
    with open(log, "w") as stderr:
        process = subprocess.Popen(
            [BREVET, "serve", "--data-dir", data_dir, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment(BREVET_LOG="trace"))
        brevet = client(process.stdout.readline(), data_dir)
        made = brevet.iam().create_access_key(UserName="admin")["AccessKey"]
        session = brevet.sts().get_session_token()["Credentials"]
        key = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
        brevet.sts(key).get_caller_identity()
        assert brevet.cli("whoami", key=key).returncode == 0
        with pytest.raises(botocore.exceptions.ClientError):
            brevet.sts((key[0], "wrong", key[2])).get_caller_identity()
        process.terminate()
        process.wait(10)
    text = log.read_text()
    assert "GetSessionToken" in text
    for secret in (brevet.key[1], made["SecretAccessKey"], *key[1:]):
        assert secret not in text and secret[:16] not in text


def test_dev_refuses_a_foreign_host(brevet):
    request = urllib.request.Request(brevet.endpoint + "/?Action=GetCallerIdentity&Version=2011-06-15", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code == 403 and b"another host" in caught.value.read()

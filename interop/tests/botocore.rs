//! Our verifier against botocore's signer. Needs `python3` with `botocore` (1.40 or later).

use std::io::Write as _;
use std::process::{Command, Stdio};

use brevet_interop::{ACCESS_KEY_ID, HOST, REGION, SECRET, Sample, sample_count, samples};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

/// What botocore made of the samples, in order.
fn signed_by_botocore(samples: &[Sample], presign: bool) -> Vec<Value> {
    let mut python = Command::new("python3")
        .arg("python/botocore_sign.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let lines: String = samples.iter().map(|sample| format!("{}\n", case(sample, presign))).collect();
    let mut stdin = python.stdin.take().expect("a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = python.wait_with_output().expect("an end");
    writer.join().expect("no panic").expect("all was read");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    let signed: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(signed.len(), samples.len());
    signed
}

fn case(sample: &Sample, presign: bool) -> Value {
    json!({
        "method": sample.method,
        "url": format!("https://{HOST}{}", sample.target()),
        "headers": sample.headers,
        "body": sample.body.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        "token": sample.security_token,
        "at": sample.at.unix(),
        "region": REGION,
        "service": sample.service(),
        "access_key": ACCESS_KEY_ID,
        "secret_key": SECRET,
        "presign": presign,
    })
}

fn assert_verified(sample: &Sample, signed: &Value) {
    let url = signed["url"].as_str().expect("a URL");
    let target = url.strip_prefix(&format!("https://{HOST}")).expect("our host");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static(HOST));
    for field in signed["headers"].as_array().expect("fields") {
        let [name, value] = [&field[0], &field[1]].map(|text| text.as_str().expect("text"));
        headers.append(HeaderName::try_from(name).expect("a name"), HeaderValue::try_from(value).expect("a value"));
    }
    let sent = Sample { path: path.into(), query: query.into(), ..sample.clone() };
    assert_eq!(sample.verify(sent.request(&headers), &sample.body), Ok(()), "{sample:?}\n{signed}");
}

#[test]
fn requests_that_botocore_signs_verify() {
    let samples = samples(3, sample_count());
    for (sample, signed) in samples.iter().zip(signed_by_botocore(&samples, false)) {
        assert_verified(sample, &signed);
    }
}

#[test]
fn requests_that_botocore_presigns_verify() {
    // A body would be moved into the query.
    let samples: Vec<_> =
        samples(4, sample_count()).into_iter().map(|sample| Sample { body: Vec::new(), ..sample }).collect();
    for (sample, signed) in samples.iter().zip(signed_by_botocore(&samples, true)) {
        assert_verified(sample, &signed);
    }
}

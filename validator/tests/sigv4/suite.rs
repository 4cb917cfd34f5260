//! AWS's signing test suite, every intermediate step of every case.

use std::fs;
use std::path::{Path, PathBuf};

use brevet_validator::signature::{PathStyle, Refusal, Rules, sign};
use brevet_validator::timestamp::Timestamp;

use crate::wire::{Wire, at, credentials, key, rules};

/// One folder of the suite.
struct Case {
    name: String,
    folder: PathBuf,
    context: serde_json::Value,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut folders: Vec<PathBuf> = fs::read_dir(Path::new("tests/vectors/sigv4"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("context.json").exists())
            .collect();
        folders.sort();
        assert_eq!(folders.len(), 40, "the suite is complete");
        folders
            .into_iter()
            .map(|folder| Self {
                name: folder.file_name().unwrap().to_string_lossy().into_owned(),
                context: serde_json::from_str(&fs::read_to_string(folder.join("context.json")).unwrap()).unwrap(),
                folder,
            })
            .collect()
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap().replace("\r\n", "\n")
    }

    fn has_query_form(&self) -> bool {
        self.folder.join("query-signature.txt").exists()
    }

    fn is_unnormalised(&self) -> bool {
        self.context["normalize"] == false
    }

    fn text(&self, key: &str) -> &str {
        self.context[key].as_str().unwrap()
    }

    fn secret(&self) -> &str {
        self.context["credentials"]["secret_access_key"].as_str().unwrap()
    }

    fn now(&self) -> Timestamp {
        Timestamp::parse_iso(self.text("timestamp")).unwrap()
    }

    fn rules(&self) -> Rules {
        rules(if self.is_unnormalised() { PathStyle::S3 } else { PathStyle::General }, self.text("service"))
    }

    /// Checks the steps of one form and returns the verdict on its signature.
    fn run(&self, form: &str) -> Result<(), Refusal> {
        let wire = Wire::parse(&self.file(&format!("{form}-signed-request.txt")));
        let presented = wire.read(&self.rules(), self.now())?;
        if form == "header" || !self.is_unnormalised() {
            self.assert_step(&presented.canonical_request(wire.payload()), &format!("{form}-canonical-request.txt"));
            self.assert_step(&presented.string_to_sign(wire.payload()), &format!("{form}-string-to-sign.txt"));
        } else {
            // Paths stay as they are only at S3, whose presigned requests leave the payload unsigned.
            let canonical = presented.canonical_request(wire.payload());
            let theirs = self.file("query-canonical-request.txt");
            let (head, empty_hash) = theirs.rsplit_once('\n').unwrap();
            assert_eq!(empty_hash.len(), 64);
            assert_eq!(canonical, format!("{head}\nUNSIGNED-PAYLOAD"), "{}", self.name);
        }
        presented.verify(wire.payload(), &key(self.secret(), presented.scope()))
    }

    fn assert_step(&self, ours: &str, file: &str) {
        assert_eq!(ours, self.file(file), "{}: {file}", self.name);
    }
}

#[test]
fn every_case_in_the_header_form_takes_the_published_steps() {
    for case in Case::all().iter().filter(|case| case.name != "post-sts-header-after") {
        assert_eq!(case.run("header"), Ok(()), "{}", case.name);
    }
}

#[test]
fn every_presigned_case_takes_the_published_steps() {
    let cases = Case::all();
    for case in cases.iter().filter(|case| case.has_query_form() && case.name != "post-sts-header-after") {
        let expected = if case.is_unnormalised() { Err(Refusal::Mismatch) } else { Ok(()) };
        assert_eq!(case.run("query"), expected, "{}", case.name);
    }
    assert_eq!(cases.iter().filter(|case| case.has_query_form()).count(), 38);
}

#[test]
fn a28_post_sts_header_after_is_refused_because_its_token_is_unsigned() {
    let case = Case::all().into_iter().find(|case| case.name == "post-sts-header-after").unwrap();
    assert!(matches!(case.run("header"), Err(Refusal::Unsigned(_))));

    let wire = Wire::parse(&case.file("query-signed-request.txt"));
    let presented = wire.read(&case.rules(), case.now()).unwrap();
    let verdict = presented.verify(wire.payload(), &key(case.secret(), presented.scope()));
    assert_eq!(verdict, Err(Refusal::Mismatch));
}

#[test]
fn a17_paths_that_are_already_encoded_are_encoded_twice() {
    for (name, service, day) in
        [("double-encode-path", "service", "20150830"), ("double-url-encode", "lambda", "20210511")]
    {
        let file = |file: &str| fs::read_to_string(Path::new("tests/vectors/sigv4").join(name).join(file)).unwrap();
        let wire = Wire::parse(&file("header-signed-request.txt"));
        let now = at(wire.headers["x-amz-date"].to_str().unwrap());
        let presented = wire.read(&rules(PathStyle::General, service), now).unwrap();
        assert_eq!(presented.scope().date(), day);
        assert_eq!(presented.canonical_path(), file("header-canonical-request.txt").lines().nth(1).unwrap(), "{name}");
    }
}

#[test]
fn the_signer_makes_the_signatures_of_the_cases_that_declare_their_body() {
    let cases = Case::all();
    let declared: Vec<_> = cases.iter().filter(|case| case.context["sign_body"] == true).collect();
    assert_eq!(declared.len(), 2);
    for case in declared {
        let wire = Wire::parse(&case.file("request.txt"));
        let (region, service) = (case.text("region"), case.text("service"));
        let signed =
            sign(wire.request(), wire.sha256(), &credentials(None), region, service, PathStyle::General, case.now());
        let signed = signed.unwrap();
        let (name, value) = signed.last().unwrap();
        assert_eq!(name, "authorization");
        assert!(value.to_str().unwrap().ends_with(&format!("Signature={}", case.file("header-signature.txt"))));
    }
}

#[test]
fn the_signer_refuses_regions_and_services_that_no_verifier_could_read() {
    let wire = Wire::parse("GET / HTTP/1.1\nHost: example.com");
    let verdict = |region, service| {
        let credentials = credentials(None);
        let signed = sign(
            wire.request(),
            wire.sha256(),
            &credentials,
            region,
            service,
            PathStyle::General,
            at("20260701T000000Z"),
        );
        signed.map(drop)
    };
    assert_eq!(verdict("us-east-1", "sts"), Ok(()));
    for (region, service) in [("us/east", "sts"), ("", "sts"), ("us-east-1", ""), ("us-east-1", "s t s")] {
        let refusal = Refusal::Incomplete("Region and service must be writable in a credential's scope.");
        assert_eq!(verdict(region, service), Err(refusal), "{region}/{service}");
    }
}

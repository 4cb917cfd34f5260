//! Documents that are meant to be read otherwise than they look, or to cost more than they should.

use brevet_validator::policy::{Kind, Policy};
use serde_json::json;

use crate::holds;

const STATEMENT: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

fn refusal(text: &str) -> String {
    match Policy::parse(text, Kind::Identity) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error.message,
    }
}

#[test]
fn c5_elements_that_are_unknown_or_of_another_case_are_refused() {
    for (element, value) in [
        ("effect", "\"Deny\""),
        ("EFFECT", "\"Deny\""),
        ("Conditions", "{}"),
        ("condition", "{}"),
        ("Effect ", "\"Deny\""),
        ("", "\"\""),
        ("$comment", "\"\""),
        ("__proto__", "{}"),
    ] {
        let text = format!(r#"{{"Statement":[{{"Effect":"Allow","Action":"*","Resource":"*","{element}":{value}}}]}}"#);
        assert!(refusal(&text).contains("has no element"), "{text}");
        assert!(refusal(&format!(r#"{{"Statement":[{STATEMENT}],"{element}":{value}}}"#)).contains("has no element"));
    }
}

#[test]
fn c6_a_document_in_another_dress_is_refused() {
    let text = format!(r#"{{"Statement":[{STATEMENT}]}}"#);
    assert!(Policy::parse(&text, Kind::Identity).is_ok());
    for dressed in [
        "eyJTdGF0ZW1lbnQiOltdfQ==".to_owned(),
        json!(text).to_string(),
        format!("[{text}]"),
        format!("{text}{text}"),
        format!("{text}\0"),
        format!("\u{feff}{text}"),
        format!("{text}//"),
        text.replace('"', "'"),
        text.replace('{', "%7B"),
        text.chars().flat_map(|c| [c, '\0']).collect(),
        text.replacen(':', " :\u{a0}", 1),
        text.replace("\"Effect\":\"Allow\"", "\"Effect\":\"Allow\",\"Effect\":\"Deny\""),
        text.replace("\"Effect\":\"Allow\"", "\"Effect\":\"Deny\",\"\\u0045\\u0066fect\":\"Allow\""),
    ] {
        refusal(&dressed);
    }
}

#[test]
fn c6_a_condition_written_twice_is_refused_at_each_level() {
    for condition in [
        r#"{"Bool":{"a:b":"true"},"Bool":{"a:c":"true"}}"#,
        r#"{"Bool":{"a:b":"true","a:b":"false"}}"#,
        r#"{"Bool":{"a:b":"true"},"\u0042ool":{"a:b":"false"}}"#,
    ] {
        let text =
            format!(r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}}}"#);
        assert!(refusal(&text).contains("written twice"), "{text}");
    }
}

/// It does not matter what the document holds: its length alone refuses it.
#[test]
fn c7_a_hundred_thousand_statements_are_refused_quickly() {
    let statements = format!(r#"{{"Statement":[{}]}}"#, vec![STATEMENT; 100_000].join(","));
    for text in [statements, "x".repeat(5_000_000), "[".repeat(5_000_000), "{\"a\":".repeat(1_000_000)] {
        let error = Policy::parse(&text, Kind::Identity).unwrap_err();
        assert_eq!((error.line, error.column), (1, 1));
        assert_eq!(error.message, format!("the document is longer than {} bytes", Policy::MAX_BYTES));
    }
}

#[test]
fn c7_the_longest_document_is_read_and_one_byte_more_is_not() {
    let fill = |with: &str, bytes: usize| {
        let empty = format!(r#"{{"Id":"","Statement":{STATEMENT}}}"#);
        let room = bytes - empty.len();
        let id = with.repeat(room / with.len()) + &"x".repeat(room % with.len());
        empty.replacen("\"\"", &format!("\"{id}\""), 1)
    };
    for with in ["x", "é", "😀"] {
        let longest = fill(with, Policy::MAX_BYTES);
        assert_eq!(longest.len(), Policy::MAX_BYTES);
        assert!(Policy::parse(&longest, Kind::Identity).is_ok());
        assert!(refusal(&fill(with, Policy::MAX_BYTES + 1)).contains("longer than"));
    }
}

#[test]
fn c7_nesting_is_refused_wherever_it_is() {
    for (place, before, after) in [
        ("policy", "", ""),
        ("statements", r#"{"Statement":"#, "}"),
        ("action", r#"{"Statement":{"Effect":"Allow","Resource":"*","Action":"#, "}}"),
        ("condition", r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":"#, "}}"),
        ("values", r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a:b":"#, "}}}}"),
    ] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            for depth in [3, 40, 10_000] {
                let text = format!("{before}{}1{}{after}", open.repeat(depth), close.repeat(depth));
                let message = refusal(&text);
                assert_eq!(message.contains("levels deep"), depth > 3, "{place}: {message}");
            }
        }
    }
}

#[test]
fn b21_elements_actions_and_keys_have_no_look_alikes() {
    for (name, look_alike) in [
        ("Effect", "\u{415}ffect"),
        ("Effect", "Effect\u{200b}"),
        ("Action", "\u{410}ction"),
        ("Statement", "Ｓtatement"),
    ] {
        let text = format!(r#"{{"Statement":[{STATEMENT}]}}"#).replace(name, look_alike);
        assert!(refusal(&text).contains("has no element"), "{text}");
    }
    for action in ["s3:G\u{435}t", "s3\u{200b}:Get", "ｓ3:Get", "s3：Get", "s3:Get\u{301}"] {
        let text = format!(r#"{{"Statement":[{}]}}"#, STATEMENT.replacen("\"*\"", &format!("\"{action}\""), 1));
        assert!(refusal(&text).contains("is not an action"), "{text}");
    }
    // A condition on a key that looks like another tests a key that no request has.
    assert!(!holds(json!({"StringEquals": {"aws:user\u{212a}": "ada"}}), "aws:userk", &["ada"]));
}

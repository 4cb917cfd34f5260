//! The schema for editors knows the keys that the readers know, and no others.

use std::collections::BTreeSet;

use serde_json::Value;

use super::settings;
use super::suite::{FILE_KEYS, POLICY_KEYS, REASONS, case_keys};

fn keys<'a>(schema: &'a Value, pointer: &str) -> BTreeSet<&'a str> {
    let object = schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
    assert_eq!(object["additionalProperties"], false, "{pointer}");
    object["properties"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_schema_has_all_keys_and_reasons() {
    let schema: Value = serde_json::from_str(include_str!("../../../../docs/schemas/policy-test.schema.json")).unwrap();
    assert_eq!(keys(&schema, ""), FILE_KEYS.into());
    assert_eq!(keys(&schema, "/properties/policies"), POLICY_KEYS.into());
    assert_eq!(keys(&schema, "/definitions/defaults"), settings::KEYS.into());
    assert_eq!(keys(&schema, "/definitions/allow"), case_keys(false).into_iter().collect());
    assert_eq!(keys(&schema, "/definitions/deny"), case_keys(true).into_iter().collect());
    let reasons = schema.pointer("/definitions/deny/properties/reason/enum").unwrap();
    assert_eq!(*reasons, serde_json::to_value(REASONS).unwrap());
}

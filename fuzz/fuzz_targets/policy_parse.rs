//! Any text, read as each kind of policy.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../properties/policy_parse.rs"]
mod policy_parse;

fuzz_target!(|text: &str| policy_parse::check(text));

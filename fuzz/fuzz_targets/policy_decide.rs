//! Callers, requests and policies made of any bytes, decided twice.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../validator/tests/policy_oracle/generate.rs"]
mod generate;
#[path = "../../validator/tests/policy_oracle/laws.rs"]
mod laws;
#[path = "../../validator/tests/policy_oracle/naive.rs"]
mod naive;
#[path = "../properties/policy_decide.rs"]
mod policy_decide;
#[path = "../../validator/tests/policy_oracle/world.rs"]
mod world;

fuzz_target!(|bytes: &[u8]| policy_decide::check(bytes));

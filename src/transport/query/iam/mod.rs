//! The IAM operations on the AWS Query wire, version 2010-05-08.

mod oidc_providers;
mod parse;
mod render;
mod simulate;
#[cfg(test)]
mod tests;

pub use parse::parse;
pub use render::{has_result, render};

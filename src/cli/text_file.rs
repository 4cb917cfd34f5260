//! Texts that are given as files.

use std::io::Read as _;

use anyhow::Context as _;

/// The text of a file; `-` is standard input.
pub(super) fn read(file: &str) -> anyhow::Result<String> {
    let text = if file == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    text.with_context(|| format!("cannot read {file}"))
}

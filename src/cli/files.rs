//! Files that commands are given by name.

use std::io::Read as _;

use anyhow::Context as _;

/// The text of a file; `-` is standard input.
pub(super) fn read(file: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = match file {
        "-" => std::io::stdin().lock().read_to_string(&mut text).map(|_| text),
        _ => std::fs::read_to_string(file),
    };
    read.with_context(|| format!("cannot read {file}"))
}

//! Files that commands are given by name.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

/// The text of a file; `-` is standard input.
pub(super) fn read(file: &str) -> anyhow::Result<String> {
    if file != "-" {
        return read_file(Path::new(file));
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).context("cannot read -")?;
    Ok(text)
}

/// The text of a file.
pub(super) fn read_file(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

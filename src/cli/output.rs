//! How answers are written.

use clap::ValueEnum;

/// For people or for programs.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Output {
    Human,
    Json,
}

/// Text of others on a terminal: without what could move its cursor or colour it.
pub(super) fn shown(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}

/// A statement as people know it: by its number, and its `Sid` if it has one.
pub(super) fn statement(number: impl std::fmt::Display, sid: Option<&str>) -> String {
    let sid = sid.map(|sid| format!(" ({})", shown(sid))).unwrap_or_default();
    format!("statement {number}{sid}")
}

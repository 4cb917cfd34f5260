//! The canonical path of a request.

use std::borrow::Cow;

use super::encode::{self, Place};
use super::refusal::Refusal;
use super::request::PathStyle;
use super::split::split;

/// The path as the signature covers it. Borrows where the received path is canonical already.
pub(super) fn canonical<'a>(path: &'a str, style: PathStyle) -> Result<Cow<'a, str>, Refusal> {
    let path = match style {
        PathStyle::General => normalise(path),
        PathStyle::S3 if path.is_empty() => Cow::Borrowed("/"),
        PathStyle::S3 => Cow::Borrowed(path),
    };
    if encode::is_plain_path(&path) {
        return Ok(path);
    }
    let mut encoded = String::with_capacity(path.len() + path.len() / 2);
    match style {
        PathStyle::General => {
            encode::check_escapes(&path)?;
            encode::encode(&path, Place::Path, &mut encoded);
        }
        PathStyle::S3 => encode::encode_once(&path, Place::Path, &mut encoded)?,
    }
    Ok(Cow::Owned(encoded))
}

/// Removes dot segments (RFC 3986, section 5.2.4) and, as AWS does, empty ones. Escapes are not looked into.
fn normalise(path: &str) -> Cow<'_, str> {
    if is_normal(path) {
        return Cow::Borrowed(path);
    }
    let mut kept = Vec::new();
    let mut ends_in_slash = true;
    for segment in path.split('/') {
        ends_in_slash = matches!(segment, "" | "." | "..");
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    let mut normal = String::with_capacity(path.len() + 1);
    for segment in &kept {
        normal.push('/');
        normal.push_str(segment);
    }
    if ends_in_slash || normal.is_empty() {
        normal.push('/');
    }
    Cow::Owned(normal)
}

/// A slash may stand at either end; between slashes are names.
fn is_normal(path: &str) -> bool {
    let is_name = |segment: &str| !matches!(segment, "" | "." | "..");
    let has_names = |inner: &str| split(inner.strip_suffix('/').unwrap_or(inner), b'/').all(is_name);
    path == "/" || path.strip_prefix('/').is_some_and(has_names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_are_normal_are_kept_as_they_are() {
        for normal in ["/", "/a", "/a/", "/a/b", "/a/b/", "/...", "/.a/a."] {
            assert!(matches!(normalise(normal), Cow::Borrowed(kept) if kept == normal), "{normal}");
        }
        for (other, normal) in [
            ("", "/"),
            ("a", "/a"),
            ("//", "/"),
            ("//a", "/a"),
            ("/a//", "/a/"),
            ("/a//b", "/a/b"),
            ("/.", "/"),
            ("/..", "/"),
            ("/a/.", "/a/"),
            ("/a/./", "/a/"),
            ("/a/../b", "/b"),
        ] {
            assert_eq!(normalise(other), normal, "{other}");
        }
    }
}

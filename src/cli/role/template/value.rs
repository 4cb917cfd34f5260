//! Values of options as the parts of a claim: each has the characters that the CI system's names have. None separates parts,
//! and none is a wildcard or begins a policy variable, so that a value never means more than what it says.

use anyhow::anyhow;

/// A name as it stands in addresses: letters, digits, `.`, `_` and `-`.
pub(super) fn name(option: &str, text: String) -> anyhow::Result<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !matches!(&*text, "" | "." | "..") && text.chars().all(allowed) {
        return Ok(text);
    }
    Err(refused(option, &text, "letters, digits, `.`, `_` and `-` make a name"))
}

/// At least `least` such names with `/` between them.
pub(super) fn path(option: &str, text: String, least: usize, form: &str) -> anyhow::Result<String> {
    let names = text.split('/');
    let good = names.clone().count() >= least && names.clone().all(|part| name(option, part.to_owned()).is_ok());
    if good { Ok(text) } else { Err(refused(option, &text, &format!("it has the form {form}"))) }
}

/// A decimal number.
pub(super) fn number(option: &str, text: String) -> anyhow::Result<String> {
    if !text.is_empty() && !text.starts_with('0') && text.bytes().all(|c| c.is_ascii_digit()) {
        return Ok(text);
    }
    Err(refused(option, &text, "it is a number"))
}

/// A UUID.
pub(super) fn uuid(option: &str, text: String) -> anyhow::Result<String> {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    if groups == [8, 4, 4, 4, 12] && text.chars().all(|c| matches!(c, '-' | '0'..='9' | 'a'..='f')) {
        return Ok(text);
    }
    Err(refused(option, &text, "it is a UUID in lower case"))
}

/// Name of a branch or tag, by the rules of [git check-ref-format][1].
///
/// [1]: https://git-scm.com/docs/git-check-ref-format
pub(super) fn git_ref(option: &str, text: String) -> anyhow::Result<String> {
    if text.starts_with("refs/") {
        return Err(refused(option, &text, "it is the name alone, without refs/heads/ or refs/tags/"));
    }
    let is_part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let allowed = |c: char| c.is_ascii_graphic() && !"~^:?*[\\$".contains(c);
    let twice = text.contains("..") || text.contains("@{") || text.ends_with('.');
    if text.chars().all(allowed) && text.split('/').all(is_part) && !twice {
        return Ok(text);
    }
    Err(refused(option, &text, "it is the name of one branch or tag as git allows it, without wildcards and `$`"))
}

/// A name for people: printable, with spaces. `more` are characters that it may not have besides.
pub(super) fn title(option: &str, text: String, more: &str) -> anyhow::Result<String> {
    let allowed = |c: char| (c.is_ascii_graphic() || c == ' ') && !"*?$:".contains(c) && !more.contains(c);
    if !text.trim().is_empty() && text.trim() == text && text.chars().all(allowed) {
        return Ok(text);
    }
    let more: String = more.chars().map(|c| format!(" `{c}`")).collect();
    Err(refused(option, &text, &format!("it is one name in printable ASCII, without `*` `?` `$` `:`{more}")))
}

/// An audience: any text that no policy reads as more than itself.
pub(super) fn audience(text: String) -> anyhow::Result<String> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"*?$".contains(c)) {
        return Ok(text);
    }
    Err(refused("audience", &text, "it is printable ASCII without spaces and without `*` `?` `$`"))
}

/// Why a value is not taken.
pub(super) fn refused(option: &str, text: &str, why: &str) -> anyhow::Error {
    anyhow!("--{option} {text:?} is not taken: {why}")
}

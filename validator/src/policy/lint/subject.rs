//! How far the value of a subject claim narrows down whose token it is.

use super::providers::Provider;

/// From the best to the worst.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Reach {
    /// Owner and project are named.
    Named,
    /// It begins as the issuer writes subjects, but ends too early, so that it matches none.
    Incomplete,
    /// The owner is named, the project is not.
    Wide,
    /// Not even the owner is named.
    Open,
}

/// How far a value of this claim reaches. `wild`: its `*` and `?` are wildcards.
pub(super) fn reach(provider: &Provider, claim: &str, value: &str, wild: bool) -> Reach {
    if wild && value.bytes().all(|b| b == b'*') {
        return Reach::Open;
    }
    let forms = provider.subjects.iter().filter(|(name, form)| name.eq_ignore_ascii_case(claim) && !form.is_empty());
    // A value of no known form is the author's own; nothing can be said of it.
    forms.filter_map(|(_, form)| reach_in(form, value, wild)).min().unwrap_or(Reach::Named)
}

/// How far a value reaches that has this form; `None` if it cannot have it.
///
/// A form is text with `{owner}` and `{project}` in it: each takes what comes before the next character of the form, or
/// all to the end. Whatever follows the form is of no interest.
fn reach_in(form: &str, value: &str, wild: bool) -> Option<Reach> {
    // No name has a `$`: it begins a policy variable, which may stand for what the token itself says.
    let wildcard = |c: char| c == '$' || wild && matches!(c, '*' | '?');
    let mut value = value.chars().peekable();
    let mut rest = form;
    let mut owner_named = false;
    let unnamed = |owner_named| Some(if owner_named { Reach::Wide } else { Reach::Open });
    let mut begun = false;
    while let Some(next) = rest.chars().next() {
        if next != '{' {
            match value.next() {
                Some(c) if c == next => begun |= c == ':',
                Some(c) if wildcard(c) => return unnamed(owner_named),
                None if begun => return Some(Reach::Incomplete),
                _ => return None,
            }
            rest = rest.get(next.len_utf8()..)?;
            continue;
        }
        let (field, after) = rest.split_once('}')?;
        let end = after.chars().next();
        while let Some(c) = value.next_if(|c| Some(*c) != end) {
            if wildcard(c) {
                return unnamed(owner_named);
            }
        }
        owner_named |= field == "{owner";
        rest = after;
    }
    Some(Reach::Named)
}

/// The owner and project of a GitHub subject `repo:owner/project:rest`, without their ids, and whether they have them.
pub(super) fn github(subject: &str) -> Option<GitHub<'_>> {
    let (owner, rest) = subject.strip_prefix("repo:")?.split_once('/')?;
    let (project, rest) = rest.split_once(':').unwrap_or((rest, ""));
    let bare = |name: &'_ str| name.find('@').unwrap_or(name.len());
    Some(GitHub {
        owner: owner.get(..bare(owner))?,
        project: project.get(..bare(project))?,
        rest,
        has_ids: owner.contains('@'),
    })
}

#[derive(Debug)]
pub(super) struct GitHub<'a> {
    pub(super) owner: &'a str,
    pub(super) project: &'a str,
    pub(super) rest: &'a str,
    pub(super) has_ids: bool,
}

#[cfg(test)]
mod tests {
    use super::super::providers::PROVIDERS;
    use super::*;

    #[test]
    fn b18_an_owner_is_named_only_if_its_boundary_is_written() {
        let github = &PROVIDERS[0];
        for (value, expected) in [
            ("*", Reach::Open),
            ("re*", Reach::Open),
            ("repo:*", Reach::Open),
            ("repo:org*", Reach::Open),
            ("repo:or?/shop:*", Reach::Open),
            ("repo:*/shop:ref:refs/heads/main", Reach::Open),
            ("repo:${oidc:repository_owner}/shop:*", Reach::Open),
            ("repo:org/*", Reach::Wide),
            ("repo:org/shop*", Reach::Wide),
            ("repo:org/*:environment:prod", Reach::Wide),
            ("repo:org@9919/*", Reach::Wide),
            ("repo:org@*/shop@*:environment:prod", Reach::Wide),
            ("repo:org/shop", Reach::Incomplete),
            ("repo:org", Reach::Incomplete),
            ("repo:org/shop:*", Reach::Named),
            ("repo:org@1/shop@2:ref:refs/heads/*", Reach::Named),
            ("environment:prod", Reach::Named),
        ] {
            assert_eq!(reach(github, "sub", value, true), expected, "{value}");
        }
        assert_eq!(reach(github, "repository_owner", "acme*", true), Reach::Open);
        assert_eq!(reach(github, "repository", "acme/*", true), Reach::Wide);
        assert_eq!(reach(github, "repository", "acme/shop", true), Reach::Named);
        assert_eq!(reach(github, "sub", "repo:org*", false), Reach::Incomplete);
    }
}

//! Trust in an issuer of identity tokens that does not say, or says too widely, whose tokens.

use std::collections::HashSet;

use super::super::condition::Test as Compare;
use super::super::error::quote;
use super::super::json::Text;
use super::finding::{Code, Note};
use super::statement::{Issuer, Statement, Test};
use super::subject::{GitHub, Reach, github, reach};

pub(super) fn check(statement: &Statement<'_>, notes: &mut Vec<Note>) {
    if !statement.allows() {
        return;
    }
    for issuer in &statement.issuers {
        let subjects: Vec<(&str, &Test<'_>)> =
            statement.tests.iter().filter_map(|test| Some((subject_claim(issuer, test)?, test))).collect();
        // All conditions must hold: the narrowest decides.
        match subjects.iter().map(|(claim, test)| widest(issuer, claim, test)).min() {
            None if demands_other_issuer(statement, issuer) => {}
            None => notes.push(without_subject(statement, issuer)),
            Some(reach @ (Reach::Open | Reach::Wide)) => notes.extend(subjects.iter().flat_map(|(claim, test)| {
                let values = test.values().iter().filter(move |value| of(issuer, claim, test, value) == reach);
                values.filter_map(move |value| too_wide(issuer, value, reach))
            })),
            Some(Reach::Named | Reach::Incomplete) => {}
        }
        for (claim, test) in subjects {
            let incomplete = test.values().iter().filter(|value| of(issuer, claim, test, value) == Reach::Incomplete);
            notes.extend(incomplete.map(|value| incomplete_subject(issuer, value)));
        }
        if issuer.provider.subject_ids {
            without_ids(statement, issuer, notes);
        }
    }
}

/// The claim that a condition narrows the subject by, if it does.
fn subject_claim<'t>(issuer: &Issuer<'_>, test: &'t Test<'_>) -> Option<&'t str> {
    let claim = issuer.claim(test.key())?;
    let says_whose = issuer.provider.subjects.iter().any(|(name, _)| name.eq_ignore_ascii_case(claim))
        || issuer.provider.claims.is_empty() && !claim.eq_ignore_ascii_case("aud");
    let compares = matches!(test.operator.test, Compare::String { .. } | Compare::Like) && !test.operator.negated;
    // A token always has a `sub`; other claims may be missing.
    (says_whose && compares && (!test.passes_when_missing() || claim.eq_ignore_ascii_case("sub"))).then_some(claim)
}

/// Whether a condition asks for a claim that only another issuer of the statement makes: this one's tokens all fail it.
fn demands_other_issuer(statement: &Statement<'_>, issuer: &Issuer<'_>) -> bool {
    statement.tests.iter().any(|test| {
        let is_of_another = statement.issuers.iter().any(|other| other.claim(test.key()).is_some());
        let compares = matches!(test.operator.test, Compare::String { .. } | Compare::Like) && !test.operator.negated;
        issuer.claim(test.key()).is_none() && is_of_another && compares && !test.passes_when_missing()
    })
}

fn of(issuer: &Issuer<'_>, claim: &str, test: &Test<'_>, value: &Text) -> Reach {
    reach(issuer.provider, claim, &value.value, test.operator.test == Compare::Like)
}

/// One of the values suffices: the widest decides.
fn widest(issuer: &Issuer<'_>, claim: &str, test: &Test<'_>) -> Reach {
    test.values().iter().map(|value| of(issuer, claim, test, value)).max().unwrap_or(Reach::Named)
}

fn without_subject(statement: &Statement<'_>, issuer: &Issuer<'_>) -> Note {
    let provider = issuer.provider;
    let mut claims = statement.tests.iter().filter_map(|test| issuer.claim(test.key()));
    let only_audience = claims.any(|claim| claim.eq_ignore_ascii_case("aud"));
    let who = if provider.shared { "anyone can get one" } else { "all whom it vouches for have one" };
    let (code, message) = if only_audience {
        (Code::AudienceOnly, format!("the audience is checked, but not whose token of {} it is: {who}", issuer.title()))
    } else {
        (Code::NoSubject, format!("nothing says whose token of {} it must be: {who}", issuer.title()))
    };
    // Without any condition even a private issuer's every token will do.
    let note = if provider.shared || statement.tests.is_empty() {
        Note::dangerous(code, issuer.at, message)
    } else {
        Note::warning(code, issuer.at, message)
    };
    let form = provider.subjects.first().map(|(_, form)| *form).filter(|form| !form.is_empty());
    note.suggest(form.map(|form| {
        let example = form.replace("{owner}", "OWNER").replace("{project}", "PROJECT");
        format!("\"StringLike\": {{\"{}:sub\": \"{example}*\"}}", issuer.name)
    }))
}

fn too_wide(issuer: &Issuer<'_>, value: &Text, reach: Reach) -> Option<Note> {
    let quoted = quote(&value.value);
    match reach {
        Reach::Open if issuer.provider.shared => {
            let message = format!("{quoted} does not name the owner in full: strangers at {} match it", issuer.title());
            Some(Note::dangerous(Code::OpenSubject, value.at, message))
        }
        Reach::Open => {
            let message =
                format!("{quoted} does not name the owner in full: all that {} vouches for match it", issuer.title());
            Some(Note::warning(Code::OpenSubject, value.at, message))
        }
        Reach::Wide => {
            let message = format!("{quoted} lets in every project of the owner whose name fits, also future ones");
            Some(Note::warning(Code::WideSubject, value.at, message))
        }
        Reach::Named | Reach::Incomplete => None,
    }
}

fn incomplete_subject(issuer: &Issuer<'_>, value: &Text) -> Note {
    let message =
        format!("{} ends before a subject of {} does: no token matches it", quote(&value.value), issuer.title());
    Note::warning(Code::IncompleteSubject, value.at, message)
        .suggest(value.value.contains('/').then(|| format!("{}:*", value.value)))
}

/// Repositories made, renamed or moved since 2026-07-15 present their subject with ids, older ones without.
///
/// See [Immutable subject claims][1].
///
/// [1]: https://github.blog/changelog/2026-04-23-immutable-subject-claims-for-github-actions-oidc-tokens/
fn without_ids(statement: &Statement<'_>, issuer: &Issuer<'_>, notes: &mut Vec<Note>) {
    let on_sub = |test: &&Test<'_>| {
        !test.operator.negated && issuer.claim(test.key()).is_some_and(|claim| claim.eq_ignore_ascii_case("sub"))
    };
    let values = || statement.tests.iter().filter(on_sub).flat_map(Test::values);
    let subjects = values().filter_map(|value| github(&value.value)).filter(|subject| subject.has_ids);
    let with_ids: HashSet<(&str, &str)> = subjects.map(|subject| (subject.owner, subject.project)).collect();
    for value in values() {
        let Some(subject) = github(&value.value) else { continue };
        let names_owner = !subject.owner.is_empty() && !subject.owner.contains(['*', '?']);
        let has_twin = with_ids.contains(&(subject.owner, subject.project));
        if subject.has_ids || !names_owner || has_twin {
            continue;
        }
        let message = format!(
            "{} has no ids, as the subjects of repositories have that were made, renamed or moved since 2026-07-15: add \
             the form with ids",
            quote(&value.value)
        );
        let GitHub { owner, project, rest, .. } = subject;
        let project = if project == "*" { "*".to_owned() } else { format!("{project}@REPOSITORY_ID") };
        let rest = if rest.is_empty() { String::new() } else { format!(":{rest}") };
        notes.push(
            Note::warning(Code::SubjectWithoutIds, value.at, message)
                .suggest(format!("repo:{owner}@OWNER_ID/{project}{rest}")),
        );
    }
}

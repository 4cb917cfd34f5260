//! What the linter tells.

use super::super::error::{Fault, InvalidDocument};

/// Something in a document that is wrong or doubtful.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Which mistake.
    pub code: Code,
    /// How bad it is here.
    pub severity: Severity,
    /// 1-based.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to write instead, if that can be guessed.
    pub suggestion: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Severity {
    /// Someone gets in whom the author hardly meant, or the document is no policy.
    Dangerous,
    /// Works otherwise than it reads, or more widely than it needs to.
    Warning,
}

impl Severity {
    /// `dangerous` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dangerous => "dangerous",
            Self::Warning => "warning",
        }
    }
}

/// The kinds of mistakes. Their names do not change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Code {
    /// The document is no policy.
    Malformed,
    /// Trusts an issuer and does not say whose tokens.
    NoSubject,
    /// Trusts an issuer's every token that was made for this audience.
    AudienceOnly,
    /// A wildcard where the owner of the subject should be named.
    OpenSubject,
    /// A wildcard where the project of the subject should be named.
    WideSubject,
    /// A subject that lacks a part that the issuer always writes.
    IncompleteSubject,
    /// A GitHub subject without ids, which newer repositories do not present.
    SubjectWithoutIds,
    /// `ForAllValues` in an Allow is true when the key is missing.
    ForAllValues,
    /// A claim that the issuer does not put into its tokens, or a key of another issuer.
    UnknownClaim,
    /// A key `aws:…` or `sts:…` that does not exist.
    UnknownKey,
    /// Everyone, unconditionally.
    PublicPrincipal,
    /// Everyone who meets a condition that does not say who.
    PublicPrincipalWithCondition,
    /// Everyone but those named.
    AllowNotPrincipal,
    /// Every action but those named.
    AllowNotAction,
    /// Every resource but those named.
    AllowNotResource,
    /// A `*` in an operator that knows no wildcards.
    LiteralWildcard,
    /// Conditions that no request meets.
    NeverMatches,
    /// An earlier statement says it all.
    Shadowed,
    /// An Allow all of which a Deny takes back.
    AlwaysDenied,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 19] = [
        Self::Malformed,
        Self::NoSubject,
        Self::AudienceOnly,
        Self::OpenSubject,
        Self::WideSubject,
        Self::IncompleteSubject,
        Self::SubjectWithoutIds,
        Self::ForAllValues,
        Self::UnknownClaim,
        Self::UnknownKey,
        Self::PublicPrincipal,
        Self::PublicPrincipalWithCondition,
        Self::AllowNotPrincipal,
        Self::AllowNotAction,
        Self::AllowNotResource,
        Self::LiteralWildcard,
        Self::NeverMatches,
        Self::Shadowed,
        Self::AlwaysDenied,
    ];

    /// The name that programs and people know it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "MALFORMED",
            Self::NoSubject => "NO_SUBJECT",
            Self::AudienceOnly => "AUDIENCE_ONLY",
            Self::OpenSubject => "OPEN_SUBJECT",
            Self::WideSubject => "WIDE_SUBJECT",
            Self::IncompleteSubject => "INCOMPLETE_SUBJECT",
            Self::SubjectWithoutIds => "SUBJECT_WITHOUT_IDS",
            Self::ForAllValues => "FOR_ALL_VALUES",
            Self::UnknownClaim => "UNKNOWN_CLAIM",
            Self::UnknownKey => "UNKNOWN_KEY",
            Self::PublicPrincipal => "PUBLIC_PRINCIPAL",
            Self::PublicPrincipalWithCondition => "PUBLIC_PRINCIPAL_WITH_CONDITION",
            Self::AllowNotPrincipal => "ALLOW_NOT_PRINCIPAL",
            Self::AllowNotAction => "ALLOW_NOT_ACTION",
            Self::AllowNotResource => "ALLOW_NOT_RESOURCE",
            Self::LiteralWildcard => "LITERAL_WILDCARD",
            Self::NeverMatches => "NEVER_MATCHES",
            Self::Shadowed => "SHADOWED",
            Self::AlwaysDenied => "ALWAYS_DENIED",
        }
    }

    /// The mistake in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Malformed => "The document is no policy",
            Self::NoSubject => "Trusts an issuer without saying whose tokens",
            Self::AudienceOnly => "Trusts every token made for an audience",
            Self::OpenSubject => "The subject's owner is a wildcard",
            Self::WideSubject => "The subject's project is a wildcard",
            Self::IncompleteSubject => "The subject lacks a part",
            Self::SubjectWithoutIds => "The GitHub subject lacks the ids",
            Self::ForAllValues => "ForAllValues holds when the key is missing",
            Self::UnknownClaim => "The issuer has no such claim",
            Self::UnknownKey => "No such condition key",
            Self::PublicPrincipal => "Everyone may",
            Self::PublicPrincipalWithCondition => "Everyone who meets a condition may",
            Self::AllowNotPrincipal => "Everyone but those named may",
            Self::AllowNotAction => "Every action but those named is allowed",
            Self::AllowNotResource => "Every resource but those named is open",
            Self::LiteralWildcard => "The operator knows no wildcards",
            Self::NeverMatches => "The statement never matches",
            Self::Shadowed => "An earlier statement says it all",
            Self::AlwaysDenied => "A Deny takes back the whole statement",
        }
    }
}

impl Finding {
    pub(super) fn malformed(invalid: InvalidDocument) -> Self {
        Self::at(Code::Malformed, Severity::Dangerous, invalid)
    }

    fn at(code: Code, severity: Severity, what: InvalidDocument) -> Self {
        let InvalidDocument { line, column, message, suggestion } = what;
        Self { code, severity, line, column, message, suggestion }
    }
}

/// A finding at a byte of the document.
#[derive(Debug)]
pub(super) struct Note {
    code: Code,
    severity: Severity,
    fault: Fault,
}

impl Note {
    pub(super) fn dangerous(code: Code, at: usize, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Dangerous, fault: Fault::new(at, message) }
    }

    pub(super) fn warning(code: Code, at: usize, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Warning, fault: Fault::new(at, message) }
    }

    pub(super) fn suggest(mut self, instead: impl Into<Option<String>>) -> Self {
        self.fault = self.fault.suggest(instead);
        self
    }

    pub(super) fn at(&self) -> usize {
        self.fault.at
    }

    pub(super) fn locate(self, text: &str) -> Finding {
        Finding::at(self.code, self.severity, self.fault.locate(text))
    }
}

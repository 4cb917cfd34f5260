//! What a client asks for.

/// What may be asked for. The claims of a person come with `openid`, whatever else is asked for.
pub const SCOPES: &[&str] = &["openid", "profile", "email", "groups", "offline_access"];

/// Some of [`SCOPES`], with `openid` among them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Scope(Vec<&'static str>);

impl Scope {
    /// Takes those that are known (OpenID Connect Core 1.0 §3.1.2.1); without `openid` this is no request for OpenID Connect.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let asked: Vec<&str> = text.split(' ').collect();
        let known: Vec<_> = SCOPES.iter().copied().filter(|scope| asked.contains(scope)).collect();
        known.contains(&"openid").then_some(Self(known))
    }

    pub(super) fn has(&self, scope: &str) -> bool {
        self.0.contains(&scope)
    }

    /// Whether everything in this text is part of it.
    pub(super) fn covers(&self, text: &str) -> bool {
        text.split(' ').all(|scope| self.has(scope))
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scopes_are_left_out_and_openid_must_be_there() {
        let scope = Scope::parse("email admin openid").unwrap();
        assert_eq!(scope.to_string(), "openid email");
        assert!(scope.covers("email") && !scope.covers("email offline_access") && !scope.has("admin"));
        for text in ["", "email", "openid,email", "OPENID"] {
            assert_eq!(Scope::parse(text), None, "{text}");
        }
    }
}

//! CI systems as they are known: their issuers, and the audience that their tokens usually have for AWS.

use brevet_client::proto::admin::PutOidcProviderRequest;
use clap::ValueEnum;

/// AWS's own audience, which the tools of CI systems ask for unless told otherwise.
const AWS: &str = "sts.amazonaws.com";

/// A CI system.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(in crate::cli) enum Preset {
    Github,
    Gitlab,
    Buildkite,
    Circleci,
    Jenkins,
    AzurePipelines,
    Kubernetes,
}

/// What is known of one.
struct Known {
    /// `None`: each installation or organisation has one of its own.
    issuer: Option<&'static str>,
    /// `None`: it is the organisation's.
    audience: Option<&'static str>,
    /// What to give where something is not known.
    example: &'static str,
}

impl Preset {
    fn known(self) -> Known {
        let (issuer, audience, example) = match self {
            Self::Github => (Some("https://token.actions.githubusercontent.com"), Some(AWS), ""),
            Self::Gitlab => (Some("https://gitlab.com"), Some("https://gitlab.com"), ""),
            Self::Buildkite => (Some("https://agent.buildkite.com"), Some(AWS), ""),
            Self::Circleci => (None, None, "--issuer https://oidc.circleci.com/org/ORG_ID --client-id ORG_ID"),
            Self::Jenkins => (None, Some(AWS), "--issuer https://jenkins.example.com/oidc"),
            Self::AzurePipelines => {
                (None, Some("api://AzureADTokenExchange"), "--issuer https://vstoken.dev.azure.com/ORG_ID")
            }
            Self::Kubernetes => (None, Some(AWS), "--issuer https://kubernetes.example.com"),
        };
        Known { issuer, audience, example }
    }

    /// Its name on the command line.
    pub(in crate::cli) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The provider, with what was given in the place of what is known.
    pub(in crate::cli) fn request(
        self,
        issuer: Option<String>,
        client_ids: Vec<String>,
    ) -> anyhow::Result<PutOidcProviderRequest> {
        let Known { issuer: known, audience, example } = self.known();
        let missing = || anyhow::anyhow!("{} needs {example}", self.name());
        let issuer = issuer.or_else(|| known.map(str::to_owned)).ok_or_else(missing)?;
        let client_ids = match audience {
            _ if !client_ids.is_empty() => client_ids,
            Some(audience) => vec![audience.to_owned()],
            None => return Err(missing()),
        };
        Ok(PutOidcProviderRequest { issuer, client_ids, ..Default::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_goes_before_what_is_known_and_what_is_missing_is_asked_for() {
        let github = Preset::Github.request(None, Vec::new()).unwrap();
        assert_eq!(github.issuer, "https://token.actions.githubusercontent.com");
        assert_eq!(github.client_ids, [AWS]);
        let own = Preset::Gitlab.request(Some("https://git.example.com".into()), vec!["brevet".into()]).unwrap();
        assert_eq!(
            (own.issuer.as_str(), own.client_ids.as_slice()),
            ("https://git.example.com", &["brevet".to_owned()][..])
        );
        for preset in Preset::value_variants() {
            let complete = preset.request(None, Vec::new());
            assert_eq!(complete.is_ok(), preset.known().example.is_empty(), "{preset:?}");
        }
        let circleci =
            Preset::Circleci.request(Some("https://oidc.circleci.com/org/x".into()), Vec::new()).unwrap_err();
        assert!(circleci.to_string().contains("--client-id ORG_ID"));
    }
}

//! Finds credentials where AWS's tools keep them: the environment, then the profile files.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::path::{Path, PathBuf};

use brevet_validator::credential::{Credentials, SecretKey};
use brevet_validator::secret::Secret;
use ini::Ini;

/// No credentials could be had. Says where was looked.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Neither the environment nor a profile has any.
    #[error(
        "no credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put a profile {0:?} into \
         ~/.aws/credentials"
    )]
    NotFound(String),
    /// Half of a key.
    #[error("{0} has an access key id or a secret key, but not both")]
    Half(String),
    /// Brevet's access key ids have 20 characters and begin with AKIA or ASIA.
    #[error("{0} holds an access key id that Brevet cannot have made")]
    BadAccessKeyId(String),
    /// A profile file cannot be read.
    #[error("cannot read {path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
}

/// `AWS_ACCESS_KEY_ID` and its companions, else the profile of `AWS_PROFILE` (`default`).
pub fn from_environment() -> Result<Credentials, CredentialsError> {
    find(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// As [`from_environment`], with the profile given by name.
pub fn from_profile(name: &str) -> Result<Credentials, CredentialsError> {
    profile(name, &|name| std::env::var(name).ok())
}

/// A look-up of environment variables, so that tests need not change the process's own.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

fn find(environment: Environment<'_>) -> Result<Credentials, CredentialsError> {
    let token = || environment("AWS_SESSION_TOKEN").or_else(|| environment("AWS_SECURITY_TOKEN"));
    match (environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => credentials("the environment", &id, secret, token()),
        (None, None) => profile(&environment("AWS_PROFILE").unwrap_or_else(|| "default".into()), environment),
        _ => Err(CredentialsError::Half("the environment".into())),
    }
}

fn profile(name: &str, environment: Environment<'_>) -> Result<Credentials, CredentialsError> {
    let home = environment("HOME").map(PathBuf::from).unwrap_or_default();
    let place =
        |variable: &str, file: &str| environment(variable).map_or_else(|| home.join(".aws").join(file), PathBuf::from);
    let config_section = if name == "default" { name.to_owned() } else { format!("profile {name}") };
    for (path, section) in [
        (place("AWS_SHARED_CREDENTIALS_FILE", "credentials"), name),
        (place("AWS_CONFIG_FILE", "config"), config_section.as_str()),
    ] {
        if let Some(found) = in_file(&path, section)? {
            return Ok(found);
        }
    }
    Err(CredentialsError::NotFound(name.to_owned()))
}

fn in_file(path: &Path, section: &str) -> Result<Option<Credentials>, CredentialsError> {
    let fault = |cause: String| CredentialsError::File { path: path.to_owned(), cause };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error.to_string())),
    };
    let file = Ini::load_from_str_noescape(&text).map_err(|error| fault(error.to_string()))?;
    let Some(section_of_file) = file.section(Some(section)) else { return Ok(None) };
    let value = |key: &str| section_of_file.get(key).filter(|value| !value.is_empty()).map(str::to_owned);
    let place = format!("[{section}] in {}", path.display());
    match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(id), Some(secret)) => credentials(&place, &id, secret, value("aws_session_token")).map(Some),
        (None, None) => Ok(None),
        _ => Err(CredentialsError::Half(place)),
    }
}

fn credentials(place: &str, id: &str, secret: String, token: Option<String>) -> Result<Credentials, CredentialsError> {
    Ok(Credentials {
        access_key_id: id.parse().map_err(|_| CredentialsError::BadAccessKeyId(place.to_owned()))?,
        secret_access_key: SecretKey::new(secret),
        security_token: token.map(Secret::new),
        expiration: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AKIAIOSFODNN7EXAMPLE";

    #[test]
    fn the_environment_wins_and_takes_the_token_along() {
        let found = find(&|name| match name {
            "AWS_ACCESS_KEY_ID" => Some(ID.into()),
            "AWS_SECRET_ACCESS_KEY" => Some("secret".into()),
            "AWS_SESSION_TOKEN" => Some("token".into()),
            _ => None,
        })
        .unwrap();
        assert_eq!(found.access_key_id.as_str(), ID);
        assert_eq!(found.secret_access_key.expose(), "secret");
        assert_eq!(found.security_token.unwrap().expose(), "token");
    }

    #[test]
    fn half_a_key_is_an_error_and_not_a_reason_to_look_elsewhere() {
        let half = find(&|name| (name == "AWS_ACCESS_KEY_ID").then(|| ID.into()));
        assert!(matches!(half, Err(CredentialsError::Half(_))));
    }

    #[test]
    fn profiles_are_found_in_both_files_under_their_two_spellings() {
        let dir = tempfile::tempdir().unwrap();
        let (credentials, config) = (dir.path().join("credentials"), dir.path().join("config"));
        let keys =
            |n: u8| format!("aws_access_key_id = AKIAIOSFODNN7EXAMPL{}\naws_secret_access_key = a+b/c\\{n}\n", n + 2);
        std::fs::write(&credentials, format!("[default]\n{}[one]\n{}", keys(0), keys(1))).unwrap();
        std::fs::write(&config, format!("[profile two]\nregion = x\n{}", keys(2))).unwrap();
        let look = |name: &str| {
            profile(name, &|variable| match variable {
                "AWS_SHARED_CREDENTIALS_FILE" => Some(credentials.display().to_string()),
                "AWS_CONFIG_FILE" => Some(config.display().to_string()),
                _ => None,
            })
        };
        assert_eq!(look("default").unwrap().secret_access_key.expose(), "a+b/c\\0");
        assert_eq!(look("one").unwrap().secret_access_key.expose(), "a+b/c\\1");
        assert_eq!(look("two").unwrap().secret_access_key.expose(), "a+b/c\\2");
        assert!(matches!(look("three"), Err(CredentialsError::NotFound(_))));
    }
}

//! Jenkins with the [OpenID Connect Provider plugin][1]: the subject is the job's URL.
//!
//! [1]: https://plugins.jenkins.io/oidc-provider/

use super::options::Given;
use super::trust::{Demand, Trust};
use super::value;
use crate::service::federation::Issuer;

pub(super) fn trust(given: &mut Given) -> anyhow::Result<Trust> {
    let provider = given.provider()?;
    let job = given.need("job")?;
    let names: Vec<String> =
        job.split('/').map(|name| value::title("job", name.to_owned(), "/")).collect::<anyhow::Result<_>>()?;
    let url = match given.take("jenkins-url") {
        Some(url) => plain_url(&url)?.to_owned(),
        None => url_in(&provider.issuer).ok_or_else(|| {
            anyhow::anyhow!("the issuer does not end in /oidc: say by --jenkins-url where Jenkins is")
        })?,
    };
    let path: String = names.iter().map(|name| format!("job/{}/", escaped(name))).collect();
    Ok(Trust { provider, demands: vec![Demand::is("sub", format!("{url}/{path}"))], advice: None })
}

/// Jenkins issues at `/oidc`, or for the credentials of a folder at `/job/FOLDER/oidc`.
fn url_in(issuer: &Issuer) -> Option<String> {
    let place = issuer.as_str().strip_suffix("/oidc")?;
    Some(place.split("/job/").next().unwrap_or(place).to_owned())
}

/// A URL without its last slash.
fn plain_url(url: &str) -> anyhow::Result<&str> {
    let plain = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_graphic() && !"*?$#".contains(c)) && !rest.contains("/job/")
    });
    if plain {
        Ok(url.strip_suffix('/').unwrap_or(url))
    } else {
        Err(value::refused("jenkins-url", url, "it is a URL"))
    }
}

/// A name as Jenkins writes it into a URL. Branches of a multibranch job have an escape in their name: `feature%2Fx`.
fn escaped(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!@&()-_=+',.".contains(c);
    let write = |c: char| if plain(c) { c.to_string() } else { format!("%{:02X}", u32::from(c)) };
    name.chars().map(write).collect()
}

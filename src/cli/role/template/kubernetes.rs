//! Kubernetes: [tokens of service accounts][1].
//!
//! [1]: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/

use super::options::Given;
use super::trust::{Demand, Trust};
use super::value;

pub(super) fn trust(given: &mut Given) -> anyhow::Result<Trust> {
    let provider = given.provider()?;
    let namespace = value::name("namespace", given.need("namespace")?)?;
    let account = value::name("service-account", given.need("service-account")?)?;
    let demands = vec![Demand::is("sub", format!("system:serviceaccount:{namespace}:{account}"))];
    Ok(Trust { provider, demands, advice: None })
}

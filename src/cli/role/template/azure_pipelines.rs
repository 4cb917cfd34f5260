//! Azure Pipelines: [the subject][1] is a service connection, which in its turn says which pipelines may use it.
//!
//! [1]: https://learn.microsoft.com/azure/devops/pipelines/release/configure-workload-identity

use super::options::Given;
use super::trust::{Demand, Trust};
use super::value;

pub(super) fn trust(given: &mut Given) -> anyhow::Result<Trust> {
    let provider = given.provider()?;
    let organization = value::name("organization", given.need("organization")?)?;
    let project = value::title("project", given.need("project")?, "/")?;
    let connection = value::title("service-connection", given.need("service-connection")?, "/")?;
    let demands = vec![Demand::is("sub", format!("sc://{organization}/{project}/{connection}"))];
    Ok(Trust { provider, demands, advice: None })
}

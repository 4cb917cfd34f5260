//! `ResourceHandlingOption`: the resources that must be there for a simulation of EC2 to mean something.

use super::invalid;
use crate::service::error::Error;
use crate::service::parameters::shown;
use crate::service::simulation::ResourceName;

/// The scenarios that AWS documents, and the types of resources that each needs.
const SCENARIOS: [(&str, &[&str]); 4] = [
    ("EC2-VPC-InstanceStore", &["instance", "image", "security-group", "network-interface"]),
    ("EC2-VPC-InstanceStore-Subnet", &["instance", "image", "security-group", "network-interface", "subnet"]),
    ("EC2-VPC-EBS", &["instance", "image", "security-group", "network-interface", "volume"]),
    ("EC2-VPC-EBS-Subnet", &["instance", "image", "security-group", "network-interface", "subnet", "volume"]),
];

/// Refuses a scenario that is not known, and resources that are not enough for it.
pub(super) fn check(option: &str, resources: &[ResourceName]) -> Result<(), Error> {
    let Some((_, types)) = SCENARIOS.iter().find(|(name, _)| *name == option) else {
        return Err(invalid(format!("ResourceHandlingOption '{}' is not valid.", shown(option))));
    };
    match types.iter().find(|wanted| !resources.iter().any(|resource| ec2_type(resource) == Some(wanted))) {
        None => Ok(()),
        Some(missing) => Err(invalid(format!("{option} needs the ARN of a resource of the type {missing}."))),
    }
}

/// `instance` of `arn:aws:ec2:us-east-1:123456789012:instance/i-1`
fn ec2_type(resource: &ResourceName) -> Option<&str> {
    let mut segments = resource.as_str().splitn(6, ':').skip(2);
    segments.next().filter(|service| *service == "ec2")?;
    Some(segments.nth(2)?.split_once('/')?.0)
}

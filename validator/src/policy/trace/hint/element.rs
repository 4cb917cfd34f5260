//! Mistakes in the one element that keeps a statement from applying.

use super::super::{ElementName, ElementTrace};
use super::{Place, pairs};

pub(super) const TABLE: [fn(&Place<'_>, &ElementTrace) -> Option<String>; 6] =
    [made_again, path_left_out, companion_action, web_identity_action, bucket_without_objects, variable];

/// A principal that is named, and does not match, was bound to someone who had the name before.
fn made_again(place: &Place<'_>, element: &ElementTrace) -> Option<String> {
    let arns = element.wanted.iter().filter_map(|wanted| wanted.strip_prefix("AWS: "));
    let (arn, _) = pairs(arns, &element.given).find(|(wanted, given)| wanted == given && wanted.starts_with("arn:"))?;
    (element.element == ElementName::Principal).then(|| {
        format!("{place} means another {arn}: the name was given again since the policy was put. Put it again to mean this one.")
    })
}

fn path_left_out(place: &Place<'_>, element: &ElementTrace) -> Option<String> {
    let is_path_of = |wanted: &str, given: &str| {
        wanted.rsplit_once('/').zip(given.rsplit_once('/')).is_some_and(|((place, name), (longer, same))| {
            name == same && longer.strip_prefix(place).is_some_and(|path| path.starts_with('/'))
        })
    };
    let arns = element.wanted.iter().filter_map(|wanted| wanted.strip_prefix("AWS: ")).filter(|w| w.contains(":iam:"));
    let (wanted, given) = pairs(arns, &element.given).find(|(wanted, given)| is_path_of(wanted, given))?;
    (element.element == ElementName::Principal)
        .then(|| format!("The principal {wanted} of {place} leaves out the path: the caller is {given}."))
}

fn companion_action(place: &Place<'_>, element: &ElementTrace) -> Option<String> {
    let action = place.trace.query.action.as_str();
    let is_companion = ["sts:TagSession", "sts:SetSourceIdentity"].iter().any(|a| a.eq_ignore_ascii_case(action));
    let assumes = |wanted: &String| wanted.to_ascii_lowercase().starts_with("sts:assumerole");
    (element.element == ElementName::Action && is_companion && element.wanted.iter().any(assumes)).then(|| {
        format!(
            "Session tags need sts:TagSession and a source identity sts:SetSourceIdentity: add {action} to {place}."
        )
    })
}

fn web_identity_action(place: &Place<'_>, element: &ElementTrace) -> Option<String> {
    let asked = place.trace.query.action.eq_ignore_ascii_case("sts:AssumeRoleWithWebIdentity");
    let allows_other = element.wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case("sts:AssumeRole"));
    (element.element == ElementName::Action && asked && allows_other).then(|| {
        format!("A web identity asks for sts:AssumeRoleWithWebIdentity, and {place} allows sts:AssumeRole instead.")
    })
}

fn bucket_without_objects(place: &Place<'_>, element: &ElementTrace) -> Option<String> {
    let is_under = |wanted: &str, given: &str| given.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/'));
    let wanted = element.wanted.iter().map(String::as_str);
    let (wanted, given) = pairs(wanted, &element.given).find(|(wanted, given)| is_under(wanted, given))?;
    (element.element == ElementName::Resource)
        .then(|| format!("{given} lies under {wanted}, and {place} names only the latter: add {wanted}/*."))
}

fn variable(place: &Place<'_>, element: &ElementTrace) -> Option<String> {
    if element.element == ElementName::Resource { place.variable(&element.wanted) } else { None }
}

//! What a case says of a request, as far as it is written: the same keys stand among the defaults.

use brevet_validator::identity::{AccountId, Arn, UniqueId};

use super::fault::{Fault, quoted};
use super::node::{Members, parsed, text, texts};
use super::yaml::{Data, Located, Node, Text};

/// The keys of [`Settings`].
pub(super) const KEYS: [&str; 9] =
    ["principal", "unique_id", "role", "federated", "claims", "action", "resource", "account", "context"];

/// What is written of a request.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) who: Who,
    pub(super) actions: Option<Vec<Text>>,
    pub(super) resources: Option<Vec<Text>>,
    /// Who owns resources whose ARN does not say.
    pub(super) account: Option<AccountId>,
    pub(super) context: Keys,
}

/// What is written of the caller.
#[derive(Clone, Debug, Default)]
pub(super) struct Who {
    pub(super) principal: Option<Located<Arn>>,
    pub(super) unique_id: Option<Located<UniqueId>>,
    pub(super) role: Option<Located<Arn>>,
    pub(super) federated: Option<Text>,
    pub(super) claims: Keys,
}

/// Keys and values, of the context or of a token. No key occurs twice.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys(pub(super) Vec<(Text, Values)>);

/// The values of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Values {
    /// The request has no such key, whatever the defaults say.
    Absent,
    One(String),
    Many(Vec<String>),
}

impl Settings {
    pub(super) fn read(members: &mut Members) -> Result<Self, Fault> {
        let who = Who::read(members)?;
        let actions = members.take("action")?.map(|node| texts(node, "an action")).transpose()?;
        actions.iter().flatten().try_for_each(check_action)?;
        let resources = members.take("resource")?.map(|node| texts(node, "a resource")).transpose()?;
        resources.iter().flatten().try_for_each(check_resource)?;
        let account = members.take("account")?.map(|node| parsed(node, "an account: 12 digits")).transpose()?;
        let context = Keys::take(members, "context")?;
        if let Some((key, _)) = context.0.iter().find(|(key, _)| !key.value.contains(':')) {
            let message = format!("{} is not a condition key, such as aws:SourceIp", quoted(&key.value));
            return Err(Fault::new(key.at, message));
        }
        Ok(Self { who, actions, resources, account: account.map(|account| account.value), context })
    }

    /// With the defaults for what is not written. A caller of one's own owes nothing to the default one.
    pub(super) fn or(self, defaults: &Self) -> Self {
        Self {
            who: self.who.or(&defaults.who),
            actions: self.actions.or_else(|| defaults.actions.clone()),
            resources: self.resources.or_else(|| defaults.resources.clone()),
            account: self.account.or(defaults.account),
            context: self.context.or(&defaults.context),
        }
    }
}

impl Who {
    fn read(members: &mut Members) -> Result<Self, Fault> {
        let who = Self {
            principal: members.take("principal")?.map(|node| parsed(node, "an ARN")).transpose()?,
            unique_id: members
                .take("unique_id")?
                .map(|node| parsed(node, "a unique id, such as AIDA and 17 letters and digits"))
                .transpose()?,
            role: members.take("role")?.map(|node| parsed(node, "the ARN of a role")).transpose()?,
            federated: members.take("federated")?.map(|node| text(node, "a provider")).transpose()?,
            claims: Keys::take(members, "claims")?,
        };
        match (&who.principal, &who.federated) {
            (Some(_), Some(federated)) => Err(Fault::new(
                federated.at,
                "a caller has credentials (`principal`) or an identity token (`federated`)",
            )),
            _ => Ok(who),
        }
    }

    fn or(self, defaults: &Self) -> Self {
        if self.principal.is_some() || self.federated.is_some() {
            return self;
        }
        Self {
            principal: defaults.principal.clone(),
            unique_id: self.unique_id.or_else(|| defaults.unique_id.clone()),
            role: self.role.or_else(|| defaults.role.clone()),
            federated: defaults.federated.clone(),
            claims: self.claims.or(&defaults.claims),
        }
    }
}

impl Keys {
    fn take(members: &mut Members, key: &str) -> Result<Self, Fault> {
        let Some(Located { at, value }) = members.take(key)? else { return Ok(Self::default()) };
        let Data::Map(members) = value else {
            return Err(Fault::new(at, format!("`{key}` is a mapping of keys and values")));
        };
        let mut keys = Self::default();
        for (name, node) in members {
            if keys.find(&name.value).is_some() {
                return Err(Fault::new(
                    name.at,
                    format!("{} differs from another key in case alone", quoted(&name.value)),
                ));
            }
            let values = Values::read(node, &name.value)?;
            keys.0.push((name, values));
        }
        Ok(keys)
    }

    fn or(self, defaults: &Self) -> Self {
        let missing = defaults.0.iter().filter(|(key, _)| self.find(&key.value).is_none()).cloned().collect::<Vec<_>>();
        Self(self.0.into_iter().chain(missing).collect())
    }

    fn find(&self, key: &str) -> Option<&Values> {
        self.0.iter().find(|(name, _)| name.value.eq_ignore_ascii_case(key)).map(|(_, values)| values)
    }
}

impl Values {
    fn read(node: Node, key: &str) -> Result<Self, Fault> {
        let what = format!("the value of {}", quoted(key));
        match node.value {
            Data::Null => Ok(Self::Absent),
            Data::Scalar(value) => Ok(Self::One(value)),
            Data::List(nodes) => {
                let values = nodes.into_iter().map(|node| Ok(text(node, &what)?.value));
                Ok(Self::Many(values.collect::<Result<_, Fault>>()?))
            }
            Data::Map(_) => Err(Fault::new(node.at, format!("{what} is text or a list of texts"))),
        }
    }
}

/// `service:Name`. Only policies have patterns: a request has one action.
fn check_action(action: &Text) -> Result<(), Fault> {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    match action.value.split_once(':') {
        Some((service, name)) if is_word(service) && is_word(name) => Ok(()),
        _ => Err(Fault::new(action.at, format!("{} is not one action, such as s3:GetObject", quoted(&action.value)))),
    }
}

/// An ARN, or `*` for what is about no resource. A pattern here would be taken for the name of one odd resource, and
/// a refusal of that one for a refusal of all.
fn check_resource(resource: &Text) -> Result<(), Fault> {
    let fault = |problem: &str| Err(Fault::new(resource.at, format!("{} {problem}", quoted(&resource.value))));
    if resource.value == "*" {
        Ok(())
    } else if resource.value.contains(['*', '?']) {
        fault("is a pattern: a request is about one resource")
    } else if !resource.value.starts_with("arn:") || resource.value.split(':').count() < 6 {
        fault("is neither an ARN nor `*`")
    } else if resource.value.contains(char::is_control) {
        fault("has a control character")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    fn read(yaml: &str) -> Result<Settings, Fault> {
        Settings::read(&mut Members::of(parse(yaml).unwrap(), "a case", &KEYS)?)
    }

    fn keys(keys: &Keys) -> Vec<(&str, Values)> {
        keys.0.iter().map(|(key, values)| (key.value.as_str(), values.clone())).collect()
    }

    #[test]
    fn a_case_overrides_the_defaults_key_by_key() {
        let defaults = read("principal: arn:aws:iam::123456789012:user/ada\nunique_id: AIDAAAAAAAAAAAAAAAAAA\naction: s3:GetObject\ncontext: {aws:SourceIp: 10.0.0.1, 'a:n': 1.10}").unwrap();
        let case = read("context: {AWS:SourceIP: ~, 'a:m': [x, true]}\nresource: ['*']").unwrap().or(&defaults);
        assert_eq!(case.who.principal.unwrap().value.as_str(), "arn:aws:iam::123456789012:user/ada");
        assert!(case.who.unique_id.is_some());
        assert_eq!((case.actions.unwrap().len(), case.resources.unwrap().len()), (1, 1));
        let one = |value: &str| Values::One(value.to_owned());
        let many = Values::Many(vec!["x".to_owned(), "true".to_owned()]);
        assert_eq!(keys(&case.context), [("AWS:SourceIP", Values::Absent), ("a:m", many), ("a:n", one("1.10"))]);
    }

    #[test]
    fn a_caller_of_ones_own_owes_nothing_to_the_default_one() {
        let defaults = read("federated: idp.example\nclaims: {sub: a, aud: b}").unwrap();
        let one = |value: &str| Values::One(value.to_owned());
        let changed = read("claims: {sub: c}").unwrap().or(&defaults).who;
        assert_eq!(
            (changed.federated.is_some(), keys(&changed.claims)),
            (true, vec![("sub", one("c")), ("aud", one("b"))])
        );
        let other = read("federated: other.example").unwrap().or(&defaults).who;
        assert!(other.claims.0.is_empty());
        let user = read("principal: arn:aws:iam::123456789012:root").unwrap().or(&defaults).who;
        assert!(user.federated.is_none() && user.claims.0.is_empty());
    }

    #[test]
    fn what_asks_nothing_or_too_much_is_refused() {
        for bad in [
            "action: get",
            "action: 's3:*'",
            "action: []",
            "resource: arn:aws:s3:::shop/*",
            "resource: shop",
            "resource: arn:aws:s3",
            "resource: \"arn:aws:s3:::shop/\\e[2J\"",
            "account: 12",
            "principal: ada",
            "unique_id: ada",
            "context: [a]",
            "context: {SourceIp: x}",
            "context: {'a:b': {c: d}}",
            "context: {'a:b': 1, 'A:b': 2}",
            "claims: {sub: [[a]]}",
            "principal: arn:aws:iam::123456789012:root\nfederated: x",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(read("account: 000000000001").unwrap().account.unwrap().as_str(), "000000000001");
    }
}

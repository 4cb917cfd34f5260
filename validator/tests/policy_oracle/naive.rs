//! A second evaluator, written from AWS's pages for plainness alone: it walks the JSON as it stands.

use std::net::IpAddr;

use serde_json::Value;

use crate::world::{Caller, World};

pub(crate) const ALLOWED: &str = "ALLOWED";

/// Reason of an ordinary decision.
pub(crate) fn decide(world: &World) -> &'static str {
    let facts = Facts::of(world, world.resource_policy.as_ref());
    if facts.denied_by_caller || facts.denied_by_resource {
        return "EXPLICIT_DENY";
    }
    let same_account = match &world.owner {
        Some(owner) => *owner == world.caller.account,
        None => world.resource_policy.is_none(),
    };
    if same_account {
        if facts.names.contains(&Name::Caller) {
            return ALLOWED;
        }
        return facts.narrowed(facts.identity || facts.names.contains(&Name::Entity));
    }
    if facts.names.is_empty() { "NO_MATCHING_ALLOW" } else { facts.narrowed(facts.identity) }
}

/// Reason of a decision about a role.
pub(crate) fn decide_trust(world: &World) -> &'static str {
    let facts = Facts::of(world, world.trust_policy.as_ref());
    if facts.denied_by_caller {
        return "EXPLICIT_DENY";
    }
    if facts.denied_by_resource || facts.names.is_empty() {
        return "TRUST_NOT_SATISFIED";
    }
    if world.caller.federated.is_some() {
        return ALLOWED;
    }
    if world.owner.as_ref() == Some(&world.caller.account) {
        if facts.names.contains(&Name::Caller) {
            return ALLOWED;
        }
        if facts.names.contains(&Name::Entity) {
            return facts.narrowed(true);
        }
    }
    facts.narrowed(facts.identity)
}

struct Facts {
    denied_by_caller: bool,
    denied_by_resource: bool,
    identity: bool,
    boundary: bool,
    session: bool,
    names: Vec<Name>,
}

#[derive(Clone, Copy, PartialEq)]
enum Name {
    Caller,
    Entity,
    Account,
}

impl Facts {
    fn of(world: &World, resource_policy: Option<&Value>) -> Self {
        let has = |policy: &Value, effect: &str| {
            statements(policy).iter().any(|s| s["Effect"] == effect && covers(policy, s, world))
        };
        let session = world.session.clone().unwrap_or_default();
        let caller_policies = world.identity.iter().chain(&world.boundary).chain(&session);
        let mut facts = Self {
            denied_by_caller: caller_policies.clone().any(|p| has(p, "Deny")),
            denied_by_resource: false,
            identity: world.caller.root || world.identity.iter().any(|p| has(p, "Allow")),
            boundary: world.boundary.iter().all(|p| has(p, "Allow")),
            session: match &world.session {
                Some(session) => session.iter().any(|p| has(p, "Allow")),
                None => !world.caller.arn.contains(":federated-user/"),
            },
            names: Vec::new(),
        };
        if let Some(policy) = resource_policy {
            for statement in statements(policy).iter().filter(|s| covers(policy, s, world)) {
                let deny = statement["Effect"] == "Deny";
                let names = match (statement.get("Principal"), statement.get("NotPrincipal")) {
                    (Some(principal), _) => names(principal, &world.caller),
                    (_, Some(_)) if deny && world.boundary.is_some() => vec![Name::Caller],
                    (_, Some(others)) if deny && !spared(others, &world.caller) => vec![Name::Caller],
                    (_, Some(others)) if names(others, &world.caller).is_empty() => vec![Name::Caller],
                    _ => vec![],
                };
                if deny {
                    facts.denied_by_resource |= !names.is_empty();
                } else {
                    facts.names.extend(names);
                }
            }
        }
        facts
    }

    fn narrowed(&self, granted: bool) -> &'static str {
        match (granted, self.boundary, self.session) {
            (false, _, _) => "NO_MATCHING_ALLOW",
            (_, false, _) => "BOUNDARY",
            (_, _, false) => "SESSION_POLICY",
            _ => ALLOWED,
        }
    }
}

fn names(principal: &Value, caller: &Caller) -> Vec<Name> {
    if principal == "*" {
        return vec![Name::Caller];
    }
    let mut found = Vec::new();
    for (kind, values) in principal.as_object().unwrap() {
        for value in list(values) {
            let value = value.as_str().unwrap();
            let root = format!("arn:aws:iam::{}:root", caller.account);
            match (kind.as_str(), &caller.federated) {
                ("AWS", _) if value == "*" => found.push(Name::Caller),
                ("Federated", Some(provider)) if provider == value => found.push(Name::Caller),
                ("AWS", None) if value == caller.arn => found.push(Name::Caller),
                ("AWS", None) if Some(value) == caller.entity.as_deref() => found.push(Name::Entity),
                ("AWS", None) if Some(value) == caller.id.as_deref() => {
                    found.push(if caller.entity.is_some() { Name::Entity } else { Name::Caller });
                }
                ("AWS", None) if value == caller.account || value == root => found.push(Name::Account),
                _ => {}
            }
        }
    }
    found
}

/// Whether `NotPrincipal` with Deny leaves the caller out: its account alone is not enough, unless it is root.
fn spared(others: &Value, caller: &Caller) -> bool {
    names(others, caller).iter().any(|name| *name != Name::Account || caller.root)
}

fn statements(policy: &Value) -> Vec<Value> {
    list(&policy["Statement"])
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

fn covers(policy: &Value, statement: &Value, world: &World) -> bool {
    let variables = policy["Version"] == "2012-10-17";
    let action = |patterns: &Value| {
        list(patterns).iter().any(|p| {
            let pattern: Vec<Token> = p.as_str().unwrap().to_lowercase().chars().map(|c| token(c, true)).collect();
            wild(&pattern, &world.action.to_lowercase())
        })
    };
    let resource = |patterns: &Value| {
        list(patterns).iter().any(|p| {
            let tokens = tokens(p.as_str().unwrap(), variables, world, Mode::Resource);
            tokens.is_some_and(|tokens| wild(&tokens, &world.resource))
        })
    };
    let acts = match statement.get("Action") {
        Some(patterns) => action(patterns),
        None => !action(&statement["NotAction"]),
    };
    let about = match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(patterns), _) => resource(patterns),
        (_, Some(patterns)) => !resource(patterns),
        _ => true,
    };
    let conditions = statement.get("Condition").and_then(Value::as_object).cloned().unwrap_or_default();
    let held = conditions.iter().all(|(operator, keys)| {
        keys.as_object().unwrap().iter().all(|(key, values)| condition(operator, key, &list(values), variables, world))
    });
    acts && about && held
}

fn condition(operator: &str, key: &str, wanted: &[Value], variables: bool, world: &World) -> bool {
    let given = world.values(key);
    let nothing = given.iter().all(|value| value.is_empty());
    if operator == "Null" {
        return wanted.iter().any(|value| text(value) == nothing.to_string());
    }
    let (quantifier, rest) = operator.split_once(':').unwrap_or(("", operator));
    let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
    if if_exists && given.is_empty() {
        return true;
    }
    let negated = base.contains("Not");
    let positive = base.replace("Not", "");
    let one = |value: &String| wanted.iter().any(|w| compare(&positive, value, &text(w), variables, world));
    let sees = |value: &String| if negated { !one(value) } else { one(value) };
    match quantifier {
        "ForAllValues" => nothing || given.iter().all(sees),
        "ForAnyValue" => !nothing && given.iter().any(sees),
        _ if negated => !given.iter().any(one),
        _ => given.iter().any(one),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn compare(operator: &str, given: &str, wanted: &str, variables: bool, world: &World) -> bool {
    let pattern = |mode| tokens(wanted, variables, world, mode);
    let literal = || pattern(Mode::Like).map(|tokens| tokens.iter().map(|t| t.c).collect::<String>());
    if let Some(comparison) = operator.strip_prefix("Numeric") {
        return ordered(comparison, given.parse().ok(), wanted.parse().ok());
    }
    if let Some(comparison) = operator.strip_prefix("Date") {
        return ordered(comparison, date(given), date(wanted));
    }
    match operator {
        "StringEquals" => literal().is_some_and(|wanted| wanted == given),
        "StringEqualsIgnoreCase" => literal().is_some_and(|wanted| wanted.to_lowercase() == given.to_lowercase()),
        "StringLike" => pattern(Mode::Like).is_some_and(|pattern| wild(&pattern, given)),
        "ArnEquals" | "ArnLike" => pattern(Mode::Arn).is_some_and(|pattern| wild(&pattern, given)),
        "Bool" => ["true", "false"].contains(&given) && given == wanted,
        "BinaryEquals" => given == wanted,
        "IpAddress" => in_network(given, wanted),
        other => panic!("{other}"),
    }
}

fn ordered(comparison: &str, given: Option<f64>, wanted: Option<f64>) -> bool {
    let (Some(given), Some(wanted)) = (given, wanted) else { return false };
    match comparison {
        "Equals" => given == wanted,
        "LessThan" => given < wanted,
        "LessThanEquals" => given <= wanted,
        "GreaterThan" => given > wanted,
        "GreaterThanEquals" => given >= wanted,
        other => panic!("{other}"),
    }
}

/// The few dates that the worlds have.
fn date(text: &str) -> Option<f64> {
    match text {
        "1970-01-01T00:00:10Z" | "1970-01-01T01:00:10+01:00" => Some(10.0),
        "1970-01-01" => Some(0.0),
        _ => text.parse().ok(),
    }
}

fn in_network(given: &str, wanted: &str) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(a) => format!("4{:032b}", a.to_bits()),
        IpAddr::V6(a) => match a.to_ipv4_mapped() {
            Some(a) => format!("4{:032b}", a.to_bits()),
            None => format!("6{:0128b}", a.to_bits()),
        },
    };
    let (network, prefix) = wanted.split_once('/').unwrap_or((wanted, "128"));
    let mapped = if network.starts_with("::ffff:") { 96 } else { 0 };
    let Ok(given) = given.parse::<IpAddr>() else { return false };
    let (given, network) = (bits(given), bits(network.parse().unwrap()));
    let length = network.len().min(1 + prefix.parse::<usize>().unwrap() - mapped);
    given.starts_with(&network[..length])
}

/// One character of a pattern: whether it is a wildcard, and whether that may stand for a colon.
#[derive(Clone, Copy)]
struct Token {
    c: char,
    wildcard: bool,
    colons: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Like,
    Arn,
    Resource,
}

fn token(c: char, colons: bool) -> Token {
    Token { c, wildcard: c == '*' || c == '?', colons }
}

/// The pattern with its variables filled in; `None` if one has no value.
fn tokens(pattern: &str, variables: bool, world: &World, mode: Mode) -> Option<Vec<Token>> {
    let mut out: Vec<Token> = Vec::new();
    let mut rest = pattern;
    let mut colons = 0;
    while let Some(c) = rest.chars().next() {
        if variables && rest.starts_with("${") {
            let (name, after) = rest[2..].split_once('}').unwrap();
            rest = after;
            let value = match name {
                "*" | "?" | "$" => name.to_owned(),
                _ => {
                    let (key, default) = name.split_once(", ").map_or((name, None), |(k, d)| (k, Some(d)));
                    match world.variable(key) {
                        Some(Some(value)) => value,
                        Some(None) => return None,
                        None => default?.trim_matches('\'').to_owned(),
                    }
                }
            };
            out.extend(value.chars().map(|c| Token { c, wildcard: false, colons: false }));
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let ends = rest.is_empty() || (mode == Mode::Resource && rest.starts_with(':'));
        out.push(token(c, mode == Mode::Like || colons >= 5 || (c == '*' && ends)));
        colons += usize::from(c == ':');
    }
    Some(out)
}

fn wild(pattern: &[Token], value: &str) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return value.is_empty() };
    let next = value.chars().next();
    let take = next.is_some_and(|c| first.colons || c != ':');
    let after = next.map_or("", |c| &value[c.len_utf8()..]);
    match (first.wildcard, first.c) {
        (true, '*') => wild(rest, value) || (take && wild(pattern, after)),
        (true, _) => take && wild(rest, after),
        (false, c) => next == Some(c) && wild(rest, after),
    }
}

//! The golden table of simulations. The end-to-end tests drive the same table through boto3.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::*;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Table {
    source: String,
    name: String,
    policies: Vec<Value>,
    boundary: Option<Value>,
    resource_policy: Option<Value>,
    owner: Option<String>,
    caller: Option<String>,
    #[serde(default)]
    organization: Vec<Vec<Value>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    action: String,
    resource: String,
    #[serde(default)]
    context: Map<String, Value>,
    /// In place of the table's.
    caller: Option<String>,
    decision: String,
}

/// A text, a list of texts, or either under the name of its type.
fn context(keys: &Map<String, Value>) -> Context {
    let mut entries = ContextEntries::default();
    for (key, value) in keys {
        let (word, value) = match value {
            Value::Object(typed) => typed.iter().next().map(|(word, value)| (word.as_str(), value)).unwrap(),
            text => ("string", text),
        };
        let of = ContextKeyType::WORDS.iter().find(|(known, _)| *known == word).unwrap().1;
        let values = match value {
            Value::Array(values) => values.iter().map(|value| value.as_str().unwrap().to_owned()).collect(),
            value => vec![value.as_str().unwrap().to_owned()],
        };
        entries.add(key, of, values).unwrap();
    }
    entries.finish()
}

#[test]
fn c19_simulations_end_as_aws_documents() {
    let text = include_str!("../../../../validator/tests/vectors/policy/simulate.json");
    let tables: Vec<Table> = serde_json::from_str(text).unwrap();
    let mut asked = 0;
    for table in &tables {
        let Table { name, source, .. } = table;
        let all = |documents: &[Value]| documents.iter().map(|d| identity(&d.to_string())).collect::<Vec<_>>();
        for case in &table.cases {
            let mut simulation = ask(&[&case.action], &[&case.resource], &[]);
            simulation.identity = all(&table.policies);
            simulation.boundary = table.boundary.as_ref().map(|document| identity(&document.to_string()));
            simulation.resource_policy =
                table.resource_policy.as_ref().map(|d| of("ResourcePolicy", &d.to_string(), PolicyKind::Resource));
            simulation.resource_owner = table.owner.as_ref().map(|owner| owner.parse().unwrap());
            simulation.organization = table.organization.iter().map(|level| all(level)).collect();
            if let Some(caller) = case.caller.as_ref().or(table.caller.as_ref()) {
                simulation.caller = Subject::named(&caller.parse().unwrap()).unwrap();
            }
            simulation.context = context(&case.context);
            let decided = match outcome(&simulation).decision.effect {
                Effect::Allow => "allowed",
                Effect::ExplicitDeny => "explicitDeny",
                Effect::ImplicitDeny => "implicitDeny",
            };
            let Case { action, resource, .. } = case;
            assert_eq!(decided, case.decision, "{name} ({source}): {action} on {resource} with {:?}", case.context);
            asked += 1;
        }
    }
    assert!(asked >= 240, "{asked}");
}

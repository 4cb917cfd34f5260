//! Shorter traces, for where there is little room: the statements that decided, and less of everything else.

use std::collections::BTreeMap;

use super::hint::suspects;
use super::{ConditionTrace, ElementTrace, PolicyTrace, StatementTrace, Trace};

/// How much a trace may hold.
struct Limits {
    statements: usize,
    values: usize,
    characters: usize,
    context: usize,
    hints: usize,
}

/// From the roomiest to the one that is next to nothing.
const LIMITS: [Limits; 3] = [
    Limits { statements: 8, values: 8, characters: 160, context: 48, hints: 8 },
    Limits { statements: 3, values: 3, characters: 80, context: 16, hints: 3 },
    Limits { statements: 0, values: 1, characters: 80, context: 0, hints: 1 },
];

impl Trace {
    /// How many shorter forms there are.
    pub const ABRIDGEMENTS: usize = LIMITS.len();

    /// The trace in its `level`th shorter form, from 0. Statements that decided or could have allowed go last; of the
    /// context, keys that no statement compares go first. What was cut ends in `…`.
    pub fn abridged(&self, level: usize) -> Self {
        let limits = &LIMITS[level.min(LIMITS.len() - 1)];
        let suspects = suspects(self);
        let is_suspect = |s: &StatementTrace| suspects.iter().any(|place| std::ptr::eq(place.statement, s));
        let policy = |policy: &PolicyTrace| limits.policy(policy, &is_suspect);
        let mut query = self.query.clone();
        query.principal = limits.text(&query.principal);
        query.resource = limits.text(&query.resource);
        query.action = limits.text(&query.action);
        query.names = limits.texts(&query.names);
        query.context = limits.context(self);
        Self {
            decision: self.decision,
            detail: self.detail,
            abridged: true,
            hints: self.hints.iter().take(limits.hints).map(|hint| cut(hint, 2 * limits.characters)).collect(),
            query,
            identity: self.identity.iter().map(policy).collect(),
            boundary: self.boundary.as_ref().map(policy),
            session: self.session.as_ref().map(|session| session.iter().map(policy).collect()),
            resource: self.resource.as_ref().map(policy),
        }
    }
}

impl Limits {
    fn policy(&self, policy: &PolicyTrace, is_suspect: &impl Fn(&StatementTrace) -> bool) -> PolicyTrace {
        let mut kept: Vec<&StatementTrace> = policy.statements.iter().filter(|s| is_suspect(s) || s.matched).collect();
        kept.sort_by_key(|s| !is_suspect(s));
        kept.truncate(self.statements);
        kept.sort_by_key(|s| s.number);
        let statements = kept.into_iter().map(|statement| StatementTrace {
            sid: statement.sid.as_ref().map(|sid| self.text(sid)),
            elements: statement.elements.iter().map(|element| self.element(element)).collect(),
            conditions: statement.conditions.iter().map(|condition| self.condition(condition)).collect(),
            ..statement.clone()
        });
        PolicyTrace { statements: statements.collect(), ..policy.clone() }
    }

    fn element(&self, element: &ElementTrace) -> ElementTrace {
        ElementTrace { wanted: self.texts(&element.wanted), given: self.texts(&element.given), ..element.clone() }
    }

    fn condition(&self, condition: &ConditionTrace) -> ConditionTrace {
        ConditionTrace {
            operator: self.text(&condition.operator),
            key: self.text(&condition.key),
            wanted: self.texts(&condition.wanted),
            given: self.texts(&condition.given),
            ..condition.clone()
        }
    }

    fn context(&self, trace: &Trace) -> BTreeMap<String, Vec<String>> {
        let statements = trace.policies().flat_map(|policy| &policy.statements);
        let conditions: Vec<&ConditionTrace> = statements.flat_map(|s| &s.conditions).collect();
        let mut entries: Vec<(&String, &Vec<String>)> = trace.query.context.iter().collect();
        entries.sort_by_key(|(key, _)| !conditions.iter().any(|c| c.key.eq_ignore_ascii_case(key)));
        let kept = entries.into_iter().take(self.context);
        kept.map(|(key, values)| (self.text(key), self.texts(values))).collect()
    }

    fn texts(&self, texts: &[String]) -> Vec<String> {
        let mut kept: Vec<String> = texts.iter().take(self.values).map(|text| self.text(text)).collect();
        if kept.len() < texts.len() {
            kept.push("…".to_owned());
        }
        kept
    }

    fn text(&self, text: &str) -> String {
        cut(text, self.characters)
    }
}

fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

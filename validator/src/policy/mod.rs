//! The IAM policy language: a document is parsed strictly, compiled once, and evaluated without clock or I/O.
//!
//! From text to decision, one file a step: `json` reads strictly and keeps positions; `document` knows the elements and
//! where each may stand; `compiled` turns them into patterns, principals and conditions; `evaluate` asks the policies
//! that bear on a query and combines what they say. Each step of a decision is a function of its own without side
//! effects, so that whoever wants to know why can ask again, statement by statement. `lint` looks at a document alone, for
//! what its author probably did not mean.
//!
//! The language is AWS's, as the [IAM JSON policy reference][reference] documents it. Where AWS is silent the
//! narrower reading was taken and is stated where it is coded.
//!
//! [reference]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies.html

mod allowed;
mod compiled;
mod condition;
mod context;
mod decimal;
mod document;
mod element;
mod error;
mod evaluate;
mod fold;
mod json;
mod lint;
mod masked;
mod pattern;
mod principal;
mod query;
mod span;
mod suggest;
mod trace;
mod variable;

pub use compiled::Policy;
pub use condition::ValueType;
pub use context::{Assumption, Context, claim_keys};
pub use document::Kind;
pub use error::InvalidDocument;
pub use evaluate::{Decision, Effect, Reason, evaluate, evaluate_trust};
pub use lint::{Code, Finding, Severity, guess_kind, lint};
pub use principal::NamedPrincipal;
pub use query::{Policies, Query, Subject};
pub use span::{Position, Span, statement_spans};
pub use trace::{
    ConditionTrace, ElementName, ElementTrace, Failure, LanguageVersion, MessagePrincipal, NamedAs, PolicyTrace,
    QueryTrace, StatementEffect, StatementTrace, Step, Trace, TrustFault, Verdict, explain, explain_trust,
};

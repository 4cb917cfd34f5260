//! The `Condition` element: operators, quantifiers and what a missing key means.
//!
//! See [Condition operators][1] and [Multivalued context keys][2].
//!
//! [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
//! [2]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html

mod date;
mod network;
mod operator;
mod value_type;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use self::network::Network;
use self::operator::{Comparison, Ordered};
pub(super) use self::operator::{Operator, Quantifier, Test};
pub use self::value_type::ValueType;
use super::context::{Assumption, Context, ContextKey};
use super::decimal::Decimal;
use super::document::{self, Version};
use super::error::{Fault, quote};
use super::json::Text;
use super::pattern::{Pattern, Reach};

/// One operator, one key, and the values to compare with.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    key: ContextKey,
    operator: Operator,
    values: Values,
}

/// The policy's values, of the type that the operator compares.
#[derive(Clone, Debug)]
enum Values {
    Text(Vec<Pattern>),
    Ordered {
        kind: Ordered,
        comparison: Comparison,
        values: Vec<Decimal>,
    },
    Bool(Vec<bool>),
    /// In base64.
    Binary(Vec<String>),
    Network(Vec<Network>),
    Null(Vec<bool>),
}

impl Condition {
    pub(super) fn compile(written: &document::Condition, version: Version) -> Result<Self, Fault> {
        let operator = Operator::parse(&written.operator)?;
        let key = written.key.value.as_str();
        if key.split_once(':').is_none_or(|(prefix, name)| prefix.is_empty() || name.is_empty()) {
            let instead = (!key.is_empty() && !key.contains(':')).then(|| format!("aws:{key}"));
            return Err(Fault::new(written.key.at, format!("{} is not a condition key", quote(key))).suggest(instead));
        }
        Ok(Self {
            key: ContextKey::new(key),
            operator,
            values: Values::compile(operator.test, &written.values, version)?,
        })
    }

    /// The request's values of the key.
    pub(super) fn given<'a>(&self, context: &'a Context) -> &'a [String] {
        context.values(&self.key)
    }

    /// What is assumed of the condition, if the key's value is not known.
    pub(super) fn assumed(&self, context: &Context) -> Option<Assumption> {
        context.assumed(&self.key)
    }

    /// Whether the request satisfies the condition.
    pub(super) fn holds(&self, context: &Context) -> bool {
        let given = self.given(context);
        // "a null dataset, such as an empty string"
        let is_null = given.iter().all(String::is_empty);
        if let Values::Null(wanted) = &self.values {
            return wanted.contains(&is_null);
        }
        if given.is_empty() && self.operator.if_exists {
            return true;
        }
        let matches = |value: &String| self.values.match_one(value, context);
        let negated = self.operator.negated;
        match self.operator.quantifier {
            // With several values given, one match makes the positive operator true and the negated one false. So a
            // missing key makes the positive one false and the negated one true.
            None => negated != given.iter().any(matches),
            // Negation is of each value, not of the whole.
            Some(Quantifier::ForAllValues) => is_null || given.iter().all(|value| negated != matches(value)),
            Some(Quantifier::ForAnyValue) => !is_null && given.iter().any(|value| negated != matches(value)),
        }
    }
}

impl Values {
    fn compile(test: Test, written: &[Text], version: Version) -> Result<Self, Fault> {
        Ok(match test {
            Test::String { ignore_case } => Self::Text(each(written, |t| Pattern::exact(t, version, ignore_case))?),
            Test::Like => Self::Text(each(written, |t| Pattern::like(t, version))?),
            Test::Arn => Self::Text(each(written, |t| Pattern::arn(t, version, Reach::WithinSegment))?),
            Test::Ordered(kind, comparison) => {
                Self::Ordered { kind, comparison, values: each_parsed(written, kind.name(), |t| kind.parse(t))? }
            }
            Test::Bool => Self::Bool(each_parsed(written, "`true` or `false`", parse_bool)?),
            Test::Null => Self::Null(each_parsed(written, "`true` or `false`", parse_bool)?),
            Test::Binary => Self::Binary(each_parsed(written, "standard base64", |text| {
                BASE64.decode(text).is_ok().then(|| text.to_owned())
            })?),
            Test::IpAddress => {
                Self::Network(each_parsed(written, "an IP address or a range in CIDR notation", Network::parse)?)
            }
        })
    }

    /// Whether a value of the request matches any of the policy's. One that is not of the operator's type matches none.
    fn match_one(&self, given: &str, context: &Context) -> bool {
        match self {
            Self::Text(patterns) => patterns.iter().any(|pattern| pattern.matches(given, context)),
            Self::Ordered { kind, comparison, values } => {
                kind.parse(given).is_some_and(|given| values.iter().any(|value| comparison.holds(&given, value)))
            }
            Self::Bool(values) => parse_bool(given).is_some_and(|given| values.contains(&given)),
            Self::Binary(values) => values.iter().any(|value| value == given),
            Self::Network(values) => {
                network::parse_address(given).is_some_and(|given| values.iter().any(|value| value.contains(given)))
            }
            // Asks whether there is a value, not which.
            Self::Null(_) => false,
        }
    }
}

fn each<T>(written: &[Text], compile: impl Fn(&Text) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    written.iter().map(compile).collect()
}

fn each_parsed<T>(written: &[Text], expected: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Fault> {
    each(written, |text| {
        parse(&text.value).ok_or_else(|| Fault::new(text.at, format!("{} is not {expected}", quote(&text.value))))
    })
}

fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

//! The names of condition operators.

use super::super::decimal::Decimal;
use super::super::error::{Fault, quote};
use super::super::json::Text;
use super::super::suggest::nearest;
use super::date;

/// An operator's name, taken apart.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct Operator {
    pub(in crate::policy) quantifier: Option<Quantifier>,
    pub(in crate::policy) test: Test,
    pub(in crate::policy) negated: bool,
    pub(in crate::policy) if_exists: bool,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::policy) enum Quantifier {
    ForAllValues,
    ForAnyValue,
}

/// What is compared, and how.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::policy) enum Test {
    String {
        ignore_case: bool,
    },
    Like,
    /// `ArnEquals` and `ArnLike` behave identically.
    Arn,
    Ordered(Ordered, Comparison),
    Bool,
    Binary,
    IpAddress,
    Null,
}

/// What has an order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::policy) enum Ordered {
    Number,
    Date,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::policy) enum Comparison {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

/// Name, test, and whether the test is negated.
const OPERATORS: [(&str, Test, bool); 27] = {
    use Comparison::{Equals, GreaterThan, GreaterThanEquals, LessThan, LessThanEquals};
    use Ordered::{Date, Number};
    [
        ("StringEquals", Test::String { ignore_case: false }, false),
        ("StringNotEquals", Test::String { ignore_case: false }, true),
        ("StringEqualsIgnoreCase", Test::String { ignore_case: true }, false),
        ("StringNotEqualsIgnoreCase", Test::String { ignore_case: true }, true),
        ("StringLike", Test::Like, false),
        ("StringNotLike", Test::Like, true),
        ("NumericEquals", Test::Ordered(Number, Equals), false),
        ("NumericNotEquals", Test::Ordered(Number, Equals), true),
        ("NumericLessThan", Test::Ordered(Number, LessThan), false),
        ("NumericLessThanEquals", Test::Ordered(Number, LessThanEquals), false),
        ("NumericGreaterThan", Test::Ordered(Number, GreaterThan), false),
        ("NumericGreaterThanEquals", Test::Ordered(Number, GreaterThanEquals), false),
        ("DateEquals", Test::Ordered(Date, Equals), false),
        ("DateNotEquals", Test::Ordered(Date, Equals), true),
        ("DateLessThan", Test::Ordered(Date, LessThan), false),
        ("DateLessThanEquals", Test::Ordered(Date, LessThanEquals), false),
        ("DateGreaterThan", Test::Ordered(Date, GreaterThan), false),
        ("DateGreaterThanEquals", Test::Ordered(Date, GreaterThanEquals), false),
        ("Bool", Test::Bool, false),
        ("BinaryEquals", Test::Binary, false),
        ("IpAddress", Test::IpAddress, false),
        ("NotIpAddress", Test::IpAddress, true),
        ("ArnEquals", Test::Arn, false),
        ("ArnNotEquals", Test::Arn, true),
        ("ArnLike", Test::Arn, false),
        ("ArnNotLike", Test::Arn, true),
        ("Null", Test::Null, false),
    ]
};

impl Operator {
    pub(in crate::policy) fn parse(text: &Text) -> Result<Self, Fault> {
        let whole = text.value.as_str();
        let (quantifier, name) = match whole.split_once(':') {
            Some(("ForAllValues", name)) => (Some(Quantifier::ForAllValues), name),
            Some(("ForAnyValue", name)) => (Some(Quantifier::ForAnyValue), name),
            _ => (None, whole),
        };
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        match OPERATORS.iter().find(|(known, ..)| *known == name) {
            Some((_, Test::Null, _)) if if_exists || quantifier.is_some() => {
                Err(Fault::new(text.at, "`Null` takes neither `IfExists` nor a quantifier").suggest("Null".to_owned()))
            }
            Some(&(_, test, negated)) => Ok(Self { quantifier, test, negated, if_exists }),
            None => Err(Fault::new(text.at, format!("{} is not a condition operator", quote(whole)))
                .suggest(nearest(whole, spellings()))),
        }
    }
}

/// Every way to write an operator.
fn spellings() -> impl Iterator<Item = String> {
    OPERATORS.iter().flat_map(|(name, test, _)| {
        let all = ["", "ForAllValues:", "ForAnyValue:"].into_iter().flat_map(move |quantifier| {
            ["", "IfExists"].into_iter().map(move |suffix| format!("{quantifier}{name}{suffix}"))
        });
        all.take(if *test == Test::Null { 1 } else { usize::MAX })
    })
}

impl Ordered {
    pub(super) fn parse(self, text: &str) -> Option<Decimal> {
        match self {
            Self::Number => Decimal::parse(text),
            Self::Date => date::parse(text),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Date => "a date of ISO 8601 or a number of seconds since 1970",
        }
    }
}

impl Comparison {
    /// Whether `given` of the request stands so to `wanted` of the policy.
    pub(super) fn holds(self, given: &Decimal, wanted: &Decimal) -> bool {
        match self {
            Self::Equals => given == wanted,
            Self::LessThan => given < wanted,
            Self::LessThanEquals => given <= wanted,
            Self::GreaterThan => given > wanted,
            Self::GreaterThanEquals => given >= wanted,
        }
    }
}

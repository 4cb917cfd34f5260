use proptest::prelude::*;

use super::*;

fn text(value: &str) -> Text {
    Text { at: 0, value: value.to_owned() }
}

fn like(pattern: &str) -> Pattern {
    Pattern::like(&text(pattern), Version::V2012).unwrap()
}

fn matches(pattern: &Pattern, value: &str) -> bool {
    pattern.matches(value, &Context::default())
}

#[test]
fn wildcards_match_anywhere() {
    for (pattern, value, expected) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "a:b/c", true),
        ("?", "", false),
        ("?", "é", true),
        ("a*c", "abc", true),
        ("a*c", "abcd", false),
        ("*b*", "abc", true),
        ("a?c", "ac", false),
        ("*ab", "aab", true),
        ("a**b", "ab", true),
        ("*.[a-z]", "x.[a-z]", true),
        ("*.[a-z]", "x.b", false),
        ("home/*/x", "home/a/b/x", true),
    ] {
        assert_eq!(matches(&like(pattern), value), expected, "{pattern} {value}");
    }
}

#[test]
fn wildcards_of_a_resource_keep_to_their_segment_unless_they_end_it() {
    for (pattern, value, expected) in [
        ("*", "arn:aws:s3:::b/k", true),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/k:v/w", true),
        ("arn:aws:s3:::b/*/t/*", "arn:aws:s3:::b/1///t///o", true),
        ("arn:aws:s3:::b/*/t/*", "arn:aws:s3:::b/t/o", false),
        ("arn:aws:s3:*", "arn:aws:s3:::b", true),
        ("arn:aws:sqs:*:queue", "arn:aws:sqs:us-east-2:123456789012:queue", true),
        ("arn:aws:sqs:us-*-2:1:q", "arn:aws:sqs:us-east-2:1:q", true),
        ("arn:aws:sqs:us*2:1:q", "arn:aws:sqs:us:x-2:1:q", false),
        ("arn:aws:iam::?:role/x", "arn:aws:iam::::role/x", false),
        ("arn:aws:iam::1:user/?", "arn:aws:iam::1:user/:", true),
        ("arn:aws:s3:::b", "arn:aws:s3:::B", false),
    ] {
        let pattern_ = Pattern::arn(&text(pattern), Version::V2012, Reach::BeyondSegment).unwrap();
        assert_eq!(matches(&pattern_, value), expected, "{pattern} {value}");
    }
}

#[test]
fn arn_operators_compare_segment_by_segment() {
    // The example of AWS's page on condition operators.
    let pattern = "arn:aws:someservice:*:111122223333:finance/*";
    let value = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt";
    let arn = |reach| Pattern::arn(&text(pattern), Version::V2012, reach).unwrap();
    assert!(!matches(&arn(Reach::WithinSegment), value));
    assert!(matches(&arn(Reach::BeyondSegment), value));
    assert!(matches(&like(pattern), value));
}

#[test]
fn a_variable_in_an_arn_cannot_bring_segments_along() {
    let pattern = Pattern::arn(&text("arn:aws:iam::${aws:x}:role/a"), Version::V2012, Reach::WithinSegment).unwrap();
    let mut context = Context::default();
    context.set("aws:x", "1");
    assert!(pattern.matches("arn:aws:iam::1:role/a", &context));
    context.set("aws:x", "1:role/b");
    assert!(!pattern.matches("arn:aws:iam::1:role/b:role/a", &context));
}

#[test]
fn b19_what_a_variable_brings_is_data() {
    let mut context = Context::default();
    let pattern = like("home/${aws:x}/*");
    for value in ["*", "?", "${aws:y}", "a/b", "é"] {
        context.set("aws:x", value);
        assert!(pattern.matches(&format!("home/{value}/k"), &context), "{value}");
        assert!(!pattern.matches("home/bob/k", &context), "{value}");
    }
    assert!(!pattern.matches("home//k", &Context::default()), "an unknown variable matches nothing");
    let with_default = like("home/${aws:x, 'any*one'}");
    assert!(with_default.matches("home/any*one", &Context::default()));
    assert!(!with_default.matches("home/anyone", &Context::default()));
    context.set_all("aws:x", ["a".to_owned()]);
    assert!(!with_default.matches("home/a", &context), "a multi-valued key is no variable");
    assert!(!with_default.matches("home/any*one", &context));
}

#[test]
fn fixed_variables_are_the_characters_and_variables_need_the_newer_version() {
    assert!(matches(&like("a${*}${?}${$}{b"), "a*?${b"));
    assert!(!matches(&like("a${*}"), "ab"));
    let old = Pattern::like(&text("a${*}"), Version::V2008).unwrap();
    assert!(matches(&old, "a${anything}"));
}

#[test]
fn actions_ignore_case() {
    assert!(matches(&Pattern::action("STS:assume*"), "sts:AssumeRole"));
    assert!(!matches(&Pattern::action("sts:AssumeRole"), "sts:AssumeRoleWithWebIdentity"));
}

/// An exponential match would never end.
#[test]
fn e9_wildcard_bombs_come_to_an_end() {
    let n = 2048;
    let value = "a".repeat(n);
    let arn = format!("arn:aws:s3::{}:{}", "a".repeat(n / 2), "a:".repeat(n / 4));
    for bomb in
        ["*a".repeat(n / 2), "?*".repeat(n / 2), format!("*{}", "?a".repeat(n / 4)), format!("*{}", "?".repeat(n / 2))]
    {
        for bomb in [bomb.clone(), bomb + "b"] {
            assert!(!matches(&like(&format!("{bomb}c")), &value));
            let pattern = format!("arn:aws:s3:*:{bomb}:{bomb}");
            for reach in [Reach::BeyondSegment, Reach::WithinSegment] {
                assert!(!matches(&Pattern::arn(&text(&format!("{pattern}c")), Version::V2012, reach).unwrap(), &arn));
            }
        }
    }
}

/// The plainest matcher there is: every way to cut the text is tried. Each character of the pattern says whether it
/// may stand for a colon.
fn naive(pattern: &[(char, bool)], value: &[char]) -> bool {
    let may = |colons: bool, c: &char| colons || *c != ':';
    match pattern {
        [] => value.is_empty(),
        [('*', colons), rest @ ..] => (0..=value.len())
            .take_while(|n| value[..*n].iter().all(|c| may(*colons, c)))
            .any(|n| naive(rest, &value[n..])),
        [('?', colons), rest @ ..] => value.first().is_some_and(|c| may(*colons, c)) && naive(rest, &value[1..]),
        [(c, _), rest @ ..] => value.first() == Some(c) && naive(rest, &value[1..]),
    }
}

fn naive_arn(pattern: &str, value: &str, beyond: bool) -> bool {
    let chars: Vec<char> = pattern.chars().collect();
    let marked: Vec<(char, bool)> = chars
        .iter()
        .enumerate()
        .map(|(i, c)| {
            let sixth = chars[..i].iter().filter(|c| **c == ':').count() >= 5;
            let end = i + 1 == chars.len() || (beyond && chars[i + 1] == ':');
            (*c, sixth || (*c == '*' && end))
        })
        .collect();
    naive(&marked, &value.chars().collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn agrees_with_the_plainest_matcher(pattern in "[abé:*?]{0,8}", value in "[abé:]{0,8}") {
        let marked: Vec<_> = pattern.chars().map(|c| (c, true)).collect();
        prop_assert_eq!(matches(&like(&pattern), &value), naive(&marked, &value.chars().collect::<Vec<_>>()));
    }

    #[test]
    fn agrees_with_the_plainest_matcher_on_arns(pattern in "[aé:*?]{0,14}", value in "[aé:]{0,12}", reach in any::<bool>()) {
        let (beyond, reach) = (reach, if reach { Reach::BeyondSegment } else { Reach::WithinSegment });
        let compiled = Pattern::arn(&text(&pattern), Version::V2012, reach).unwrap();
        prop_assert_eq!(matches(&compiled, &value), naive_arn(&pattern, &value, beyond), "{} {}", pattern, value);
    }
}

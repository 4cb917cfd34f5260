//! Bounds of the parameters of the STS operations. The table is that of the [STS API reference][1].
//!
//! [1]: https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html

use brevet_validator::identity::is_name;

pub(super) use crate::service::parameters::*;

pub(super) const ROLE_ARN: Text = Text { min: 20, max: 2048, pattern: ARN_PATTERN, matches: is_arn_text, shown: true };
pub(super) const POLICY_ARN: Text = ROLE_ARN;
pub(super) const SESSION_NAME: Text = Text { min: 2, max: 64, pattern: r"[\w+=,.@-]*", matches: is_name, shown: true };
pub(super) const SOURCE_IDENTITY: Text = SESSION_NAME;
pub(super) const FEDERATED_NAME: Text = Text { max: 32, ..SESSION_NAME };
pub(super) const EXTERNAL_ID: Text = Text {
    min: 2,
    max: 1224,
    pattern: r"[\w+=,.@:\/-]*",
    matches: |text| text.bytes().all(|c| is_word(c) || b"+=,.@:/-".contains(&c)),
    shown: true,
};
pub(super) const POLICY: Text = Text {
    min: 1,
    max: 2048,
    pattern: r"[\u0009\u000A\u000D\u0020-\u00FF]+",
    matches: |text| text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')),
    shown: true,
};
pub(super) const SERIAL_NUMBER: Text = Text {
    min: 9,
    max: 256,
    pattern: r"[\w+=/:,.@-]*",
    matches: |text| text.bytes().all(|c| is_word(c) || b"+=/:,.@-".contains(&c)),
    shown: true,
};
pub(super) const TOKEN_CODE: Text =
    Text { min: 6, max: 6, pattern: r"[\d]*", matches: |text| text.bytes().all(|c| c.is_ascii_digit()), shown: false };
/// Longer tokens are refused by whoever reads them, in words of their own.
pub(super) const WEB_IDENTITY_TOKEN: Text =
    Text { min: 4, max: 20_000, pattern: ".*", matches: |_| true, shown: false };
pub(super) const AUDIENCE: Text = Text { min: 1, max: 1000, pattern: ".*", matches: |_| true, shown: true };
pub(super) const ACCESS_KEY_ID: Text =
    Text { min: 16, max: 128, pattern: r"[\w]*", matches: |text| text.bytes().all(is_word), shown: true };

const ARN_PATTERN: &str = r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+";

fn is_arn_text(text: &str) -> bool {
    let allowed = |c| match c {
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' => true,
        c => c >= '\u{a0}' && !matches!(c, '\u{fffe}' | '\u{ffff}'),
    };
    text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::error::Error;

    fn message(result: Result<impl std::fmt::Debug, Error>) -> String {
        result.unwrap_err().message().to_owned()
    }

    #[test]
    fn refusals_are_worded_as_those_of_aws() {
        assert_eq!(
            message(SESSION_NAME.check(&"x".repeat(65), "roleSessionName")),
            format!(
                "1 validation error detected: Value '{}' at 'roleSessionName' failed to satisfy constraint: \
                 Member must have length less than or equal to 64",
                "x".repeat(65)
            )
        );
        assert_eq!(
            message(SESSION_NAME.check("a b", "roleSessionName")),
            "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\w+=,.@-]*"
        );
        assert_eq!(
            message(ROLE_ARN.required(&None, "roleArn")),
            "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null"
        );
        assert_eq!(
            message(check_number("899", 900, 43200, "durationSeconds")),
            "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: \
             Member must have value greater than or equal to 900"
        );
    }

    #[test]
    fn lengths_are_counted_in_characters_and_both_ends_are_in() {
        for (text, min, max) in [(EXTERNAL_ID, 2, 1224), (SOURCE_IDENTITY, 2, 64), (TAG_KEY, 1, 128)] {
            assert!(text.check(&"a".repeat(min), "x").is_ok() && text.check(&"a".repeat(max), "x").is_ok());
            assert!(text.check(&"a".repeat(min - 1), "x").is_err() && text.check(&"a".repeat(max + 1), "x").is_err());
        }
        assert!(TAG_VALUE.check(&"é".repeat(256), "x").is_ok());
        assert!(TAG_VALUE.check("", "x").is_ok());
        assert!(POLICY.check(&"é".repeat(2048), "policy").is_ok());
        assert!(POLICY.check(&"é".repeat(2049), "policy").is_err());
    }

    #[test]
    fn c13_numbers_are_digits_and_nothing_else() {
        for bad in ["", "-1", "+900", " 900", "900 ", "3600.0", "9e2", "0x384", "３６００", "900\n", "900\0"] {
            assert!(check_number(bad, 900, 43200, "durationSeconds").is_err(), "{bad:?}");
        }
        for bad in ["0", "899", "43201", "2147483648", "4294967296", "99999999999999999999999999"] {
            assert!(check_number(bad, 900, 43200, "durationSeconds").is_err(), "{bad}");
        }
        assert_eq!(check_number("900", 900, 43200, "x").unwrap(), 900);
        assert_eq!(check_number("0043200", 900, 43200, "x").unwrap(), 43200);
    }

    #[test]
    fn a21_characters_that_forge_lines_are_refused_and_not_repeated() {
        for bad in ["a\r\nb", "a\nb", "a\0b", "a\u{2028}b", "a\u{2029}b", "a\u{202e}b", "a\u{200b}b", "a\u{85}b"] {
            for text in [SESSION_NAME, TAG_KEY, TAG_VALUE, EXTERNAL_ID] {
                let message = message(text.check(bad, "x"));
                assert!(!message.chars().any(is_forging), "{message:?}");
            }
        }
    }

    #[test]
    fn codes_of_a_second_factor_are_never_repeated() {
        let message = message(TOKEN_CODE.check("31415926", "tokenCode"));
        assert!(!message.contains("31415926") && message.contains("'tokenCode'"), "{message}");
    }

    #[test]
    fn long_values_are_cut() {
        let message = message(ROLE_ARN.check(&"é".repeat(3000), "roleArn"));
        assert!(message.chars().count() < 500 && message.contains("é…'"), "{message}");
    }

    #[test]
    fn tags_take_letters_digits_and_spaces_of_any_script() {
        for good in ["Kostenstelle", "原価センター", "Ελλάδα", "a b\u{a0}c\u{3000}d", "x:/=+-@._y", "٣"] {
            assert!(TAG_VALUE.check(good, "x").is_ok(), "{good}");
        }
        for bad in ["a*b", "a?b", "${aws:userid}", "a,b", "a\"b", "a<b", "😀", "e\u{301}"] {
            assert!(TAG_VALUE.check(bad, "x").is_err(), "{bad}");
        }
    }
}

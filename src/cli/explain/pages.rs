//! The sections of the documents that speak of one code each, built in so that they are there without a network.

const DOCUMENTS: [&str; 3] = [
    include_str!("../../../docs/reason-codes.md"),
    include_str!("../../../docs/error-codes.md"),
    include_str!("../../../docs/policy-lint.md"),
];

/// The section of a code, in either spelling: `AccessDenied` or `ACCESS_DENIED`.
pub(super) fn find(code: &str) -> Option<String> {
    let wanted = folded(code);
    sections().find(|(name, _)| folded(name) == wanted).map(|(name, text)| format!("{name}\n\n{}", text.trim()))
}

/// The code that differs least, if there is one that is much alike.
pub(super) fn nearest(code: &str) -> Option<&'static str> {
    let wanted = folded(code);
    let part_of = |name: &str| !wanted.is_empty() && (folded(name).contains(&wanted) || wanted.contains(&folded(name)));
    sections().map(|(name, _)| name).find(|name| part_of(name))
}

/// Every section whose heading is a code.
fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    DOCUMENTS.iter().flat_map(|document| {
        let sections = document.split("\n## ").skip(1).map(|section| section.split_once('\n').unwrap_or((section, "")));
        sections.filter(|(heading, _)| is_code(heading))
    })
}

fn is_code(heading: &str) -> bool {
    heading.len() > 3
        && heading.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
        && heading.bytes().filter(u8::is_ascii_uppercase).count() > 1
        || heading == "Throttling"
}

fn folded(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use brevet_validator::policy::Code;

    use super::*;

    #[test]
    fn every_code_has_a_page() {
        // All that stand in the sources as `Variant => "Code"`.
        let errors = include_str!("../../service/error.rs");
        let reasons = include_str!("../../../validator/src/policy/evaluate.rs");
        let faults = include_str!("../../../validator/src/policy/trace/trust_fault.rs");
        let codes = [errors, reasons, faults].into_iter().flat_map(|source| {
            source
                .lines()
                .filter_map(|line| line.trim().strip_prefix("Self::")?.split_once("=> \"")?.1.split('"').next())
        });
        let codes: Vec<&str> = codes.chain(Code::ALL.map(Code::as_str)).collect();
        assert!(codes.len() > 50, "{codes:?}");
        for code in codes {
            assert!(find(code).is_some_and(|page| page.len() > code.len() + 20), "{code}");
        }
    }

    #[test]
    fn a_page_is_its_section_alone() {
        let page = find("TRUST_NOT_SATISFIED").unwrap();
        assert!(page.starts_with("TRUST_NOT_SATISFIED\n\nThe role's trust policy") && !page.contains("TRUST_ABSENT"));
        assert_eq!(find("access_denied"), find("AccessDenied"));
        for other in ["", "Hints", "The trace", "NOPE", "\u{1b}[31m"] {
            assert_eq!(find(other), None, "{other:?}");
        }
        assert_eq!(nearest("TRUST_NOT"), Some("TRUST_NOT_SATISFIED"));
        assert_eq!(nearest("zzz"), None);
    }
}

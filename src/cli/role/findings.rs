//! What the linter finds in a trust policy that was put, on standard error.

use brevet_client::proto::admin::{LintFinding, LintSeverity};

/// One line a finding; `policy` says where the policy stands.
pub(super) fn tell(policy: &str, findings: &[LintFinding]) {
    for finding in findings {
        let severity = match finding.severity() {
            LintSeverity::Dangerous => "dangerous",
            LintSeverity::Warning | LintSeverity::Unspecified => "warning",
        };
        let (line, column) = (finding.line, finding.column);
        eprintln!("{policy}:{line}:{column}: {severity} {}: {}", finding.code, finding.message);
    }
}

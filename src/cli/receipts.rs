//! What validators said of a revocation, in words.

use std::time::Duration;

use brevet_client::proto::admin::Receipts;

/// What is told of receipts.
pub(super) struct Told {
    /// One line of data.
    pub(super) line: String,
    /// Who still accepts the sessions, if anyone does.
    pub(super) warning: Option<String>,
}

/// `5s` or `500ms`.
pub(super) fn wait(text: &str) -> Result<Duration, String> {
    let malformed = || "write it as 5s or 500ms".to_owned();
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, Duration::from_millis as fn(u64) -> Duration),
        None => (text.strip_suffix('s').ok_or_else(malformed)?, Duration::from_secs as fn(u64) -> Duration),
    };
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(malformed());
    }
    digits.parse().map(unit).map_err(|_| malformed())
}

/// Says how many refuse, and by when the others do.
pub(super) fn told(receipts: &Receipts) -> Told {
    let Receipts { validators, refusing, unreachable, failing_open, .. } = receipts;
    if *validators == 0 {
        let line = "no validator is connected: those that start from now on refuse from the start".to_owned();
        let warning = "no validator said that it refuses; those that follow nothing go on until the sessions end";
        return Told { line, warning: Some(warning.to_owned()) };
    }
    let slowest = receipts.slowest.as_ref().map(|slowest| format!(", slowest {}", shown(slowest))).unwrap_or_default();
    let others: Vec<String> = [
        (*unreachable > 0).then(|| format!("{unreachable} unreachable")),
        receipts.bound.as_ref().map(|bound| format!("bound {}", shown(bound))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let others = if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) };
    let line = format!("refused on {refusing} of {validators} validators{slowest}{others}");

    let waiting = validators.saturating_sub(*refusing);
    let warning = match (&receipts.bound, waiting) {
        (_, 0) => None,
        (Some(bound), _) => Some(format!(
            "not refused everywhere yet: {waiting} of {validators} validators have not said so. They refuse within {} or stop \
             accepting anything",
            shown(bound)
        )),
        (None, _) => Some(format!(
            "not refused everywhere yet: {failing_open} of the {waiting} validators that have not said so fail open, and go on \
             accepting until they hear of it"
        )),
    };
    Told { line, warning }
}

/// Milliseconds up to ten seconds, then seconds.
fn shown(duration: &prost_types::Duration) -> String {
    let duration = Duration::try_from(*duration).unwrap_or_default();
    match duration {
        short if short < Duration::from_secs(10) && short.subsec_millis() != 0 => format!("{} ms", short.as_millis()),
        short if short < Duration::from_millis(1) => "1 ms".to_owned(),
        long => format!("{} s", long.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: i64) -> Option<prost_types::Duration> {
        let nanos = i32::try_from(millis % 1000 * 1_000_000).unwrap();
        Some(prost_types::Duration { seconds: millis / 1000, nanos })
    }

    #[test]
    fn a_wait_has_a_unit() {
        assert_eq!(wait("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(wait("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "5", "s", "ms", "-1s", "1.5s", "5m", "9999999999s"] {
            assert!(wait(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn when_all_refuse_there_is_nothing_to_warn_of() {
        let all = Receipts { validators: 14, refusing: 14, slowest: millis(180), ..Default::default() };
        let Told { line, warning } = told(&all);
        assert_eq!((line.as_str(), warning), ("refused on 14 of 14 validators, slowest 180 ms", None));
    }

    #[test]
    fn who_does_not_refuse_yet_is_told_with_the_bound() {
        let most = Receipts {
            validators: 14,
            refusing: 13,
            unreachable: 1,
            slowest: millis(180),
            bound: millis(30_000),
            ..Default::default()
        };
        let Told { line, warning } = told(&most);
        assert_eq!(line, "refused on 13 of 14 validators, slowest 180 ms; 1 unreachable, bound 30 s");
        assert!(warning.unwrap().contains("1 of 14 validators have not said so. They refuse within 30 s"));
    }

    #[test]
    fn failing_open_has_no_bound_and_is_said() {
        let open = Receipts { validators: 2, failing_open: 1, ..Default::default() };
        let Told { line, warning } = told(&open);
        assert_eq!(line, "refused on 0 of 2 validators");
        assert!(warning.unwrap().contains("1 of the 2 validators that have not said so fail open"));
    }

    #[test]
    fn without_validators_nobody_is_said_to_refuse() {
        let Told { line, warning } = told(&Receipts::default());
        assert!(line.starts_with("no validator is connected") && warning.is_some());
    }
}

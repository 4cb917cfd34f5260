//! Identity providers, told to operators: lines of `/readyz`, and series of `/metrics` that are there while the provider is.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::service::federation::{KeysState, ProviderState, ProviderStates};

/// Looks at the providers now.
pub type Watch = Arc<dyn Fn() -> ProviderStates + Send + Sync>;

/// Lines that `/readyz` has at most for providers.
const MOST_LINES: usize = 200;

/// A line for people. It says nothing of whether the process can work: one dead issuer must not stop all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// Whether someone should look at it.
    pub wrong: bool,
    /// One line.
    pub text: String,
}

/// A line for each provider, those with something wrong first.
pub fn notes(states: &ProviderStates) -> Vec<Note> {
    let mut notes: Vec<Note> = states.shown.iter().map(note).collect();
    notes.sort_by_key(|note| !note.wrong);
    let left_out = states.left_out + notes.len().saturating_sub(MOST_LINES);
    notes.truncate(MOST_LINES);
    if left_out > 0 {
        notes.push(Note { wrong: false, text: format!("{left_out} providers more") });
    }
    notes
}

fn note(provider: &ProviderState) -> Note {
    let keys = provider.keys;
    let state = match provider.state {
        KeysState::Disabled => "disabled".to_owned(),
        KeysState::Pinned => format!("{keys} pinned keys"),
        KeysState::NotFetched => "keys not fetched yet".to_owned(),
        KeysState::Fresh { at } => format!("{keys} keys, fetched {at}"),
        KeysState::Stale { since } => format!("{keys} keys, stale since {since}"),
        KeysState::Failing { error, last_good: Some(at) } => format!("failing: {error}; {keys} keys, fetched {at}"),
        KeysState::Failing { error, last_good: None } => format!("failing: {error}; no keys"),
    };
    let wrong = matches!(provider.state, KeysState::Failing { .. });
    Note { wrong, text: format!("provider {} {}: {state}", provider.account, provider.issuer.as_str()) }
}

/// Series of the providers that there are at each scrape. Their labels are the directory's: an operator registered them, and
/// nothing that a token says is one.
pub(super) struct ProviderSeries(pub(super) Watch);

impl fmt::Debug for ProviderSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSeries").finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Labels {
    account: String,
    provider: String,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct OutcomeLabels {
    account: String,
    provider: String,
    outcome: &'static str,
}

impl Labels {
    fn of(provider: &ProviderState) -> Self {
        Self { account: provider.account.to_string(), provider: provider.issuer.provider_name().to_owned() }
    }

    fn with(self, outcome: &'static str) -> OutcomeLabels {
        OutcomeLabels { account: self.account, provider: self.provider, outcome }
    }
}

impl Collector for ProviderSeries {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let providers = (self.0)().shown;
        let gauges = |value: fn(&ProviderState) -> Option<i64>| {
            providers.iter().filter_map(move |provider| Some((Labels::of(provider), ConstGauge::new(value(provider)?))))
        };
        let help = "Keys of an identity provider that can be used";
        family(&mut encoder, "provider_keys", help, None, gauges(held))?;
        let help = "Time since the keys in use came";
        family(&mut encoder, "provider_keys_age", help, Some(&Unit::Seconds), gauges(|provider| provider.age))?;
        let help = "Whether the latest fetch of keys succeeded";
        family(&mut encoder, "provider_up", help, None, gauges(is_up))?;

        let fetches = providers.iter().flat_map(|provider| {
            let count = |(outcome, count): (&&'static str, &u64)| {
                (Labels::of(provider).with(outcome), ConstCounter::new(*count))
            };
            provider.fetches.iter().map(count)
        });
        family(&mut encoder, "provider_fetches", "Fetches of keys that ended", None, fetches)?;
        let exchanges = providers.iter().flat_map(|provider| {
            [("success", provider.exchanges.success), ("denied", provider.exchanges.denied)]
                .map(|(outcome, count)| (Labels::of(provider).with(outcome), ConstCounter::new(count)))
        });
        family(&mut encoder, "provider_exchanges", "Identity tokens that were answered", None, exchanges)
    }
}

/// `None` where nothing is held that could be counted.
fn held(provider: &ProviderState) -> Option<i64> {
    let is_known = !matches!(provider.state, KeysState::Disabled | KeysState::NotFetched);
    is_known.then(|| i64::try_from(provider.keys).unwrap_or(i64::MAX))
}

/// `None` where nobody asked, or nobody would.
fn is_up(provider: &ProviderState) -> Option<i64> {
    match provider.state {
        KeysState::Disabled | KeysState::NotFetched => None,
        KeysState::Pinned | KeysState::Fresh { .. } | KeysState::Stale { .. } => Some(1),
        KeysState::Failing { .. } => Some(0),
    }
}

/// One metric with all its series; nothing if there are none.
fn family<L: EncodeLabelSet, M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    series: impl Iterator<Item = (L, M)>,
) -> Result<(), fmt::Error> {
    let mut series = series.peekable();
    let Some((_, first)) = series.peek() else { return Ok(()) };
    let mut metric = encoder.encode_descriptor(name, help, unit, first.metric_type())?;
    for (labels, value) in series {
        value.encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use brevet_validator::timestamp::Timestamp;

    use super::*;
    use crate::service::federation::key_sets::KeySetError;
    use crate::service::federation::{ExchangeCount, Issuer, Plaintext};
    use crate::transport::metrics::Metrics;

    fn provider(name: &str, state: KeysState) -> ProviderState {
        ProviderState {
            account: "111111111111".parse().unwrap(),
            issuer: Issuer::parse(&format!("https://{name}.example"), Plaintext::Refused).unwrap(),
            state,
            keys: 2,
            age: None,
            fetches: [("success", 3), ("timeout", 1)].into(),
            exchanges: ExchangeCount { success: 5, denied: 7 },
        }
    }

    fn at() -> Timestamp {
        Timestamp::from_unix(1_768_478_400).unwrap()
    }

    #[test]
    fn each_state_has_its_words_and_failures_come_first() {
        let shown = vec![
            provider("off", KeysState::Disabled),
            provider("pinned", KeysState::Pinned),
            provider("new", KeysState::NotFetched),
            provider("good", KeysState::Fresh { at: at() }),
            provider("old", KeysState::Stale { since: at() }),
            provider("bad", KeysState::Failing { error: KeySetError::Timeout, last_good: Some(at()) }),
            provider("worse", KeysState::Failing { error: KeySetError::Tls, last_good: None }),
        ];
        let notes = notes(&ProviderStates { shown, left_out: 0 });
        let told: Vec<_> = notes.iter().map(|note| (note.wrong, note.text.as_str())).collect();
        let account = "provider 111111111111 https://";
        let expected = [
            (true, "bad.example: failing: the provider did not answer in time; 2 keys, fetched 2026-01-15T12:00:00Z"),
            (true, "worse.example: failing: TLS with the provider failed; no keys"),
            (false, "off.example: disabled"),
            (false, "pinned.example: 2 pinned keys"),
            (false, "new.example: keys not fetched yet"),
            (false, "good.example: 2 keys, fetched 2026-01-15T12:00:00Z"),
            (false, "old.example: 2 keys, stale since 2026-01-15T12:00:00Z"),
        ];
        assert_eq!(
            told,
            expected.map(|(wrong, text)| (wrong, format!("{account}{text}"))).each_ref().map(|(w, t)| (*w, t.as_str()))
        );
    }

    #[test]
    fn however_many_there_are_the_lines_are_few() {
        let mut shown = vec![provider("good", KeysState::Pinned); 300];
        shown.push(provider("bad", KeysState::Failing { error: KeySetError::Tls, last_good: None }));
        let notes = notes(&ProviderStates { shown, left_out: 10 });
        assert_eq!((notes.len(), notes[0].wrong), (MOST_LINES + 1, true));
        assert_eq!(notes[MOST_LINES].text, "111 providers more");
    }

    #[test]
    fn series_are_there_while_their_provider_is() {
        let good = ProviderState { age: Some(42), ..provider("good", KeysState::Fresh { at: at() }) };
        let bad = provider("bad", KeysState::Failing { error: KeySetError::Tls, last_good: None });
        let states = Arc::new(std::sync::Mutex::new(vec![good, bad, provider("new", KeysState::NotFetched)]));
        let mut metrics = Metrics::new();
        let watched = Arc::clone(&states);
        metrics
            .watch_providers(Arc::new(move || ProviderStates { shown: watched.lock().unwrap().clone(), left_out: 0 }));
        let text = metrics.text();
        let labels = |name: &str| format!(r#"account="111111111111",provider="{name}.example""#);
        let (good, bad, new) = (labels("good"), labels("bad"), labels("new"));
        for line in [
            format!("brevet_provider_keys{{{good}}} 2"),
            format!("brevet_provider_keys_age_seconds{{{good}}} 42"),
            format!("brevet_provider_up{{{good}}} 1"),
            format!("brevet_provider_up{{{bad}}} 0"),
            format!("brevet_provider_fetches_total{{{good},outcome=\"timeout\"}} 1"),
            format!("brevet_provider_exchanges_total{{{bad},outcome=\"denied\"}} 7"),
            format!("brevet_provider_exchanges_total{{{new},outcome=\"success\"}} 5"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains(&format!("brevet_provider_up{{{new}}}")), "{text}");
        assert!(!text.contains(&format!("brevet_provider_keys_age_seconds{{{bad}}}")), "{text}");
        states.lock().unwrap().clear();
        assert!(!metrics.text().contains("brevet_provider"), "{}", metrics.text());
    }
}

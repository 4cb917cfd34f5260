//! That sessions are used, as validators tell it.

use brevet_validator::credential::{AccessKeyId, KeyKind};
use brevet_validator::timestamp::Timestamp;

use crate::service::error::Error;
use crate::service::parameters::{Text, check_count, shown};

/// Sessions in one message.
const MOST: usize = 1000;
/// How far ahead of ours a validator's clock may be, in seconds.
const CLOCK_SKEW: i64 = 300;

const SERVICE: Text = Text { min: 0, max: 64, pattern: "[a-z0-9-]*", matches: is_service, shown: true };

/// When a session was last used, as it came off the wire.
#[derive(Clone, Debug)]
pub struct ToldActivity {
    /// `ASIA…`
    pub access_key_id: String,
    /// When.
    pub last_used: Option<Timestamp>,
    /// The service whose scope its last request had.
    pub service: String,
}

/// The same, in good form. Whether there is such a session, nobody knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Activity {
    /// `ASIA…`
    pub access_key_id: AccessKeyId,
    /// When.
    pub last_used: Timestamp,
    /// The service whose scope its last request had; empty if it was not told.
    pub service: String,
}

/// Checks what a validator tells.
pub(in crate::service) fn read(told: Vec<ToldActivity>, now: Timestamp) -> Result<Vec<Activity>, Error> {
    check_count(told.len(), MOST, "activities")?;
    told.into_iter().map(|activity| read_one(activity, now)).collect()
}

fn read_one(
    ToldActivity { access_key_id, last_used, service }: ToldActivity,
    now: Timestamp,
) -> Result<Activity, Error> {
    let id = access_key_id.parse().ok().filter(|id: &AccessKeyId| id.kind() == KeyKind::Temporary);
    let id = id.ok_or_else(|| {
        Error::validation(format!("{} is not the access key id of a session.", shown(&access_key_id)))
    })?;
    let last_used = last_used.filter(|at| *at <= now + CLOCK_SKEW);
    let last_used = last_used.ok_or_else(|| Error::validation("last_used_time is missing, or has not come yet."))?;
    SERVICE.check(&service, "service")?;
    Ok(Activity { access_key_id: id, last_used, service })
}

fn is_service(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::test_world::now;

    fn told() -> ToldActivity {
        let access_key_id = "ASIAAAAAAAAAAAAAAAAA".into();
        ToldActivity { access_key_id, last_used: Some(now() + CLOCK_SKEW), service: "s3".into() }
    }

    #[test]
    fn what_is_in_good_form_is_read() {
        let read = read(vec![told(); MOST], now()).unwrap();
        assert_eq!(read.len(), MOST);
        assert_eq!((read[0].access_key_id.as_str(), read[0].service.as_str()), ("ASIAAAAAAAAAAAAAAAAA", "s3"));
    }

    #[test]
    fn long_lived_keys_the_future_and_too_many_are_refused() {
        for bad in [
            vec![ToldActivity { access_key_id: "AKIAAAAAAAAAAAAAAAAA".into(), ..told() }],
            vec![ToldActivity { access_key_id: "x".into(), ..told() }],
            vec![ToldActivity { last_used: Some(now() + CLOCK_SKEW + 1), ..told() }],
            vec![ToldActivity { last_used: None, ..told() }],
            vec![ToldActivity { service: "S3\n".into(), ..told() }],
            vec![told(); MOST + 1],
        ] {
            assert!(read(bad.clone(), now()).is_err(), "{:?}", &bad[0]);
        }
    }
}

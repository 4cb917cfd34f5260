//! A store whose file was cut or changed: an error, or every record as it was. Never something else in silence.

use std::collections::HashMap;
use std::path::Path;

use brevet::store::{MasterKey, RecordCipher, RedbStore, Store, Transaction};
use brevet_validator::timestamp::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

const RECORDS: u8 = 40;

/// What was seen of a damaged file.
#[derive(Debug, PartialEq)]
enum Seen {
    Error(String),
    EveryRecord,
}

#[test]
fn f26_a_changed_or_cut_file_is_an_error_or_no_matter() {
    let (dir, whole) = written();
    assert_eq!(read(dir.path(), &whole), Seen::EveryRecord);
    let cases = std::env::var("BREVET_PROPTEST_CASES").map_or(96, |cases| cases.parse().unwrap());
    let mut runner = TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() });
    let damage = (any::<prop::sample::Index>(), 0u8..8, any::<bool>());
    runner
        .run(&damage, |(place, bit, cut)| {
            let mut damaged = whole.clone();
            let place = place.index(damaged.len());
            if cut {
                damaged.truncate(place);
            } else {
                damaged[place] ^= 1 << bit;
            }
            // `read` panics on a wrong record.
            read(dir.path(), &damaged);
            Ok(())
        })
        .unwrap();
    let mut errors = 0;
    for place in record_places(&whole) {
        let mut damaged = whole.clone();
        damaged[place] ^= 1;
        errors += usize::from(read(dir.path(), &damaged) != Seen::EveryRecord);
    }
    assert!(errors >= RECORDS.into(), "a changed record is an error: {errors}");
}

/// The bytes of a store that was closed, with one commit a record, so that the last ones are of the last commit.
#[tokio::main]
async fn written() -> (TempDir, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let tx = |n: u8| {
        let sealed = cipher().seal(&key(n), 1, [n; 12], &plain(n)).unwrap();
        Transaction { id: [n; 16], puts: vec![(key(n), sealed.into())], ..Transaction::default() }
    };
    let store = RedbStore::create(dir.path(), &tx(0), clock).unwrap();
    for n in 1..RECORDS {
        store.commit(tx(n)).await.unwrap();
    }
    drop(store);
    let whole = std::fs::read(dir.path().join(RedbStore::FILE)).unwrap();
    (dir, whole)
}

/// Opens, loads and unseals what `bytes` hold.
#[tokio::main]
async fn read(dir: &Path, bytes: &[u8]) -> Seen {
    std::fs::write(dir.join(RedbStore::FILE), bytes).unwrap();
    let store = match RedbStore::open(dir, clock) {
        Ok(store) => store,
        Err(error) => return Seen::Error(error.to_string()),
    };
    let records = match store.load().await {
        Ok((_, records)) => records,
        Err(error) => return Seen::Error(error.to_string()),
    };
    let mut opened = HashMap::new();
    for record in records {
        match cipher().open(&record.key, record.version, &record.value) {
            Ok(plain) => opened.insert(record.key, plain.to_vec()),
            Err(error) => return Seen::Error(error.to_string()),
        };
    }
    let expected: HashMap<_, _> = (0..RECORDS).map(|n| (key(n), plain(n))).collect();
    assert!(opened == expected, "a damaged store gave {} records as if nothing had happened", opened.len());
    Seen::EveryRecord
}

/// Where the sealed records lie: each begins with its nonce. Pages that are no longer in use hold copies.
fn record_places(bytes: &[u8]) -> Vec<usize> {
    let sealed: Vec<_> = (0..RECORDS).map(|n| cipher().seal(&key(n), 1, [n; 12], &plain(n)).unwrap()).collect();
    let starts = |sealed: &Vec<u8>| -> Vec<usize> {
        bytes.windows(sealed.len()).enumerate().filter(|(_, w)| w == sealed).map(|(at, _)| at).collect()
    };
    sealed.iter().flat_map(starts).collect()
}

fn cipher() -> RecordCipher {
    RecordCipher::new(&MasterKey::new([7; 32]), [1; 16])
}

fn key(n: u8) -> String {
    format!("users/123456789012/user-{n}")
}

fn plain(n: u8) -> Vec<u8> {
    vec![n; 300]
}

fn clock() -> Timestamp {
    Timestamp::from_unix(1_800_000_000).unwrap()
}

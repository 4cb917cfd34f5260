//! `kill -9` at any moment: what was acknowledged is there, and nothing is there by half.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use brevet::store::{RedbStore, Store, Transaction};
use brevet_validator::timestamp::Timestamp;
use bytes::Bytes;

/// Set for the child: the directory of its store.
const CHILD: &str = "BREVET_KILL_CHILD";
/// How many rounds, if not a few.
const ROUNDS: &str = "BREVET_KILL_ROUNDS";
/// The seed of an earlier run.
const SEED: &str = "BREVET_KILL_SEED";

/// Committers in parallel, so that commits share flushes.
const COMMITTERS: u64 = 8;
/// Each committer goes round a few keys.
const SLOTS: u64 = 16;

#[test]
fn f1_after_kill_9_every_acknowledged_commit_is_there_and_none_by_half() {
    if let Ok(dir) = std::env::var(CHILD) {
        return commit_until_killed(Path::new(&dir));
    }
    let rounds = std::env::var(ROUNDS).map_or(5, |rounds| rounds.parse().unwrap());
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let mut seed = std::env::var(SEED).map_or(since_1970.as_nanos() as u64 | 1, |seed| seed.parse().unwrap());
    println!("{SEED}={seed}");

    let dir = tempfile::tempdir().unwrap();
    drop(RedbStore::create(dir.path(), &Transaction { id: [0xff; 16], ..Transaction::default() }, clock).unwrap());
    let mut lasting = HashMap::new();
    for _ in 0..rounds {
        let pause = Duration::from_micros(next(&mut seed) % 150_000);
        let acknowledged = run_and_kill(dir.path(), pause, lasting.clone());
        assert!(acknowledged != lasting, "nothing was committed");
        lasting = check(dir.path(), &acknowledged);
    }
    println!("{} commits over {rounds} rounds", lasting.values().sum::<u64>());
}

/// The number of the last commit of each committer.
type Latest = HashMap<u64, u64>;

/// Starts the child, lets it commit for a while after its first commit, kills it, and notes what it acknowledged.
fn run_and_kill(dir: &Path, pause: Duration, mut acknowledged: Latest) -> Latest {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "f1_after_kill_9_every_acknowledged_commit_is_there_and_none_by_half", "--nocapture"])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut note = |line: String| {
        let acknowledgement = line.strip_prefix("committed ").and_then(|numbers| numbers.split_once(' '));
        acknowledgement.map(|(committer, n)| acknowledged.insert(committer.parse().unwrap(), n.parse().unwrap()))
    };
    while note(lines.next().expect("the child commits").unwrap()).is_none() {}
    let killer = std::thread::spawn(move || {
        std::thread::sleep(pause);
        child.kill().unwrap();
        child.wait().unwrap();
    });
    for line in lines {
        note(line.unwrap());
    }
    killer.join().unwrap();
    acknowledged
}

/// Compares the store with what was acknowledged, and gives what it holds: from now on that must last.
#[tokio::main]
async fn check(dir: &Path, acknowledged: &Latest) -> Latest {
    let store = RedbStore::open(dir, clock).unwrap();
    let (_, records) = store.load().await.unwrap();
    let records: HashMap<_, _> = records.iter().map(|record| (record.key.as_str(), &*record.value)).collect();
    let mut lasting = Latest::new();
    for committer in 0..COMMITTERS {
        for slot in 0..SLOTS {
            let [left, right] = keys(committer, slot).map(|key| records.get(&*key));
            assert_eq!(left, right, "a transaction is there by half");
        }
        let acknowledged = acknowledged.get(&committer).copied().unwrap_or(0);
        let latest = latest(&records, committer);
        // One may have been written and not acknowledged.
        assert!(latest == acknowledged || latest == acknowledged + 1, "{committer}: {acknowledged}, {latest}");
        for n in latest.saturating_sub(SLOTS - 1).max(1)..=latest {
            assert_eq!(records[&*keys(committer, n % SLOTS)[0]], n.to_string().as_bytes());
            assert!(store.outcome(id(committer, n)).await.unwrap().is_some());
        }
        lasting.insert(committer, latest);
    }
    lasting
}

#[tokio::main]
async fn commit_until_killed(dir: &Path) {
    let store = std::sync::Arc::new(RedbStore::open(dir, clock).unwrap());
    let (_, records) = store.load().await.unwrap();
    let records: HashMap<_, _> = records.iter().map(|record| (record.key.as_str(), &*record.value)).collect();
    let committers = (0..COMMITTERS).map(|committer| {
        let (store, latest) = (store.clone(), latest(&records, committer));
        tokio::spawn(async move {
            for n in latest + 1.. {
                let value = Bytes::from(n.to_string());
                let puts = keys(committer, n % SLOTS).map(|key| (key, value.clone())).to_vec();
                let tx = Transaction { id: id(committer, n), puts, ..Transaction::default() };
                store.commit(tx).await.unwrap();
                // Not `println!`, which the test harness may hold back; one call, so that lines do not mix.
                std::io::stdout().write_all(format!("committed {committer} {n}\n").as_bytes()).unwrap();
            }
        })
    });
    futures_util::future::join_all(committers).await;
}

fn latest(records: &HashMap<&str, &[u8]>, committer: u64) -> u64 {
    let values = (0..SLOTS).filter_map(|slot| records.get(&*keys(committer, slot)[0]));
    values.map(|value| std::str::from_utf8(value).unwrap().parse().unwrap()).max().unwrap_or(0)
}

fn keys(committer: u64, slot: u64) -> [String; 2] {
    [format!("left/{committer}/{slot}"), format!("right/{committer}/{slot}")]
}

fn id(committer: u64, n: u64) -> [u8; 16] {
    (u128::from(committer) << 64 | u128::from(n)).to_be_bytes()
}

fn clock() -> Timestamp {
    Timestamp::from_unix(1_800_000_000).unwrap()
}

/// xorshift64.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

//! Audit records as lines of `DIR/audit/YYYY-MM-DD.jsonl`, made durable by group commit.
//!
//! One thread writes. Records that arrive while it waits for the disk share the next flush.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::service::audit::{AuditError, AuditSink, Durability};
use crate::service::clock::Clock;

/// Records that may wait for the writer. Beyond it issuances fail.
const QUEUE: usize = 8192;
/// Denials that may wait. Beyond it they are counted alone, so that the other half is free for issuances and changes.
const QUEUE_FOR_DENIALS: usize = QUEUE / 2;
/// Most records that share one flush.
const GROUP: usize = 1024;
/// Longest time that an issuance waits for its record.
const DEADLINE: Duration = Duration::from_secs(1);

/// What a record must survive before its caller is answered.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Sync {
    /// A crash of the machine.
    #[default]
    Disk,
    /// A crash of the process only.
    Written,
}

/// The audit log of a data directory.
#[derive(Debug)]
pub struct AuditFiles {
    queue: Option<mpsc::SyncSender<Entry>>,
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    failing: AtomicBool,
    /// Denials that wait.
    waiting: AtomicUsize,
    /// Denials that found no room, or a disk that could not take them, and are not yet accounted for.
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    line: String,
    done: Option<oneshot::Sender<Result<(), AuditError>>>,
}

impl AuditFiles {
    /// Opens `directory`, which is made if it does not exist (mode 0700; files 0600), and starts the writer.
    pub fn open(directory: &Path, sync: Sync, clock: Arc<dyn Clock>) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let shared = Arc::new(Shared::default());
        let mut writer =
            Writer { directory: directory.to_owned(), sync, clock, open: None, shared: Arc::clone(&shared) };
        // A log that cannot be written is found out now, not with the first issuance.
        writer.current()?;
        let (queue, entries) = mpsc::sync_channel(QUEUE);
        let writer = std::thread::Builder::new().name("audit".into()).spawn(move || writer.run(&entries))?;
        Ok(Self { queue: Some(queue), shared, writer: Some(writer) })
    }

    fn send(&self, entry: Entry) -> Result<(), AuditError> {
        let queue = self.queue.as_ref().ok_or_else(|| AuditError("closed".into()))?;
        queue.try_send(entry).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => AuditError("too many records wait to be written".into()),
            mpsc::TrySendError::Disconnected(_) => AuditError("the writer has stopped".into()),
        })
    }
}

impl AuditSink for AuditFiles {
    fn record(&self, line: String, durability: Durability) -> BoxFuture<'_, Result<(), AuditError>> {
        match durability {
            Durability::Deferred => {
                let has_room = self.shared.waiting.fetch_add(1, Ordering::Relaxed) < QUEUE_FOR_DENIALS;
                if !has_room || self.send(Entry { line, done: None }).is_err() {
                    self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
                    self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                }
                std::future::ready(Ok(())).boxed()
            }
            Durability::Durable => async move {
                let (done, written) = oneshot::channel();
                self.send(Entry { line, done: Some(done) })?;
                match tokio::time::timeout(DEADLINE, written).await {
                    Ok(Ok(result)) => result,
                    Ok(Err(_)) => Err(AuditError("the writer has stopped".into())),
                    Err(_) => Err(AuditError("not written in time".into())),
                }
            }
            .boxed(),
        }
    }

    fn ready(&self) -> Result<(), AuditError> {
        if self.shared.failing.load(Ordering::Relaxed) {
            Err(AuditError("the last record could not be written".into()))
        } else {
            Ok(())
        }
    }
}

/// Closing writes what still waits.
impl Drop for AuditFiles {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

struct Writer {
    directory: PathBuf,
    sync: Sync,
    clock: Arc<dyn Clock>,
    open: Option<(String, File)>,
    shared: Arc<Shared>,
}

impl Writer {
    fn run(mut self, entries: &mpsc::Receiver<Entry>) {
        loop {
            let first = match entries.recv_timeout(Duration::from_secs(1)) {
                Ok(entry) => Some(entry),
                // A log that failed is tried again even when nobody asks, so that readiness comes back by itself.
                Err(mpsc::RecvTimeoutError::Timeout) if self.shared.failing.load(Ordering::Relaxed) => None,
                Err(mpsc::RecvTimeoutError::Timeout) => continue,
                Err(mpsc::RecvTimeoutError::Disconnected) => return,
            };
            let mut group: Vec<Entry> = first.into_iter().collect();
            group.extend(entries.try_iter().take(GROUP - 1));
            let denials = group.iter().filter(|entry| entry.done.is_none()).count();
            self.shared.waiting.fetch_sub(denials, Ordering::Relaxed);
            let result = self.write(&group);
            self.shared.failing.store(result.is_err(), Ordering::Relaxed);
            if let Err(error) = &result {
                self.open = None;
                self.shared.dropped.fetch_add(denials as u64, Ordering::Relaxed);
                tracing::error!(%error, directory = %self.directory.display(), "the audit log cannot be written");
            }
            for entry in group {
                if let Some(done) = entry.done {
                    let _ = done.send(result.as_ref().copied().map_err(|error| AuditError(error.to_string())));
                }
            }
        }
    }

    fn write(&mut self, group: &[Entry]) -> io::Result<()> {
        let must_last = self.sync == Sync::Disk && group.iter().any(|entry| entry.done.is_some());
        let dropped = self.shared.dropped.swap(0, Ordering::Relaxed);
        let mut bytes = Vec::with_capacity(group.iter().map(|entry| entry.line.len() + 1).sum());
        for entry in group {
            bytes.extend_from_slice(entry.line.as_bytes());
            bytes.push(b'\n');
        }
        if dropped > 0 {
            let record =
                serde_json::json!({"eventVersion": "1.0", "eventName": "DenialsNotRecorded", "attempts": dropped});
            bytes.extend_from_slice(record.to_string().as_bytes());
            bytes.push(b'\n');
        }
        let written = self.current().and_then(|file| append(file, &bytes, must_last));
        if written.is_err() {
            self.shared.dropped.fetch_add(dropped, Ordering::Relaxed);
        }
        written
    }

    /// The file of the day.
    fn current(&mut self) -> io::Result<&mut File> {
        let name = format!("{}.jsonl", &self.clock.now().to_string()[..10]);
        // A file that was removed under the writer would swallow records.
        let usable = |(open, file): &(String, File)| *open == name && file.metadata().is_ok_and(|m| m.nlink() > 0);
        if !self.open.as_ref().is_some_and(usable) {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(self.directory.join(&name))?;
            File::open(&self.directory)?.sync_all()?;
            self.open = Some((name, file));
        }
        match &mut self.open {
            Some((_, file)) => Ok(file),
            None => Err(io::Error::other("the audit file is not open")),
        }
    }
}

fn append(file: &mut File, bytes: &[u8], must_last: bool) -> io::Result<()> {
    let start = file.metadata()?.len();
    let written = file.write_all(bytes).and_then(|()| if must_last { file.sync_data() } else { Ok(()) });
    if written.is_err() {
        // What was refused must not be read as done: half a group is taken back.
        let _ = file.set_len(start);
    }
    written
}

#[cfg(test)]
mod tests {
    use brevet_validator::timestamp::Timestamp;

    use super::*;

    #[derive(Debug)]
    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::parse_iso("2026-11-23T12:00:00Z").unwrap()
        }

        fn now_nanos(&self) -> u128 {
            0
        }
    }

    fn lines(directory: &Path) -> Vec<String> {
        let text = std::fs::read_to_string(directory.join("2026-11-23.jsonl")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_durable_record_is_in_the_file_when_the_call_returns() {
        let dir = tempfile::tempdir().unwrap();
        let audit = AuditFiles::open(dir.path(), Sync::Disk, Arc::new(Noon)).unwrap();
        audit.record(r#"{"n":1}"#.into(), Durability::Durable).await.unwrap();
        assert_eq!(lines(dir.path()), [r#"{"n":1}"#]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn parallel_records_are_all_there_whole_and_once() {
        let dir = tempfile::tempdir().unwrap();
        let audit = Arc::new(AuditFiles::open(dir.path(), Sync::Disk, Arc::new(Noon)).unwrap());
        let tasks: Vec<_> = (0..200)
            .map(|n| {
                let audit = Arc::clone(&audit);
                tokio::spawn(async move { audit.record(format!("{{\"n\":{n}}}"), Durability::Durable).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let mut found = lines(dir.path());
        found.sort();
        let mut expected: Vec<_> = (0..200).map(|n| format!("{{\"n\":{n}}}")).collect();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_log_that_cannot_be_written_fails_the_record_and_recovers_by_itself() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        let audit = AuditFiles::open(&path, Sync::Disk, Arc::new(Noon)).unwrap();
        std::fs::remove_dir_all(&path).unwrap();
        std::fs::write(&path, "in the way").unwrap();
        assert!(audit.record("{}".into(), Durability::Durable).await.is_err());
        assert!(audit.ready().is_err());

        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        audit.record(r#"{"n":2}"#.into(), Durability::Durable).await.unwrap();
        assert!(audit.ready().is_ok());
        assert_eq!(lines(&path), [r#"{"n":2}"#]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn e12_a_flood_of_denials_is_counted_and_leaves_room_for_issuances() {
        let dir = tempfile::tempdir().unwrap();
        let audit = AuditFiles::open(dir.path(), Sync::Disk, Arc::new(Noon)).unwrap();
        let sent = 20 * QUEUE_FOR_DENIALS;
        for _ in 0..sent {
            audit.record("{}".into(), Durability::Deferred).await.unwrap();
        }
        audit.record(r#"{"issued":1}"#.into(), Durability::Durable).await.unwrap();
        drop(audit);
        let lines = lines(dir.path());
        let counted: u64 = lines
            .iter()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|record| match record["eventName"].as_str() {
                Some("DenialsNotRecorded") => record["attempts"].as_u64().unwrap(),
                _ => u64::from(record["issued"].is_null()),
            })
            .sum();
        assert_eq!(counted, sent as u64);
        assert!(lines.contains(&r#"{"issued":1}"#.to_owned()));
    }

    #[test]
    fn files_are_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        let _audit = AuditFiles::open(&path, Sync::Disk, Arc::new(Noon)).unwrap();
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join("2026-11-23.jsonl"))), (0o700, 0o600));
    }
}

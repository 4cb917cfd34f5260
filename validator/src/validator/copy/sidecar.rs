//! `FILE.revocations`: a line that names the format and then records ([`frame`]). It is appended to, and written anew when the log
//! is another one or most of it says nothing any more.
//!
//! A crash while it is appended to leaves a tail that is not whole. What is before it was true at its last head, whose time
//! says how stale it is.

use std::fs::{self, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use super::frame::{self, Frame, Kind};
use super::{CopyError, file};
use crate::timestamp::Timestamp;
use crate::token::{Entry, LogPosition, RevocationHead, TrustBundle};
use crate::validator::bundle;
use crate::validator::trust::{Changes, Log, Trust};

const MAGIC: &[u8] = b"brevet revocations 1\n";

/// A head that says nothing but that time has passed is written only so often.
const HEAD_SECONDS: i64 = 30;

/// Below this nothing is worth writing anew.
const SMALL: u64 = 64 * 1024;

/// 10 million entries.
const MAX_FILE: u64 = 1 << 30;

/// The file, as far as it is whole.
#[derive(Debug)]
pub(super) struct Sidecar {
    path: PathBuf,
    /// Bytes that are whole; `None`: there is no file to append to.
    length: Option<u64>,
    /// What it had when it was last written anew.
    rewritten: u64,
    /// When the last head in the file was confirmed.
    pub(super) head_at: Option<Timestamp>,
    /// A later one, which is not in the file.
    unwritten_head: Option<(Vec<u8>, Timestamp)>,
}

/// What a file said.
pub(super) enum Contents {
    Known {
        log: Log,
        confirmed_at: Timestamp,
        /// The highest of a bundle.
        sequence: u64,
    },
    /// Why it says nothing.
    Unknown(String),
}

/// Whose log it is, the highest sequence of a bundle and where the log stands before the entries that follow.
struct Start {
    anchor: [u8; 32],
    trust_domain: [u8; 16],
    sequence: u64,
    position: LogPosition,
}

impl Sidecar {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, length: None, rewritten: 0, head_at: None, unwritten_head: None }
    }

    /// Reads the file of the log that belongs to this bundle.
    pub(super) fn load(&mut self, bundle: &TrustBundle) -> Result<Contents, CopyError> {
        self.length = None;
        if !self.path.try_exists().map_err(|source| CopyError::read(&self.path, source))? {
            return Ok(Contents::Unknown(format!("there is no {}", self.path.display())));
        }
        let bytes = bundle::read_up_to(&self.path, MAX_FILE)?;
        let Some((contents, length)) = read(bytes.expose(), bundle) else {
            let doubt = format!("{} is damaged, or of another deployment", self.path.display());
            return Ok(Contents::Unknown(doubt));
        };
        if let Contents::Known { confirmed_at, .. } = &contents {
            self.head_at = Some(*confirmed_at);
        }
        self.length = Some(length);
        self.rewritten = length;
        Ok(contents)
    }

    pub(super) fn save(&mut self, changes: &Changes, trust: &Trust) -> io::Result<()> {
        let (Some(log), Some(confirmed_at)) = (trust.log(), trust.confirmed_at()) else { return Ok(()) };
        let mut bytes = Vec::new();
        if changes.new_log {
            bytes.extend(MAGIC);
            let position = LogPosition::start(log.position().log);
            frame::write(&mut bytes, Kind::Start, &Start::of(trust.bundle(), position).write());
            self.carry(&mut bytes, trust.bundle(), confirmed_at);
        } else if changes.bundle.is_some() {
            frame::write(&mut bytes, Kind::Sequence, &trust.bundle().sequence.to_be_bytes());
        }
        for entry in &changes.entries {
            frame::write(&mut bytes, Kind::Entry, entry);
        }
        let passed = self.head_at.map(|at| confirmed_at.unix().abs_diff(at.unix()));
        if bytes.is_empty() && passed.is_some_and(|seconds| seconds < HEAD_SECONDS.unsigned_abs()) {
            self.unwritten_head = Some((changes.head.clone(), confirmed_at));
            return Ok(());
        }
        let durable = !bytes.is_empty();
        frame::write(&mut bytes, Kind::Head, &changes.head);
        if changes.new_log {
            self.rewrite(&bytes)?;
        } else {
            self.append(&bytes, durable)?;
        }
        self.head_at = Some(confirmed_at);
        self.unwritten_head = None;
        Ok(())
    }

    /// What the log before said stays known, whatever this one knows of it.
    fn carry(&self, bytes: &mut Vec<u8>, bundle: &TrustBundle, now: Timestamp) {
        let before = if self.length.is_some() { fs::read(&self.path).unwrap_or_default() } else { Vec::new() };
        let mut frames = frames(&before);
        if frames.next().and_then(|first| Start::read(&first, bundle)).is_none() {
            return;
        }
        let entries = frames.filter(|frame| matches!(frame.kind, Kind::Kept | Kind::Entry));
        keep(bytes, entries.map(|frame| frame.content), now);
    }

    /// Leaves out heads that later ones replaced and entries that concern nothing any more, when they may be most of it.
    pub(super) fn compact(&mut self, trust: &Trust) -> io::Result<()> {
        let Some(now) = trust.confirmed_at() else { return Ok(()) };
        if self.length.is_none_or(|length| length <= 2 * self.rewritten + SMALL) {
            return Ok(());
        }
        let before = fs::read(&self.path)?;
        match compacted(&before, trust.bundle(), now) {
            Some(bytes) => self.rewrite(&bytes),
            None => Err(io::Error::other(format!("{} was changed by someone else", self.path.display()))),
        }
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Some((head, confirmed_at)) = self.unwritten_head.take() else { return Ok(()) };
        let mut bytes = Vec::new();
        frame::write(&mut bytes, Kind::Head, &head);
        self.append(&bytes, true)?;
        self.head_at = Some(confirmed_at);
        Ok(())
    }

    /// After what is whole; whatever a crash or a full disk left behind it goes.
    fn append(&mut self, bytes: &[u8], durable: bool) -> io::Result<()> {
        let Some(length) = self.length else { return Err(io::Error::other("there is no log to append to")) };
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(length)?;
        file.seek(SeekFrom::Start(length))?;
        file.write_all(bytes)?;
        if durable {
            file.sync_data()?;
        }
        self.length = Some(length + bytes.len() as u64);
        Ok(())
    }

    fn rewrite(&mut self, bytes: &[u8]) -> io::Result<()> {
        file::replace(&self.path, bytes)?;
        self.rewritten = bytes.len() as u64;
        self.length = Some(self.rewritten);
        Ok(())
    }
}

/// What the whole records say, and where they end. `None` if they do not come to one head.
fn read(bytes: &[u8], bundle: &TrustBundle) -> Option<(Contents, u64)> {
    let mut frames = frames(bytes);
    let first = frames.next()?;
    let start = Start::read(&first, bundle)?;
    let (mut log, mut sequence, mut end) = (Log::at(start.position), start.sequence, first.end);
    let mut confirmed_at = None;
    for Frame { kind, content, end: next } in frames {
        match kind {
            Kind::Start => return None,
            Kind::Kept => log.insert(Entry::decode(content).ok()?),
            Kind::Entry => log.append(content).ok()?,
            Kind::Sequence => sequence = sequence.max(u64::from_be_bytes(content.try_into().ok()?)),
            Kind::Head => {
                let head = RevocationHead::verify(content, &bundle.anchor, &bundle.trust_domain).ok()?;
                if head.position != log.position() {
                    return None;
                }
                confirmed_at = confirmed_at.max(Some(head.confirmed_at));
            }
        }
        end = next;
    }
    Some((Contents::Known { log, confirmed_at: confirmed_at?, sequence }, end as u64))
}

/// The same with what has to be known alone.
fn compacted(bytes: &[u8], bundle: &TrustBundle, now: Timestamp) -> Option<Vec<u8>> {
    let mut frames = frames(bytes);
    let mut start = Start::read(&frames.next()?, bundle)?;
    start.sequence = bundle.sequence;
    let (mut kept, mut head) = (Vec::new(), None);
    for Frame { kind, content, .. } in frames {
        match kind {
            Kind::Start => return None,
            Kind::Kept => kept.push(content),
            Kind::Entry => {
                kept.push(content);
                start.position = start.position.after(content);
            }
            Kind::Head => head = Some(content),
            Kind::Sequence => {}
        }
    }
    let mut compact = MAGIC.to_vec();
    frame::write(&mut compact, Kind::Start, &start.write());
    keep(&mut compact, kept.into_iter(), now);
    frame::write(&mut compact, Kind::Head, head?);
    Some(compact)
}

/// Writes down the entries that still concern something, outside of the chain.
fn keep<'a>(bytes: &mut Vec<u8>, entries: impl Iterator<Item = &'a [u8]>, now: Timestamp) {
    for entry in entries.filter(|entry| Entry::decode(entry).is_ok_and(|entry| entry.until() > now)) {
        frame::write(bytes, Kind::Kept, entry);
    }
}

fn frames(bytes: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    let at = if bytes.starts_with(MAGIC) { MAGIC.len() } else { bytes.len() };
    frame::read(bytes, at)
}

impl Start {
    fn of(bundle: &TrustBundle, position: LogPosition) -> Self {
        Self { anchor: bundle.anchor, trust_domain: bundle.trust_domain, sequence: bundle.sequence, position }
    }

    fn write(&self) -> Vec<u8> {
        let LogPosition { log, count, hash } = &self.position;
        let (sequence, count) = (self.sequence.to_be_bytes(), count.to_be_bytes());
        [&self.anchor[..], &self.trust_domain, &sequence, log, &count, hash].concat()
    }

    /// If it is of the deployment that made the bundle.
    fn read(frame: &Frame<'_>, bundle: &TrustBundle) -> Option<Self> {
        let mut rest = (frame.kind == Kind::Start).then_some(frame.content)?;
        let (anchor, trust_domain) = (take(&mut rest)?, take(&mut rest)?);
        let sequence = u64::from_be_bytes(take(&mut rest)?);
        let log = take(&mut rest)?;
        let count = u64::from_be_bytes(take(&mut rest)?);
        let position = LogPosition { log, count, hash: take(&mut rest)? };
        let ours = anchor == bundle.anchor && trust_domain == bundle.trust_domain && rest.is_empty();
        ours.then_some(Self { anchor, trust_domain, sequence, position })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

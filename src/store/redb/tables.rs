//! What lies in the file, and how a transaction changes it.

use brevet_validator::timestamp::Timestamp;
use bytes::Bytes;
use redb::{
    Database, Error, ReadTransaction, ReadableDatabase, ReadableTable, Table, TableDefinition, TableError,
    WriteTransaction,
};

use crate::store::feed::Committed;
use crate::store::{CommitError, OUTCOME_MEMORY, Record, Revision, Transaction};

/// Key → version, value.
const RECORDS: TableDefinition<&str, (u64, &[u8])> = TableDefinition::new("records");
/// Key → revision of its last put. Apart from the records, whose layout older files have; a record that was put before there
/// was this table has no entry.
pub(super) const PUT_AT: TableDefinition<&str, u64> = TableDefinition::new("put-at");
/// Transaction id → revision.
const OUTCOMES: TableDefinition<[u8; 16], u64> = TableDefinition::new("outcomes");
/// Revision → when, in seconds since 1970, and transaction id: the outcomes, oldest first.
const HISTORY: TableDefinition<u64, (i64, [u8; 16])> = TableDefinition::new("history");
/// The latest revision.
const REVISION: TableDefinition<(), u64> = TableDefinition::new("revision");

/// What became of each transaction of a batch.
pub(super) type Answers = Vec<Result<Committed, CommitError>>;

/// Transactions that were applied, and will all last or all not.
pub(super) struct Batch {
    write: WriteTransaction,
    changes: bool,
}

impl Batch {
    /// Applies each transaction that can be, on top of those before it, with one answer for each, in order. Nothing
    /// is durable yet.
    pub(super) fn apply(database: &Database, batch: &[Transaction], now: Timestamp) -> Result<(Self, Answers), Error> {
        let mut write = database.begin_write()?;
        // A second flush a commit, for a promise: the commit that was acknowledged last is never taken back, in
        // silence, because a page of it was damaged. With one flush that looks the same as an unclean end.
        write.set_two_phase_commit(true);
        let mut answers = Vec::with_capacity(batch.len());
        {
            let mut tables = Tables::open(&write)?;
            for tx in batch {
                answers.push(tables.apply(tx, now)?);
            }
            tables.forget(now, 2 * batch.len())?;
        }
        Ok((Self { write, changes: answers.iter().any(Result::is_ok) }, answers))
    }

    /// Makes it durable.
    pub(super) fn commit(self) -> Result<(), Error> {
        if self.changes { Ok(self.write.commit()?) } else { Ok(self.write.abort()?) }
    }
}

/// Fills a new file.
pub(super) fn write_first(database: &Database, first: &Transaction, now: Timestamp) -> Result<(), String> {
    first.check().map_err(|refused| refused.to_string())?;
    let (batch, answers) =
        Batch::apply(database, std::slice::from_ref(first), now).map_err(|cause| cause.to_string())?;
    if let Some(Err(refused)) = answers.first() {
        return Err(refused.to_string());
    }
    batch.commit().map_err(|cause| cause.to_string())
}

/// The latest revision.
pub(super) fn revision(database: &Database) -> Result<Revision, Error> {
    read_revision(&database.begin_read()?)
}

/// Everything.
pub(super) fn load(read: &ReadTransaction) -> Result<(Revision, Vec<Record>), Error> {
    let mut records = Vec::new();
    let put_at = match read.open_table(PUT_AT) {
        Ok(table) => Some(table),
        Err(TableError::TableDoesNotExist(_)) => None,
        Err(cause) => return Err(cause.into()),
    };
    // Both are in order of keys, so that one pass through each is enough.
    let mut revisions = put_at.map(|table| table.range::<&str>(..)).transpose()?.into_iter().flatten();
    let mut next = revisions.next().transpose()?;
    for entry in read.open_table(RECORDS)?.range::<&str>(..)? {
        let (key, value) = entry?;
        let key = key.value();
        let (version, value) = value.value();
        while next.as_ref().is_some_and(|(next, _)| next.value() < key) {
            next = revisions.next().transpose()?;
        }
        let put_at = next.as_ref().filter(|(next, _)| next.value() == key).map(|(_, revision)| revision.value());
        let revision = Revision(put_at.unwrap_or_default());
        records.push(Record { key: key.to_owned(), value: Bytes::copy_from_slice(value), version, revision });
    }
    Ok((read_revision(read)?, records))
}

/// The revision of a remembered transaction.
pub(super) fn outcome(read: &ReadTransaction, id: &[u8; 16]) -> Result<Option<Revision>, Error> {
    Ok(read.open_table(OUTCOMES)?.get(id)?.map(|revision| Revision(revision.value())))
}

/// The latest revision, as a read sees it.
pub(super) fn read_revision(read: &ReadTransaction) -> Result<Revision, Error> {
    Ok(Revision(read.open_table(REVISION)?.get(())?.map_or(0, |revision| revision.value())))
}

struct Tables<'txn> {
    records: Table<'txn, &'static str, (u64, &'static [u8])>,
    put_at: Table<'txn, &'static str, u64>,
    outcomes: Table<'txn, [u8; 16], u64>,
    history: Table<'txn, u64, (i64, [u8; 16])>,
    revision: Table<'txn, (), u64>,
}

impl<'txn> Tables<'txn> {
    fn open(write: &'txn WriteTransaction) -> Result<Self, TableError> {
        Ok(Self {
            records: write.open_table(RECORDS)?,
            put_at: write.open_table(PUT_AT)?,
            outcomes: write.open_table(OUTCOMES)?,
            history: write.open_table(HISTORY)?,
            revision: write.open_table(REVISION)?,
        })
    }

    /// The outer error is the file's; the inner one refuses this transaction alone, before it wrote anything.
    fn apply(&mut self, tx: &Transaction, now: Timestamp) -> Result<Result<Committed, CommitError>, Error> {
        if self.outcomes.get(&tx.id)?.is_some() {
            return Ok(Err(CommitError::id_used_before()));
        }
        for precondition in &tx.preconditions {
            if !precondition.holds(self.version(precondition.key())?) {
                return Ok(Err(CommitError::Conflict));
            }
        }
        let revision = self.next_revision()?;
        self.outcomes.insert(&tx.id, revision)?;
        self.history.insert(revision, (now.unix(), tx.id))?;
        for key in &tx.deletes {
            self.records.remove(key.as_str())?;
            self.put_at.remove(key.as_str())?;
        }
        let mut puts = Vec::with_capacity(tx.puts.len());
        for (key, value) in &tx.puts {
            let version = self.version(key)?.unwrap_or(0) + 1;
            self.records.insert(key.as_str(), (version, &**value))?;
            self.put_at.insert(key.as_str(), revision)?;
            puts.push(Record { key: key.clone(), value: value.clone(), version, revision: Revision(revision) });
        }
        Ok(Ok(Committed { revision: Revision(revision), puts, deletes: tx.deletes.clone() }))
    }

    fn version(&self, key: &str) -> Result<Option<u64>, Error> {
        Ok(self.records.get(key)?.map(|record| record.value().0))
    }

    fn next_revision(&mut self) -> Result<u64, Error> {
        let next = self.revision.get(())?.map_or(0, |revision| revision.value()) + 1;
        self.revision.insert((), next)?;
        Ok(next)
    }

    /// Forgets ids that are old enough, a few at a time: more than are added, so that the table does not grow.
    fn forget(&mut self, now: Timestamp, at_most: usize) -> Result<(), Error> {
        for _ in 0..at_most {
            let Some((revision, when, id)) = self.oldest()? else { break };
            if when.saturating_add(OUTCOME_MEMORY) >= now.unix() {
                break;
            }
            self.history.remove(revision)?;
            self.outcomes.remove(&id)?;
        }
        Ok(())
    }

    fn oldest(&self) -> Result<Option<(u64, i64, [u8; 16])>, Error> {
        Ok(self.history.first()?.map(|(revision, entry)| {
            let (when, id) = entry.value();
            (revision.value(), when, id)
        }))
    }
}

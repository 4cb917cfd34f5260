//! What lies where under the deployment's prefix, and in what form.

use bytes::{BufMut, Bytes, BytesMut};

use super::wire::KeyValue;
use crate::store::{Record, Revision, StoreError};

/// The keys of one deployment.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    prefix: String,
}

impl Layout {
    /// The prefix ends with a slash, so that that of no deployment begins another's.
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: format!("{}/", prefix.trim_end_matches('/')) }
    }

    /// Everything that is the deployment's: a first key, and the end.
    pub(super) fn everything(&self) -> (Bytes, Bytes) {
        range(&self.prefix)
    }

    /// Holds the number of commits.
    pub(super) fn revision(&self) -> Bytes {
        format!("{}revision", self.prefix).into()
    }

    /// A record.
    pub(super) fn record(&self, key: &str) -> Bytes {
        format!("{}records/{key}", self.prefix).into()
    }

    /// All records: a first key, and the end.
    pub(super) fn records(&self) -> (Bytes, Bytes) {
        range(&format!("{}records/", self.prefix))
    }

    /// The key of a record, if it is one.
    pub(super) fn record_key(&self, key: &[u8]) -> Option<String> {
        let key = key.strip_prefix(self.prefix.as_bytes())?.strip_prefix(b"records/")?;
        String::from_utf8(key.to_vec()).ok()
    }

    /// What became of a transaction.
    pub(super) fn outcome(&self, id: [u8; 16]) -> Bytes {
        format!("{}outcomes/{:032x}", self.prefix, u128::from_be_bytes(id)).into()
    }

    /// A record as it is stored. `found` was read from the range of records.
    pub(super) fn to_record(&self, found: &KeyValue) -> Result<Record, StoreError> {
        let fault = |what| StoreError(format!("{} in etcd is no record of brevet: {what}", found.key.escape_ascii()));
        let key = self.record_key(&found.key).ok_or_else(|| fault("its key"))?;
        let (revision, value) = open_value(&found.value).ok_or_else(|| fault("its value"))?;
        let version = u64::try_from(found.version).map_err(|_| fault("its version"))?;
        Ok(Record { key, value, version, revision })
    }
}

fn range(prefix: &str) -> (Bytes, Bytes) {
    // A prefix ends with a slash, so that no byte overflows.
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    (Bytes::from(prefix.to_owned()), end.into())
}

/// A revision: eight bytes, big-endian.
pub(super) fn number(revision: Revision) -> Bytes {
    Bytes::copy_from_slice(&revision.0.to_be_bytes())
}

/// The reverse.
pub(super) fn to_number(value: &[u8]) -> Result<Revision, StoreError> {
    let bytes = value.try_into().map_err(|_| StoreError("a revision in etcd is none of brevet's".into()))?;
    Ok(Revision(u64::from_be_bytes(bytes)))
}

/// The value of a record: the revision that puts it, and what it is to hold.
pub(super) fn seal_value(revision: Revision, value: &Bytes) -> Bytes {
    let mut sealed = BytesMut::with_capacity(8 + value.len());
    sealed.put_u64(revision.0);
    sealed.extend_from_slice(value);
    sealed.freeze()
}

fn open_value(value: &Bytes) -> Option<(Revision, Bytes)> {
    let (revision, _) = value.split_first_chunk()?;
    Some((Revision(u64::from_be_bytes(*revision)), value.slice(8..)))
}

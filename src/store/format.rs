//! `meta/format`: the one record that is not sealed. It says who can read the others.

use prost::Message;

use super::records::Format;
use super::{MasterKey, Precondition, Record, RecordCipher, Transaction};

/// Where it lies.
pub const KEY: &str = "meta/format";
/// The layout of records that this version writes, and the newest that it reads.
const SCHEMA_VERSION: u32 = 1;

/// Why a store cannot be used with a master key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FormatError {
    /// The record is absent.
    #[error("the store is not initialised: run `brevet init`")]
    NotInitialised,
    /// The record makes no sense.
    #[error("the record meta/format is damaged: restore the store from a backup")]
    Damaged,
    /// A later layout. Nothing of it is touched.
    #[error("the store was written by a newer brevet (schema {0}, this one reads {SCHEMA_VERSION}): upgrade brevet")]
    Newer(u32),
    /// Another deployment's key, or a damaged one.
    #[error("the master key does not fit this store")]
    WrongMasterKey,
}

/// Adds the record to the first transaction of a new store, and gives the cipher for the rest of it.
pub fn initialise(first: &mut Transaction, master: &MasterKey, trust_domain: [u8; 16]) -> RecordCipher {
    let format = Format {
        schema_version: SCHEMA_VERSION,
        trust_domain: trust_domain.to_vec(),
        master_key_check: check_value(master).expose().to_vec(),
    };
    first.preconditions.push(Precondition::Absent(KEY.into()));
    first.puts.push((KEY.into(), format.encode_to_vec().into()));
    RecordCipher::new(master, trust_domain)
}

/// The cipher of a store that was loaded: only a master key that fits gets one.
pub fn unlock(records: &[Record], master: &MasterKey) -> Result<RecordCipher, FormatError> {
    let record = records.iter().find(|record| record.key == KEY).ok_or(FormatError::NotInitialised)?;
    let format = Format::decode(&*record.value).map_err(|_| FormatError::Damaged)?;
    match format.schema_version {
        SCHEMA_VERSION => {}
        0 => return Err(FormatError::Damaged),
        newer => return Err(FormatError::Newer(newer)),
    }
    let trust_domain = format.trust_domain.try_into().map_err(|_| FormatError::Damaged)?;
    if !check_value(master).ct_eq(&format.master_key_check) {
        return Err(FormatError::WrongMasterKey);
    }
    Ok(RecordCipher::new(master, trust_domain))
}

/// Tells the right master key from a wrong one, and nothing else of it.
fn check_value(master: &MasterKey) -> brevet_validator::secret::Secret<[u8; 32]> {
    master.derive("sts/v1/check")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Revision;

    fn stored(format: &Format) -> [Record; 1] {
        [Record { key: KEY.into(), value: format.encode_to_vec().into(), version: 1, revision: Revision(1) }]
    }

    fn fresh() -> Format {
        let mut first = Transaction::default();
        initialise(&mut first, &MasterKey::new([1; 32]), [9; 16]);
        Format::decode(&*first.puts[0].1).unwrap()
    }

    #[test]
    fn the_master_key_of_init_unlocks_and_keeps_the_trust_domain() {
        let cipher = unlock(&stored(&fresh()), &MasterKey::new([1; 32])).unwrap();
        assert_eq!(cipher.trust_domain(), [9; 16]);
    }

    #[test]
    fn f21_another_master_key_is_refused() {
        let refused = unlock(&stored(&fresh()), &MasterKey::new([2; 32])).unwrap_err();
        assert_eq!(refused, FormatError::WrongMasterKey);
    }

    #[test]
    fn f25_a_newer_store_is_refused_before_anything_else_is_read() {
        let newer = Format { schema_version: 2, ..Format::default() };
        assert_eq!(unlock(&stored(&newer), &MasterKey::new([1; 32])).unwrap_err(), FormatError::Newer(2));
    }

    #[test]
    fn an_empty_or_damaged_store_says_so() {
        let master = MasterKey::new([1; 32]);
        assert_eq!(unlock(&[], &master).unwrap_err(), FormatError::NotInitialised);
        assert_eq!(unlock(&stored(&Format::default()), &master).unwrap_err(), FormatError::Damaged);
        let short = Format { trust_domain: vec![9; 15], ..fresh() };
        assert_eq!(unlock(&stored(&short), &master).unwrap_err(), FormatError::Damaged);
        let garbage = [Record { key: KEY.into(), value: vec![0xff; 3].into(), version: 1, revision: Revision(1) }];
        assert_eq!(unlock(&garbage, &master).unwrap_err(), FormatError::Damaged);
    }
}

//! The master key, and the seal it puts on every record.

use brevet_validator::secret::Secret;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use zeroize::Zeroizing;

/// The key above all others: 32 random bytes. Used for nothing but the derivation of keys.
#[derive(Clone, Debug)]
pub struct MasterKey(Secret<[u8; 32]>);

impl MasterKey {
    /// Takes ownership of the bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The bytes, for the file they are kept in.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// HKDF-SHA-256 (RFC 5869) of the key without a salt; `label` says what for.
    pub fn derive(&self, label: &str) -> Secret<[u8; 32]> {
        let mut derived = Zeroizing::new([0; 32]);
        self.extract()
            .expand(&[label.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut *derived))
            .expect("HKDF gives 32 bytes, whatever the label");
        Secret::new(*derived)
    }

    fn extract(&self) -> hkdf::Prk {
        hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(self.0.expose())
    }
}

/// A record that is not what was written under this key at this place and version.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the record {0} does not open: it was changed, moved or sealed under another master key")]
pub struct CipherError(pub String);

/// Seals and opens records: AES-256-GCM, one key a table, bound to the trust domain, the key path and the version.
///
/// The table is the first segment of the key path. A sealed record is nonce (12 bytes), ciphertext, tag (16 bytes).
pub struct RecordCipher {
    root: hkdf::Prk,
    trust_domain: [u8; 16],
}

impl RecordCipher {
    /// The cipher of one deployment.
    pub fn new(master: &MasterKey, trust_domain: [u8; 16]) -> Self {
        Self { root: master.extract(), trust_domain }
    }

    /// The deployment that the records belong to.
    pub fn trust_domain(&self) -> [u8; 16] {
        self.trust_domain
    }

    /// Seals a record for the version that its commit will give it: one when created, else one more than the version
    /// it replaces. The commit needs the matching precondition. The nonce is random and used once.
    pub fn seal(&self, key: &str, version: u64, nonce: [u8; 12], plain: &[u8]) -> Result<Vec<u8>, CipherError> {
        let fault = |_| CipherError(key.to_owned());
        let mut sealed = Vec::with_capacity(NONCE_LEN + plain.len() + MAX_TAG_LEN);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let tag = self
            .table_key(key)
            .and_then(|table| {
                let place = Aad::from(self.place(key, version));
                table.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), place, &mut sealed[NONCE_LEN..])
            })
            .map_err(fault)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// Opens a record as it was loaded. The plaintext is wiped when dropped.
    pub fn open(&self, key: &str, version: u64, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CipherError> {
        let fault = || CipherError(key.to_owned());
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(fault)?;
        let mut plain = Zeroizing::new(rest.to_vec());
        let length = self
            .table_key(key)
            .and_then(|table| {
                let place = Aad::from(self.place(key, version));
                table.open_in_place(Nonce::assume_unique_for_key(*nonce), place, &mut plain).map(|plain| plain.len())
            })
            .map_err(|_| fault())?;
        plain.truncate(length);
        Ok(plain)
    }

    fn table_key(&self, key: &str) -> Result<LessSafeKey, ring::error::Unspecified> {
        let table = key.split('/').next().unwrap_or_default();
        let label: [&[u8]; 2] = [b"sts/v1/db", table.as_bytes()];
        let key: UnboundKey = self.root.expand(&label, &AES_256_GCM)?.into();
        Ok(LessSafeKey::new(key))
    }

    /// What the seal is bound to: trust domain, length and bytes of the key path, version. Integers are big-endian.
    fn place(&self, key: &str, version: u64) -> Vec<u8> {
        let mut place = Vec::with_capacity(16 + 8 + key.len() + 8);
        place.extend_from_slice(&self.trust_domain);
        place.extend_from_slice(&(key.len() as u64).to_be_bytes());
        place.extend_from_slice(key.as_bytes());
        place.extend_from_slice(&version.to_be_bytes());
        place
    }
}

impl std::fmt::Debug for RecordCipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordCipher").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "users/123456789012/ada";

    fn cipher() -> RecordCipher {
        RecordCipher::new(&MasterKey::new([7; 32]), [1; 16])
    }

    #[test]
    fn the_format_is_fixed() {
        // Computed by an independent implementation: HKDF without a salt, AES-256-GCM of Python's `cryptography`.
        let sealed = cipher().seal(KEY, 3, [9; 12], b"hello").unwrap();
        assert_eq!(hex(&sealed), "090909090909090909090909c80459eed317eac2389be22ab849a966116a3321e4");
        assert_eq!(
            hex(MasterKey::new([7; 32]).derive("sts/v1/check").expose()),
            "003d0c4452874bf530fc9fa2aad79d6f41adfd99e606ba043b98b1634baba768"
        );
    }

    #[test]
    fn f26_a_record_of_another_place_version_domain_or_key_does_not_open() {
        let sealed = cipher().seal(KEY, 3, [9; 12], b"hello").unwrap();
        assert_eq!(&**cipher().open(KEY, 3, &sealed).unwrap(), b"hello");
        let refused = CipherError("users/123456789012/bob".into());
        assert_eq!(cipher().open("users/123456789012/bob", 3, &sealed).unwrap_err(), refused);
        assert!(refused.to_string().contains("users/123456789012/bob"));
        for (cipher, key, version) in [
            (cipher(), "roles/123456789012/ada", 3),
            (cipher(), KEY, 2),
            (cipher(), KEY, 4),
            (RecordCipher::new(&MasterKey::new([7; 32]), [2; 16]), KEY, 3),
            (RecordCipher::new(&MasterKey::new([8; 32]), [1; 16]), KEY, 3),
        ] {
            assert_eq!(cipher.open(key, version, &sealed).unwrap_err(), CipherError(key.into()));
        }
    }

    #[test]
    fn neither_debug_nor_the_sealed_bytes_show_a_secret() {
        let master = MasterKey::new(*b"canary-canary-canary-canary-cana");
        let cipher = RecordCipher::new(&master, [1; 16]);
        assert_eq!(format!("{master:?} {cipher:?}"), "MasterKey(REDACTED) RecordCipher { .. }");
        let sealed = cipher.seal(KEY, 1, [0; 12], b"canary").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"canary"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn what_is_sealed_opens_and_nothing_else(
            plain in prop::collection::vec(any::<u8>(), 0..200),
            version: u64,
            nonce: [u8; 12],
            place: prop::sample::Index,
            change in 1u8..,
        ) {
            let mut sealed = cipher().seal(KEY, version, nonce, &plain).unwrap();
            prop_assert_eq!(&**cipher().open(KEY, version, &sealed).unwrap(), &plain);
            let place = place.index(sealed.len());
            prop_assert!(cipher().open(KEY, version, &sealed[..place]).is_err());
            sealed[place] ^= change;
            prop_assert!(cipher().open(KEY, version, &sealed).is_err());
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

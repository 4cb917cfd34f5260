//! Files in which consoles hand out new keys.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use zeroize::Zeroizing;

/// Whose files.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Layout {
    /// `accessKeys.csv` of the IAM console
    Aws,
    /// `credentials.csv` of Huawei Cloud's console
    Huawei,
}

impl Layout {
    /// The whole file. Names of users have no quotation mark.
    fn content(self, user: &str, id: &str, secret: &str) -> Zeroizing<String> {
        Zeroizing::new(match self {
            // With a byte order mark, and lines that end as on Windows.
            Self::Aws => format!("\u{feff}Access key ID,Secret access key\r\n{id},{secret}\r\n"),
            Self::Huawei => format!("User Name,Access Key Id,Secret Access Key\n\"{user}\",{id},{secret}\n"),
        })
    }
}

/// A new file for its owner alone, which holds nothing yet. Removed again if it stays so.
pub(super) struct NewFile {
    path: PathBuf,
    file: File,
    written: bool,
}

impl NewFile {
    /// A file that is there already is not touched.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { path: path.to_owned(), file, written: false })
    }

    pub(super) fn write(mut self, layout: Layout, user: &str, id: &str, secret: &str) -> anyhow::Result<()> {
        let content = layout.content(user, id, secret);
        let written = self.file.write_all(content.as_bytes()).and_then(|()| self.file.sync_all());
        self.written = written.is_ok();
        written.with_context(|| {
            format!("the key {id} is made, but its secret cannot be written to {}: delete it", self.path.display())
        })
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.written {
            // Nobody made it but this command, just now.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_are_as_consoles_write_them_byte_for_byte() {
        let content = |layout: Layout| layout.content("ada", "AKIA", "secret").as_bytes().to_vec();
        assert_eq!(content(Layout::Aws), b"\xef\xbb\xbfAccess key ID,Secret access key\r\nAKIA,secret\r\n");
        assert_eq!(content(Layout::Huawei), b"User Name,Access Key Id,Secret Access Key\n\"ada\",AKIA,secret\n");
    }

    #[test]
    fn a_file_is_its_owners_alone_never_written_over_and_gone_if_nothing_comes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.csv");
        drop(NewFile::create(&path).unwrap());
        assert!(!path.exists());
        NewFile::create(&path).unwrap().write(Layout::Aws, "ada", "AKIA", "secret").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        let before = std::fs::read(&path).unwrap();
        assert!(NewFile::create(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

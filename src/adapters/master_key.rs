//! The master key in a file: exactly 32 raw bytes that nobody but the service can read.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Stat};
use zeroize::Zeroizing;

use crate::store::MasterKey;

const LENGTH: usize = 32;

/// Why a master key file is not used. Each names the path and what to do.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The path names no file in a directory.
    #[error("{} is not the path of a file", .0.display())]
    NotAFilePath(PathBuf),
    /// A key is never overwritten: what is sealed under it would be lost.
    #[error("{} exists already; a master key is never overwritten: move it away first", .0.display())]
    Exists(PathBuf),
    /// Nothing there.
    #[error("{} does not exist: run `brevet init`, or restore the master key from its backup", .0.display())]
    Missing(PathBuf),
    /// Could lead anywhere.
    #[error("{} is a symbolic link: name the file itself", .0.display())]
    SymbolicLink(PathBuf),
    /// A directory, a pipe, a device.
    #[error("{} is not a regular file: put the master key's 32 bytes in a file", .0.display())]
    NotAFile(PathBuf),
    /// Others can read or write it.
    #[error("{} has mode {mode:04o}: others may have read it; run `chmod 600 {}`", .path.display(), .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Others can replace the file.
    #[error("the directory {} has mode {mode:04o}: others can replace the master key; run `chmod go-w {}`", .path.display(), .path.display())]
    ExposedDirectory {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The owner can read and replace it whatever the mode.
    #[error("{} belongs to user {owner}: run `chown {wanted} {}`", .path.display(), .path.display())]
    ForeignOwner {
        /// The file or its directory.
        path: PathBuf,
        /// User id that owns it.
        owner: u32,
        /// User id that runs this process.
        wanted: u32,
    },
    /// Cut off, or another kind of file.
    #[error("{} holds {found} bytes; a master key is exactly 32 raw bytes: restore it from its backup", .path.display())]
    WrongLength {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: u64,
    },
    /// The system refused.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file or its directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Writes a new key file of mode 0600. When this returns, the key is on disk; when it fails, no file is left.
pub fn create(path: &Path, key: &MasterKey) -> Result<(), MasterKeyError> {
    let (dir, name) = open_directory(path)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut file = match fs::openat(&dir, name, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::EXIST) => return Err(MasterKeyError::Exists(path.to_owned())),
        Err(error) => return Err(io_error(path, error)),
    };
    let written = file.write_all(key.expose()).and_then(|()| file.sync_all()).and_then(|()| dir.sync_all());
    written.map_err(|source| {
        // Only half a key would be left; what failed first is what is reported.
        let _ = fs::unlinkat(&dir, name, AtFlags::empty());
        MasterKeyError::Io { path: path.to_owned(), source }
    })
}

/// Reads a key file, unless somebody else could have read, written or replaced it.
pub fn read(path: &Path) -> Result<MasterKey, MasterKeyError> {
    let (dir, name) = open_directory(path)?;
    // Non-blocking: a pipe in its place must not hang the start.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match fs::openat(&dir, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(rustix::io::Errno::NOENT) => return Err(MasterKeyError::Missing(path.to_owned())),
        Err(rustix::io::Errno::LOOP) => return Err(MasterKeyError::SymbolicLink(path.to_owned())),
        Err(error) => return Err(io_error(path, error)),
    };
    let stat = fs::fstat(&file).map_err(|error| io_error(path, error))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(MasterKeyError::NotAFile(path.to_owned()));
    }
    check_owner(path, &stat)?;
    match permissions(&stat) {
        mode if mode & 0o077 != 0 => return Err(MasterKeyError::Exposed { path: path.to_owned(), mode }),
        _ => {}
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH + 1));
    let taken = file.take(LENGTH as u64 + 1).read_to_end(&mut bytes);
    taken.map_err(|source| MasterKeyError::Io { path: path.to_owned(), source })?;
    match <[u8; LENGTH]>::try_from(bytes.as_slice()) {
        Ok(key) => Ok(MasterKey::new(key)),
        Err(_) => {
            let found = (bytes.len() as u64).max(u64::try_from(stat.st_size).unwrap_or_default());
            Err(MasterKeyError::WrongLength { path: path.to_owned(), found })
        }
    }
}

/// The directory, which only the service may change, and the file's name within it.
fn open_directory(path: &Path) -> Result<(File, &OsStr), MasterKeyError> {
    let name = path.file_name().ok_or_else(|| MasterKeyError::NotAFilePath(path.to_owned()))?;
    let dir = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let open = fs::open(dir, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let open = File::from(open.map_err(|error| io_error(dir, error))?);
    let stat = fs::fstat(&open).map_err(|error| io_error(dir, error))?;
    check_owner(dir, &stat)?;
    match permissions(&stat) {
        mode if mode & 0o022 != 0 => Err(MasterKeyError::ExposedDirectory { path: dir.to_owned(), mode }),
        _ => Ok((open, name)),
    }
}

/// The service's own user or root, who can do everything anyway.
fn check_owner(path: &Path, stat: &Stat) -> Result<(), MasterKeyError> {
    let wanted = rustix::process::geteuid().as_raw();
    match stat.st_uid {
        0 => Ok(()),
        owner if owner == wanted => Ok(()),
        owner => Err(MasterKeyError::ForeignOwner { path: path.to_owned(), owner, wanted }),
    }
}

fn permissions(stat: &Stat) -> u32 {
    Mode::from_raw_mode(stat.st_mode).as_raw_mode()
}

fn io_error(path: &Path, error: rustix::io::Errno) -> MasterKeyError {
    MasterKeyError::Io { path: path.to_owned(), source: error.into() }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, read, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use tempfile::TempDir;

    use super::MasterKeyError as E;
    use super::*;

    fn directory() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("master.key");
        (dir, path)
    }

    fn chmod(path: &Path, mode: u32) {
        set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_key_comes_back_as_it_was_written_with_mode_0600() {
        let (_dir, path) = directory();
        create(&path, &MasterKey::new([7; 32])).unwrap();
        assert_eq!(super::read(&path).unwrap().expose(), &[7; 32]);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(read(&path).unwrap(), [7; 32]);
    }

    #[test]
    fn f22_a_key_is_never_overwritten() {
        let (_dir, path) = directory();
        create(&path, &MasterKey::new([7; 32])).unwrap();
        assert!(matches!(create(&path, &MasterKey::new([8; 32])), Err(E::Exists(_))));
        assert_eq!(super::read(&path).unwrap().expose(), &[7; 32]);
    }

    #[test]
    fn f21_a_missing_cut_or_long_key_is_refused_with_its_path() {
        let (_dir, path) = directory();
        let missing = super::read(&path).unwrap_err();
        assert!(matches!(missing, E::Missing(_)) && missing.to_string().contains(path.to_str().unwrap()), "{missing}");
        for length in [0, 31, 33, 64] {
            write(&path, vec![7; length]).unwrap();
            chmod(&path, 0o600);
            let refused = super::read(&path).unwrap_err();
            assert!(matches!(refused, E::WrongLength { found, .. } if found == length as u64), "{refused}");
            assert!(refused.to_string().contains("exactly 32 raw bytes"), "{refused}");
        }
    }

    #[test]
    fn f21_a_key_that_others_can_read_is_refused_with_the_fix() {
        let (_dir, path) = directory();
        create(&path, &MasterKey::new([7; 32])).unwrap();
        for mode in [0o644, 0o640, 0o604, 0o620, 0o601] {
            chmod(&path, mode);
            let refused = super::read(&path).unwrap_err();
            assert!(matches!(refused, E::Exposed { mode: found, .. } if found == mode), "{refused}");
            assert!(refused.to_string().contains(&format!("chmod 600 {}", path.display())), "{refused}");
        }
        chmod(&path, 0o400);
        super::read(&path).unwrap();
    }

    #[test]
    fn f21_a_key_in_a_directory_that_others_can_change_is_refused() {
        let (dir, path) = directory();
        create(&path, &MasterKey::new([7; 32])).unwrap();
        for mode in [0o770, 0o707, 0o1777] {
            chmod(dir.path(), mode);
            let refused = super::read(&path).unwrap_err();
            assert!(matches!(refused, E::ExposedDirectory { .. }), "{refused}");
            assert!(refused.to_string().contains("chmod go-w"), "{refused}");
            assert!(matches!(
                create(&dir.path().join("other.key"), &MasterKey::new([7; 32])),
                Err(E::ExposedDirectory { .. })
            ));
        }
    }

    #[test]
    fn f29_a_symbolic_link_a_directory_or_a_pipe_is_refused() {
        let (dir, path) = directory();
        create(&path, &MasterKey::new([7; 32])).unwrap();
        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(matches!(super::read(&link), Err(E::SymbolicLink(_))));
        assert!(matches!(create(&link, &MasterKey::new([8; 32])), Err(E::Exists(_))));
        let folder = dir.path().join("folder");
        std::fs::create_dir(&folder).unwrap();
        assert!(matches!(super::read(&folder), Err(E::NotAFile(_))));
        let pipe = dir.path().join("pipe");
        fs::mknodat(fs::CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert!(matches!(super::read(&pipe), Err(E::NotAFile(_))));
        assert!(matches!(super::read(Path::new("/")), Err(E::NotAFilePath(_))));
    }
}

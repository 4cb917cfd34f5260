//! Finds the test files, and reads files that may be anything.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use brevet_validator::policy::Position;

use super::fault::Fault;

/// The test files that the arguments name: files, and `*.yaml` and `*.yml` in folders and all folders below. Each once,
/// in the order of the arguments and of their names.
///
/// Hidden folders are left out, and links to folders: so no ring of links is walked, and no tree but the one named.
pub(super) fn find(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, Fault> {
    let mut files = Vec::new();
    for argument in arguments {
        if argument.is_dir() {
            let found = below(argument)?;
            if found.is_empty() {
                return Err(Fault::of_file(shown(argument), "there is no *.yaml or *.yml in this folder"));
            }
            files.extend(found);
        } else {
            files.push(argument.clone());
        }
    }
    let mut known = HashSet::new();
    files.retain(|file| known.insert(fs::canonicalize(file).unwrap_or_else(|_| file.clone())));
    Ok(files)
}

fn below(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let fault = |error: std::io::Error| Fault::of_file(shown(&folder), format!("cannot read the folder: {error}"));
        for entry in fs::read_dir(&folder).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if entry.file_type().map_err(fault)?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|is| is == "yaml" || is == "yml") && !path.is_dir() {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The text of a regular file that is at most so long. Anything else, such as a pipe, may never end.
pub(super) fn read(path: &Path, max_bytes: usize) -> Result<String, Fault> {
    let fault = |message: String| Fault::of_file(shown(path), message);
    let cannot = |error: std::io::Error| fault(format!("cannot read: {error}"));
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(fault("is no regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).map_err(cannot)?.take(limit).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > max_bytes {
        return Err(fault(format!("is longer than {max_bytes} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        fault("is not UTF-8 from here on".to_owned()).at(end(&String::from_utf8_lossy(valid)))
    })
}

/// The place right behind a text.
fn end(text: &str) -> Position {
    let line = text.rsplit('\n').next().unwrap_or_default();
    Position { line: text.matches('\n').count() + 1, column: line.chars().count() + 1 }
}

/// A path for people: seen from the working folder if it is below it.
pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().and_then(fs::canonicalize);
    let relative = here.ok().and_then(|here| path.strip_prefix(here).ok());
    relative.filter(|relative| !relative.as_os_str().is_empty()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_and_rings_of_links_are_not_walked() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("b/c")).unwrap();
        fs::create_dir_all(path(".git")).unwrap();
        for name in ["z.yml", "a.yaml", "b/c/d.yaml", "b/e.json", ".git/f.yaml", ".g.yaml"] {
            fs::write(path(name), "").unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), path("b/ring.yaml")).unwrap();
        std::os::unix::fs::symlink("self.yaml", path("b/self.yaml")).unwrap();
        let found = find(&[path("z.yml"), folder.path().to_owned()]).unwrap();
        let names: Vec<_> =
            found.iter().map(|file| file.strip_prefix(folder.path()).unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["z.yml", "a.yaml", "b/c/d.yaml", "b/self.yaml"]);
        assert!(read(&path("b/self.yaml"), 9).unwrap_err().to_string().contains("cannot read"));
        assert!(find(&[path(".git/nothing"), path("b/c"), path(".git")]).is_ok());
        fs::create_dir(path("empty")).unwrap();
        assert!(find(&[path("empty")]).is_err());
    }

    #[test]
    fn only_short_regular_files_of_text_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        fs::write(&path, "twelve bytes").unwrap();
        assert_eq!(read(&path, 12).unwrap(), "twelve bytes");
        assert!(read(&path, 11).unwrap_err().to_string().ends_with("is longer than 11 bytes"));
        assert!(read(folder.path(), 11).unwrap_err().to_string().ends_with("is no regular file"));
        assert!(read(Path::new("/dev/zero"), 11).unwrap_err().to_string().ends_with("is no regular file"));
        fs::write(&path, b"a\nb\xff").unwrap();
        assert!(read(&path, 12).unwrap_err().to_string().ends_with("x:2:2: is not UTF-8 from here on"));
    }
}

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::validator::BundleFileError;
use crate::validator::trust::TrustFollower;
use crate::validator::trust::tests::{ANCHOR, apply, at, bundle, head, revoked};

fn good_bundle(sequence: u64) -> Vec<u8> {
    bundle(ANCHOR, 9, sequence, "default", 7)
}

/// A folder, the path of a copy in it, and that of what lies beside it.
fn place() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trust.bundle");
    let sidecar = folder.path().join("trust.bundle.revocations");
    (folder, path, sidecar)
}

/// What a new process finds there: how many revocations, confirmed when.
fn found(path: &Path) -> Result<Option<(usize, i64)>, CopyError> {
    let loaded = TrustCopy::open(path)?.load("default")?;
    Ok(loaded.and_then(|Loaded { trust, doubt }| {
        assert_eq!(doubt.is_some(), trust.log().is_none());
        assert_eq!(trust.confirmed_at().is_some(), trust.log().is_some());
        Some((trust.log()?.revocations().len(), trust.confirmed_at()?.unix() - at(0).unix()))
    }))
}

/// A process that follows, and writes down each change.
struct Process {
    copy: TrustCopy,
    follower: TrustFollower,
    entries: Vec<Vec<u8>>,
}

impl Process {
    fn start(path: &Path) -> Self {
        let mut process = Self {
            copy: TrustCopy::open(path).unwrap(),
            follower: TrustFollower::new("default", None),
            entries: vec![],
        };
        process.hear(&good_bundle(5), &[1; 16], &[], -1000);
        process
    }

    fn hear(&mut self, bundle: &[u8], log: &[u8], entries: &[Vec<u8>], confirmed: i64) {
        self.entries.extend_from_slice(entries);
        let head = head(1, &self.entries, confirmed);
        let changes = apply(&mut self.follower, bundle, log, entries, &head, 0).unwrap().unwrap();
        self.copy.save(changes, self.follower.in_force().unwrap()).unwrap();
    }
}

#[test]
fn a_new_process_knows_what_the_one_before_knew() {
    let (_folder, path, sidecar) = place();
    let mut process = Process::start(&path);
    process.hear(&[], &[], &[revoked(1, 9), revoked(2, 9)], -900);
    process.hear(&good_bundle(6), &[], &[revoked(3, 9)], -800);
    drop(process);
    assert_eq!(found(&path).unwrap(), Some((3, -800)));
    assert_eq!(fs::read(&path).unwrap(), good_bundle(6));
    for path in [&path, &sidecar] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn d11_a_new_process_knows_also_what_another_log_took_over_from_the_one_before() {
    let (_folder, path, _) = place();
    let mut process = Process::start(&path);
    process.hear(&[], &[], &[revoked(1, 9), revoked(2, 9)], -900);
    let entries = [revoked(2, 9), revoked(3, 9)];
    let changes = apply(&mut process.follower, &[], &[2; 16], &entries, &head(2, &entries, -800), 0).unwrap().unwrap();
    process.copy.save(changes, process.follower.in_force().unwrap()).unwrap();
    assert_eq!(process.follower.in_force().unwrap().log().unwrap().revocations().len(), 3);
    drop(process);
    assert_eq!(found(&path).unwrap(), Some((3, -800)));
}

#[test]
fn heads_alone_are_written_now_and_then_and_at_the_end() {
    let (_folder, path, _) = place();
    let mut process = Process::start(&path);
    process.hear(&[], &[], &[], -990);
    assert_eq!(process.copy.sidecar.head_at, Some(at(-1000)));
    process.hear(&[], &[], &[], -970);
    assert_eq!(process.copy.sidecar.head_at, Some(at(-970)));
    process.hear(&[], &[], &[], -960);
    process.copy.flush().unwrap();
    drop(process);
    assert_eq!(found(&path).unwrap(), Some((0, -960)));
}

#[test]
fn d12_a_file_cut_at_any_byte_says_what_it_once_said_or_nothing() {
    let (_folder, path, sidecar) = place();
    let mut process = Process::start(&path);
    // What was known when: each state and the bytes of the file from which it is there whole.
    let mut states = vec![((0, -1000), fs::metadata(&sidecar).unwrap().len())];
    for (n, confirmed) in [(1, -900), (2, -800), (3, -700)] {
        process.hear(&[], &[], &[revoked(n, 9)], confirmed);
        states.push(((usize::from(n), confirmed), fs::metadata(&sidecar).unwrap().len()));
    }
    drop(process);
    let whole = fs::read(&sidecar).unwrap();
    for length in 0..=whole.len() {
        fs::write(&sidecar, &whole[..length]).unwrap();
        let before = states.iter().rev().find(|(_, end)| *end <= length as u64);
        match (found(&path).unwrap(), before) {
            (None, None) => {}
            // Never fresher than the last whole head; at most an entry more, whose head was cut.
            (Some((count, confirmed)), Some(((least, then), _))) => {
                assert_eq!(confirmed, *then, "{length} bytes");
                assert!(count == *least || count == *least + 1, "{length} bytes");
            }
            other => panic!("{length} bytes: {other:?}"),
        }
    }
}

#[test]
fn a_damaged_byte_never_makes_more_trusted() {
    let (_folder, path, sidecar) = place();
    let mut process = Process::start(&path);
    process.hear(&[], &[], &[revoked(1, 9)], -900);
    process.hear(&[], &[], &[revoked(2, 9)], -800);
    drop(process);
    let whole = fs::read(&sidecar).unwrap();
    for place in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x10;
        fs::write(&sidecar, &damaged).unwrap();
        match found(&path).unwrap() {
            None | Some((0 | 1, -1000)) | Some((1 | 2, -900)) => {}
            other => panic!("byte {place}: {other:?}"),
        }
    }
}

#[test]
fn what_follows_a_torn_tail_is_whole_again() {
    let (_folder, path, sidecar) = place();
    let mut process = Process::start(&path);
    process.hear(&[], &[], &[revoked(1, 9)], -900);
    let Process { entries, copy, .. } = process;
    drop(copy);
    let mut bytes = fs::read(&sidecar).unwrap();
    bytes.extend([3, 0, 0, 0, 90, 1, 2]);
    fs::write(&sidecar, bytes).unwrap();

    let mut copy = TrustCopy::open(&path).unwrap();
    let trust = copy.load("default").unwrap().unwrap().trust;
    let mut process = Process { copy, follower: TrustFollower::new("default", Some(trust)), entries };
    process.hear(&[], &[], &[revoked(2, 9)], -800);
    drop(process);
    assert_eq!(found(&path).unwrap(), Some((2, -800)));
}

#[test]
fn without_the_log_nothing_is_known_of_revocations() {
    let (_folder, path, sidecar) = place();
    drop(Process::start(&path));
    fs::remove_file(&sidecar).unwrap();
    assert_eq!(found(&path).unwrap(), None);
    // That of another deployment says nothing either.
    drop(Process::start(&path));
    fs::write(&path, bundle([7; 32], 9, 5, "default", 7)).unwrap();
    assert_eq!(found(&path).unwrap(), None);
}

#[test]
fn d10_a_bundle_older_than_one_that_was_there_is_refused() {
    let (_folder, path, _) = place();
    let mut process = Process::start(&path);
    process.hear(&good_bundle(6), &[], &[], -900);
    drop(process);
    fs::write(&path, good_bundle(5)).unwrap();
    assert!(matches!(found(&path), Err(CopyError::Rollback { seen: 6, got: 5, .. })));
    fs::write(&path, good_bundle(7)).unwrap();
    assert_eq!(found(&path).unwrap(), Some((0, -900)));
}

#[test]
fn a_copy_that_others_can_read_or_have_or_of_another_zone_is_refused() {
    let (_folder, path, sidecar) = place();
    let process = Process::start(&path);
    assert!(matches!(TrustCopy::open(&path), Err(CopyError::InUse(name)) if name == path));
    drop(process);
    for file in [&path, &sidecar] {
        fs::set_permissions(file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(found(&path), Err(CopyError::File(BundleFileError::Exposed { mode: 0o640, .. }))));
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let other = TrustCopy::open(&path).unwrap().load("other");
    assert!(matches!(other, Err(CopyError::Zone { .. })));
    assert!(TrustCopy::open(path.with_file_name("none")).unwrap().load("default").unwrap().is_none());
}

#[test]
fn d15_a_long_log_is_written_anew_without_what_is_over() {
    let (_folder, path, sidecar) = place();
    let mut process = Process::start(&path);
    process.hear(&[], &[], &[revoked(1, 9), revoked(2, -700)], -999);
    let mut longest = 0;
    for n in 0..1200 {
        // The head's time has to move on for it to be written.
        process.copy.sidecar.head_at = None;
        process.hear(&[], &[], &[], -600 + n / 60);
        longest = longest.max(fs::metadata(&sidecar).unwrap().len());
    }
    assert!(longest < 70_000, "{longest} bytes");
    process.hear(&good_bundle(6), &[], &[revoked(3, 9)], -500);
    drop(process);
    assert_eq!(found(&path).unwrap(), Some((2, -500)));
    fs::write(&path, good_bundle(5)).unwrap();
    assert!(matches!(found(&path), Err(CopyError::Rollback { seen: 6, .. })));
}

#[test]
fn what_could_not_be_written_is_written_with_the_next_change() {
    let (_folder, path, sidecar) = place();
    let mut process = Process::start(&path);
    process.entries.push(revoked(1, 9));
    let head = head(1, &process.entries, -900);
    let changes = apply(&mut process.follower, &[], &[], &process.entries, &head, 0).unwrap().unwrap();
    let away = sidecar.with_extension("away");
    fs::rename(&sidecar, &away).unwrap();
    assert!(process.copy.save(changes, process.follower.in_force().unwrap()).is_err());
    fs::rename(&away, &sidecar).unwrap();
    process.hear(&[], &[], &[revoked(2, 9)], -800);
    drop(process);
    assert_eq!(found(&path).unwrap(), Some((2, -800)));
}

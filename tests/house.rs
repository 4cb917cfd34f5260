//! Imports run downwards only: a room of the house may use the floors below it and none above.
//!
//! The members (`validator`, `client`) cannot import the server: cargo refuses the cycle.

use std::fs;
use std::path::{Path, PathBuf};

/// The floors of `src/`, lowest first, and the crates that each must not know.
const SERVER: &[(&str, &[&str])] = &[
    ("store", &["tonic::server", "axum", "hyper", "brevet_validator::policy", "brevet_validator::validator"]),
    ("service", &["tonic", "http", "prost", "axum", "hyper", "redb", "clap"]),
    ("adapters", &["tonic", "http", "axum", "hyper", "clap"]),
    ("transport", &["redb", "clap"]),
    ("config", &[]),
    ("cli", &[]),
];

/// The floors of `validator/src/`, lowest first. Those of one line may not use each other.
const VALIDATOR: &[&[&str]] = &[
    &["secret", "timestamp", "identity"],
    &["credential"],
    &["signature", "policy"],
    &["token"],
    &["validator"],
    &["layer"],
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files of a room: `room.rs`, or everything below `room/`. Tests may look up to see the whole.
fn files(room: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let file = room.with_extension("rs");
    if file.is_file() {
        found.push(file);
    }
    let mut folders = vec![room.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.retain(|path| {
        !path.iter().any(|part| ["tests", "tests.rs", "test_world.rs"].iter().any(|test| part == *test))
    });
    assert!(!found.is_empty(), "{} has no files", room.display());
    found
}

/// The lines of a file that are code, with their numbers.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().enumerate().map(|(n, line)| (n + 1, line.trim().to_owned()));
    lines.filter(|(_, line)| !line.starts_with("//")).collect()
}

/// Whether a line names a path, as in `name::x` or `use name;`, and not a longer name that ends alike.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + path.len()..];
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            && (after.starts_with("::") || after.starts_with(';'))
    })
}

fn offences(room: &Path, forbidden: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(room) {
        for (number, line) in code(&path) {
            for name in forbidden.iter().filter(|name| names(&line, name)) {
                found.push(format!("{}:{number} uses {name}: {line}", path.strip_prefix(root()).unwrap().display()));
            }
        }
    }
    found
}

#[test]
fn no_room_of_the_server_imports_one_above_it() {
    let mut found = Vec::new();
    for (floor, (room, foreign)) in SERVER.iter().enumerate() {
        let above = SERVER[floor + 1..].iter().map(|(room, _)| format!("crate::{room}"));
        // Adapters and transport are on one floor: neither uses the other.
        let beside = (*room == "transport").then(|| "crate::adapters".to_owned());
        let foreign = foreign.iter().map(|name| (*name).to_owned());
        let forbidden: Vec<_> = above.chain(beside).chain(foreign).collect();
        found.extend(offences(&root().join("src").join(room), &forbidden));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_room_of_the_validator_imports_one_above_or_beside_it() {
    let mut found = Vec::new();
    for (floor, rooms) in VALIDATOR.iter().enumerate() {
        for room in *rooms {
            let above = VALIDATOR[floor + 1..].iter().copied().flatten();
            // The ground floor is shared values; on the others rooms of one floor do not know each other.
            let beside = rooms.iter().filter(|other| floor > 0 && *other != room);
            let mut forbidden: Vec<_> = above.chain(beside).map(|room| format!("crate::{room}")).collect();
            if floor < 4 {
                // The pure core has no clock, no I/O and no async.
                let effects = [
                    "std::fs",
                    "std::net::TcpStream",
                    "std::thread",
                    "std::time",
                    "std::env",
                    "tokio",
                    "tower_service",
                ];
                forbidden.extend(effects.map(str::to_owned));
            }
            found.extend(offences(&root().join("validator/src").join(room), &forbidden));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_room_is_on_a_floor() {
    let known = |dir: &str, rooms: Vec<&str>| {
        for entry in fs::read_dir(root().join(dir)).unwrap().map(Result::unwrap) {
            let name = entry.path().file_stem().unwrap().to_string_lossy().into_owned();
            let known = rooms.contains(&name.as_str()) || ["lib", "main"].contains(&name.as_str());
            assert!(known, "{dir}/{name} is on no floor of tests/house.rs");
        }
    };
    known("src", SERVER.iter().map(|(room, _)| *room).collect());
    known("validator/src", VALIDATOR.iter().copied().flatten().copied().collect());
}

#[test]
fn the_rule_sees_an_import_when_there_is_one() {
    assert!(names("use crate::transport::grpc;", "crate::transport"));
    assert!(names("let x = crate::transport::x();", "crate::transport"));
    assert!(names("use http::HeaderMap;", "http"));
    assert!(!names("use crate::transports::x;", "crate::transport"));
    assert!(!names("use my_http::x;", "http"));
    assert!(!names("let http = 1;", "http"));
    assert!(!names("use crate::service::http::x;", "http"));
}

//! Data directories that cannot be used, backups, and what comes of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod common;
mod on_disk;

use std::fs;
use std::path::{Path, PathBuf};

use common::{CONFIG_MAPS, get};
use hostwright_apiserver::{Config, OpenError, Server, backup, restore};
use on_disk::{everything, filled, open};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tempfile::TempDir;

const DATABASE: &str = "apiserver.db";

fn refused(directory: &Path) -> OpenError {
    Server::open(directory, Config::default()).unwrap_err()
}

/// Damages the text of an object, wherever it occurs: SQLite itself does not notice that.
fn misspell(database: &Path) {
    let mut bytes = fs::read(database).unwrap();
    let places: Vec<usize> = (0..bytes.len() - 8).filter(|start| bytes[*start..].starts_with(br#""number""#)).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place + 1] = b'N';
    }
    fs::write(database, &bytes).unwrap();
}

/// A directory with objects in it that no server uses.
async fn left_behind() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let server = open(directory.path());
    filled(&server).await;
    server.close().await;
    let database = directory.path().join(DATABASE);
    (directory, database)
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_refused() {
    let directory = TempDir::new().unwrap();
    let _first = open(directory.path());
    let error = Server::open(directory.path(), Config::default()).unwrap_err();
    assert!(matches!(error, OpenError::InUse { process: Some(id), .. } if id == std::process::id()), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = TempDir::new().unwrap();
    let directory = place.path().join("new").join("data");
    let server = open(&directory);
    filled(&server).await;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for file in fs::read_dir(&directory).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let file = place.path().join("backup");
    server.backup(&file).unwrap();
    assert_eq!(mode(&file), 0o600);
}

#[tokio::test]
async fn a_flipped_byte_is_found_before_anything_is_served() {
    let (directory, database) = left_behind().await;
    let server = open(directory.path());
    let before = everything(&server).await;
    server.close().await;
    let sound = fs::read(&database).unwrap();
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut found = 0;
    for _ in 0..200 {
        let mut damaged = sound.clone();
        let place = random.random_range(0..damaged.len());
        damaged[place] ^= 1 << random.random_range(0..8);
        fs::write(&database, &damaged).unwrap();
        match Server::open(directory.path(), Config::default()) {
            // Only bytes that mean nothing may differ.
            Ok(server) => {
                assert_eq!(everything(&server).await, before, "a flipped bit of byte {place} was not noticed");
                server.close().await;
            }
            Err(error) => {
                found += 1;
                let message = error.to_string();
                assert!(message.contains(database.to_str().unwrap()), "{message}");
            }
        }
    }
    assert!(found > 20, "only {found} of 200 flipped bits mattered: the test looks at empty space");
}

#[tokio::test]
async fn damage_is_named_with_the_way_out() {
    let (directory, database) = left_behind().await;
    misspell(&database);
    let message = refused(directory.path()).to_string();
    assert!(message.contains("does not match its checksum"), "{message}");
    assert!(message.contains("hostwright restore --from BACKUP --data-dir NEW-DIRECTORY"), "{message}");
}

#[tokio::test]
async fn a_file_that_is_no_database_of_ours_is_refused_and_left_alone() {
    type Spoil = fn(&Path);
    let empty: Spoil = |path| fs::write(path, "").unwrap();
    let text: Spoil = |path| fs::write(path, "apiVersion: v1\n".repeat(500)).unwrap();
    let cut: Spoil = |path| fs::write(path, &fs::read(path).unwrap()[..20_000]).unwrap();
    let other: Spoil = |path| {
        fs::remove_file(path).unwrap();
        rusqlite::Connection::open(path).unwrap().execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    };
    let newer: Spoil = |path| {
        rusqlite::Connection::open(path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    };
    let missing: Spoil = |path| fs::rename(path, path.with_extension("db-wal")).unwrap();
    for (spoil, expected) in [
        (empty, "is damaged: the file is empty"),
        (text, "is damaged: file is not a database"),
        (cut, "is damaged: "),
        (other, "is no database of this server"),
        (newer, "was written by a newer version (its schema is 7, this version knows 1)"),
        (missing, "is damaged: the file is missing, but its log"),
    ] {
        let (directory, database) = left_behind().await;
        spoil(&database);
        let content = fs::read(&database).ok();
        let message = refused(directory.path()).to_string();
        assert!(message.contains(expected) && message.contains(database.to_str().unwrap()), "{message}");
        assert_eq!(fs::read(&database).ok(), content);
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_a_directory_is_named() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    let message = refused(&file.join("data")).to_string();
    assert!(message.starts_with(&format!("cannot create the directory {}", file.join("data").display())), "{message}");
}

#[tokio::test]
async fn a_backup_holds_what_was_there_and_a_restored_server_counts_on_far_ahead() {
    let place = TempDir::new().unwrap();
    let (original, copy) = (place.path().join("original"), place.path().join("copy"));
    let file = place.path().join("backup");
    let server = open(&original);
    filled(&server).await;
    let before = everything(&server).await;
    server.backup(&file).unwrap();
    assert!(matches!(server.backup(&file), Err(OpenError::Occupied { .. })));
    backup(&original, &place.path().join("another")).unwrap();

    restore(&file, &copy).unwrap();
    let restored = open(&copy);
    let after = everything(&restored).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before["items"], after["items"]);
        let version = |list: &Value| list["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap();
        assert!(version(after) > version(before) + 999_999_999);
    }
}

#[tokio::test(start_paused = true)]
async fn clients_of_the_original_notice_that_the_restored_server_is_another() {
    let place = TempDir::new().unwrap();
    let server = open(&place.path().join("original"));
    filled(&server).await;
    let file = place.path().join("backup");
    server.backup(&file).unwrap();
    let page = get(&server, &format!("{CONFIG_MAPS}?limit=1")).await.expect(200);
    let seen = page["metadata"]["resourceVersion"].as_str().unwrap();
    restore(&file, &place.path().join("copy")).unwrap();
    let restored = open(&place.path().join("copy"));
    for path in [CONFIG_MAPS, "/api/v1/namespaces/default/secrets", common::PIPELINES] {
        let watching = format!("{path}?watch=true&timeoutSeconds=1&resourceVersion={seen}");
        assert_eq!(get(&restored, &watching).await.frames()[0]["object"]["code"], 410, "{path}");
    }
    let token = page["metadata"]["continue"].as_str().unwrap();
    get(&restored, &format!("{CONFIG_MAPS}?continue={token}")).await.expect(410);
}

#[tokio::test]
async fn a_backup_is_restored_into_a_new_place_only_and_only_if_it_is_sound() {
    let place = TempDir::new().unwrap();
    let (original, copy, file) =
        (place.path().join("original"), place.path().join("copy"), place.path().join("backup"));
    let server = open(&original);
    filled(&server).await;
    server.backup(&file).unwrap();

    let message = restore(&file, &original).unwrap_err().to_string();
    assert!(message.contains("is not empty"), "{message}");
    let message = restore(&place.path().join("none"), &copy).unwrap_err().to_string();
    assert!(message.contains("there is no database"), "{message}");
    let message = backup(&copy, &place.path().join("another")).unwrap_err().to_string();
    assert!(message.contains("there is no database"), "{message}");
    misspell(&file);
    let message = restore(&file, &copy).unwrap_err().to_string();
    assert!(message.contains(file.to_str().unwrap()) && message.contains("checksum"), "{message}");
    assert!(!copy.exists());
}

#[test]
fn a_server_in_memory_has_nothing_to_back_up() {
    let place = TempDir::new().unwrap();
    let error = Server::new(Config::default()).backup(&place.path().join("backup")).unwrap_err();
    assert!(matches!(error, OpenError::InMemory), "{error}");
}

//! The database: every version of every object that can still be asked for, in the order of revisions.
//!
//! A write adds a row and changes none. The latest row of a name is the object; earlier ones, and rows that stand for a
//! removal, are its history and go when the store forgets them. Each row carries a checksum, since SQLite notices damage
//! to its own structures only.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, Transaction as Work, params};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::OpenError;
use super::directory::{self, Directory};
use crate::journal::Transaction;
use crate::state::State;
use crate::store::{Replay, Stored};

/// The version of the schema below. A later one is refused, and an earlier one would be brought up to it here.
const SCHEMA_VERSION: i64 = 1;
/// Marks the file as ours (`HwAS`).
const APPLICATION_ID: i64 = 0x4877_4153;
/// How long to wait for another process that reads, such as a backup.
const PATIENCE: Duration = Duration::from_secs(10);

const SCHEMA: &str = "
    CREATE TABLE versions (
        revision INTEGER PRIMARY KEY,
        resource TEXT NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        object TEXT, -- NULL for a removal
        checksum INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// The revision of the last write.
const REVISION: &str = "revision";
/// Nothing up to this revision is known of any resource; set by a restore.
const FLOOR: &str = "floor";
/// Followed by a resource: its changes up to this revision are forgotten.
const FORGOTTEN: &str = "forgotten/";

#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Connection,
    path: PathBuf,
}

impl Database {
    /// Opens the database of a directory, or makes a new one, after a check of every page and every row.
    pub(super) fn open(directory: &Directory) -> Result<Self, OpenError> {
        let path = directory.database();
        if !path.exists() {
            create(directory, &path)?;
        }
        let database = Self::connect(&path)?;
        database.check()?;
        database.prepare_for_writing().map_err(OpenError::database(&path))?;
        Ok(database)
    }

    /// Opens a database that exists, and makes sure that it is one of ours.
    pub(super) fn connect(path: &Path) -> Result<Self, OpenError> {
        let failed = OpenError::database(path);
        if !path.exists() {
            return Err(OpenError::Missing { path: path.to_owned() });
        }
        if path.metadata().is_ok_and(|file| file.len() == 0) {
            return Err(OpenError::Damaged { path: path.to_owned(), finding: "the file is empty".into() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(&failed)?;
        connection.busy_timeout(PATIENCE).map_err(&failed)?;
        let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        if number("application_id").map_err(&failed)? != APPLICATION_ID {
            return Err(OpenError::Foreign { path: path.to_owned() });
        }
        let found = number("user_version").map_err(&failed)?;
        if found > SCHEMA_VERSION {
            return Err(OpenError::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION });
        }
        if found < SCHEMA_VERSION {
            let finding = format!("it says that its schema is {found}, and there never was one before 1");
            return Err(OpenError::Damaged { path: path.to_owned(), finding });
        }
        Ok(Self { connection, path: path.to_owned() })
    }

    /// Copies everything, as it is at this moment, into a file that does not exist yet; only its owner may read it.
    ///
    /// Writers go on meanwhile. The copy is one file without a log.
    pub(super) fn copy_to(&self, path: &Path) -> Result<(), OpenError> {
        directory::private().create_new(true).open(path).map_err(OpenError::files("create", path))?;
        let failed = OpenError::database(path);
        let mut copy = Connection::open(path).map_err(&failed)?;
        let copying = rusqlite::backup::Backup::new(&self.connection, &mut copy).map_err(&failed)?;
        // All pages in one step: nothing that is written meanwhile makes it start again.
        copying.step(-1).map_err(&failed)?;
        drop(copying);
        copy.pragma_update(None, "journal_mode", "DELETE").map_err(&failed)?;
        copy.close().map_err(|(_, error)| failed(error))?;
        File::open(path).and_then(|file| file.sync_all()).map_err(OpenError::files("write", path))
    }

    fn prepare_for_writing(&self) -> rusqlite::Result<()> {
        // Readers, such as an online backup, and the writer do not block each other; every commit reaches the disk.
        self.connection.pragma_update(None, "journal_mode", "WAL")?;
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        self.connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)
    }

    /// Makes sure that everything can be read back as it was written.
    pub(super) fn verify(&self) -> Result<(), OpenError> {
        self.check()?;
        self.load(usize::MAX).map(drop)
    }

    /// Checks the structure of the file; the checksums of rows are checked where rows are read.
    fn check(&self) -> Result<(), OpenError> {
        let failed = OpenError::database(&self.path);
        let mut statement = self.connection.prepare("PRAGMA integrity_check(3)").map_err(&failed)?;
        let findings = statement.query_map([], |row| row.get::<_, String>(0)).map_err(&failed)?;
        let findings: Vec<String> = findings.collect::<rusqlite::Result<_>>().map_err(&failed)?;
        if findings == ["ok"] {
            return Ok(());
        }
        Err(self.damaged(findings.join("; ").replace('\n', " ")))
    }

    fn damaged(&self, finding: impl Into<String>) -> OpenError {
        OpenError::Damaged { path: self.path.clone(), finding: finding.into() }
    }

    /// Reads everything back.
    pub(super) fn load(&self, history: usize) -> Result<State, OpenError> {
        let counters = self.counters()?;
        let value = |wanted: &str| counters.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
        let mut replay = Replay::new(history, value(FLOOR).unwrap_or_default());
        for (name, revision) in &counters {
            if let Some(resource) = name.strip_prefix(FORGOTTEN) {
                replay.compacted(resource, *revision);
            }
        }
        self.replay(&mut replay)?;
        let revision = value(REVISION).ok_or_else(|| self.damaged("it has no counter of revisions"))?;
        Ok(State::from_replay(replay, revision))
    }

    fn replay(&self, replay: &mut Replay) -> Result<(), OpenError> {
        let failed = OpenError::database(&self.path);
        let all = "SELECT revision, resource, namespace, name, object, checksum FROM versions ORDER BY revision";
        let mut statement = self.connection.prepare(all).map_err(&failed)?;
        let mut rows = statement.query([]).map_err(&failed)?;
        while let Some(row) = rows.next().map_err(&failed)? {
            let revision = row.get::<_, i64>(0).map_err(&failed)?.cast_unsigned();
            replay_row(replay, revision, row)
                .map_err(|finding| self.damaged(format!("the row of revision {revision} {finding}")))?;
        }
        Ok(())
    }

    /// Reads everything back after a commit that failed.
    pub(super) fn load_committed(&self, history: usize) -> Result<State, OpenError> {
        if !self.connection.is_autocommit() {
            // Else the reading would still see what was to be committed.
            self.connection.execute_batch("ROLLBACK").map_err(OpenError::database(&self.path))?;
        }
        self.load(history)
    }

    fn counters(&self) -> Result<Vec<(String, u64)>, OpenError> {
        let failed = OpenError::database(&self.path);
        let mut statement = self.connection.prepare("SELECT name, value, checksum FROM counters").map_err(&failed)?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
            .map_err(&failed)?;
        let mut counters = Vec::new();
        for row in rows {
            let (name, value, found) = row.map_err(&failed)?;
            let value = value.cast_unsigned();
            if checksum(value, &[&name]) != found {
                return Err(self.damaged(format!("the counter {name:?} does not match its checksum")));
            }
            counters.push((name, value));
        }
        Ok(counters)
    }

    /// Makes all of these last, or none.
    pub(super) fn append(&mut self, transactions: &[Transaction]) -> rusqlite::Result<()> {
        let work = self.connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for transaction in transactions {
            append(&work, transaction)?;
        }
        if let Some(revision) = transactions.iter().filter_map(Transaction::revision).max() {
            set_counter(&work, REVISION, revision)?;
        }
        work.commit()
    }

    /// Makes a copy of another server out of this one: it counts on far ahead, and remembers no history.
    ///
    /// Whatever a client has seen of the original after the copy was made has a lower revision than anything new, and
    /// whoever asks for it is told that it is gone.
    pub(super) fn leap(&mut self, step: u64) -> Result<(), OpenError> {
        let counters = self.counters()?;
        let revision = counters.iter().find(|(name, _)| name == REVISION).map(|(_, value)| *value).unwrap_or_default();
        self.forget_history(revision + step).map_err(OpenError::database(&self.path))
    }

    fn forget_history(&mut self, revision: u64) -> rusqlite::Result<()> {
        let work = self.connection.transaction()?;
        work.execute_batch(
            "DELETE FROM versions WHERE revision NOT IN
                 (SELECT max(revision) FROM versions GROUP BY resource, namespace, name);
             DELETE FROM versions WHERE object IS NULL;
             DELETE FROM counters;",
        )?;
        set_counter(&work, REVISION, revision)?;
        set_counter(&work, FLOOR, revision)?;
        work.commit()
    }

    /// Whether writing works at all: takes some room and gives it back.
    pub(super) fn probe(&mut self) -> rusqlite::Result<()> {
        self.connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS probe (filler BLOB) STRICT;
             INSERT INTO probe VALUES (zeroblob(262144));
             DROP TABLE probe;",
        )
    }

    /// Moves everything into the one file and closes it.
    pub(super) fn close(self) {
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, database = %self.path.display(), "cannot close the database");
        }
    }
}

fn create(directory: &Directory, path: &Path) -> Result<(), OpenError> {
    let log = path.with_extension("db-wal");
    if log.exists() {
        let finding = format!("the file is missing, but its log {} is there", log.display());
        return Err(OpenError::Damaged { path: path.to_owned(), finding });
    }
    let unfinished = directory.unfinished_database();
    std::fs::remove_file(&unfinished).ok();
    directory::private().create_new(true).open(&unfinished).map_err(OpenError::files("create", &unfinished))?;
    initialise(&unfinished).map_err(OpenError::database(&unfinished))?;
    directory.finish_database()
}

fn initialise(path: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    let work = connection.transaction()?;
    work.execute_batch(SCHEMA)?;
    set_counter(&work, REVISION, 0)?;
    work.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    work.commit()?;
    connection.close().map_err(|(_, error)| error)
}

fn append(work: &Work, transaction: &Transaction) -> rusqlite::Result<()> {
    let mut insert = work.prepare_cached("INSERT INTO versions VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for write in &transaction.writes {
        let object = write.object.as_ref().map(|object| object.text());
        let (namespace, name) = &write.key;
        let checksum = row_checksum(write.revision, &write.table, namespace, name, object);
        insert.execute(params![write.revision.cast_signed(), write.table, namespace, name, object, checksum])?;
    }
    let mut delete = work.prepare_cached("DELETE FROM versions WHERE revision = ?1")?;
    for revision in &transaction.forgotten {
        delete.execute([revision.cast_signed()])?;
    }
    for (table, revision) in &transaction.compacted {
        set_counter(work, &format!("{FORGOTTEN}{table}"), *revision)?;
    }
    Ok(())
}

fn set_counter(work: &Work, name: &str, value: u64) -> rusqlite::Result<()> {
    let mut statement = work.prepare_cached("INSERT OR REPLACE INTO counters VALUES (?1, ?2, ?3)")?;
    statement.execute(params![name, value.cast_signed(), checksum(value, &[name])])?;
    Ok(())
}

fn replay_row(replay: &mut Replay, revision: u64, row: &Row) -> Result<(), String> {
    let text = |column: usize| {
        let value = row.get_ref(column).map_err(|error| error.to_string())?;
        value.as_str_or_null().map_err(|error| format!("cannot be read: {error}"))
    };
    let (resource, namespace, name) =
        (text(1)?.unwrap_or_default(), text(2)?.unwrap_or_default(), text(3)?.unwrap_or_default());
    let object = text(4)?;
    let found: i64 = row.get(5).map_err(|error| error.to_string())?;
    if row_checksum(revision, resource, namespace, name, object) != found {
        return Err(format!("({resource} {namespace}/{name}) does not match its checksum"));
    }
    match object {
        Some(text) => {
            let value: Value = serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))?;
            replay.write(resource, Arc::new(Stored::with_text(&value, revision, text.into(), None)));
        }
        None => replay.remove(resource, &(namespace.to_owned(), name.to_owned()), revision),
    }
    Ok(())
}

fn row_checksum(revision: u64, resource: &str, namespace: &str, name: &str, object: Option<&str>) -> i64 {
    checksum(revision, &[resource, namespace, name, object.unwrap_or_default()])
}

/// The first eight bytes of the SHA-256 of a number and texts, each with its length.
fn checksum(number: u64, texts: &[&str]) -> i64 {
    let mut hash = Sha256::new();
    hash.update(number.to_le_bytes());
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    let digest = hash.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    i64::from_le_bytes(first)
}

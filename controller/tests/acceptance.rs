//! docs/acceptance.md names tests that exist, and every check has one that carries its number, unless the page says otherwise.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

use std::fs;
use std::path::{Path, PathBuf};

const CHECKS: usize = 18;
const NOT_YET: &str = "not yet";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every test of the repository, by name, with the lines above it.
struct Tests(Vec<(String, String)>);

impl Tests {
    fn read() -> Self {
        let mut tests = Vec::new();
        for folder in ["controller", "plugins", "tests"] {
            read_folder(&repository().join(folder), &mut tests);
        }
        Self(tests)
    }

    fn above(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(test, _)| test == name);
        &found.unwrap_or_else(|| panic!("docs/acceptance.md names {name}, and there is no such test")).1
    }
}

fn read_folder(folder: &Path, tests: &mut Vec<(String, String)>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            read_folder(&path, tests);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            read_file(&fs::read_to_string(&path).unwrap(), tests);
        }
    }
}

/// A test is a function with an attribute that says so, among the attributes and doc comments right above it.
fn read_file(text: &str, tests: &mut Vec<(String, String)>) {
    let mut above = String::new();
    for line in text.lines().map(str::trim) {
        let function = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "));
        if let Some((name, _)) = function.and_then(|rest| rest.split_once('(')) {
            if above.contains("test]") || above.contains("test(") {
                tests.push((name.to_owned(), above.clone()));
            }
            above.clear();
        } else if line.starts_with("///") || line.starts_with("#[") {
            above.push_str(line);
            above.push('\n');
        } else {
            above.clear();
        }
    }
}

/// The rows of the page whose first cell is a number: the number, and what the last cell says.
fn rows() -> Vec<(String, String)> {
    let page = fs::read_to_string(repository().join("docs/acceptance.md")).unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = page.lines().map(cells).filter(|cells| cells.len() == 5);
    rows.filter(|cells| cells[1].starts_with(|first: char| first.is_ascii_digit()))
        .map(|cells| (cells[1].clone(), cells[3].clone()))
        .collect()
}

/// The tests that a cell names. What else it quotes has a dot.
fn named(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).filter(|quoted| !quoted.contains('.')).collect()
}

#[test]
fn every_test_that_the_page_names_exists() {
    let tests = Tests::read();
    let mut found = 0;
    for (_, cell) in rows() {
        for name in named(&cell) {
            tests.above(name);
            found += 1;
        }
    }
    assert!(found > CHECKS, "the tables of docs/acceptance.md are not read any more");
}

#[test]
fn every_check_has_a_test_with_its_number_or_says_that_it_has_none_yet() {
    let (tests, rows) = (Tests::read(), rows());
    for check in 1..=CHECKS {
        let cells: Vec<_> = rows.iter().filter(|(number, _)| *number == check.to_string()).map(|row| &row.1).collect();
        let [cell] = cells[..] else { panic!("docs/acceptance.md has {} rows for check {check}", cells.len()) };
        let sign = format!("/// acceptance {check}\n");
        let carried = named(cell).iter().filter(|name| tests.above(name).contains(&sign)).count();
        let anywhere = tests.0.iter().any(|(_, above)| above.contains(&sign));
        if cell.starts_with(NOT_YET) {
            assert!(!anywhere, "check {check} has a test now: name it in docs/acceptance.md");
        } else {
            assert_eq!((carried, carried > 0), (named(cell).len(), true), "check {check}: {cell} carry no {sign}");
        }
    }
}

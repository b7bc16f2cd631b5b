//! Every log line of a test, at trace level: kept for failures, and searched for what must not be there.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::Once;

use tracing_subscriber::fmt::MakeWriter;

use crate::API_KEY;

/// How many lines are kept.
const KEPT: usize = 200;

#[derive(Default)]
struct Lines {
    last: VecDeque<String>,
    leaked: Option<String>,
    /// Beside the key of the panel: what was issued or chosen in this test.
    planted: Vec<String>,
}

thread_local! {
    // A test and its controller share one thread.
    static LINES: RefCell<Lines> = RefCell::default();
}

struct Capture;

impl Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(bytes).into_owned();
        LINES.with_borrow_mut(|lines| {
            if line.contains(API_KEY) || lines.planted.iter().any(|planted| line.contains(planted.as_str())) {
                lines.leaked.get_or_insert_with(|| line.clone());
            }
            lines.last.push_back(line);
            if lines.last.len() > KEPT {
                lines.last.pop_front();
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Capture {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

/// Starts to capture, and forgets the lines of an earlier test of this thread.
pub(crate) fn capture() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(Capture)
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
    LINES.with_borrow_mut(|lines| *lines = Lines::default());
}

/// The first line with the planted secret.
pub(crate) fn leaked() -> Option<String> {
    LINES.with_borrow(|lines| lines.leaked.clone())
}

/// The last lines at info level and above.
pub(crate) fn last() -> String {
    let worth = |line: &&String| ["INFO", "WARN", "ERROR"].iter().any(|level| line.contains(level));
    LINES.with_borrow(|lines| lines.last.iter().filter(worth).cloned().collect())
}

/// No line may show this value from now on.
pub(crate) fn plant(value: &str) {
    LINES.with_borrow_mut(|lines| lines.planted.push(value.to_owned()));
}

/// What was planted so far.
pub(crate) fn planted() -> Vec<String> {
    LINES.with_borrow(|lines| lines.planted.clone())
}

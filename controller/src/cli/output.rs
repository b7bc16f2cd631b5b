//! Everything that people read is written here: on standard output what was asked for, on standard error problems.

use std::io::{self, IsTerminal as _, Write as _};

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};
use k8s_openapi::jiff::Timestamp;

use super::failure::Failure;

/// What a piece of text means; colours follow from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// All is well.
    Good,
    /// Work is going on.
    Busy,
    /// Somebody has to act.
    Bad,
    /// Read it last.
    Quiet,
    /// Read it first.
    Strong,
}

impl Tone {
    /// The parameter of the escape sequence "select graphic rendition".
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Busy => Some("33"),
            Self::Bad => Some("31"),
            Self::Quiet => Some("2"),
            Self::Strong => Some("1"),
        }
    }

    fn colour(self) -> Option<Color> {
        match self {
            Self::Good => Some(Color::Green),
            Self::Busy => Some(Color::Yellow),
            Self::Bad => Some(Color::Red),
            Self::Plain | Self::Quiet | Self::Strong => None,
        }
    }
}

/// A piece of text with its tone.
pub(super) type Span = (Tone, String);

/// Where people read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    terminal: bool,
    colour: bool,
}

impl Output {
    /// Colours and redrawn lines only on a terminal; no colours where `NO_COLOR` is set (<https://no-color.org>).
    pub(super) fn detect() -> Self {
        let terminal = io::stdout().is_terminal();
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { terminal, colour: terminal && !refused }
    }

    /// Whether a person is watching.
    pub(super) fn is_terminal(self) -> bool {
        self.terminal
    }

    /// Writes text as it is.
    #[expect(clippy::unused_self, reason = "whatever is written goes through this value")]
    pub(super) fn text(self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever reads has seen enough: `hostwright crds | head`.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::failed(format!("cannot write to standard output: {error}"))),
            Ok(()) => Ok(()),
        }
    }

    /// Writes a line.
    pub(super) fn line(self, text: &str) -> Result<(), Failure> {
        self.text(&format!("{text}\n"))
    }

    /// Writes a line of pieces.
    pub(super) fn spans(self, spans: &[Span]) -> Result<(), Failure> {
        self.line(&render(spans, self.colour, None))
    }

    /// Writes lines over the last `previous` ones; each is cut to the width of the terminal, so that it stays one.
    pub(super) fn redraw(self, previous: usize, lines: &[Vec<Span>]) -> Result<(), Failure> {
        let width = Table::new().width().map(usize::from);
        let up = if previous > 0 { format!("\x1b[{previous}A") } else { String::new() };
        let text = lines.iter().fold(up, |text, line| text + "\r\x1b[2K" + &render(line, self.colour, width) + "\n");
        self.text(&text)
    }

    /// Writes a table as kubectl does. On a terminal that is wide enough for the others, the last column is wrapped.
    pub(super) fn table(self, headers: &[&str], rows: Vec<Vec<Span>>) -> Result<(), Failure> {
        self.text(&lay_out(headers, rows, self))
    }

    /// Writes a table with one line a row, however long.
    pub(super) fn rows(self, headers: &[&str], rows: Vec<Vec<Span>>) -> Result<(), Failure> {
        self.text(&lay_out(headers, rows, Self { terminal: false, ..self }))
    }

    /// Writes pretty-printed JSON.
    pub(super) fn json(self, value: &serde_json::Value) -> Result<(), Failure> {
        self.line(&format!("{value:#}"))
    }

    /// Writes YAML. What YAML 1.1 readers misread is quoted.
    pub(super) fn yaml(self, value: &serde_json::Value) -> Result<(), Failure> {
        let text = serde_saphyr::to_string(value);
        self.text(&text.map_err(|error| Failure::failed(format!("cannot write YAML: {error}")))?)
    }

    /// Writes a remark to standard error: nothing that was asked for, and no problem.
    #[expect(clippy::unused_self, reason = "whatever is written goes through this value")]
    pub(super) fn remark(self, message: &str) {
        // Nobody depends on it.
        let _ = writeln!(io::stderr(), "{message}");
    }

    /// Asks a question on the terminal, and waits for the answer.
    pub(super) async fn ask(self, question: &str) -> Result<String, Failure> {
        self.text(question)?;
        let read = || {
            let mut answer = String::new();
            io::stdin().read_line(&mut answer).map(|_| answer)
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(answer)) => Ok(answer.trim().to_owned()),
            Ok(Err(error)) => Err(Failure::failed(format!("cannot read the answer: {error}"))),
            Err(error) => Err(Failure::failed(format!("cannot read the answer: {error}"))),
        }
    }

    /// Writes a problem to standard error, on one line each.
    pub(super) fn problem(self, message: &str) {
        let coloured = self.colour && io::stderr().is_terminal();
        let prefix = render(&[(Tone::Bad, "error:".to_owned())], coloured, None);
        // Where not even that can be written, the exit code still tells.
        let _ = writeln!(io::stderr(), "{prefix} {message}");
    }
}

/// How long ago a time was, in one or two digits as kubectl says it.
pub(super) fn age(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..10_800 => format!("{}m", seconds / 60),
        10_800..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Whether a question can be answered.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

fn render(spans: &[Span], colour: bool, width: Option<usize>) -> String {
    let mut left = width.unwrap_or(usize::MAX);
    let mut text = String::new();
    for (tone, piece) in spans {
        let piece = cut(piece, left);
        left -= piece.chars().count();
        match tone.code().filter(|_| colour) {
            Some(code) => text.extend(["\x1b[", code, "m", &piece, "\x1b[0m"]),
            None => text.push_str(&piece),
        }
    }
    text
}

/// At most this many characters, and a mark where some are missing.
fn cut(text: &str, characters: usize) -> String {
    if text.chars().count() <= characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters.saturating_sub(1)).collect();
    let mark = if characters > 0 { "…" } else { "" };
    format!("{kept}{mark}")
}

/// Between two columns.
const GAP: usize = 3;
const GAP_OF_TABLE: u16 = 3;
/// A column that is narrower is not worth wrapping.
const NARROWEST: usize = 20;

/// How wide each column is at most, in characters.
fn widths(headers: &[&str], rows: &[Vec<Span>]) -> Vec<usize> {
    let cells =
        |column: usize| rows.iter().filter_map(move |row| row.get(column)).map(|(_, text)| text.chars().count());
    headers
        .iter()
        .enumerate()
        .map(|(column, header)| cells(column).max().unwrap_or(0).max(header.chars().count()))
        .collect()
}

fn lay_out(headers: &[&str], rows: Vec<Vec<Span>>, output: Output) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(headers.iter().copied());
    table.set_content_arrangement(ContentArrangement::Disabled);
    let widths = widths(headers, &rows);
    if let (true, Some(width), Some((_, others))) = (output.terminal, table.width(), widths.split_last()) {
        let taken: usize = others.iter().map(|width| width + GAP).sum();
        if usize::from(width) >= taken + NARROWEST {
            let wrapped = usize::from(width) - taken;
            let wrapped = u16::try_from(wrapped).unwrap_or(u16::MAX);
            table.set_constraints(
                others
                    .iter()
                    .map(|_| ColumnConstraint::ContentWidth)
                    .chain([ColumnConstraint::UpperBoundary(Width::Fixed(wrapped))]),
            );
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
    }
    for row in rows {
        table.add_row(row.into_iter().map(|(tone, text)| match tone.colour().filter(|_| output.colour) {
            Some(colour) => Cell::new(text).fg(colour),
            None => Cell::new(text),
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP_OF_TABLE));
    }
    table.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans() -> Vec<Span> {
        vec![(Tone::Good, "alice".to_owned()), (Tone::Plain, " is up to date".to_owned())]
    }

    #[test]
    fn an_age_is_short() {
        let ago = |seconds| age(Timestamp::from_second(seconds).unwrap(), Timestamp::UNIX_EPOCH);
        assert_eq!([-5, 119, 120, 10_800, 200_000].map(ago), ["0s", "119s", "2m", "3h", "2d"]);
    }

    #[test]
    fn colours_appear_only_where_they_are_wanted() {
        assert_eq!(render(&spans(), false, None), "alice is up to date");
        assert_eq!(render(&spans(), true, None), "\x1b[32malice\x1b[0m is up to date");
    }

    #[test]
    fn a_line_that_is_redrawn_fits_the_terminal() {
        assert_eq!(render(&spans(), false, Some(10)), "alice is …");
        assert_eq!(render(&spans(), false, Some(5)), "alice");
        assert_eq!(render(&spans(), false, Some(19)), "alice is up to date");
    }

    #[test]
    fn a_table_off_the_terminal_has_one_line_a_row_however_long() {
        let long = "word ".repeat(60).trim_end().to_owned();
        let plain = |text: &str| (Tone::Plain, text.to_owned());
        let rows = vec![vec![plain("alice"), plain(&long)], vec![plain("bartholomew"), plain("short")]];
        let text = lay_out(&["NAME", "MESSAGE"], rows, Output { terminal: false, colour: false });
        assert_eq!(text, format!("NAME          MESSAGE\nalice         {long}\nbartholomew   short\n"));
    }
}

//! As much of Markdown as the pages of this repository use.

use std::fs;
use std::path::{Path, PathBuf};

const FENCE: &str = "```";

/// A fenced block.
pub struct Block {
    pub language: String,
    /// The line of its first line in the page, from 1.
    pub line: usize,
    pub text: String,
}

/// A page, read.
pub struct Page {
    pub path: PathBuf,
    /// Its path in the repository.
    pub name: String,
    pub blocks: Vec<Block>,
    /// Where its links lead, as they are written.
    pub links: Vec<String>,
    anchors: Vec<String>,
}

impl Page {
    pub fn read(repository: &Path, path: PathBuf) -> Self {
        let name = path.strip_prefix(repository).unwrap_or(&path).display().to_string();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut page = Self { path, name, blocks: Vec::new(), links: Vec::new(), anchors: Vec::new() };
        let mut open: Option<Block> = None;
        for (index, line) in text.lines().enumerate() {
            match (line.strip_prefix(FENCE), &mut open) {
                (Some(language), None) => {
                    open = Some(Block { language: language.into(), line: index + 2, text: String::new() });
                }
                (Some(_), Some(_)) => page.blocks.extend(open.take()),
                (None, Some(block)) => block.text.extend([line, "\n"]),
                (None, None) => page.read_prose(line),
            }
        }
        assert!(open.is_none(), "{}: the last block has no end", page.name);
        page
    }

    fn read_prose(&mut self, line: &str) {
        if line.starts_with('#') {
            self.anchors.push(anchor(line.trim_start_matches('#').trim()));
        }
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        self.links.extend(targets.map(|(target, _)| target.to_owned()));
    }

    /// The blocks of this language, each line with the number that it has in the page.
    pub fn only(&self, language: &str) -> String {
        let mut script = String::new();
        let mut next = 1;
        for block in self.blocks.iter().filter(|block| block.language == language) {
            script.push_str(&"\n".repeat(block.line - next));
            script.push_str(&block.text);
            next = block.line + block.text.lines().count();
        }
        script
    }

    /// Whether a link can lead to this heading.
    pub fn has_heading(&self, wanted: &str) -> bool {
        self.anchors.iter().any(|anchor| anchor == wanted)
    }
}

/// What GitHub makes of a heading: in lower case, dashes for spaces, no punctuation.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

//! `hostwright validate`: everything about manifests that can be known without a cluster and without a provider.

mod finding;
mod object;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod together;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::builtins;
use super::failure::Failure;
use super::output::Output;
use finding::{Finding, Severity};
pub(super) use object::Object;
use read::Contents;
pub(super) use read::read;
pub(super) use schema::Api;
use together::{Rules, Together};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file of manifests, a folder with everything in it, or - for standard input; may be given several times
    #[arg(short, long = "filename", value_name = "FILE|DIR|-", required = true)]
    filenames: Vec<PathBuf>,
    /// Format
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// The files are everything: what they refer to and do not hold is an error
    #[arg(long)]
    complete: bool,
    /// Namespace of the controller, where Secrets with credentials are
    #[arg(long, value_name = "NAMESPACE", default_value = "hostwright-system")]
    credentials_namespace: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let contents = read(&arguments.filenames)?;
    if contents.objects.is_empty() && contents.findings.is_empty() {
        return Err(Failure::usage("nothing to validate: there is no object in what -f names"));
    }
    let rules = Rules { complete: arguments.complete, credentials_namespace: &arguments.credentials_namespace };
    let report = Report::of(contents, rules).await?;
    match arguments.output {
        Format::Text => output.text(&report.text())?,
        Format::Json => output.json(&report.to_json())?,
    }
    if report.count(Severity::Error) > 0 { Err(Failure::said()) } else { Ok(()) }
}

/// Everything that is found, in the order of its places.
struct Report {
    findings: Vec<Finding>,
    files: usize,
    objects: usize,
    /// Objects of other groups: nothing is said about them.
    foreign: usize,
}

impl Report {
    async fn of(contents: Contents, rules: Rules<'_>) -> Result<Self, Failure> {
        let Contents { objects, mut findings, files } = contents;
        let mut api = Api::start().await?;
        for object in objects.iter().filter(|object| object.is_ours()) {
            findings.extend(api.check(object).await?);
        }
        let plugins = builtins::plugins()?;
        findings.extend(Together::of(&objects, &plugins, rules).check());
        findings.sort();
        findings.dedup();
        let foreign = objects.iter().filter(|object| !object.is_ours()).count();
        Ok(Self { findings, files, objects: objects.len(), foreign })
    }

    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    fn text(&self) -> String {
        let lines = self.findings.iter().map(|finding| format!("{finding}\n"));
        lines.chain([format!("{}\n", self.summary())]).collect()
    }

    /// `4 files, 10 objects (3 of other kinds, not looked at): 2 errors, 1 warning`
    fn summary(&self) -> String {
        let foreign = match self.foreign {
            0 => String::new(),
            foreign => format!(" ({foreign} of other kinds, not looked at)"),
        };
        format!(
            "{}, {}{foreign}: {}, {}",
            counted(self.files, "file"),
            counted(self.objects, "object"),
            counted(self.count(Severity::Error), "error"),
            counted(self.count(Severity::Warning), "warning")
        )
    }

    fn to_json(&self) -> serde_json::Value {
        json!({
            "files": self.files, "objects": self.objects, "foreign": self.foreign,
            "errors": self.count(Severity::Error), "warnings": self.count(Severity::Warning),
            "findings": self.findings.iter().map(Finding::to_json).collect::<Vec<_>>(),
        })
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

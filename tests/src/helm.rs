//! The program helm, and the chart of this repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize as _;
use serde_json::Value;

use crate::kube::is_required;

/// Where the chart is.
pub fn chart() -> PathBuf {
    repository().join("charts/hostwright")
}

/// Where the repository is.
pub fn repository() -> PathBuf {
    std::fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

/// The program, with a home of its own.
pub struct Helm {
    program: PathBuf,
    home: tempfile::TempDir,
}

impl Helm {
    /// The one on PATH, or the one that `just helm` builds. None, and words about it, where there is none.
    pub fn find() -> Option<Self> {
        let built = repository().join("target/kube/helm");
        let on_path = Command::new("helm").arg("version").output().is_ok_and(|done| done.status.success());
        let program = if on_path { PathBuf::from("helm") } else { built };
        if !on_path && !program.is_file() {
            let missing = "no helm on PATH, and `just helm` was not run";
            assert!(!is_required("helm"), "{missing}; HOSTWRIGHT_REQUIRE forbids to skip this");
            eprintln!("skipped: {missing}");
            return None;
        }
        Some(Self { program, home: tempfile::tempdir().unwrap() })
    }

    /// The folder in which a shell finds it under its name.
    pub fn folder(&self) -> Option<&Path> {
        self.program.parent().filter(|folder| folder.is_absolute())
    }

    /// The program with these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        for (variable, folder) in
            [("HELM_CACHE_HOME", "cache"), ("HELM_CONFIG_HOME", "config"), ("HELM_DATA_HOME", "data")]
        {
            command.env(variable, self.home.path().join(folder));
        }
        command
    }

    /// The objects that the chart renders with these flags.
    pub fn rendered(&self, flags: &[&str]) -> Vec<Value> {
        let done = self.template(flags);
        assert!(done.status.success(), "{flags:?}: {}", text(&done.stderr));
        let text = text(&done.stdout);
        let documents = serde_yaml::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap());
        documents.filter(|object| !object.is_null()).collect()
    }

    /// Why the chart renders nothing with these flags.
    pub fn refusal(&self, flags: &[&str]) -> String {
        let done = self.template(flags);
        assert!(!done.status.success(), "{flags:?} are accepted");
        text(&done.stderr)
    }

    fn template(&self, flags: &[&str]) -> Output {
        let chart = chart();
        let fixed = ["template", "hostwright", chart.to_str().unwrap(), "--namespace", "hostwright-system"];
        self.command(&[&fixed, flags].concat()).output().unwrap()
    }
}

/// What a program wrote.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The only object of this kind and name.
pub fn named<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found: Vec<_> =
        objects.iter().filter(|object| object["kind"] == kind && object["metadata"]["name"] == name).collect();
    assert_eq!(found.len(), 1, "{kind} {name}");
    found[0]
}

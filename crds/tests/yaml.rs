//! The emitted YAML means the same to every reader. YAML 1.1, which kubectl and many tools speak, takes `yes`, `1:30`,
//! `2001-01-01` and `1_000` for something else than text; YAML 1.2 does not.

#![cfg(test)]

use std::sync::LazyLock;

use hostwright_crds::manifests;
use regex::Regex;
use serde::Deserialize as _;
use serde_json::{Value, json};

/// What YAML 1.1 resolves to something else than text: <https://yaml.org/type/> (bool, int, float, null, merge, value,
/// timestamp).
static NO_TEXT_IN_1_1: LazyLock<Regex> = LazyLock::new(|| {
    let kinds = [
        "y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF",
        "~|null|Null|NULL|<<|=",
        "[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+|[-+]?(0|[1-9][0-9_]*)",
        r"[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+]?[0-9]+)?|[-+]?\.[0-9_]+([eE][-+]?[0-9]+)?",
        r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?",
    ];
    Regex::new(&format!("^({})$", kinds.join("|"))).unwrap()
});

/// What both versions, and JSON, resolve alike.
static NO_TEXT_IN_JSON: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^(true|false|null|-?(0|[1-9][0-9]*)(\.[0-9]+)?)$").unwrap());

static LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^(?<indent> *)(?<dashes>(- )*)((?<key>"(\\.|[^"])*"|'[^']*'|[^\s"'][^:]*):( |$))?(?<value>.*)$"#)
        .unwrap()
});

/// The scalars without quotes in block-style YAML, keys included; block scalars are text in every version.
fn plain_scalars(yaml: &str) -> Vec<String> {
    let mut scalars = Vec::new();
    let mut block_scalar_below = None;
    for line in yaml.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#') && *line != "---") {
        let parts = LINE.captures(line).unwrap_or_else(|| panic!("unknown form: {line}"));
        let indent = parts["indent"].len();
        if block_scalar_below.is_some_and(|parent| indent > parent) {
            continue;
        }
        let value = &parts["value"];
        let in_block = value.starts_with('|') || value.starts_with('>');
        block_scalar_below = in_block.then_some(indent + parts["dashes"].len());
        let key = parts.name("key").map(|key| key.as_str());
        let found = key.into_iter().chain((!in_block && !value.is_empty()).then_some(value));
        scalars.extend(found.filter(|scalar| !scalar.starts_with(['"', '\'', '{', '['])).map(str::to_owned));
    }
    scalars
}

/// Plain scalars that readers of YAML 1.1 take for something else than readers of YAML 1.2.
fn misread(yaml: &str) -> Vec<String> {
    let differs = |scalar: &String| NO_TEXT_IN_1_1.is_match(scalar) && !NO_TEXT_IN_JSON.is_match(scalar);
    plain_scalars(yaml).into_iter().filter(differs).collect()
}

const TRAPS: [&str; 18] = [
    "yes",
    "No",
    "on",
    "Off",
    "y",
    "N",
    "True",
    "~",
    "1:30",
    "190:20:30.15",
    "2001-01-01",
    "2001-01-01 10:00:00",
    "1_000",
    "0b1",
    "010",
    "<<",
    "=",
    ".inf",
];

#[test]
fn the_check_finds_every_trap_without_quotes() {
    for trap in TRAPS {
        assert_eq!(misread(&format!("a: 1\nlist:\n- {trap}\n")), [trap]);
        assert_eq!(misread(&format!("a:\n  - b: {trap}\n    c: \"{trap}\"\n    d: |-\n      {trap}\n")), [trap]);
        if !trap.contains(':') {
            assert_eq!(misread(&format!("{trap}: text\n")), [trap], "as a key");
        }
    }
}

#[test]
fn the_writer_quotes_every_trap() {
    for trap in TRAPS {
        let yaml = serde_saphyr::to_string(&json!({"value": trap, trap: ["text", trap]})).unwrap();
        assert_eq!(misread(&yaml), [""; 0], "{yaml}");
    }
}

#[test]
fn emitted_definitions_read_back_alike_in_yaml_1_1_and_1_2() {
    for definition in manifests::all() {
        let yaml = manifests::to_yaml(&definition).unwrap();
        assert_eq!(misread(&yaml), [""; 0]);
        assert!(plain_scalars(&yaml).len() > 100, "the check sees the scalars");
        let read: Value = serde_yaml::from_str(&yaml).unwrap();
        assert_eq!(read, serde_json::to_value(&definition).unwrap());
    }
}

#[test]
fn all_definitions_fit_in_one_stream_of_documents() {
    let yaml = manifests::all_as_yaml().unwrap();
    let read: Vec<Value> =
        serde_yaml::Deserializer::from_str(&yaml).map(|document| Value::deserialize(document).unwrap()).collect();
    let expected: Vec<Value> =
        manifests::all().iter().map(|definition| serde_json::to_value(definition).unwrap()).collect();
    assert_eq!(read, expected);
}

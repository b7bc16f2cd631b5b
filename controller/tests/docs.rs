//! The documentation, as a reader uses it: manifests are applied, commands are run, links are followed.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

#[expect(dead_code, reason = "the pages need less of a machine than its own tests do")]
mod machine;
mod markdown;
mod running_demo;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, thread};

use machine::{Machine, Standalone, is_ready};
use markdown::{Block, Page};
use running_demo::{HOSTWRIGHT, RunningDemo, has_kubectl, written};
use serde::Deserialize as _;
use serde_json::Value;

fn repository() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

/// What a folder holds.
fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// The README, everything in docs and the READMEs of the examples, in the order of their names.
fn pages() -> Vec<Page> {
    let repository = repository();
    let mut folders: Vec<_> = ["docs", "docs/decisions", "examples"].map(|folder| repository.join(folder)).into();
    folders.extend(entries(&repository.join("examples")).into_iter().filter(|path| path.is_dir()));
    let mut paths = vec![repository.join("README.md")];
    for folder in folders {
        let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
        paths.extend(entries(&folder).into_iter().filter(is_page));
    }
    paths.sort();
    paths.into_iter().map(|path| Page::read(&repository, path)).collect()
}

/// Whether a block is whole objects, and not a part of one.
fn is_manifest(block: &Block) -> bool {
    block.language == "yaml"
        && serde_yaml::Deserializer::from_str(&block.text).all(|document| {
            let object = Value::deserialize(document).unwrap_or_else(|error| panic!("{error}: {}", block.text));
            object["apiVersion"].is_string() && object["kind"].is_string()
        })
}

/// What kubectl says against applying this, if anything.
fn refusal(demo: &RunningDemo, manifest: &str) -> Option<String> {
    let mut kubectl = demo
        .command("kubectl")
        .args(["apply", "--dry-run=server", "--validate=strict", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    kubectl.stdin.take().unwrap().write_all(manifest.as_bytes()).unwrap();
    let done = kubectl.wait_with_output().unwrap();
    (!done.status.success()).then(|| written(&done))
}

#[test]
fn every_manifest_is_accepted_by_the_api() {
    if !has_kubectl() {
        return;
    }
    let demo = RunningDemo::settled();
    let mut applied = Vec::new();
    let mut refused = Vec::new();
    for page in pages() {
        for block in page.blocks.iter().filter(|block| is_manifest(block)) {
            let place = format!("{}:{}", page.name, block.line);
            refused.extend(refusal(&demo, &block.text).map(|reason| format!("{place}: {reason}")));
            applied.push(page.name.clone());
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    for kind in ["hosting-service", "package", "provider-instance", "plugin"] {
        assert!(
            applied.contains(&format!("docs/{kind}.md")),
            "no manifest was found on the page of a kind: {applied:?}"
        );
    }
}

/// Runs the commands of a page in one shell, against a demo of their own, and answers how they failed.
fn failure(page: &Page) -> Option<String> {
    let demo = RunningDemo::settled();
    let script = demo.folder().join("commands.sh");
    // The first line of a page is its title. Bash takes no PS4 from the environment of root.
    fs::write(&script, format!("PS4='{}:$LINENO: '{}", page.name, page.only("sh"))).unwrap();
    let ours = Path::new(HOSTWRIGHT).parent().unwrap().to_path_buf();
    let path = env::join_paths([ours].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
    let done = demo
        .command("bash")
        .args(["-euxo", "pipefail"])
        .arg(&script)
        .current_dir(repository())
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (!done.status.success()).then(|| format!("{}, {}: {}", page.name, done.status, written(&done)))
}

#[test]
fn every_command_succeeds_in_the_order_of_its_page() {
    if !has_kubectl() {
        return;
    }
    let mut pages = pages();
    // Installing needs a real cluster: tests/chart runs that page.
    pages.retain(|page| page.name != "docs/install.md" && page.blocks.iter().any(|block| block.language == "sh"));
    for page in ["docs/getting-started.md", "examples/billing/README.md", "examples/gitops/README.md"] {
        assert!(pages.iter().any(|found| found.name == page), "{page} has no commands");
    }
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped in part: python3 is not on PATH");
        pages.retain(|page| !page.only("sh").contains("python3"));
    }
    let failures: Vec<String> = thread::scope(|scope| {
        let runs: Vec<_> = pages.iter().map(|page| scope.spawn(|| failure(page))).collect();
        runs.into_iter().filter_map(|run| run.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let repository = repository();
    let mut broken = Vec::new();
    let mut followed = 0;
    for page in pages() {
        for link in page.links.iter().filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.path.clone() } else { page.path.with_file_name(file) };
            let leads = target.exists() && (heading.is_empty() || Page::read(&repository, target).has_heading(heading));
            if !leads {
                broken.push(format!("{}: {link}", page.name));
            }
            followed += 1;
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(followed > 0, "no link was found");
}

fn one_machine() -> Page {
    let repository = repository();
    Page::read(&repository, repository.join("docs/standalone.md"))
}

/// The lines that are typed, without what stands before them.
fn typed(block: &Block) -> Vec<&str> {
    block.text.lines().filter_map(|line| line.strip_prefix("$ ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_day_on_one_machine_goes_as_its_page_says() {
    let (page, machine) = (one_machine(), Machine::new().await);
    for block in page.blocks.iter().filter(|block| block.language == "yaml") {
        let file = block.text.lines().next().and_then(|line| line.strip_prefix("# manifests/")).unwrap();
        let ours = block.text.replace("https://panel.example.com", "http://127.0.0.1:8790");
        machine.write(file, &ours.replace("ptla_replace_me", "ptla_demo"));
    }
    let lines: Vec<&str> = page.blocks.iter().flat_map(typed).collect();
    let start = lines.iter().find_map(|line| line.strip_prefix("hostwright ")).unwrap();
    let mut command = Command::new(HOSTWRIGHT);
    command.args(start.split(' ')).args(["--installation-id", "prod-eu", "--listen", "127.0.0.1:0"]);
    command.current_dir(machine.path(""));
    let mut running = Standalone::of(command);
    running.until("2 files, 4 objects applied").await;
    machine.until("alice-survival", is_ready).await;

    let look = page.blocks.iter().map(typed).find(|lines| lines.contains(&"hostwright get")).unwrap();
    let ours = Path::new(HOSTWRIGHT).parent().unwrap().to_path_buf();
    let path = env::join_paths([ours].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap()))).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-euxc", &look.join("\n")]).current_dir(machine.path("")).env("PATH", path);
    let done = bash.env_remove("HOSTWRIGHT_KUBECONFIG").output().unwrap();
    assert!(done.status.success(), "{}", written(&done));
    assert!(written(&done).contains("matches panel-eu, server 1"), "{}", written(&done));
    assert_eq!(running.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unit_of_one_machine_is_one_and_starts() {
    let (page, machine) = (one_machine(), Machine::new().await);
    let unit = &page.blocks.iter().find(|block| block.language == "ini").unwrap().text;
    let unit = unit.replace("/usr/local/bin/hostwright", HOSTWRIGHT);
    let file = machine.path("hostwright.service");
    fs::write(&file, &unit).unwrap();
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file).output() {
        Ok(done) => assert!(done.status.success() && written(&done).is_empty(), "{}", written(&done)),
        Err(_) => eprintln!("skipped in part: systemd-analyze is not on PATH"),
    }

    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let start = start.replace("/var/lib/hostwright", machine.path("data").to_str().unwrap());
    let start = start.replace("/etc/hostwright/manifests", machine.path("manifests").to_str().unwrap());
    let words: Vec<&str> = start.split(' ').collect();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(["--listen", "127.0.0.1:0"]);
    assert_eq!(Standalone::of(command).started().await.terminate(), Some(0));
}

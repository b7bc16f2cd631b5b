//! The binary as a small host runs it for years: `hostwright standalone`, its folders and its restarts.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails does so by a panic")]

mod machine;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use hostwright_crds::HostingService;
use kube::Api;
use kube::runtime::wait::await_condition;
use machine::{Machine, Standalone, is_ready};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_needs_an_installation_id_which_is_kept_and_never_changes() {
    let machine = Machine::new().await;
    let (code, said) = machine.start(&[]).end().await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--installation-id is missing: this is the first start with this data folder"), "{said}");

    assert_eq!(
        machine.start(&["--listen", "127.0.0.1:0", "--installation-id", "prod-eu"]).started().await.terminate(),
        Some(0)
    );
    let mut second = machine.start(&[]);
    let said = second.until("running").await;
    assert!(said.contains(r#""installation":"prod-eu""#), "{said}");
    assert_eq!(second.terminate(), Some(0));

    let (code, said) = machine.start(&["--installation-id", "staging"]).end().await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("this data folder belongs to the installation prod-eu"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_at_the_terminal_is_asked_until_the_answer_can_be_an_id() {
    let has_script = Command::new("script").arg("--version").output().is_ok_and(|done| done.status.success());
    if !has_script {
        eprintln!("skipped: script (util-linux), which makes a terminal, is not on PATH");
        return;
    }
    let machine = Machine::new().await;
    let command = machine.command();
    let words = command.get_args().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ");
    // A shell that stays would take the Ctrl-C as well, and its own end for that of the command.
    let line = format!("exec {} {words}", command.get_program().to_str().unwrap());
    let mut script = Command::new("script");
    let transcript = machine.path("transcript");
    script.env("SHELL", "/bin/sh");
    script.args(["-qfec", &line]).arg(&transcript).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut terminal = script.spawn().unwrap();
    let mut keys = terminal.stdin.take().unwrap();
    let shown = terminal.stdout.take().unwrap();
    let end = tokio::task::spawn_blocking(move || {
        use std::io::{Read as _, Write as _};
        let mut shown = std::io::BufReader::new(shown);
        let mut seen = String::new();
        let mut until = |wanted: &str, seen: &mut String| {
            let mut byte = [0];
            while !seen.ends_with(wanted) {
                assert_eq!(shown.read(&mut byte).unwrap(), 1, "it ended before it said {wanted:?}: {seen}");
                seen.push(char::from(byte[0]));
            }
        };
        until("Installation id: ", &mut seen);
        keys.write_all(b"Prod EU\n").unwrap();
        until("Installation id: ", &mut seen);
        keys.write_all(b"prod-eu\n").unwrap();
        until("What happens is shown here.", &mut seen);
        // Ctrl-C, as the terminal sends it.
        keys.write_all(b"\x03").unwrap();
        until("Stopping.", &mut seen);
        // To the end: `script` fails when nobody reads what it still has to say.
        shown.read_to_string(&mut seen).unwrap();
        seen
    });
    let seen = end.await.unwrap();
    assert!(seen.contains("It never changes"), "{seen}");
    assert!(seen.contains("expected 1 to 40 lower-case letters, digits and dashes"), "{seen}");
    assert!(seen.contains("hostwright get"), "{seen}");
    let status = terminal.wait().unwrap();
    assert!(status.success(), "{status}: {seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn address_token_and_authority_stay_the_same_and_only_the_owner_may_read_them() {
    let machine = Machine::new().await;
    let kubeconfig = machine.path("data/kubeconfig");
    assert_eq!(
        machine.start(&["--listen", "127.0.0.1:0", "--installation-id", "prod-eu"]).started().await.terminate(),
        Some(0)
    );
    let first = fs::read_to_string(&kubeconfig).unwrap();
    let second = machine.start(&[]).started().await;
    assert_eq!(fs::read_to_string(&kubeconfig).unwrap(), first);
    machine.client().await.apiserver_version().await.unwrap();
    let mode = |name: &str| fs::metadata(machine.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("data"), mode("data/kubeconfig")), (0o700, 0o600));

    let (code, said) = machine.start(&[]).end().await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is in use by another process"), "{said}");
    assert_eq!(second.terminate(), Some(0));

    let address = fs::read_to_string(machine.path("data/listen")).unwrap();
    let taken = tokio::net::TcpListener::bind(address.trim()).await.unwrap();
    let (code, said) = machine.start(&[]).end().await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("the API was at {} so far", taken.local_addr().unwrap())), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_become_servers_and_what_is_wrong_is_said_with_its_line_until_it_is_mended() {
    let machine = Machine::with_the_quick_start().await;
    machine.edit("30-services.yaml", "desiredStatus: Suspended", "desiredStatus: Asleep");
    let mut running = machine.start_with_manifests(&[]);
    running.until("30-services.yaml:35: HostingService customers/bob-creative: spec.desiredStatus: ").await;
    // The API takes it; the plugin's schema does not know the field.
    running
        .until(
            "30-services.yaml:75: HostingService customers/hans-skyblock: InvalidCheckout: spec.checkout.sever_name: ",
        )
        .await;
    machine.until("alice-survival", is_ready).await;

    machine.edit("30-services.yaml", "desiredStatus: Asleep", "desiredStatus: Suspended");
    machine.edit("30-services.yaml", "sever_name", "server_name");
    machine.until("bob-creative", is_ready).await;
    machine.until("hans-skyblock", is_ready).await;
    assert_eq!(machine.panel.servers().len(), 3);

    let ids = |machine: &Machine| machine.panel.servers().into_iter().map(|server| server.id).collect::<Vec<_>>();
    let before = ids(&machine);
    assert_eq!(running.terminate(), Some(0));
    let mut again = machine.start_with_manifests(&[]);
    again.until("4 files, 10 objects applied").await;
    machine.until("alice-survival", is_ready).await;
    assert_eq!(ids(&machine), before);
    assert_eq!(again.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_killed_while_servers_are_made_makes_none_twice() {
    let machine = Machine::with_the_quick_start().await;
    for round in 0..3 {
        let mut running = machine.start_with_manifests(&[]);
        if round == 0 {
            running.until(r#""verb":"Create""#).await;
        } else {
            running.started().await.kill();
            continue;
        }
        running.kill();
    }
    let running = machine.start_with_manifests(&[]).started().await;
    for name in ["alice-survival", "bob-creative"] {
        machine.until(name, is_ready).await;
        assert_eq!(machine.panel.max_live_per_external_id(&format!("prod-eu.customers.{name}")), 1);
    }
    assert_eq!(running.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_file_ends_its_servers_only_where_that_was_asked_for() {
    let machine = Machine::with_the_quick_start().await;
    machine.write("alice.yaml", &service("alice"));
    let mut running = machine.start_with_manifests(&[]);
    running.until("objects applied").await;
    machine.until("alice", is_ready).await;
    fs::remove_file(machine.path("manifests/alice.yaml")).unwrap();
    running.until("HostingService customers/alice: in no file any more, and kept").await;
    assert_eq!(running.terminate(), Some(0));
    assert_eq!(machine.panel.live_servers("prod-eu.customers.alice"), 1);

    let mut running = machine.start_with_manifests(&["--prune", "--prune-after", "1s"]);
    running.until("HostingService customers/alice: deleted, since no file of the folder asks for it any more").await;
    let services: Api<HostingService> = Api::namespaced(machine.client().await, "customers");
    await_condition(services, "alice", |found: Option<&HostingService>| found.is_none()).await.unwrap();
    assert_eq!(machine.panel.live_servers("prod-eu.customers.alice"), 0);
    machine.until("bob-creative", is_ready).await;
    assert_eq!(running.terminate(), Some(0));
}

fn service(name: &str) -> String {
    format!(
        "apiVersion: hostwright.dev/v1alpha1\nkind: HostingService\nmetadata: {{name: {name}}}\nspec:\n  packageRef: {{name: \
         minecraft-4g}}\n  owner: {{id: cust-9, email: {name}@example.org, name: Alice}}\n  desiredStatus: Active\n  checkout: \
         {{server_name: small}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_is_told_when_it_is_ready_and_when_it_stops() {
    let machine = Machine::new().await;
    let path = machine.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let mut command = machine.command();
    command.args(["--installation-id", "prod-eu"]).env("NOTIFY_SOCKET", &path);
    let running = Standalone::of(command);
    let received = || {
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    assert_eq!(received(), "READY=1");
    machine.client().await.apiserver_version().await.unwrap();
    assert_eq!(running.terminate(), Some(0));
    assert_eq!(received(), "STOPPING=1");
}

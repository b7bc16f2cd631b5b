//! `hostwright orphans`: remotes and users at a provider that carry our mark and that no object knows. Each is removed only when it
//! is named, and after a second look.

mod removal;

use clap::Args;
use hostwright_plugin::{Present, RemoteUser};
use serde_json::json;

use super::failure::Failure;
use super::output::{Output, Tone};
use super::panel::{Known, NamedInstance, Panel, Whose};
use super::{Format, program};

const EXPLAINED: &str = "\
The exit code is 0 where nothing is orphaned, and 3 where something is.

An orphan may be what a restored backup of the provider brought back, or what somebody kept by deletionPolicy Retain. To have it as a \
service again, apply a HostingService with the name in its mark: hostwright import INSTANCE --manifests.";

#[derive(Debug, Args)]
#[command(after_help = EXPLAINED)]
pub(super) struct Arguments {
    #[command(flatten)]
    panel: NamedInstance,
    /// End this orphaned remote, by its id: everything on it is lost
    #[arg(long, value_name = "ID", conflicts_with_all = ["remove_user", "output"])]
    remove: Option<String>,
    /// Remove this orphaned user, by its id
    #[arg(long, value_name = "ID", conflicts_with = "output")]
    remove_user: Option<String>,
    /// Remove nothing, and say what would be
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// For programs
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

/// What nobody knows.
struct Orphans {
    remotes: Vec<Present>,
    users: Vec<RemoteUser>,
}

impl Orphans {
    async fn of(panel: &Panel) -> Result<Self, Failure> {
        // What is made meanwhile is known by the time the objects are read.
        let (remotes, users) = (panel.remotes().await?, panel.users().await?);
        let known = panel.known().await?;
        Ok(Self { remotes: orphaned(remotes, &known), users: ownerless(users, &known) })
    }

    fn is_empty(&self) -> bool {
        self.remotes.is_empty() && self.users.is_empty()
    }
}

fn orphaned(remotes: Vec<Present>, known: &Known) -> Vec<Present> {
    remotes.into_iter().filter(|present| known.whose(present) == Whose::Orphaned).collect()
}

fn ownerless(users: Vec<RemoteUser>, known: &Known) -> Vec<RemoteUser> {
    let ownerless = |user: &RemoteUser| user.owner_key.as_ref().is_some_and(|key| known.is_orphaned_owner(key));
    users.into_iter().filter(ownerless).collect()
}

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let panel = arguments.panel.reach().await?;
    if let Some(why) = &panel.elsewhere {
        return Err(Failure::failed(format!(
            "{why}: what carries its mark is known to another cluster, so ask there; nothing was changed"
        )));
    }
    let consent = removal::Consent { dry_run: arguments.dry_run, yes: arguments.yes };
    if let Some(id) = &arguments.remove {
        return removal::remote(&panel, id, consent, output).await;
    }
    if let Some(id) = &arguments.remove_user {
        return removal::user(&panel, id, consent, output).await;
    }
    let orphans = Orphans::of(&panel).await?;
    if arguments.output.is_some() {
        output.json(&in_json(&orphans))?;
    } else {
        show(&panel, &orphans, output)?;
    }
    if orphans.is_empty() { Ok(()) } else { Err(Failure::found(3)) }
}

fn in_json(orphans: &Orphans) -> serde_json::Value {
    let remote = |present: &Present| {
        json!({"id": present.remote.id, "externalId": present.external_id, "ownerKey": present.owner_key,
            "state": present.state, "url": present.remote.url})
    };
    let user =
        |user: &RemoteUser| json!({"id": user.id, "ownerKey": user.owner_key, "email": user.email, "url": user.url});
    json!({
        "remotes": orphans.remotes.iter().map(remote).collect::<Vec<_>>(),
        "users": orphans.users.iter().map(user).collect::<Vec<_>>(),
    })
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn show(panel: &Panel, orphans: &Orphans, output: &Output) -> Result<(), Failure> {
    let name = panel.name();
    if orphans.is_empty() {
        return output.line(&format!("{name} has nothing with our mark that no object knows."));
    }
    let row = |kind: &str, id: &str, mark: Option<&String>, what: &str, url: Option<&String>| {
        let cells = [kind, id, mark.map_or("", String::as_str), what, url.map_or("", String::as_str)];
        cells.map(|cell| (Tone::Plain, cell.to_owned())).into()
    };
    let remotes = orphans.remotes.iter().map(|present| {
        let state = format!("{:?}", present.state);
        row("remote", &present.remote.id, present.external_id.as_ref(), &state, present.remote.url.as_ref())
    });
    let users =
        orphans.users.iter().map(|user| row("user", &user.id, user.owner_key.as_ref(), &user.email, user.url.as_ref()));
    output.rows(&["KIND", "ID", "MARK", "WHAT", "URL"], remotes.chain(users).collect())?;
    output.line("")?;
    output.line(&format!(
        "{name} has {} and {} with our mark that no object knows.",
        counted(orphans.remotes.len(), "remote"),
        counted(orphans.users.len(), "user")
    ))?;
    let hostwright = program::name();
    if !orphans.remotes.is_empty() {
        output.remark(&format!("To end one remote: {hostwright} orphans {name} --remove ID"));
    }
    if !orphans.users.is_empty() {
        output.remark(&format!("To remove one user: {hostwright} orphans {name} --remove-user ID"));
    }
    Ok(())
}

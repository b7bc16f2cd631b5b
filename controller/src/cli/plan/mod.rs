//! `hostwright plan`: what applying manifests would do at the providers, which are asked. Nothing is changed, here or there.

mod gather;
mod show;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use hostwright_crds::{HostingService, condition};
use hostwright_plugin::Plugin;
use kube::ResourceExt as _;

use super::failure::Failure;
use super::installed::Installed;
use super::output::Output;
use super::validate::read;
use super::{Format, builtins, cluster};
use crate::clock::{Clock as _, SystemClock};
use crate::instance;
use crate::providers::Runtime;
use crate::service::foresee::{Foreseen, Question, Weight, foresee};
use gather::Gathered;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file of manifests, a folder with everything in it, or - for standard input; may be given several times
    #[arg(short, long = "filename", value_name = "FILE|DIR|-", required = true)]
    filenames: Vec<PathBuf>,
    /// Kubeconfig of the cluster; absent: KUBECONFIG, ~/.kube/config, /var/lib/hostwright/kubeconfig, or the Pod's
    /// service account
    #[arg(long, value_name = "FILE", env = "HOSTWRIGHT_KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    /// Namespace of services that name none; absent: that of the kubeconfig
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Namespace of the controller, where Secrets with credentials are; absent: it is looked for
    #[arg(long, value_name = "NAMESPACE")]
    credentials_namespace: Option<String>,
    /// Ask no provider: go by what status says
    #[arg(long)]
    without_provider: bool,
    /// For programs instead of people
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

/// What is said of one service.
struct Outlook {
    /// Namespace and name, with a slash between them.
    name: String,
    foreseen: Result<Foreseen, String>,
}

/// The exit code is 0 where nothing would be done, 3 where something would be made or changed, 4 where something would be
/// disturbed or destroyed, 1 where something is refused or cannot be told.
pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let contents = read(&arguments.filenames)?;
    if let Some(broken) = contents.first_problem() {
        return Err(Failure::failed(broken));
    }
    if !contents.objects.iter().any(super::validate::Object::is_ours) {
        return Err(Failure::usage("nothing to plan: there is no object of Hostwright in what -f names"));
    }
    let client = cluster::connect_also_here(arguments.kubeconfig.as_deref()).await?;
    let namespace = arguments.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
    let gathered = Gathered::of(&client, &namespace, contents.objects).await?;
    for problem in &gathered.problems {
        // Each names its place in a file, as editors read it.
        output.remark(problem);
    }
    let mut planning = Planning::new(&client, &arguments, gathered.problems.is_empty()).await?;
    let mut outlooks = Vec::new();
    for service in &gathered.services {
        let name = format!("{}/{}", service.namespace().unwrap_or_default(), service.name_any());
        outlooks.push(Outlook { name, foreseen: planning.look_ahead(service, &gathered, output).await });
    }
    for service in &gathered.buyers {
        let name = format!("{}/{}", service.namespace().unwrap_or_default(), service.name_any());
        let foreseen = planning.look_ahead(service, &gathered, output).await;
        outlooks.push(Outlook { name, foreseen: foreseen.map(|foreseen| news(foreseen, service)) });
    }
    show::show(&outlooks, arguments.output, output)?;
    match exit_code(&outlooks, planning.is_sound) {
        0 => Ok(()),
        code => Err(Failure::found(code)),
    }
}

/// Whom to ask.
struct Planning<'a> {
    client: &'a kube::Client,
    plugins: Vec<Arc<dyn Plugin>>,
    installed: Option<Installed>,
    runtimes: BTreeMap<String, Runtime>,
    /// Nothing went wrong that a service does not tell.
    is_sound: bool,
}

impl<'a> Planning<'a> {
    async fn new(client: &'a kube::Client, arguments: &Arguments, is_sound: bool) -> Result<Self, Failure> {
        let installed = if arguments.without_provider {
            None
        } else {
            Some(Installed::find(client, arguments.credentials_namespace.as_deref()).await?)
        };
        Ok(Self { client, plugins: builtins::plugins()?, installed, runtimes: BTreeMap::new(), is_sound })
    }

    async fn look_ahead(
        &mut self,
        service: &HostingService,
        gathered: &Gathered,
        output: &Output,
    ) -> Result<Foreseen, String> {
        let package = gathered.packages.get(&service.spec.package_ref.name);
        let last = service.status.as_ref().and_then(|status| status.last_applied.as_ref());
        let previous = last.filter(|last| last.package != service.spec.package_ref.name);
        let instance = gather::instance_of(service, package);
        if let Some(name) = &instance {
            self.reach(name, gathered, output).await;
        }
        let no_labels = BTreeMap::new();
        let question = Question {
            service,
            package,
            previous: previous.and_then(|last| gathered.packages.get(&last.package)),
            namespace_labels: gathered.labels.get(&service.namespace().unwrap_or_default()).unwrap_or(&no_labels),
            runtime: instance.and_then(|name| self.runtimes.get(&name)),
            installation: self.installed.as_ref().and_then(Installed::id),
            now: SystemClock.now(),
        };
        foresee(&question).await.map_err(|error| error.message)
    }

    /// Gets to know an instance, once. One that cannot be asked is said, and its services are judged by their status.
    async fn reach(&mut self, name: &str, gathered: &Gathered, output: &Output) {
        let Some(instance) = gathered.instances.get(name).filter(|_| !self.runtimes.contains_key(name)) else { return };
        let reached = match &self.installed {
            Some(installed) => instance::reach(self.client, installed.namespace(), instance, &self.plugins).await,
            None => Ok(instance::unreached(instance, &self.plugins)),
        };
        let runtime = reached.unwrap_or_else(|problem| {
            self.is_sound = false;
            let problem = problem.strip_prefix(&format!("{name}: ")).unwrap_or(&problem);
            output.problem(&format!(
                "ProviderInstance {name} cannot be asked, so its services are judged by their status: {problem}"
            ));
            instance::unreached(instance, &self.plugins)
        });
        self.runtimes.insert(name.to_owned(), runtime);
    }
}

/// What holds a service back already is no news of files that do not name it.
fn news(foreseen: Foreseen, service: &HostingService) -> Foreseen {
    let conditions = service.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let ready = conditions.iter().find(|known| known.type_ == condition::READY);
    let reason = ready.filter(|ready| ready.status != "True").map(|ready| ready.reason.as_str());
    if foreseen.held.as_ref().is_some_and(|hold| Some(hold.reason) == reason) { Foreseen::default() } else { foreseen }
}

fn exit_code(outlooks: &[Outlook], is_sound: bool) -> u8 {
    let told = outlooks.iter().map(|outlook| outlook.foreseen.as_ref());
    if !is_sound || told.clone().any(|foreseen| foreseen.is_ok_and(|it| it.stalled) || foreseen.is_err()) {
        return 1;
    }
    let heaviest = told.flatten().flat_map(|foreseen| &foreseen.effects).map(|effect| effect.weight).max();
    match heaviest {
        None => 0,
        Some(Weight::Creates | Weight::Changes) => 3,
        Some(Weight::Disturbs | Weight::Destroys) => 4,
    }
}

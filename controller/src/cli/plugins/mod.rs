//! `hostwright plugins`: what is built in, for people and for programs.

mod fields;

use clap::{Args, ValueEnum};
use hostwright_plugin::schema::Schema;
use hostwright_plugin::{Capabilities, CreateUniqueness, Plugin, RenewSupport};
use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{Output, Span, Tone};
use super::{Format, builtins};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// One plugin; absent: all of them
    name: Option<String>,
    /// Only this schema
    #[arg(long, value_enum, requires = "name")]
    schema: Option<Which>,
    /// The schema as JSON Schema 2020-12; without --schema, all three of them by name
    #[arg(long, requires = "name")]
    json_schema: bool,
    /// For programs
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// spec.config and spec.configFrom of a ProviderInstance
    Config,
    /// spec.provisioning of a Package
    Package,
    /// spec.checkout of a HostingService
    Checkout,
}

impl Which {
    const ALL: [Self; 3] = [Self::Config, Self::Package, Self::Checkout];

    fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Package => "package",
            Self::Checkout => "checkout",
        }
    }

    /// Where its fields are written.
    fn place(self) -> &'static str {
        match self {
            Self::Config => "ProviderInstance, spec.config; passwords in a Secret, by spec.configFrom",
            Self::Package => "Package, spec.provisioning",
            Self::Checkout => "HostingService, spec.checkout",
        }
    }

    fn of(self, plugin: &dyn Plugin) -> &Schema {
        match self {
            Self::Config => plugin.config_schema(),
            Self::Package => plugin.package_schema(),
            Self::Checkout => plugin.checkout_schema(),
        }
    }
}

pub(super) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let plugins = builtins::plugins()?;
    let as_json = arguments.output == Some(Format::Json);
    let Some(name) = &arguments.name else {
        if as_json {
            return output.json(&plugins.iter().map(|plugin| in_full(plugin.as_ref())).collect());
        }
        let rows = plugins.iter().map(|plugin| overview(plugin.as_ref())).collect();
        return output.table(&["PLUGIN", "NAME", "VERSION", "DESCRIPTION"], rows);
    };
    let Some(plugin) = plugins.iter().find(|plugin| plugin.manifest().provider == *name) else {
        let known: Vec<&str> = plugins.iter().map(|plugin| plugin.manifest().provider.as_str()).collect();
        return Err(Failure::failed(format!("there is no plugin {name:?}; built in are: {}", known.join(", "))));
    };
    let plugin = plugin.as_ref();
    match arguments.schema {
        Some(which) if arguments.json_schema => output.json(&which.of(plugin).to_json_schema()),
        None if arguments.json_schema => output.json(&by_name(plugin, Schema::to_json_schema)),
        Some(which) if as_json => output.json(&json!(which.of(plugin))),
        None if as_json => output.json(&in_full(plugin)),
        Some(which) => fields::show(which.of(plugin), which == Which::Package, output),
        None => describe(plugin, output),
    }
}

fn in_full(plugin: &dyn Plugin) -> Value {
    json!({
        "manifest": plugin.manifest(),
        "capabilities": plugin.capabilities(),
        "schemas": by_name(plugin, |schema| json!(schema)),
    })
}

fn by_name(plugin: &dyn Plugin, write: impl Fn(&Schema) -> Value) -> Value {
    Which::ALL.into_iter().map(|which| (which.name().to_owned(), write(which.of(plugin)))).collect()
}

fn overview(plugin: &dyn Plugin) -> Vec<Span> {
    let manifest = plugin.manifest();
    [&manifest.provider, &manifest.name, &manifest.version, &manifest.description]
        .map(|text| (Tone::Plain, text.clone()))
        .into()
}

fn describe(plugin: &dyn Plugin, output: &Output) -> Result<(), Failure> {
    let manifest = plugin.manifest();
    output.spans(&[
        (Tone::Strong, format!("{} {}", manifest.name, manifest.version)),
        (Tone::Plain, format!(": {}. By {}.", manifest.description, manifest.author)),
    ])?;
    output.line("")?;
    let told = |(name, text): (&str, String)| vec![(Tone::Plain, name.to_owned()), (Tone::Plain, text)];
    output.table(&["CAPABILITY", ""], capabilities(plugin.capabilities()).into_iter().map(told).collect())?;
    for which in Which::ALL {
        output.line("")?;
        output.spans(&[(Tone::Strong, which.name().to_owned()), (Tone::Plain, format!(": {}", which.place()))])?;
        fields::show(which.of(plugin), which == Which::Package, output)?;
    }
    Ok(())
}

/// What the plugin can do, in words.
fn capabilities(can: &Capabilities) -> Vec<(&'static str, String)> {
    let either = |yes: bool, then: &str, otherwise: &str| if yes { then.to_owned() } else { otherwise.to_owned() };
    let uniqueness = match can.create_uniqueness {
        CreateUniqueness::ByExternalId => "the provider refuses it, by external id",
        CreateUniqueness::ByName => "the provider refuses it, by name",
        CreateUniqueness::LookupOnly => "the provider does not refuse it; remotes are looked up by external id first",
        CreateUniqueness::None => "the provider offers no protection; an unknown outcome needs a person",
    };
    let renewal = match can.renew {
        RenewSupport::Unneeded => "there is nothing to renew",
        RenewSupport::Idempotent => "renewing to the same date twice is harmless",
        RenewSupport::Observable => "the date can be read back",
        RenewSupport::None => "the provider offers no protection; an unknown outcome needs a person",
    };
    let limit =
        |limit: Option<u32>| limit.map_or_else(|| "no limit of the provider".to_owned(), |limit| limit.to_string());
    vec![
        ("a second create", uniqueness.to_owned()),
        ("settling time", format!("{} s until the effect of a create is final", can.settle_seconds)),
        ("drift", either(can.list, "found by listing all remotes", "found by looking at each remote")),
        (
            "while it is made",
            either(can.interruptible, "a remote can be suspended and ended", "a remote cannot be suspended or ended"),
        ),
        ("renewal", renewal.to_owned()),
        ("before an order", either(can.validate, "the provider is asked whether it can be made", "not asked")),
        (
            "before a change",
            either(can.plan, "the provider is asked what it would do; losing data needs allowDestructive", "not asked"),
        ),
        ("adoption", either(can.adopt, "an existing remote can be taken over", "not supported")),
        ("new credentials", either(can.rotate_credentials, "can be issued", "not supported")),
        ("actions", either(can.actions, "offered to customers", "none")),
        ("requests a minute", limit(can.requests_per_minute)),
        ("creates at once", limit(can.max_concurrent_creates)),
    ]
}

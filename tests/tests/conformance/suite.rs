//! All cases as tests.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use hostwright_tests::kube::ControlPlane;
use libtest_mimic::{Failed, Trial};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::case::{self, Topic};
use crate::run;
use crate::server::Api;
use crate::words::{self, Words};

/// Fewer requests than this, and something has been lost.
const AT_LEAST: usize = 560;

/// The servers, and the cases that go to them.
pub struct Suite {
    runtime: Runtime,
    /// Runs as long as the suite does.
    _plane: Option<ControlPlane>,
    inner: Arc<Inner>,
}

struct Inner {
    run: String,
    apis: Vec<Api>,
    topics: Vec<(&'static str, Topic)>,
    /// Whether the definitions of a topic have been made.
    defined: HashMap<&'static str, OnceCell<()>>,
    /// Why answers differ that do.
    reasons: BTreeMap<String, Difference>,
}

/// What a real server does differently, and why that stays.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    pub what: String,
    pub why: String,
}

impl Suite {
    /// Starts the servers; none where the cases are only listed.
    pub fn start(only_listed: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let plane = if only_listed { None } else { ControlPlane::start() };
        let mut apis = Vec::new();
        if !only_listed {
            let _inside = runtime.enter();
            apis.push(Api::embedded());
            apis.extend(plane.as_ref().map(|plane| Api::real(runtime.block_on(plane.admin().client()))));
        }
        let topics = case::topics();
        let defined = topics.iter().map(|(name, _)| (*name, OnceCell::new())).collect();
        let run = format!("{:05x}", std::process::id() & 0xf_ffff);
        let reasons = serde_yaml::from_str(include_str!("differences.yaml")).unwrap();
        Self { runtime, _plane: plane, inner: Arc::new(Inner { run, apis, topics, defined, reasons }) }
    }

    /// A test for each case, and those about the suite as a whole.
    pub fn trials(&self) -> Vec<Trial> {
        let mut trials = Vec::new();
        for (topic_index, (topic, cases)) in self.inner.topics.iter().enumerate() {
            for (case_index, case) in cases.cases.iter().enumerate() {
                let name = format!("{topic}::{}", case.name.replace(' ', "_"));
                let (handle, inner) = (self.runtime.handle().clone(), self.inner.clone());
                trials.push(Trial::test(name, move || handle.block_on(inner.check(topic_index, case_index))));
            }
        }
        let inner = self.inner.clone();
        trials.push(Trial::test("the_suite_is_large_enough", move || inner.check_size()));
        let inner = self.inner.clone();
        trials.push(Trial::test("every_reason_for_a_difference_is_needed", move || inner.check_reasons()));
        let inner = self.inner.clone();
        trials.push(Trial::test("the_page_lists_every_difference", move || inner.check_page()));
        trials
    }
}

impl Inner {
    async fn check(&self, topic_index: usize, case_index: usize) -> Result<(), Failed> {
        let (name, topic) = &self.topics[topic_index];
        let case = &topic.cases[case_index];
        self.defined[name].get_or_init(|| self.define(name, topic)).await;
        let words = Words::new(&self.run, name, case_index);
        let problems = run::problems(topic, case, &words, &self.apis, &self.reasons).await;
        if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
    }

    async fn define(&self, name: &str, topic: &Topic) {
        let words = Words::new(&self.run, name, 0);
        for definition in words::definitions(&words, &topic.definitions) {
            for api in &self.apis {
                run::define(api, &words, &definition).await;
            }
        }
    }

    fn check_size(&self) -> Result<(), Failed> {
        let steps = self.topics.iter().flat_map(|(_, topic)| &topic.cases).flat_map(|case| &case.steps);
        let pairs: BTreeSet<String> = steps.map(|step| format!("{step:?}")).collect();
        eprintln!("{} distinct requests and expectations", pairs.len());
        if pairs.len() < AT_LEAST {
            return Err(format!("{} distinct requests and expectations, not {AT_LEAST}", pairs.len()).into());
        }
        Ok(())
    }

    /// The page about the server lists every difference, in these words.
    fn check_page(&self) -> Result<(), Failed> {
        let page = include_str!("../../../docs/api-server.md");
        let row = |difference: &Difference| format!("| {} | {} |\n", difference.what, difference.why);
        let rows: String = self.reasons.values().map(row).collect();
        if page.contains(&rows) { Ok(()) } else { Err(format!("docs/api-server.md does not contain\n{rows}").into()) }
    }

    fn check_reasons(&self) -> Result<(), Failed> {
        let steps = self.topics.iter().flat_map(|(_, topic)| &topic.cases).flat_map(|case| &case.steps);
        let used: BTreeSet<&String> = steps.filter_map(|step| step.expected.differs.as_ref()).collect();
        let unused: Vec<&String> = self.reasons.keys().filter(|reason| !used.contains(reason)).collect();
        if unused.is_empty() { Ok(()) } else { Err(format!("no answer differs because of {unused:?}").into()) }
    }
}

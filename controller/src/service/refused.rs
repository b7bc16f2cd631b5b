//! What is wrong with an order, problem by problem: a command names the place of each, a service waits with all of them.

use std::fmt;

use crate::providers::Hold;

/// Why an order cannot be carried out. Each problem begins with the path of its field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// One of [`hostwright_crds::reason`].
    pub reason: &'static str,
    /// The package, where it is the one to blame.
    pub package: Option<String>,
    /// What is wrong.
    pub problems: Vec<String>,
}

impl Refused {
    /// The service is to blame.
    pub fn of_the_service(reason: &'static str, problems: Vec<String>) -> Self {
        Self { reason, package: None, problems }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = self.problems.join("; ");
        match &self.package {
            Some(package) => write!(formatter, "Package {package}: {problems}"),
            None => formatter.write_str(&problems),
        }
    }
}

impl From<Refused> for Hold {
    fn from(refused: Refused) -> Self {
        Self::new(refused.reason, refused.to_string())
    }
}

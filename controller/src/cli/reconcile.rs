//! `hostwright reconcile`: asks for one attempt now, whatever pause an earlier failure asked for.

use hostwright_crds::annotation;

use super::failure::Failure;
use super::output::Output;
pub(super) use super::request::Arguments;
use super::request::Request;

const LOOK: Request = Request {
    annotation: annotation::RECONCILE_REQUESTED_AT,
    manager: "hostwright-reconcile",
    done: "is looked at now",
};

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    LOOK.make(&arguments.service.read().await?, arguments.dry_run, output).await
}

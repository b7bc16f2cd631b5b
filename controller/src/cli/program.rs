//! The name by which people call this binary, which every hint repeats.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::OnceLock;

/// What kubectl looks for on the PATH when it is told `kubectl hostwright`.
const PLUGIN: &str = "kubectl-hostwright";

/// `hostwright`, or `kubectl hostwright` where kubectl has called it.
pub(super) fn name() -> &'static str {
    static NAME: OnceLock<&str> = OnceLock::new();
    NAME.get_or_init(|| of(std::env::args_os().next().as_deref()))
}

fn of(called: Option<&OsStr>) -> &'static str {
    let file = called.map(Path::new).and_then(Path::file_stem);
    if file.is_some_and(|file| file == PLUGIN) { "kubectl hostwright" } else { "hostwright" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_called_as_kubectl_calls_it_by_the_name_of_a_plugin_alone() {
        let called = |path: &str| of(Some(OsStr::new(path)));
        assert_eq!(called("/usr/local/bin/kubectl-hostwright"), "kubectl hostwright");
        assert_eq!(called("/kubectl-hostwright/hostwright"), "hostwright");
        assert_eq!(of(None), "hostwright");
    }
}

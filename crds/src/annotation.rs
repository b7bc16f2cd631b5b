//! Every annotation that Hostwright reads or writes.

/// The identity record, written by the controller before its first remote call: see [`crate::Identity`].
pub const IDENTITY: &str = "hostwright.dev/identity";
/// Any value but `false`: no remote call for this object, as `spec.paused`.
pub const PAUSED: &str = "hostwright.dev/paused";
/// A new value asks for one attempt now; the controller echoes it in `status.lastHandledReconcileAt`.
pub const RECONCILE_REQUESTED_AT: &str = "hostwright.dev/reconcile-requested-at";
/// A new value asks for new credentials; the controller echoes it in `status.lastHandledRotateAt` once they are issued.
pub const ROTATE_REQUESTED_AT: &str = "hostwright.dev/rotate-requested-at";
/// Accepts the differences of an attached remote: the hash that `Synced=False/AttachedWithDifferences` names.
pub const ACCEPT_DIFFERENCES: &str = "hostwright.dev/accept-diff";
/// Settles a create whose outcome nobody can look up: `absent`, or the remote's id.
pub const RESOLVE_CREATE: &str = "hostwright.dev/resolve-create";
/// Settles a renewal whose outcome nobody can look up: `renewed`, or `repeat`.
pub const RESOLVE_RENEW: &str = "hostwright.dev/resolve-renew";
/// On a ProviderInstance: confirms what its condition asks for, by the token that the condition names.
pub const CONFIRM: &str = "hostwright.dev/confirm";
/// On a ProviderInstance: lets that many more endings through the brake in the current hour.
pub const RELEASE_ENDINGS: &str = "hostwright.dev/release-endings";
/// On a ProviderInstance: lets that many more suspensions by overdue policies through their brake in the current hour.
pub const RELEASE_SUSPENSIONS: &str = "hostwright.dev/release-suspensions";
/// Written by `hostwright standalone --manifests`: the folder whose files say what the object is. A copied one has no effect.
pub const APPLIED_FROM: &str = "hostwright.dev/applied-from";
/// In the manifests of the quick start: what `hostwright demo --once` expects, `READY/REASON`, e.g. `True/UpToDate`.
pub const EXPECT: &str = "hostwright.dev/expect";

/// An annotation and what it is for.
pub struct Annotation {
    /// Its key.
    pub key: &'static str,
    /// The kind that carries it.
    pub on: &'static str,
    /// Who writes it.
    pub written_by: &'static str,
    /// What it holds and what it does.
    pub meaning: &'static str,
}

/// All of them, in the order of the documentation.
pub const ALL: &[Annotation] = &[
    Annotation {
        key: IDENTITY,
        on: "HostingService",
        written_by: "controller",
        meaning: "The identity record: which remote belongs to this object. Never copy or edit it; a copied one is not believed.",
    },
    Annotation {
        key: PAUSED,
        on: "HostingService",
        written_by: "operators",
        meaning: "`true`: no remote call at all, like `spec.paused`.",
    },
    Annotation {
        key: RECONCILE_REQUESTED_AT,
        on: "HostingService, ProviderInstance",
        written_by: "people, pipelines, `hostwright reconcile`",
        meaning: "Any new value, by custom a time: one attempt now, whatever the back-off. Echoed in `status.lastHandledReconcileAt`.",
    },
    Annotation {
        key: ROTATE_REQUESTED_AT,
        on: "HostingService",
        written_by: "people, pipelines, `hostwright rotate`",
        meaning: "Any new value, by custom a time: new credentials, once. The old ones stop working. Echoed in `status.lastHandledRotateAt` once the new ones are in the Secret, or once it is clear that the plugin cannot issue any.",
    },
    Annotation {
        key: ACCEPT_DIFFERENCES,
        on: "HostingService",
        written_by: "operators",
        meaning: "The hash named by `Synced=False/AttachedWithDifferences`: bring the attached remote to the wanted configuration.",
    },
    Annotation {
        key: RESOLVE_CREATE,
        on: "HostingService",
        written_by: "operators",
        meaning: "After `Stalled/CreateOutcomeUnknown`: `absent` when nothing was created, or the remote's id.",
    },
    Annotation {
        key: RESOLVE_RENEW,
        on: "HostingService",
        written_by: "operators",
        meaning: "After `Stalled/RenewOutcomeUnknown`: `renewed` when the provider has the new date, `repeat` when it has not. Counts once.",
    },
    Annotation {
        key: CONFIRM,
        on: "ProviderInstance",
        written_by: "operators, `hostwright confirm`",
        meaning: "The token named by `RemoteChanged`, `MassAbsence` or `RemotesAlreadyThere`: what was found is intended.",
    },
    Annotation {
        key: RELEASE_ENDINGS,
        on: "ProviderInstance",
        written_by: "operators",
        meaning: "A number: that many endings more than `limits.terminations` in the current window.",
    },
    Annotation {
        key: RELEASE_SUSPENSIONS,
        on: "ProviderInstance",
        written_by: "operators",
        meaning: "A number: that many suspensions by overdue policies more than `limits.policySuspensions` in the current window.",
    },
    Annotation {
        key: APPLIED_FROM,
        on: "everything",
        written_by: "`hostwright standalone --manifests`",
        meaning: "The folder whose files say what the object is: edit it there. A copied annotation has no effect.",
    },
    Annotation {
        key: EXPECT,
        on: "HostingService",
        written_by: "authors of examples",
        meaning: "What `hostwright demo --once` expects of it: `READY/REASON`, for instance `True/UpToDate`. `hostwright validate` only warns of the mistake that it names. Without effect elsewhere.",
    },
];

/// The text of docs/annotations.md.
pub fn to_markdown() -> String {
    use std::fmt::Write as _;

    let mut text = String::from(
        "# Annotations\n\nEvery annotation that Hostwright reads or writes.\n\nThis page is generated: `just generate`.\n\n\
         | annotation | on | written by | meaning |\n|---|---|---|---|\n",
    );
    for annotation in ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            annotation.key, annotation.on, annotation.written_by, annotation.meaning
        );
    }
    text
}

//! The reasons of conditions and events, each with a paragraph; docs/reasons.md is generated from here.

/// A reason and what to make of it.
#[derive(Debug, Clone, Copy)]
pub struct Reason {
    /// The word that conditions and events carry.
    pub name: &'static str,
    /// The condition types it appears on, or `event`.
    pub on: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Who has to act.
    pub who_acts: &'static str,
    /// A command that helps.
    pub command: &'static str,
}

/// Declares each reason once: the constant that code uses and the paragraph that people read cannot drift apart.
macro_rules! reasons {
    ($($constant:ident = $name:literal on $on:literal { $meaning:literal, $who:literal, $command:literal })*) => {
        $(#[doc = $meaning] pub const $constant: &str = $name;)*
        /// Every reason, in the order of the documentation.
        pub const ALL: &[Reason] = &[
            $(Reason { name: $name, on: $on, meaning: $meaning, who_acts: $who, command: $command },)*
        ];
    };
}

reasons! {
    UP_TO_DATE = "UpToDate" on "Ready, Synced, Provisioned, Accepted" {
        "The remote is as the spec wants it.",
        "nobody",
        "kubectl get hsvc NAME -o wide"
    }
    NOT_SUSPENDED = "NotSuspended" on "Suspended" {
        "No holder suspends the service, and the remote is not suspended.",
        "nobody",
        "kubectl get hsvc NAME"
    }
    SUSPENDED = "Suspended" on "Ready, Suspended" {
        "`spec.desiredStatus` is Suspended, and the remote is. Where a holder suspends the service, the reason is the holder's own.",
        "whoever wrote desiredStatus",
        "kubectl patch hsvc NAME --type merge -p '{\"spec\":{\"desiredStatus\":\"Active\"}}'"
    }
    OVERDUE = "Overdue" on "Ready, Suspended, nextTransition" {
        "The service is paid until a date that is past, and its Package suspends what is overdue, later perhaps ends it. A payment lifts this suspension and no other.",
        "billing: move paidUntil",
        "kubectl patch hsvc NAME --type merge -p '{\"spec\":{\"renewal\":{\"paidUntil\":\"2027-01-01T00:00:00Z\"}}}'"
    }
    CANCELLED = "Cancelled" on "nextTransition" {
        "The service ends on the date of `spec.cancellation`. Until it has ended that can be withdrawn.",
        "nobody, or billing to withdraw it",
        "kubectl patch hsvc NAME --type merge -p '{\"spec\":{\"cancellation\":null}}'"
    }
    CLOCKS_DISAGREE = "ClocksDisagree" on "nextTransition" {
        "By the clock of the controller or that of the API server something is due, and the two are more than two minutes apart. Nothing is suspended or ended by date until they agree.",
        "platform team: set the clocks",
        "date -u"
    }
    POLICY_SUSPENSION_HELD = "PolicySuspensionHeld" on "Ready" {
        "The brake: as many services as limits.policySuspensions allows were suspended as overdue in the current window. The others wait, and stay usable.",
        "platform team",
        "kubectl annotate hinst NAME hostwright.dev/release-suspensions=NUMBER"
    }
    TERMINATED = "Terminated" on "Ready, Provisioned" {
        "The remote was ended, and the provider confirmed that it is gone. This is final.",
        "nobody",
        "kubectl delete hsvc NAME"
    }
    PENDING = "Pending" on "Ready, Provisioned" {
        "Nothing exists at the provider yet.",
        "nobody",
        "kubectl describe hsvc NAME"
    }
    PROVISIONING = "Provisioning" on "Ready, Provisioned, Reconciling" {
        "The provider accepted the create and is working on it: an installation, a first start.",
        "nobody, unless it lasts",
        "kubectl get hsvc NAME -w"
    }
    CREATING = "Creating" on "Reconciling" {
        "The create was asked for and has not been answered.",
        "nobody",
        "kubectl get hsvc NAME -w"
    }
    ADOPTING = "Adopting" on "Ready, Reconciling" {
        "The remote that `spec.adopt` names is being taken over.",
        "nobody",
        "kubectl get hsvc NAME -w"
    }
    UPDATING = "Updating" on "Ready, Reconciling" {
        "The configuration at the provider is being changed.",
        "nobody",
        "kubectl get hsvc NAME -w"
    }
    SUSPENDING = "Suspending" on "Ready, Reconciling, Suspended" {
        "The remote is being suspended.",
        "nobody",
        "kubectl get hsvc NAME -w"
    }
    UNSUSPENDING = "Unsuspending" on "Ready, Reconciling, Suspended" {
        "The suspension is being lifted.",
        "nobody",
        "kubectl get hsvc NAME -w"
    }
    TERMINATING = "Terminating" on "Ready, Reconciling" {
        "The remote is being ended; the object stays until the provider says that it is gone.",
        "nobody",
        "kubectl get hsvc NAME -w"
    }
    PAUSED = "Paused" on "Ready, Paused" {
        "`spec.paused` or the annotation hostwright.dev/paused is set: no remote call is made.",
        "operators",
        "kubectl patch hsvc NAME --type merge -p '{\"spec\":{\"paused\":false}}'"
    }
    INSTANCE_DISABLED = "InstanceDisabled" on "Ready, Paused" {
        "The ProviderInstance has mode Disabled: no call is made. Nothing is lost; work resumes when it is enabled.",
        "platform team",
        "kubectl patch hinst NAME --type merge -p '{\"spec\":{\"mode\":\"Active\"}}'"
    }
    INSTANCE_OBSERVE_ONLY = "InstanceObserveOnly" on "Ready, Paused" {
        "The ProviderInstance has mode ObserveOnly: remotes are looked at and nothing is changed.",
        "platform team",
        "kubectl patch hinst NAME --type merge -p '{\"spec\":{\"mode\":\"Active\"}}'"
    }
    INSTANCE_NOT_FOUND = "InstanceNotFound" on "Ready, Accepted" {
        "The ProviderInstance that the Package or the identity record names does not exist.",
        "platform team",
        "kubectl get hinst"
    }
    INSTANCE_NOT_READY = "InstanceNotReady" on "Ready, Accepted" {
        "The ProviderInstance is not usable yet; its own Ready condition says why.",
        "platform team",
        "kubectl describe hinst NAME"
    }
    PACKAGE_NOT_FOUND = "PackageNotFound" on "Ready, Accepted" {
        "The Package does not exist. Suspending and ending work all the same.",
        "whoever ordered, or the platform team",
        "kubectl get hpkg"
    }
    PACKAGE_INVALID = "PackageInvalid" on "Ready, Accepted, Stalled" {
        "The Package's provisioning does not satisfy the plugin's package schema, or what it adds to the checkout is no schema. Suspending and ending work all the same.",
        "platform team",
        "kubectl describe hpkg NAME"
    }
    PLUGIN_NOT_FOUND = "PluginNotFound" on "Ready, Accepted, Stalled" {
        "`spec.pluginRef` names a plugin that this controller does not have.",
        "platform team",
        "kubectl get hplug"
    }
    NAMESPACE_NOT_ALLOWED = "NamespaceNotAllowed" on "Ready, Accepted, Stalled" {
        "The namespaceSelector of the Package or the ProviderInstance does not admit the service's namespace. A Package without one admits none.",
        "platform team",
        "kubectl get hpkg NAME -o yaml"
    }
    DELETION_POLICY_NOT_ALLOWED = "DeletionPolicyNotAllowed" on "Ready, Accepted" {
        "The Package does not allow the service's deletionPolicy.",
        "whoever ordered",
        "kubectl patch hsvc NAME --type merge -p '{\"spec\":{\"deletionPolicy\":\"Terminate\"}}'"
    }
    INSTANCE_MISMATCH = "InstanceMismatch" on "Ready, Accepted" {
        "The Package belongs to another ProviderInstance than the remote. A remote cannot move; the old configuration stays.",
        "whoever ordered",
        "kubectl patch hsvc NAME --type merge -p '{\"spec\":{\"packageRef\":{\"name\":\"OLD\"}}}'"
    }
    INVALID_CHECKOUT = "InvalidCheckout" on "Ready, Accepted, Stalled" {
        "`spec.checkout` or a value of `spec.checkoutFrom` does not satisfy the plugin's checkout schema and the fields that the Package adds; the message names each field.",
        "whoever ordered",
        "hostwright plugins PLUGIN --schema checkout"
    }
    INVALID_SELECTION = "InvalidSelection" on "Ready, Accepted, Stalled" {
        "`spec.selections` names a variant or an option that the package does not have, or leaves out a required one; the message names the field, what was found, and what can be chosen.",
        "whoever ordered",
        "kubectl get hpkg PACKAGE -o yaml"
    }
    INVALID_CONFIGURATION = "InvalidConfiguration" on "Ready, Accepted, Stalled" {
        "The settings do not satisfy the plugin's schema; the message names each field.",
        "platform team",
        "hostwright plugins PLUGIN --schema config"
    }
    INLINE_SECRET = "InlineSecret" on "Ready, Accepted, Stalled" {
        "A password field stands in `spec.config` of a ProviderInstance or `spec.checkout` of a HostingService. It was not used. Put the value in a Secret, refer to it under configFrom or checkoutFrom, and replace the key: it has been in clear text.",
        "platform team, or whoever ordered",
        "kubectl edit hinst NAME"
    }
    SECRET_NOT_FOUND = "SecretNotFound" on "Ready, Accepted" {
        "A Secret or a key that configFrom refers to does not exist in the controller's namespace; or one that checkoutFrom refers to does not exist in the service's, lacks the label `hostwright.dev/checkout: \"true\"`, or may not be read. A service looks again by itself, at the latest after five minutes.",
        "platform team, or whoever ordered",
        "kubectl -n NAMESPACE get secret"
    }
    FIELD_NOT_CHANGEABLE = "FieldNotChangeable" on "Ready, Accepted, Stalled" {
        "A field that counts only at creation differs from what was applied. The old configuration stays.",
        "platform team",
        "kubectl describe hsvc NAME"
    }
    SCALE_NOT_ALLOWED = "ScaleNotAllowed" on "Ready, Accepted, Stalled" {
        "The Package that the service has does not name the one that is ordered now in `spec.scalableTo`. Nothing is changed; the old configuration stays.",
        "whoever ordered, or platform team: add the edge",
        "kubectl patch hsvc NAME --type merge -p '{\"spec\":{\"packageRef\":{\"name\":\"OLD\"}}}'"
    }
    ADOPTION_NOT_ALLOWED = "AdoptionNotAllowed" on "Ready, Accepted, Stalled" {
        "`spec.adopt` names a remote, and the ProviderInstance does not allow that (`spec.adoption`), or its plugin cannot take over what is there. Nothing is called and nothing is created.",
        "platform team",
        "kubectl patch hinst NAME --type merge -p '{\"spec\":{\"adoption\":\"Allow\"}}'"
    }
    ADOPTION_REFUSED = "AdoptionRefused" on "Ready, Accepted, Stalled" {
        "The remote that `spec.adopt` names carries the mark of another service or installation, or belongs to another owner. It is not touched, and nothing is created.",
        "whoever ordered, or operators",
        "hostwright import INSTANCE"
    }
    REMOTE_NOT_FOUND = "RemoteNotFound" on "Ready, Accepted, Stalled" {
        "The provider has no remote with the id in `spec.adopt`. Nothing is created in its place.",
        "whoever ordered: correct the id, or remove adopt to have a new one made",
        "hostwright import INSTANCE"
    }
    ROLLED_OUT = "RolledOut" on "RolledOut" {
        "Every service that has the Package is as the Package is now.",
        "nobody",
        "kubectl get hpkg NAME"
    }
    ROLLING_OUT = "RollingOut" on "RolledOut" {
        "An edit of the Package is reaching its services, as many at a time as `spec.rollout.maxConcurrent` says.",
        "nobody",
        "kubectl wait hpkg/NAME --for=condition=RolledOut --timeout=10m"
    }
    ROLLOUT_STOPPED = "RolloutStopped" on "RolledOut" {
        "An edit of the Package failed for as many services as `spec.rollout.maxFailures` says, so no further one is changed; `status.rollout.failing` names them. It goes on by itself once fewer fail.",
        "platform team: mend or take back the edit, or mend what keeps these services from following it",
        "kubectl describe hpkg NAME"
    }
    PINNED = "Pinned" on "RolledOut" {
        "Edits of the Package are for new services; those that have it stay as they are.",
        "nobody",
        "kubectl get hpkg NAME"
    }
    DESTRUCTIVE_CHANGE = "DestructiveChange" on "Ready, Stalled, event" {
        "What is ordered now would lose data at the provider, by the plugin's own account. Nothing was called; the old configuration stays.",
        "whoever ordered: set it back, or let it through once the data is safe",
        "kubectl patch hsvc NAME --type merge -p '{\"spec\":{\"allowDestructive\":true}}'"
    }
    CONNECTED = "Connected" on "Ready" {
        "The last connection test passed, and this is the panel it was before.",
        "nobody",
        "kubectl get hinst NAME -o wide"
    }
    READY = "Ready" on "Ready" {
        "It can be used.",
        "nobody",
        "kubectl get hpkg,hplug"
    }
    PROVIDER_UNAVAILABLE = "ProviderUnavailable" on "Ready, Synced" {
        "The provider cannot be reached or refuses work for now; nothing was changed. Attempts go on with growing pauses.",
        "platform team, if it lasts",
        "kubectl describe hinst NAME"
    }
    PROVIDER_UNAUTHORIZED = "ProviderUnauthorized" on "Ready, Stalled" {
        "The provider refuses the credentials. All services of the instance wait; attempts resume by themselves once the Secret is mended.",
        "platform team",
        "kubectl -n NAMESPACE edit secret NAME"
    }
    FORBIDDEN = "Forbidden" on "Ready, Stalled" {
        "The provider accepts the credentials and refuses this request: a permission is missing.",
        "platform team",
        "kubectl describe hinst NAME"
    }
    RATE_LIMITED = "RateLimited" on "Ready" {
        "The provider throttles; the whole instance waits as long as it asked for.",
        "nobody",
        "kubectl get hsvc NAME -o wide"
    }
    CIRCUIT_OPEN = "CircuitOpen" on "Ready" {
        "Calls for several services failed at the provider as a whole. One trial call is made now and then; the circuit closes by itself.",
        "platform team, if it lasts",
        "kubectl describe hinst NAME"
    }
    OUT_OF_STOCK = "OutOfStock" on "Ready, Accepted" {
        "Every unit of the package's `stock` is taken. The services that wait are served in the order of their creation, by themselves, when one is ended or `stock` is raised.",
        "platform team",
        "kubectl get hpkg"
    }
    OWNER_LIMIT_REACHED = "OwnerLimitReached" on "Ready, Accepted" {
        "The owner has as many services of the package as its `limitPerOwner` allows. It goes on by itself when one of them is ended or the limit is raised.",
        "the owner, or the platform team",
        "kubectl get hsvc -A --field-selector spec.owner.id=ID"
    }
    INSTANCE_FULL = "InstanceFull" on "Ready, Accepted" {
        "The ProviderInstance has as many services as its `limits.maxServices` allows. Those that wait are served in the order of their creation.",
        "platform team",
        "kubectl describe hinst NAME"
    }
    NO_CAPACITY = "NoCapacity" on "Ready, Accepted" {
        "The provider has no room. Attempts go on slowly.",
        "platform team",
        "kubectl annotate hsvc NAME hostwright.dev/reconcile-requested-at=\"$(date +%s)\" --overwrite"
    }
    PROVIDER_BUSY = "ProviderBusy" on "Ready" {
        "The remote is busy with a transition; tried again soon.",
        "nobody",
        "kubectl get hsvc NAME -w"
    }
    PROVIDER_REFUSED = "ProviderRefused" on "Ready, Accepted, Stalled" {
        "The provider refused the configuration. Tried again when the inputs change, and every six hours.",
        "platform team",
        "kubectl describe hsvc NAME"
    }
    UNSUPPORTED = "Unsupported" on "Ready, Stalled" {
        "The plugin cannot do what is asked for.",
        "platform team",
        "hostwright plugins PLUGIN"
    }
    PLUGIN_ERROR = "PluginError" on "Ready" {
        "The plugin failed in a way it should not.",
        "plugin author",
        "kubectl describe hsvc NAME"
    }
    OUTCOME_UNKNOWN = "OutcomeUnknown" on "Ready, Provisioned" {
        "The last request may or may not have been applied. The remote is looked at before anything else happens.",
        "nobody",
        "kubectl get hsvc NAME -w"
    }
    CREATE_OUTCOME_UNKNOWN = "CreateOutcomeUnknown" on "Ready, Provisioned, Stalled" {
        "A create may have been applied and the provider offers no way to find out.",
        "operators",
        "kubectl annotate hsvc NAME hostwright.dev/resolve-create=absent"
    }
    RENEWING = "Renewing" on "Ready" {
        "The service was paid until a later date, and the provider is asked to extend its period.",
        "nobody",
        "kubectl get hsvc NAME -w"
    }
    RENEWED = "Renewed" on "event" {
        "The provider extended the paid period, or there was nothing to extend at it. `status.renewedUntil` says until when.",
        "nobody",
        "kubectl get hsvc NAME -o yaml"
    }
    RENEW_OUTCOME_UNKNOWN = "RenewOutcomeUnknown" on "Ready, Stalled" {
        "A renewal may have been carried out, and the provider offers no way to find out. It is not repeated, or the period might be bought twice. Everything else goes on.",
        "operators: look at the provider",
        "kubectl annotate hsvc NAME hostwright.dev/resolve-renew=renewed"
    }
    ROTATING = "Rotating" on "Ready" {
        "New credentials are being issued, because somebody asked for them or because the old ones were lost before they were stored.",
        "nobody",
        "kubectl get hsvc NAME -w"
    }
    ROTATED = "Rotated" on "event" {
        "New credentials were issued and are in the Secret that `status.credentials` names. The old ones no longer work.",
        "nobody",
        "kubectl get secret NAME-credentials"
    }
    CREDENTIALS_LOST = "CredentialsLost" on "Ready, CredentialsStored, Stalled" {
        "The provider issued credentials once, and the controller ended before they were stored. Where the plugin can issue new ones, that is done by itself. Elsewhere somebody sets them at the provider and puts them into the Secret.",
        "nobody, or operators: set them at the provider",
        "kubectl annotate hsvc NAME hostwright.dev/reconcile-requested-at=now --overwrite"
    }
    CREDENTIALS_NOT_STORED = "CredentialsNotStored" on "Ready" {
        "The Secret for the credentials of the remote cannot be written: most often the controller may not, and the value credentialSecrets.namespaces of the Helm chart lets it. Before a create nothing is made until it can. Afterwards the credentials are kept in memory and tried again; if the process ends meanwhile they are lost.",
        "platform team",
        "helm upgrade hostwright charts/hostwright --namespace hostwright-system --reset-then-reuse-values --set 'credentialSecrets.namespaces={NAMESPACE}'"
    }
    CREDENTIALS_SECRET_TAKEN = "CredentialsSecretTaken" on "Ready, Stalled" {
        "There is a Secret under the name for the credentials, and the service does not own it. It is never overwritten.",
        "whoever made that Secret: move it",
        "kubectl delete secret NAME-credentials"
    }
    OWNER_EMAIL_TAKEN = "OwnerEmailTaken" on "Ready, Stalled" {
        "The owner's e-mail address belongs to another user of the panel.",
        "platform team",
        "kubectl edit hsvc NAME"
    }
    REMOTE_EXISTS = "RemoteExists" on "Ready, Stalled" {
        "A remote with this service's id exists already and belongs to another owner. It is not touched.",
        "operators",
        "kubectl describe hsvc NAME"
    }
    REMOTE_CLAIMED_TWICE = "RemoteClaimedTwice" on "Ready, Stalled" {
        "Two services claim one remote. Neither changes it.",
        "operators",
        "kubectl get hsvc -A -o wide"
    }
    REMOTE_MISSING = "RemoteMissing" on "Ready, Provisioned, Stalled" {
        "Something else removed the remote. onRemoteMissing is Hold, so nothing is called.",
        "whoever owns the service",
        "kubectl patch hsvc NAME --type merge -p '{\"spec\":{\"onRemoteMissing\":\"Recreate\"}}'"
    }
    REMOTE_FAILED = "RemoteFailed" on "Ready, Provisioned, Stalled" {
        "The provider gave up on the remote, for instance because its installation failed.",
        "platform team",
        "kubectl describe hsvc NAME"
    }
    REMOTE_DELETING = "RemoteDeleting" on "Ready, Provisioned" {
        "The provider is removing a remote with this service's id; a new one waits for that.",
        "nobody",
        "kubectl get hsvc NAME -w"
    }
    REMOTE_CHANGED = "RemoteChanged" on "Ready, Stalled, EndingsHeld" {
        "The address or the key leads to another panel than before. Nothing is changed and no absence is believed until that is confirmed.",
        "platform team",
        "hostwright confirm INSTANCE"
    }
    MASS_ABSENCE = "MassAbsence" on "Ready, Stalled, EndingsHeld" {
        "Many remotes went missing at once. No absence is believed until that is confirmed.",
        "platform team",
        "hostwright confirm INSTANCE"
    }
    REMOTES_ALREADY_THERE = "RemotesAlreadyThere" on "EndingsHeld" {
        "Remotes with this installation's mark were there before this cluster saw the instance. Nothing on it is ended until that is confirmed: a staging copy must not end production.",
        "platform team",
        "hostwright confirm INSTANCE"
    }
    TERMINATION_HELD = "TerminationHeld" on "Ready" {
        "The brake: as many services as limits.terminations allows were ended in the current window. The others wait.",
        "platform team",
        "kubectl annotate hinst NAME hostwright.dev/release-endings=NUMBER"
    }
    TERMINATION_PROTECTED = "TerminationProtected" on "Ready, Stalled" {
        "The service should end and terminationProtection is on.",
        "operators",
        "kubectl patch hsvc NAME --type merge -p '{\"spec\":{\"terminationProtection\":false}}'"
    }
    ATTACHED_WITH_DIFFERENCES = "AttachedWithDifferences" on "Ready, Stalled, Synced" {
        "An existing remote was attached and differs from the package. It is not changed until that is accepted.",
        "operators",
        "kubectl annotate hsvc NAME hostwright.dev/accept-diff=HASH"
    }
    DRIFTED = "Drifted" on "Ready, Synced" {
        "The remote was changed outside Hostwright.",
        "nobody, it is corrected",
        "kubectl describe hsvc NAME"
    }
    NOT_CONVERGING = "NotConverging" on "Ready, Stalled, Synced" {
        "A scale succeeded and the same difference is there again. It is not repeated.",
        "platform team",
        "kubectl describe hsvc NAME"
    }
    EXTERNAL = "External" on "Ready, Stalled, Suspended" {
        "The remote was suspended on the panel, not by Hostwright. It stays suspended until somebody lifts that there.",
        "operators of the panel",
        "kubectl describe hsvc NAME"
    }
    OBSERVATION_STALE = "ObservationStale" on "Synced" {
        "The provider has not been seen for three observation intervals.",
        "platform team",
        "kubectl describe hinst NAME"
    }
    IDENTITY_COPIED = "IdentityCopied" on "Ready, Accepted, Stalled" {
        "The identity record was written for another object, so this manifest was copied with it. Nothing is touched.",
        "whoever copied it",
        "kubectl annotate hsvc NAME hostwright.dev/identity-"
    }
    IDENTITY_INVALID = "IdentityInvalid" on "Ready, Accepted, Stalled" {
        "The identity record cannot be read. Nothing is touched.",
        "operators",
        "kubectl get hsvc NAME -o yaml"
    }
    INVALID_OBJECT = "InvalidObject" on "event" {
        "The stored object does not match the schema of its kind, perhaps since an older CustomResourceDefinition was installed. It is left alone.",
        "operators",
        "kubectl get hsvc NAME -o yaml"
    }
    ALREADY_TERMINATED = "AlreadyTerminated" on "Ready, Stalled" {
        "The service was ended, which is final, and the spec wants it back.",
        "whoever ordered",
        "kubectl delete hsvc NAME && kubectl apply -f NAME.yaml"
    }
    PERMISSION_MISSING = "PermissionMissing" on "Ready, Stalled" {
        "The credentials work and lack a permission that the plugin needs.",
        "platform team",
        "kubectl describe hinst NAME"
    }
    IN_USE = "InUse" on "Ready" {
        "The object is being deleted and is still used; it stays until nothing uses it.",
        "platform team",
        "kubectl get hsvc -A -o wide"
    }
    CREATED = "Created" on "event" {
        "The provider made the remote.",
        "nobody",
        "kubectl describe hsvc NAME"
    }
    ATTACHED = "Attached" on "event" {
        "An existing remote with this service's id and owner was taken over.",
        "nobody",
        "kubectl describe hsvc NAME"
    }
    ADOPTED = "Adopted" on "event" {
        "The remote that `spec.adopt` names was taken over: it carries this service's mark now.",
        "nobody",
        "kubectl describe hsvc NAME"
    }
    UNSUSPENDED = "Unsuspended" on "event" {
        "The suspension was lifted.",
        "nobody",
        "kubectl describe hsvc NAME"
    }
    SCALED = "Scaled" on "event" {
        "The configuration at the provider was changed.",
        "nobody",
        "kubectl describe hsvc NAME"
    }
    RELEASED = "Released" on "event" {
        "The object went and the remote stays, by deletionPolicy Retain.",
        "nobody",
        "kubectl get events"
    }
}

/// The reason with this name.
pub fn find(name: &str) -> Option<&'static Reason> {
    ALL.iter().find(|reason| reason.name == name)
}

/// The text of docs/reasons.md.
pub fn to_markdown() -> String {
    use std::fmt::Write as _;

    let mut text = String::from(
        "# Reasons\n\nEvery reason that a condition or an event of Hostwright carries. `Ready` repeats the reason of the one \
         condition that explains it.\n\nThis page is generated: `just generate`.\n",
    );
    for reason in ALL {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n## {}\n\nOn: {}. {}\n\nWho acts: {}.\n\n```text\n{}\n```\n",
            reason.name, reason.on, reason.meaning, reason.who_acts, reason.command
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_is_named_once_and_has_a_paragraph() {
        let names: BTreeSet<_> = ALL.iter().map(|reason| reason.name).collect();
        assert_eq!(names.len(), ALL.len());
        for reason in ALL {
            assert!(reason.meaning.len() > 10 && reason.meaning.ends_with('.'), "{}: meaning", reason.name);
            assert!(
                !reason.who_acts.is_empty() && !reason.command.is_empty() && !reason.on.is_empty(),
                "{}",
                reason.name
            );
            assert!(reason.name.starts_with(|first: char| first.is_ascii_uppercase()), "{}", reason.name);
        }
    }
}

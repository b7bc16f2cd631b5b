//! How hard an instance may be driven: its own limits, else the plugin's, else careful defaults. Pure.

use hostwright_crds::InstanceLimits;
use hostwright_plugin::Capabilities;

use crate::providers::GateLimits;

/// Requests a minute where neither the instance nor the plugin says.
const REQUESTS_PER_MINUTE: u32 = 240;
/// Calls at once.
const CONCURRENT: usize = 8;
/// Creates at once where neither the instance nor the plugin says.
const CONCURRENT_CREATES: u32 = 2;

/// The limits of the gate.
pub(super) fn of(limits: &InstanceLimits, plugin: Option<&Capabilities>) -> GateLimits {
    let given = |limit: Option<i32>| limit.and_then(|limit| u32::try_from(limit).ok());
    let of_plugin = |limit: fn(&Capabilities) -> Option<u32>| plugin.and_then(limit);
    let creates = given(limits.max_concurrent_creates)
        .or_else(|| of_plugin(|plugin| plugin.max_concurrent_creates))
        .unwrap_or(CONCURRENT_CREATES);
    GateLimits {
        requests_per_minute: given(limits.requests_per_minute)
            .or_else(|| of_plugin(|plugin| plugin.requests_per_minute))
            .unwrap_or(REQUESTS_PER_MINUTE),
        max_concurrent: limits.max_concurrent.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(CONCURRENT),
        max_concurrent_creates: usize::try_from(creates).unwrap_or(usize::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::sample::Sample;
    use hostwright_plugin::Plugin as _;

    #[test]
    fn the_instance_wins_over_the_plugin_and_the_plugin_over_the_defaults() {
        let own =
            InstanceLimits { requests_per_minute: Some(30), max_concurrent: Some(4), ..InstanceLimits::default() };
        let gate = |requests_per_minute, max_concurrent, max_concurrent_creates| GateLimits {
            requests_per_minute,
            max_concurrent,
            max_concurrent_creates,
        };
        let plugin = Sample::new();
        let plugin = plugin.capabilities();
        assert_eq!(of(&own, Some(plugin)), gate(30, 4, 1));
        assert_eq!(of(&InstanceLimits::default(), Some(plugin)), gate(60, 8, 1));
        assert_eq!(of(&InstanceLimits::default(), None), gate(240, 8, 2));
    }
}

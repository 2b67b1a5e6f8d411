//! Signatures that a test cluster does not show on demand (another architecture, a dead node, a registry that
//! refuses, other runtimes and older minors), composed by hand in the words of the sources: kubelet, scheduler,
//! containerd, cri-dockerd, controllers. Each has a near miss beside it, which must not match.

mod containers;
mod network;
mod pods;
mod workloads;
mod world;

use std::collections::BTreeSet;

/// Runs every test here and returns the signatures that they tell.
pub(crate) fn all() -> BTreeSet<u16> {
    for test in [
        containers::endings_by_exit_code,
        containers::memory,
        containers::runtimes_say_the_same_in_other_words,
        containers::probes_kill,
        containers::readiness,
        pods::images,
        pods::scheduling,
        pods::a_lack_of_cpu_is_told_with_the_numbers_of_the_best_node,
        pods::failed_and_deleted_pods,
        pods::mounts,
        pods::volume_claims,
        network::services,
        network::ingresses_and_routes,
        network::policies_are_blamed_only_where_a_pod_got_no_answer,
        workloads::workloads,
        workloads::autoscalers,
        workloads::creation_is_refused,
        workloads::nodes,
        workloads::configuration,
        containers::logs,
        containers::init_containers,
    ] {
        test();
    }
    world::TOLD.lock().unwrap().clone()
}

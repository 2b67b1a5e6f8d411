//! Changing the size of a Deployment: of its one live ReplicaSet, or of several in proportion while a
//! rolling update is under way.
//!
//! Source: `DeploymentController.scale` and `GetReplicaSetProportion`.

use std::sync::Arc;

use serde_json::Value;

use super::deployment::SOURCE;
use super::pods;
use super::revisions;
use super::rollout;
use crate::events::Occurrence;
use crate::object;
use crate::simulation::State;
use crate::store::{Key, Part};

/// Gives the ReplicaSets of a resized or paused Deployment their sizes.
pub(super) fn scale(state: &mut State, deployment: &Value, new: Option<&Arc<Value>>, sets: &[Arc<Value>]) {
    let wanted = pods::replicas(deployment);
    let live: Vec<&Arc<Value>> = sets.iter().filter(|set| pods::replicas(set) > 0).collect();
    let single = match live.as_slice() {
        [] => new.or(sets.last()),
        [only] => Some(*only),
        _ => None,
    };
    if let Some(set) = single {
        resize(state, deployment, set, wanted);
        return;
    }
    if let Some(new) = new.filter(|new| is_saturated(deployment, new)) {
        for set in live.into_iter().filter(|set| object::uid(set) != object::uid(new)) {
            resize(state, deployment, set, 0);
        }
        return;
    }
    if deployment["spec"]["strategy"]["type"] == "Recreate" {
        return;
    }
    let maximum = wanted + rollout::bounds(deployment, wanted).surge;
    let sizes: Vec<i64> = live.iter().map(|set| pods::replicas(set)).collect();
    for (set, size) in live.iter().zip(proportional(&sizes, if wanted > 0 { maximum } else { 0 })) {
        resize(state, deployment, set, size);
    }
}

/// Returns sizes with the given sum, in proportion to the present ones; what rounding leaves goes to the
/// largest.
fn proportional(sizes: &[i64], total: i64) -> Vec<i64> {
    let present: i64 = sizes.iter().sum();
    if present == 0 {
        return sizes.to_vec();
    }
    let mut scaled: Vec<i64> = sizes.iter().map(|size| (size * total + present / 2) / present).collect();
    let mut rest = total - scaled.iter().sum::<i64>();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(sizes[*index]));
    for index in order {
        let size = (scaled[index] + rest).max(0);
        rest -= size - scaled[index];
        scaled[index] = size;
    }
    scaled
}

fn is_saturated(deployment: &Value, set: &Value) -> bool {
    let wanted = pods::replicas(deployment);
    let desired = set["metadata"]["annotations"][revisions::DESIRED].as_str().and_then(|text| text.parse().ok());
    pods::replicas(set) == wanted
        && desired == Some(wanted)
        && set["status"]["availableReplicas"].as_i64().unwrap_or_default() == wanted
}

/// Gives a ReplicaSet a size and the annotations about it; returns whether its size changed.
pub(super) fn resize(state: &mut State, deployment: &Value, set: &Value, size: i64) -> bool {
    let wanted = pods::replicas(deployment);
    let maximum = wanted + rollout::bounds(deployment, wanted).surge;
    let before = pods::replicas(set);
    let now = state.now;
    // Empty old sets keep the annotations of their time.
    if before == size && size == 0 {
        return false;
    }
    state.store.edit(&Key::of_object(set), Part::Spec, now, |set| {
        set["spec"]["replicas"] = size.into();
        revisions::annotate_size(set, wanted, maximum);
    });
    if before == size {
        return false;
    }
    let direction = if size > before { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {} from {before} to {size}", object::name(set));
    state.record(&SOURCE, deployment, &Occurrence::normal("ScalingReplicaSet", message));
    true
}

#[cfg(test)]
mod tests {
    use super::proportional;

    #[test]
    fn a_resize_during_a_rollout_keeps_the_proportions() {
        assert_eq!(proportional(&[4, 4], 12), [6, 6]);
        assert_eq!(proportional(&[8, 3], 13), [9, 4]);
        assert_eq!(proportional(&[3, 1], 0), [0, 0]);
        assert_eq!(proportional(&[1, 1], 3).iter().sum::<i64>(), 3);
    }
}

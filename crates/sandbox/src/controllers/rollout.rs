//! The arithmetic of rolling updates: how many pods may be too many and how many too few.
//!
//! Source: `pkg/controller/deployment/util/deployment_util.go` and `rolling.go`.

use serde_json::Value;

/// The bounds of a rolling update, in pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// How many more than wanted may exist.
    pub(crate) surge: i64,
    /// How many fewer than wanted may be available.
    pub(crate) unavailable: i64,
}

/// Returns the bounds of a Deployment; those of `Recreate` are zero and all.
pub(crate) fn bounds(deployment: &Value, replicas: i64) -> Bounds {
    let strategy = &deployment["spec"]["strategy"];
    if strategy["type"] == "Recreate" {
        return Bounds { surge: 0, unavailable: 0 };
    }
    let rolling = &strategy["rollingUpdate"];
    let surge = resolve(&rolling["maxSurge"], replicas, Rounding::Up);
    let unavailable = resolve(&rolling["maxUnavailable"], replicas, Rounding::Down);
    // Both zero would stand still (`ResolveFenceposts`).
    let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
    Bounds { surge, unavailable: unavailable.min(replicas) }
}

/// Which way a percentage of pods is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Up,
    Down,
}

/// Returns a number of pods given as a number or a percentage; 25 % when absent.
fn resolve(value: &Value, replicas: i64, rounding: Rounding) -> i64 {
    if let Some(number) = value.as_i64() {
        return number.max(0);
    }
    let percent = value.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok()).unwrap_or(25).max(0);
    let product = percent.saturating_mul(replicas);
    match rounding {
        Rounding::Up => product.saturating_add(99) / 100,
        Rounding::Down => product / 100,
    }
}

/// Returns a number of pods given as a number or as a percentage of `total`, rounded up.
pub(crate) fn share(value: &Value, total: i64) -> i64 {
    if value.is_null() { 0 } else { resolve(value, total, Rounding::Up) }
}

/// Returns the size that a new ReplicaSet may have now (`NewRSNewReplicas`).
pub(crate) fn new_size(wanted: i64, new: i64, total: i64, bounds: Bounds) -> i64 {
    let room = wanted + bounds.surge - total;
    if room <= 0 { new } else { new + room.min(wanted - new) }
}

/// One ReplicaSet in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Pods that it is to have.
    pub(crate) wanted: i64,
    /// Pods that are available.
    pub(crate) available: i64,
}

/// Returns the new sizes of the old ReplicaSets (oldest first): unhealthy pods go first, then healthy
/// ones as far as enough stay available (`reconcileOldReplicaSets`).
pub(crate) fn old_sizes(replicas: i64, new: Size, old: &[Size], bounds: Bounds) -> Vec<i64> {
    let mut sizes: Vec<i64> = old.iter().map(|size| size.wanted).collect();
    let all = new.wanted + sizes.iter().sum::<i64>();
    let least = replicas - bounds.unavailable;
    let mut removable = all - least - (new.wanted - new.available);
    if removable <= 0 {
        return sizes;
    }
    for (size, set) in sizes.iter_mut().zip(old) {
        let unhealthy = (*size - set.available).clamp(0, removable);
        *size -= unhealthy;
        removable -= unhealthy;
    }
    let available = new.available + old.iter().map(|size| size.available).sum::<i64>();
    let mut spare = available - least;
    for size in &mut sizes {
        let taken = (*size).min(spare.max(0));
        *size -= taken;
        spare -= taken;
    }
    sizes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bounds_of(surge: &Value, unavailable: &Value, replicas: i64) -> (i64, i64) {
        let deployment = json!({"spec": {"strategy": {"type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}});
        let bounds = bounds(&deployment, replicas);
        (bounds.surge, bounds.unavailable)
    }

    #[test]
    fn percentages_round_towards_more_pods() {
        assert_eq!(bounds_of(&json!("25%"), &json!("25%"), 10), (3, 2));
        assert_eq!(bounds_of(&json!("25%"), &json!("25%"), 1), (1, 0));
        assert_eq!(bounds_of(&json!(1), &json!(0), 3), (1, 0));
        assert_eq!(bounds_of(&json!(0), &json!("1%"), 3), (0, 1), "never both zero");
        assert_eq!(bounds_of(&json!(0), &json!(9), 3), (0, 3));
    }

    #[test]
    fn surge_limits_the_new_replica_set() {
        let bounds = Bounds { surge: 1, unavailable: 0 };
        assert_eq!(new_size(3, 0, 3, bounds), 1);
        assert_eq!(new_size(3, 1, 4, bounds), 1);
        assert_eq!(new_size(3, 0, 0, bounds), 3);
    }

    #[test]
    fn broken_old_pods_go_before_healthy_ones() {
        let bounds = Bounds { surge: 1, unavailable: 0 };
        let size = |wanted, available| Size { wanted, available };
        assert_eq!(old_sizes(3, size(1, 0), &[size(3, 3)], bounds), [3], "nothing to spare yet");
        assert_eq!(old_sizes(3, size(1, 1), &[size(3, 3)], bounds), [2]);
        assert_eq!(old_sizes(3, size(1, 1), &[size(1, 0), size(2, 2)], bounds), [0, 2]);
    }
}

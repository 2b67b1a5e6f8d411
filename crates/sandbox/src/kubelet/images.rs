//! Images: which are on a node, how long a pull takes, and what containerd and the kubelet say about it.

use std::collections::HashSet;
use std::time::Duration;

use super::faults::matches_pattern;
use crate::durations::go_precise;
use crate::random::{Random, digest};

/// Whether a container may start with the image on the node, or needs a pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// The image is there and may be used.
    Present,
    /// The image is to be pulled.
    ToPull,
    /// The image is absent and must not be pulled.
    NeverPulled,
}

/// Returns whether an image needs a pull under a pull policy.
pub(crate) fn presence(image: &str, policy: &str, preloaded: &[String], pulled: &HashSet<String>) -> Presence {
    let on_node = pulled.contains(image) || preloaded.iter().any(|pattern| matches_pattern(pattern, image));
    match (policy, on_node) {
        ("Always", _) | ("IfNotPresent" | "", false) => Presence::ToPull,
        ("Never", false) => Presence::NeverPulled,
        _ => Presence::Present,
    }
}

/// Returns how long a pull takes.
pub(crate) fn pull_time(random: &mut Random) -> Duration {
    random.millis(500, 2000)
}

/// Returns an image's size in bytes, the same for the same image.
fn size(image: &str) -> u64 {
    u64::from_str_radix(&digest(image)[..6], 16).unwrap_or_default() * 8 + 5_000_000
}

/// Returns the message of the `Pulled` event after a pull.
pub(crate) fn pulled_message(image: &str, took: Duration) -> String {
    let took = go_precise(took);
    format!(
        "Successfully pulled image \"{image}\" in {took} ({took} including waiting). Image size: {} bytes.",
        size(image)
    )
}

/// Returns the error of a pull, in containerd's words; `said` is what the registry answered if not
/// "not found".
pub(crate) fn pull_error(image: &str, said: Option<&str>) -> String {
    let reference = canonical(image);
    let (code, reason) = match said {
        None => ("NotFound", format!("{reference}: not found")),
        Some(said) => ("Unknown", said.to_owned()),
    };
    format!(
        "rpc error: code = {code} desc = failed to pull and unpack image \"{reference}\": \
         failed to resolve reference \"{reference}\": {reason}"
    )
}

/// Returns the full reference of an image: `redis:7` is `docker.io/library/redis:7`.
pub(crate) fn canonical(image: &str) -> String {
    let first = image.split('/').next().unwrap_or_default();
    let has_registry = image.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let full = match (has_registry, image.contains('/')) {
        (true, _) => image.to_owned(),
        (false, true) => format!("docker.io/{image}"),
        (false, false) => format!("docker.io/library/{image}"),
    };
    let last = full.rsplit('/').next().unwrap_or_default();
    if last.contains(':') || last.contains('@') { full } else { format!("{full}:latest") }
}

/// Returns the image id that a container status shows.
pub(crate) fn image_id(image: &str) -> String {
    let reference = canonical(image);
    let repository = reference.rsplit_once(':').map_or(reference.as_str(), |(repository, _)| repository);
    format!("{repository}@sha256:{}", digest(&reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_decide_about_pulls() {
        let preloaded = ["shop-*".to_owned()];
        let pulled = HashSet::from(["redis:7".to_owned()]);
        for (image, policy, expected) in [
            ("shop-api:v1", "IfNotPresent", Presence::Present),
            ("redis:7", "IfNotPresent", Presence::Present),
            ("redis:8", "IfNotPresent", Presence::ToPull),
            ("redis:7", "Always", Presence::ToPull),
            ("redis:8", "Never", Presence::NeverPulled),
        ] {
            assert_eq!(presence(image, policy, &preloaded, &pulled), expected, "{image} {policy}");
        }
    }

    #[test]
    fn a_missing_image_is_told_as_containerd_does() {
        assert_eq!(
            pull_error("shop-api:v9", None),
            "rpc error: code = NotFound desc = failed to pull and unpack image \"docker.io/library/shop-api:v9\": \
             failed to resolve reference \"docker.io/library/shop-api:v9\": docker.io/library/shop-api:v9: not found"
        );
    }

    #[test]
    fn references_are_completed() {
        for (image, full) in [
            ("redis", "docker.io/library/redis:latest"),
            ("shop/api:v1", "docker.io/shop/api:v1"),
            ("ghcr.io/shop/api", "ghcr.io/shop/api:latest"),
            ("localhost:5000/api:v1", "localhost:5000/api:v1"),
        ] {
            assert_eq!(canonical(image), full);
        }
    }
}

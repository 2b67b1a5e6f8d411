//! What a cluster serves beyond the built-in kinds, asked for once and only when a word needs it.

use serde_json::Value;
use todo_agent_core::{Cause, ClusterError, ResourceType};
use todo_agent_kube_rules::kinds;

use crate::{cluster::Cluster, http::ApiRequest};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// The types a cluster serves, with the words for them.
#[derive(Debug, Default)]
pub(crate) struct Discovered {
    types: Vec<(ResourceType, Vec<String>)>,
}

impl Cluster {
    /// Returns the type that a word means.
    pub(crate) async fn resource_type(&self, word: &str) -> Result<ResourceType, ClusterError> {
        if let Some(kind) = kinds::find(word) {
            return Ok(kind.into());
        }
        let discovered = self.discovered.get_or_try_init(|| self.discover()).await?;
        let word = word.to_ascii_lowercase();
        let (name, group) = word.split_once('.').map_or((word.as_str(), None), |(name, group)| (name, Some(group)));
        let found = discovered
            .types
            .iter()
            .find(|(resource, words)| {
                words.iter().any(|known| known == name) && group.is_none_or(|group| group == resource.group)
            })
            .map(|(resource, _)| resource.clone());
        found.ok_or_else(|| unknown(&word, discovered))
    }

    async fn discover(&self) -> Result<Discovered, ClusterError> {
        let request = ApiRequest::get("/apis", "look up a kind").accept(AGGREGATED);
        let reply = self.http.read(request).await?;
        Ok(Discovered { types: parse(&reply.body) })
    }
}

fn parse(list: &Value) -> Vec<(ResourceType, Vec<String>)> {
    let mut types = Vec::new();
    for group in list["items"].as_array().into_iter().flatten() {
        // The first version is the preferred one.
        let Some(version) = group["versions"].as_array().and_then(|versions| versions.first()) else { continue };
        for resource in version["resources"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let plural = text(&resource["resource"]);
            let kind = text(&resource["responseKind"]["kind"]);
            let mut words = vec![plural.clone(), kind.to_ascii_lowercase(), text(&resource["singularResource"])];
            words.extend(resource["shortNames"].as_array().into_iter().flatten().map(text));
            words.retain(|word| !word.is_empty());
            types.push((
                ResourceType {
                    group: text(&group["metadata"]["name"]),
                    version: text(&version["version"]),
                    kind,
                    plural,
                    namespaced: resource["scope"] == "Namespaced",
                },
                words,
            ));
        }
    }
    types
}

fn unknown(word: &str, discovered: &Discovered) -> ClusterError {
    let builtin = kinds::KINDS.iter().flat_map(|kind| [kind.singular, kind.plural]).map(str::to_owned);
    let custom = discovered.types.iter().flat_map(|(_, words)| words.iter().cloned());
    let nearest = builtin
        .chain(custom)
        .map(|known| (strsim::osa_distance(&known, word), known))
        // Of a short word little is left after two mistakes.
        .filter(|(distance, _)| *distance <= 2.min(word.len() / 3))
        .min();
    let error = ClusterError::new(Cause::NotFound, format!("the cluster has no kind {word:?}"));
    match nearest {
        Some((_, known)) => error.hint(format!("did you mean {known}?")),
        None => error.hint("kubectl api-resources lists the kinds it serves"),
    }
}

//! The autoscalers that set a workload's replica count and would act against a person's.
//!
//! Who else keeps an object (Helm, Argo CD, Flux, a controller) the preview reads from the object itself,
//! for every change alike; an autoscaler leaves no mark there, so it is looked up here.

use serde_json::Value;
use todo_agent_core::{ClusterError, ListQuery, ObjectRef, Reader, Remark, Within};

use crate::{names, value};

/// What is known of the autoscalers of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Autoscaler {
    /// One keeps the replica count between these bounds.
    Keeps { name: String, minimum: i64, maximum: i64 },
    /// Autoscalers may not be listed, so none can be ruled out.
    Unknown,
}

/// Returns the autoscalers that set this workload's replica count. Costs one request.
pub(crate) async fn of(reader: &dyn Reader, object: &ObjectRef) -> Result<Vec<Autoscaler>, ClusterError> {
    let namespace = object.namespace.clone().unwrap_or_default();
    let mut autoscalers = Vec::new();
    for resource in names::types(&["HorizontalPodAutoscaler"]) {
        match reader.list(&ListQuery::new(resource, Within::Namespace(namespace.clone()))).await {
            Ok(found) => autoscalers.extend(found.iter().filter(|hpa| targets(hpa, object)).map(bounds)),
            Err(error) if names::is_refusal(&error) => autoscalers.push(Autoscaler::Unknown),
            Err(error) => return Err(error),
        }
    }
    Ok(autoscalers)
}

impl Autoscaler {
    /// Returns what a person who wants this many replicas must know.
    pub(crate) fn remark(&self, wanted: i64) -> Remark {
        let Self::Keeps { name, minimum, maximum } = self else {
            return Remark::Fact(
                "autoscalers may not be listed, so whether one keeps the replica count is not known".to_owned(),
            );
        };
        let keeps = format!("horizontalpodautoscaler/{name} keeps {minimum}–{maximum} replicas");
        // An autoscaler leaves a count of 0 alone (HPA is disabled at 0 replicas).
        if wanted == 0 {
            return Remark::KeptBy(format!("{keeps}; it rests while the count is 0"));
        }
        let patch = if wanted > *maximum {
            format!("{{\"minReplicas\":{wanted},\"maxReplicas\":{wanted}}}")
        } else {
            format!("{{\"minReplicas\":{wanted}}}")
        };
        Remark::KeptBy(format!(
            "{keeps} and will set the count again; to have at least {wanted}, change its bounds instead: \
             kubectl patch hpa {name} --patch '{{\"spec\":{patch}}}'"
        ))
    }
}

fn targets(hpa: &Value, object: &ObjectRef) -> bool {
    let group = value::text(hpa, "/spec/scaleTargetRef/apiVersion").split_once('/').map_or("", |(group, _)| group);
    value::text(hpa, "/spec/scaleTargetRef/kind") == object.resource.kind
        && value::text(hpa, "/spec/scaleTargetRef/name") == object.name
        && group == object.resource.group
}

fn bounds(hpa: &Value) -> Autoscaler {
    // One is the API's default where the minimum is left out.
    let minimum = value::number(hpa, "/spec/minReplicas").unwrap_or(1);
    let maximum = value::number(hpa, "/spec/maxReplicas").unwrap_or(minimum);
    Autoscaler::Keeps { name: value::name(hpa).to_owned(), minimum, maximum }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use todo_agent_kube_rules::kinds;

    use super::*;
    use crate::fake::{FakeReader, FakeRun};

    #[tokio::test]
    async fn only_the_autoscaler_of_this_workload_counts() {
        let hpa = |name: &str, kind: &str| {
            json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": name, "namespace": "todo"},
                "spec": {"maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": "redis"}}})
        };
        let turn = FakeRun::new(FakeReader::new(vec![hpa("a", "Deployment"), hpa("b", "StatefulSet")]));
        let object = ObjectRef::new(kinds::find("statefulset").unwrap(), "todo", "redis");
        let found = of(&turn.reader, &object).await.unwrap();
        assert_eq!(found, [Autoscaler::Keeps { name: "b".into(), minimum: 1, maximum: 5 }]);
    }

    #[test]
    fn what_is_proposed_instead_gives_the_count_that_is_wanted() {
        let keeps = Autoscaler::Keeps { name: "backend".into(), minimum: 2, maximum: 5 };
        let text = |wanted| match keeps.remark(wanted) {
            Remark::KeptBy(text) | Remark::Fact(text) => text,
        };
        assert!(text(3).ends_with("kubectl patch hpa backend --patch '{\"spec\":{\"minReplicas\":3}}'"));
        assert!(text(7).ends_with("'{\"spec\":{\"minReplicas\":7,\"maxReplicas\":7}}'"));
        assert!(text(0).ends_with("it rests while the count is 0"));
    }
}

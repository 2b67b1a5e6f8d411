//! The autoscalers that set a workload's replica count and would act against a person's.
//!
//! Who else keeps an object (Helm, Argo CD, Flux, a controller) the preview reads from the object itself,
//! for every change alike; an autoscaler leaves no mark there, so it is looked up here.

use serde_json::Value;
use todo_agent_core::{ClusterError, ListQuery, ObjectRef, Reader, Remark, Within};

use crate::{names, value};

/// Returns the autoscalers that set this workload's replica count, as remarks. Costs one request.
pub(crate) async fn of(reader: &dyn Reader, object: &ObjectRef) -> Result<Vec<Remark>, ClusterError> {
    let namespace = object.namespace.clone().unwrap_or_default();
    let mut remarks = Vec::new();
    for resource in names::types(&["HorizontalPodAutoscaler"]) {
        match reader.list(&ListQuery::new(resource, Within::Namespace(namespace.clone()))).await {
            Ok(found) => remarks.extend(found.iter().filter(|hpa| targets(hpa, object)).map(autoscaler_remark)),
            Err(error) if names::is_refusal(&error) => remarks.push(Remark::Fact(
                "autoscalers may not be listed, so whether one keeps the replica count is not known".to_owned(),
            )),
            Err(error) => return Err(error),
        }
    }
    Ok(remarks)
}

fn targets(hpa: &Value, object: &ObjectRef) -> bool {
    let group = value::text(hpa, "/spec/scaleTargetRef/apiVersion").split_once('/').map_or("", |(group, _)| group);
    value::text(hpa, "/spec/scaleTargetRef/kind") == object.resource.kind
        && value::text(hpa, "/spec/scaleTargetRef/name") == object.name
        && group == object.resource.group
}

fn autoscaler_remark(hpa: &Value) -> Remark {
    let name = value::name(hpa);
    // One is the API's default where the minimum is left out.
    let minimum = value::number(hpa, "/spec/minReplicas").unwrap_or(1);
    let maximum = value::number(hpa, "/spec/maxReplicas").unwrap_or(minimum);
    Remark::KeptBy(format!(
        "horizontalpodautoscaler/{name} keeps {minimum}–{maximum} replicas and will set the count again; \
         change its minimum or maximum instead: \
         kubectl patch hpa {name} --patch '{{\"spec\":{{\"minReplicas\":{minimum},\"maxReplicas\":{maximum}}}}}'"
    ))
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
        let remarks = of(&turn.reader, &object).await.unwrap();
        let [Remark::KeptBy(text)] = remarks.as_slice() else { panic!("{remarks:?}") };
        assert!(text.starts_with("horizontalpodautoscaler/b keeps 1–5 replicas"), "{text}");
    }
}

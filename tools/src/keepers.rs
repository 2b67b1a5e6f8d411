//! Who keeps an object and would act against a change of it: an autoscaler, Helm, Argo CD, Flux, a
//! controller above. A person must know before deciding.

use serde_json::Value;
use todo_agent_core::{ClusterError, ListQuery, ObjectRef, Reader, Remark, Within};

use crate::{names, value};

/// Returns the autoscalers that set this workload's replica count, as remarks. Costs one request.
pub(crate) async fn autoscalers(reader: &dyn Reader, object: &ObjectRef) -> Result<Vec<Remark>, ClusterError> {
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

/// Returns what deploys the object and will put its own version back, as remarks. `field` says what.
pub(crate) fn deployers(object: &Value, field: &str) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let label = |key: &str| value::meta(object, "labels", key);
    let annotation = |key: &str| value::meta(object, "annotations", key);
    let release = annotation("meta.helm.sh/release-name");
    if let Some(release) = release.filter(|_| label("app.kubernetes.io/managed-by") == Some("Helm")) {
        remarks.push(Remark::KeptBy(format!(
            "Helm release {release} deploys it; the next helm upgrade may set {field} back, change it in the values too"
        )));
    }
    let argo = annotation("argocd.argoproj.io/tracking-id")
        .and_then(|tracking| tracking.split(':').next())
        .or_else(|| label("argocd.argoproj.io/instance"));
    if let Some(application) = argo {
        remarks.push(Remark::KeptBy(format!(
            "Argo CD application {application} deploys it and will set {field} back where it syncs by itself; change it in git"
        )));
    }
    for (key, what) in [
        ("kustomize.toolkit.fluxcd.io/name", "Flux kustomization"),
        ("helm.toolkit.fluxcd.io/name", "Flux Helm release"),
    ] {
        if let Some(name) = label(key) {
            remarks
                .push(Remark::KeptBy(format!("{what} {name} deploys it and will set {field} back; change it in git")));
        }
    }
    if let Some((kind, name)) = value::controller(object) {
        let owner = format!("{}/{name}", kind.to_lowercase());
        remarks.push(Remark::KeptBy(format!("{owner} controls it and may set {field} back; change {owner} instead")));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text_of(remark: &Remark) -> &str {
        match remark {
            Remark::KeptBy(text) | Remark::Fact(text) => text,
        }
    }

    #[test]
    fn what_deploys_an_object_is_named() {
        let object = json!({"metadata": {
            "labels": {"app.kubernetes.io/managed-by": "Helm", "kustomize.toolkit.fluxcd.io/name": "apps"},
            "annotations": {"meta.helm.sh/release-name": "todo", "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:todo/backend"},
        }});
        let remarks = deployers(&object, "the replica count");
        let texts: Vec<&str> = remarks.iter().map(text_of).collect();
        assert!(texts[0].starts_with("Helm release todo deploys it"));
        assert!(texts[1].starts_with("Argo CD application shop deploys it"));
        assert!(texts[2].starts_with("Flux kustomization apps deploys it"));
        assert!(deployers(&json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}}), "it").is_empty());
    }
}

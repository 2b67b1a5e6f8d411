//! What a deletion means beyond the object: what goes with it, what is left without it, what holds it back.
//!
//! Read from the cluster while proposing. What may not be read is said to be unknown, never taken for nothing.

use serde_json::Value;
use todo_agent_core::{Cause, ClusterError, ListQuery, ObjectRef, Propagation, Reader, Within, text::count};
use todo_agent_kube_rules::kinds;

use crate::{
    autoscalers::{self, Autoscaler},
    names,
    resolve::some_of,
    value, workloads,
};

/// Returns what to know before an object is deleted.
pub(super) async fn of(
    reader: &dyn Reader,
    object: &ObjectRef,
    live: &Value,
    propagation: Propagation,
) -> Result<Vec<String>, ClusterError> {
    let mut facts = Vec::new();
    let finalizers: Vec<String> = value::items(live, "/metadata/finalizers").iter().map(value::plain).collect();
    if !finalizers.is_empty() {
        facts.push(format!(
            "it stays until these finalizers are let go by their controllers: {}",
            finalizers.join(", ")
        ));
    }
    let about = About { reader, object, live };
    match object.resource.kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
            facts.extend(about.workload(propagation).await?);
        }
        "CronJob" => facts.extend(about.owned("Job", propagation).await?),
        "Pod" if value::controller(live).is_none() => facts.push("nothing makes this pod again".to_owned()),
        "PersistentVolumeClaim" => facts.extend(about.claim().await?),
        "PersistentVolume" => facts.push(data(value::text(live, "/spec/persistentVolumeReclaimPolicy"))),
        "Namespace" => facts.extend(about.contents().await?),
        "Service" => facts.extend(about.routes().await?),
        "ConfigMap" => facts.extend(about.users(&["configMapRef", "configMapKeyRef", "configMap"], "name").await?),
        "Secret" => {
            let mut users = about.users(&["secretRef", "secretKeyRef", "imagePullSecrets"], "name").await?;
            users.extend(about.users(&["secret"], "secretName").await?);
            users.dedup();
            facts.extend(users);
        }
        "CustomResourceDefinition" => {
            let kind = value::text(live, "/spec/names/kind");
            facts.push(format!("every {kind} in the cluster is deleted with it"));
        }
        _ => {}
    }
    Ok(facts)
}

struct About<'a> {
    reader: &'a dyn Reader,
    object: &'a ObjectRef,
    live: &'a Value,
}

impl About<'_> {
    fn namespace(&self) -> String {
        self.object.namespace.clone().unwrap_or_else(|| self.object.name.clone())
    }

    /// Lists a kind in the object's namespace; `None` where it may not be listed or is not served.
    async fn list(&self, kind: &str) -> Result<Option<Vec<Value>>, ClusterError> {
        let Some(kind) = kinds::find(kind) else { return Ok(None) };
        let mut query = ListQuery::new(kind, Within::Namespace(self.namespace()));
        query.metadata_only = kind.kind == "Secret";
        match self.reader.list(&query).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if names::is_refusal(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn workload(&self, propagation: Propagation) -> Result<Vec<String>, ClusterError> {
        let mut facts = Vec::new();
        match workloads::pods(self.reader, self.object, self.live).await {
            Ok(pods) if pods.is_empty() => {}
            Ok(pods) => facts.push(fate(&count(pods.len(), "pod"), pods.len(), propagation)),
            Err(error) if names::is_refusal(&error) => facts.push("its pods may not be listed".to_owned()),
            Err(error) => return Err(error),
        }
        if !value::items(self.live, "/spec/volumeClaimTemplates").is_empty() {
            // Source: StatefulSetSpec.persistentVolumeClaimRetentionPolicy, Retain where it is left out.
            let policy = value::text(self.live, "/spec/persistentVolumeClaimRetentionPolicy/whenDeleted");
            facts.push(if policy == "Delete" {
                "its volume claims are deleted with it (whenDeleted: Delete), and their data with them".to_owned()
            } else {
                "its volume claims and their data stay".to_owned()
            });
        }
        let labels = self.live.pointer("/spec/template/metadata/labels").cloned().unwrap_or_default();
        let selects = |service: &&Value| {
            let mut selector = value::entries(service, "/spec/selector").peekable();
            selector.peek().is_some() && selector.all(|(key, wanted)| labels.get(key) == Some(wanted))
        };
        let services = self.list("service").await?.unwrap_or_default();
        let left: Vec<String> =
            services.iter().filter(selects).map(|service| format!("service/{}", value::name(service))).collect();
        if !left.is_empty() && propagation != Propagation::Orphan {
            facts.push(format!("{} then {} no pods of it to send to", some_of(&left), have(left.len())));
        }
        if matches!(self.object.resource.kind.as_str(), "Deployment" | "StatefulSet" | "ReplicaSet") {
            for autoscaler in autoscalers::of(self.reader, self.object).await? {
                if let Autoscaler::Keeps { name, .. } = autoscaler {
                    facts.push(format!("horizontalpodautoscaler/{name} stays and finds nothing to scale"));
                }
            }
        }
        Ok(facts)
    }

    /// Counts the objects of a kind that it owns.
    async fn owned(&self, kind: &str, propagation: Propagation) -> Result<Vec<String>, ClusterError> {
        let found = self.list(kind).await?.unwrap_or_default();
        let owned = found.iter().filter(|one| workloads::is_controlled_by(one, self.live)).count();
        let noun = kind.to_lowercase();
        Ok(if owned == 0 { Vec::new() } else { vec![fate(&count(owned, &noun), owned, propagation)] })
    }

    async fn claim(&self) -> Result<Vec<String>, ClusterError> {
        let mut facts = Vec::new();
        let pods = self.list("pod").await?.unwrap_or_default();
        let mounts = |pod: &&Value| {
            let volumes = value::items(pod, "/spec/volumes").iter();
            volumes
                .into_iter()
                .any(|volume| value::text(volume, "/persistentVolumeClaim/claimName") == self.object.name)
        };
        let users: Vec<String> = pods.iter().filter(mounts).map(|pod| format!("pod/{}", value::name(pod))).collect();
        match users.as_slice() {
            [] => {}
            [one] => facts.push(format!("{one} uses it; it stays until that is gone")),
            several => facts.push(format!("{} use it; it stays until they are gone", some_of(several))),
        }
        let Some(volume) = value::some_text(self.live, "/spec/volumeName") else {
            facts.push("it is bound to no volume, so no data is lost".to_owned());
            return Ok(facts);
        };
        let Some(kind) = kinds::find("persistentvolume") else { return Ok(facts) };
        facts.push(match self.reader.get(&ObjectRef::new(kind, "", volume)).await {
            Ok(volume) => data(value::text(&volume, "/spec/persistentVolumeReclaimPolicy")),
            Err(error) if error.is(Cause::Forbidden) || error.is(Cause::NotFound) => {
                format!("persistentvolume/{volume} cannot be read; take its data for lost")
            }
            Err(error) => return Err(error),
        });
        Ok(facts)
    }

    async fn contents(&self) -> Result<Vec<String>, ClusterError> {
        let mut counts = Vec::new();
        for kind in
            ["Deployment", "StatefulSet", "DaemonSet", "Pod", "Service", "ConfigMap", "Secret", "PersistentVolumeClaim"]
        {
            let found = self.list(kind).await?;
            match found.map(|found| found.len()) {
                Some(0) => {}
                Some(number) => counts.push(count(number, &kind.to_lowercase())),
                None => counts.push(format!("{}s that may not be listed", kind.to_lowercase())),
            }
        }
        Ok(vec![if counts.is_empty() {
            "nothing of note is in it".to_owned()
        } else {
            format!("everything in it is deleted with it: {}", counts.join(", "))
        }])
    }

    async fn routes(&self) -> Result<Vec<String>, ClusterError> {
        let ingresses = self.list("ingress").await?.unwrap_or_default();
        let routes = |ingress: &&Value| mentions(ingress, &["service"], "name", &self.object.name);
        let names: Vec<String> =
            ingresses.iter().filter(routes).map(|ingress| format!("ingress/{}", value::name(ingress))).collect();
        Ok(if names.is_empty() { Vec::new() } else { vec![format!("{} routes to it", some_of(&names))] })
    }

    /// Names the workloads whose pods take something from the object.
    async fn users(&self, places: &[&str], field: &str) -> Result<Vec<String>, ClusterError> {
        let mut users = Vec::new();
        for kind in ["Deployment", "StatefulSet", "DaemonSet", "CronJob"] {
            let found = self.list(kind).await?.unwrap_or_default();
            let takers = found.iter().filter(|one| mentions(one, places, field, &self.object.name));
            users.extend(takers.map(|one| format!("{}/{}", kind.to_lowercase(), value::name(one))));
        }
        Ok(match users.as_slice() {
            [] => Vec::new(),
            [one] => vec![format!("{one} uses it; new pods of it will not start")],
            several => vec![format!("{} use it; new pods of them will not start", some_of(several))],
        })
    }
}

/// Returns whether somewhere in a value an object under one of these keys has this name.
fn mentions(value: &Value, places: &[&str], field: &str, name: &str) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(key, inner)| {
            let is_it = |inner: &Value| inner.get(field).and_then(Value::as_str) == Some(name);
            let here = places.contains(&key.as_str())
                && (is_it(inner) || inner.as_array().is_some_and(|items| items.iter().any(is_it)));
            here || mentions(inner, places, field, name)
        }),
        Value::Array(items) => items.iter().any(|item| mentions(item, places, field, name)),
        _ => false,
    }
}

fn fate(what: &str, number: usize, propagation: Propagation) -> String {
    match propagation {
        Propagation::Background | Propagation::Foreground => {
            format!("its {what} {} deleted with it", if number == 1 { "is" } else { "are" })
        }
        Propagation::Orphan => format!("its {what} stay{} and run{} on without it", s(number), s(number)),
    }
}

fn s(number: usize) -> &'static str {
    if number == 1 { "s" } else { "" }
}

fn have(number: usize) -> &'static str {
    if number == 1 { "has" } else { "have" }
}

fn data(policy: &str) -> String {
    match policy {
        "Retain" => "its volume and the data stay (reclaim policy Retain)".to_owned(),
        _ => "its volume is deleted, and the data is lost for good (reclaim policy Delete)".to_owned(),
    }
}

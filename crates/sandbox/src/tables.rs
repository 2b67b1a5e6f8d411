//! Objects as tables, the form in which `kubectl get` asks for them: the columns and cells of the real
//! server's printers, so that every client prints the same.
//!
//! `columns` is the data, the other files make the cells of their kinds. Source:
//! `k8s.io/kubernetes/pkg/printers/internalversion/printers.go` (v1.37). Nothing here decides which
//! objects are shown.

mod age;
mod batch;
mod cluster;
mod columns;
mod custom;
mod ingress;
mod metrics;
mod network;
mod pods;
mod policy;
mod storage;
mod workloads;

use jiff::Timestamp;
use serde_json::{Value, json};

/// How a table is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Table {
    /// The version of `meta.k8s.io`.
    pub(crate) version: &'static str,
    pub(crate) include: Include,
    pub(crate) headers: Headers,
    /// What ages are counted from.
    pub(crate) now: Timestamp,
}

/// What each row carries of its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Include {
    Nothing,
    Metadata,
    Object,
}

/// Whether the columns are described; in a watch only the first table does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers {
    Shown,
    Hidden,
}

/// The cells of an object; with a present, because cells tell ages.
type Cells = fn(&Value, Timestamp) -> Vec<Value>;

/// Returns what makes the cells of a kind.
fn cells_of(kind: &str) -> Option<Cells> {
    Some(match kind {
        "Pod" => pods::pod,
        "Deployment" => workloads::deployment,
        "ReplicaSet" => workloads::replica_set,
        "StatefulSet" => workloads::stateful_set,
        "ControllerRevision" => workloads::controller_revision,
        "HorizontalPodAutoscaler" => workloads::autoscaler,
        "Scale" => workloads::scale,
        "Service" => network::service,
        "Endpoints" => network::endpoints,
        "EndpointSlice" => network::endpoint_slice,
        "ConfigMap" => cluster::config_map,
        "Secret" => cluster::secret,
        "ServiceAccount" => cluster::service_account,
        "Namespace" => cluster::namespace,
        "Node" => cluster::node,
        "Event" => cluster::event,
        "RoleBinding" | "ClusterRoleBinding" => cluster::binding,
        "Lease" => cluster::lease,
        "DaemonSet" => batch::daemon_set,
        "Job" => batch::job,
        "CronJob" => batch::cron_job,
        "PersistentVolume" => storage::volume,
        "PersistentVolumeClaim" => storage::claim,
        "StorageClass" => storage::class,
        "PodDisruptionBudget" => policy::budget,
        "ResourceQuota" => policy::quota,
        "PriorityClass" => policy::priority_class,
        "Ingress" => ingress::ingress,
        "IngressClass" => ingress::class,
        "NetworkPolicy" => ingress::policy,
        "CustomResourceDefinition" => custom::definition,
        "NodeMetrics" => metrics::node,
        "PodMetrics" => metrics::pod,
        _ => return None,
    })
}

impl Table {
    /// Returns the table of one object.
    pub(crate) fn of_object(&self, object: &Value) -> Value {
        let kind = text(&object["kind"]);
        let mut metadata = json!({});
        if let Some(version) = object["metadata"].get("resourceVersion") {
            metadata["resourceVersion"] = version.clone();
        }
        self.build(text(&object["apiVersion"]), kind, &metadata, &json!([self.row(kind, object)]))
    }

    /// Returns the table of a list.
    pub(crate) fn of_list(&self, list: &Value) -> Value {
        let kind = text(&list["kind"]);
        let kind = kind.strip_suffix("List").unwrap_or(kind);
        let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
        let mut rows: Vec<Value> = items
            .iter()
            .map(|item| {
                // What a list tells once, an object on its own tells itself.
                let mut object = json!({"kind": kind, "apiVersion": list["apiVersion"]});
                if let (Some(object), Some(fields)) = (object.as_object_mut(), item.as_object()) {
                    object.extend(fields.clone());
                }
                self.row(kind, &object)
            })
            .collect();
        if kind == "StorageClass"
            && let Some(at) = storage::default_class(items)
        {
            rows[at]["cells"][0] = format!("{} (default)", text(&items[at]["metadata"]["name"])).into();
        }
        // The default printer starts from no list at all, the others from an empty one.
        let rows = if rows.is_empty() && cells_of(kind).is_none() { Value::Null } else { rows.into() };
        self.build(text(&list["apiVersion"]), kind, &list["metadata"], &rows)
    }

    fn build(&self, api_version: &str, kind: &str, metadata: &Value, rows: &Value) -> Value {
        let usual = columns::of(kind);
        let first = usual.first().map_or(Value::Null, columns::Column::json);
        let columns = match self.headers {
            Headers::Shown => match custom::columns(api_version, kind, first) {
                Some(declared) => declared.into(),
                None => usual.iter().map(columns::Column::json).collect(),
            },
            Headers::Hidden => Value::Null,
        };
        json!({
            "kind": "Table", "apiVersion": format!("meta.k8s.io/{}", self.version), "metadata": metadata,
            "columnDefinitions": columns, "rows": rows
        })
    }

    fn row(&self, kind: &str, object: &Value) -> Value {
        let cells = if let Some(cells) = custom::cells(object, self.now) {
            cells
        } else if let Some(cells) = cells_of(kind) {
            cells(object, self.now)
        } else {
            let made = or(text(&object["metadata"]["creationTimestamp"]), "0001-01-01T00:00:00Z");
            vec![name(object), made.into()]
        };
        let mut row = json!({"cells": cells});
        if kind == "Pod"
            && let Some(conditions) = pods::row_conditions(object)
        {
            row["conditions"] = conditions;
        }
        // The bookmark that ends the initial events must be known as such, whatever was asked for.
        let ends_initial_events = object["metadata"]["annotations"].get("k8s.io/initial-events-end").is_some();
        row["object"] = match self.include {
            Include::Nothing if ends_initial_events => self.partial(object),
            Include::Nothing => Value::Null,
            Include::Object => object.clone(),
            Include::Metadata => self.partial(object),
        };
        row
    }

    fn partial(&self, object: &Value) -> Value {
        json!({
            "kind": "PartialObjectMetadata", "apiVersion": format!("meta.k8s.io/{}", self.version),
            "metadata": object["metadata"]
        })
    }
}

/// Returns an object's name; a bookmark has none.
fn name(object: &Value) -> Value {
    text(&object["metadata"]["name"]).into()
}

/// Returns a text, "" where there is none.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Returns a number, 0 where there is none.
fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

/// Returns a list, empty where there is none.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Returns the text, or what stands for an empty one.
fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

/// Returns the first `most` parts joined, and how many more there are.
fn shortened(parts: &[String], most: usize, separator: &str) -> String {
    let shown = parts[..parts.len().min(most)].join(separator);
    if parts.len() > most { format!("{shown} + {} more...", parts.len() - most) } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::RESOURCES;

    fn table() -> Table {
        let now = "2026-01-01T00:05:00Z".parse().unwrap();
        Table { version: "v1", include: Include::Metadata, headers: Headers::Shown, now }
    }

    /// A kind whose cells do not fit its columns would shift every client's output.
    #[test]
    fn every_served_kind_has_as_many_cells_as_columns() {
        for resource in RESOURCES.iter() {
            let object = json!({
                "kind": resource.kind.kind, "apiVersion": resource.kind.api_version(),
                "metadata": {"name": "a", "creationTimestamp": "2026-01-01T00:00:00Z"}
            });
            let table = table().of_object(&object);
            let columns = table["columnDefinitions"].as_array().unwrap();
            let cells = table["rows"][0]["cells"].as_array().unwrap();
            assert_eq!(columns.len(), cells.len(), "{table:#}");
            let name = columns.iter().position(|column| column["format"] == "name").unwrap();
            assert_eq!(cells[name], "a");
        }
    }

    #[test]
    fn a_list_keeps_its_pages_and_its_objects_become_whole() {
        let list = json!({
            "kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"resourceVersion": "7", "continue": "x"},
            "items": [{"metadata": {"name": "a"}, "data": {"k": "v"}}]
        });
        let table = Table { include: Include::Object, headers: Headers::Hidden, ..table() }.of_list(&list);
        assert_eq!(table["metadata"], list["metadata"]);
        assert_eq!(table["columnDefinitions"], Value::Null);
        assert_eq!(table["rows"][0]["cells"], json!(["a", 1, "<unknown>"]));
        assert_eq!(table["rows"][0]["object"]["kind"], "ConfigMap");
    }

    #[test]
    fn only_lists_tell_which_storage_class_is_the_default_the_newest_of_several() {
        let class = |name: &str, made: &str, is_default: &str| {
            let annotations = json!({"storageclass.kubernetes.io/is-default-class": is_default});
            json!({"metadata": {"name": name, "creationTimestamp": made, "annotations": annotations}})
        };
        let items = [
            class("a", "2026-01-01T00:00:00Z", "true"),
            class("b", "2026-01-02T00:00:00Z", "true"),
            class("c", "2026-01-02T00:00:00Z", "true"),
            class("d", "2026-01-03T00:00:00Z", "false"),
        ];
        let list =
            table().of_list(&json!({"kind": "StorageClassList", "apiVersion": "storage.k8s.io/v1", "items": items}));
        let names: Vec<&Value> = list["rows"].as_array().unwrap().iter().map(|row| &row["cells"][0]).collect();
        assert_eq!(names, ["a", "b (default)", "c", "d"]);
        let mut one = items[1].clone();
        one["kind"] = "StorageClass".into();
        assert_eq!(table().of_object(&one)["rows"][0]["cells"][0], "b");
    }
}

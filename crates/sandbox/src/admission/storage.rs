//! Claims, volumes and classes: the default class, the finalizers of what is in use, and which claims may
//! grow.
//!
//! Source: `plugin/pkg/admission/storage` and `plugin/pkg/admission/network/defaultingressclass` (v1.37).

use std::sync::Arc;

use serde_json::Value;

use crate::controllers::{claims, volumes};
use crate::object::{self, default, map_at};
use crate::store::Store;

/// Fills in a new claim, volume or ingress.
pub(super) fn fill(object: &mut Value, store: &Store) {
    match object["kind"].as_str() {
        Some("PersistentVolumeClaim") => {
            object::add_finalizer(object, claims::PROTECTED);
            let class = default_class(store, "storage.k8s.io", "storageclasses", "storageclass.kubernetes.io");
            if let Some(class) = class {
                default(map_at(object, "spec"), "storageClassName", object::name(&class));
            }
        }
        Some("PersistentVolume") => object::add_finalizer(object, volumes::PROTECTED),
        Some("Ingress") if object["metadata"]["annotations"]["kubernetes.io/ingress.class"].is_null() => {
            let class = default_class(store, "networking.k8s.io", "ingressclasses", "ingressclass.kubernetes.io");
            if let Some(class) = class {
                default(map_at(object, "spec"), "ingressClassName", object::name(&class));
            }
        }
        _ => {}
    }
}

/// Returns the class that is marked as the default, the newest of several.
fn default_class(store: &Store, group: &str, plural: &str, domain: &str) -> Option<Arc<Value>> {
    let mark = format!("{domain}/is-default-class");
    let mut marked = store.list(group, plural, None);
    marked.retain(|class| class["metadata"]["annotations"][&mark] == "true");
    marked.into_iter().max_by_key(|class| {
        let name = std::cmp::Reverse(object::name(class).to_owned());
        (object::metadata_text(class, "creationTimestamp").to_owned(), name)
    })
}

/// Refuses to make a claim larger whose class does not allow it.
pub(super) fn check(object: &Value, current: Option<&Value>, store: &Store) -> Result<(), String> {
    let Some(current) = current.filter(|_| object["kind"] == "PersistentVolumeClaim") else { return Ok(()) };
    let size = |claim: &Value| claims::storage(&claim["spec"]["resources"]["requests"]);
    if size(object) <= size(current) {
        return Ok(());
    }
    if current["status"]["phase"] != "Bound" {
        return Err("Only bound persistent volume claims can be expanded".to_owned());
    }
    let expands = claims::class(store, current).is_some_and(|class| class["allowVolumeExpansion"] == true);
    if expands {
        return Ok(());
    }
    Err("only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
        .to_owned())
}

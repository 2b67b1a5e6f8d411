//! Bringing a world to life: its users, nodes, namespaces and manifests, and the changes that it makes
//! by itself later.

use std::sync::Arc;

use serde_json::{Value, json};
use todo_agent_kube_rules::kinds;

use crate::api::managed_fields;
use crate::controllers::definitions;
use crate::durations::after;
use crate::object;
use crate::schema::custom;
use crate::simulation::{State, User};
use crate::store::{Key, Part, StoreError};
use crate::timers::Wake;
use crate::world::{World, WorldError};
use crate::{admission, allocation, authors, bootstrap, defaults, nodes, schema, validation};

/// The administrator's name.
const ADMINISTRATOR: &str = "kubernetes-admin";

/// Who has made the world's objects, as `managedFields` name it.
const MANAGER: &str = "kubectl-create";

/// Returns who may connect to a world: the administrator, then its users.
pub(crate) fn users(world: &World) -> Vec<User> {
    let administrator = User {
        name: ADMINISTRATOR.to_owned(),
        token: format!("sandbox-{ADMINISTRATOR}"),
        groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()],
    };
    let declared = world.users.iter().map(|user| User {
        name: user.name.clone(),
        token: user.token.clone().unwrap_or_else(|| format!("sandbox-{}", user.name)),
        groups: user.groups.iter().cloned().chain(["system:authenticated".to_owned()]).collect(),
    });
    std::iter::once(administrator).chain(declared).collect()
}

/// Creates the world's objects and plans its later changes.
pub(crate) fn apply(state: &mut State) -> Result<(), WorldError> {
    let world = state.world.clone();
    let failed = |object: &Value, message: String| WorldError::Invalid {
        name: world.name.clone(),
        message: format!(
            "{} {}: {message}",
            object["kind"].as_str().unwrap_or_default(),
            object["metadata"]["name"].as_str().unwrap_or_default()
        ),
    };
    for namespace in ["default", "kube-node-lease", "kube-public", "kube-system", &world.namespace] {
        ensure_namespace(state, namespace);
    }
    // The API server's own Service, which every cluster has.
    let kubernetes = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "targetPort": 8443}]},
    });
    state.admit(kubernetes.clone()).map_err(|error| failed(&kubernetes, error.to_string()))?;
    for object in bootstrap::objects() {
        state.admit(object.clone()).map_err(|error| failed(&object, error.to_string()))?;
    }
    for (index, spec) in world.nodes.iter().enumerate() {
        let node = nodes::object(spec, index, state.now);
        state.admit(node.clone()).map_err(|error| failed(&node, error.to_string()))?;
    }
    for manifest in &world.manifests {
        let object = placed(manifest, state).map_err(|message| failed(manifest, message))?;
        ensure_namespace(state, object::namespace(&object));
        if object["kind"] == "Namespace" && state.store.get(&Key::of_object(&object)).is_some() {
            merge_into(state, &object);
            continue;
        }
        let mut object = object;
        let kind = manifest["kind"].as_str().unwrap_or_default();
        let mut unknown = schema::decode(kind, &mut object).map_err(|error| failed(manifest, error.to_string()))?;
        let api_version = manifest["apiVersion"].as_str().unwrap_or_default();
        let mut causes = Vec::new();
        if let Some(resource) = custom::defined(&state.store, api_version, kind) {
            let schema = custom::schema(&state.store, resource);
            unknown.extend(custom::prune(&mut object, &schema));
            causes.extend(custom::check(&object, &schema));
        }
        if let Some(field) = unknown.first() {
            return Err(failed(manifest, format!("unknown field \"{}\"", field.0)));
        }
        state.complete(&mut object);
        causes.extend(validation::on_create(&object));
        if !causes.is_empty() {
            let told: Vec<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.text)).collect();
            return Err(failed(manifest, told.join("; ")));
        }
        // Clients learn the keys of a Secret from here, without its values.
        managed_fields::record(&mut object, &Value::Null, MANAGER, "", state.now);
        let now = state.now;
        let key = Key::of_object(&object);
        state.store.create(object, now).map_err(|error| failed(manifest, error.to_string()))?;
        // A world is a cluster that has been running: what it defines is served from the first request.
        if kind == "CustomResourceDefinition" {
            definitions::reconcile(state, &key);
        }
    }
    for (index, change) in world.changes.iter().enumerate() {
        for manifest in &change.manifests {
            placed(manifest, state).map_err(|message| failed(manifest, message))?;
        }
        state.timers.schedule(Wake::WorldChange(index), after(state.now, change.at));
    }
    Ok(())
}

/// Makes one of the world's later changes.
pub(crate) fn change(state: &mut State, index: usize) {
    let world = state.world.clone();
    let Some(change) = world.changes.get(index) else { return };
    for manifest in &change.manifests {
        let Ok(object) = placed(manifest, state) else { continue };
        if state.store.get(&Key::of_object(&object)).is_some() {
            merge_into(state, &object);
        } else {
            ensure_namespace(state, object::namespace(&object));
            // The only refusal is "already exists", which was just ruled out.
            let _created = state.admit(object);
        }
    }
}

/// Returns a manifest with its namespace filled in, or why the sandbox cannot hold it.
fn placed(manifest: &Value, state: &State) -> Result<Value, String> {
    let (api_version, name) = (manifest["apiVersion"].as_str().unwrap_or_default(), &manifest["kind"]);
    let text = name.as_str().unwrap_or_default();
    let defined = custom::defined(&state.store, api_version, text);
    let kind = kinds::by_type(api_version, text)
        .or_else(|| defined.map(|it| it.kind))
        .ok_or_else(|| format!("the sandbox does not know {api_version} {name}"))?;
    let mut object = manifest.clone();
    if kind.namespaced && object::namespace(&object).is_empty() {
        object::metadata_mut(&mut object).insert("namespace".into(), state.world.namespace.clone().into());
    }
    if kind.kind == "Secret" {
        encode_string_data(&mut object);
    }
    Ok(object)
}

/// `stringData` is a write-only convenience that becomes `data`.
fn encode_string_data(secret: &mut Value) {
    use base64::Engine as _;
    let Some(plain) = secret.as_object_mut().and_then(|secret| secret.remove("stringData")) else { return };
    for (key, value) in plain.as_object().into_iter().flatten() {
        let encoded = base64::prelude::BASE64_STANDARD.encode(value.as_str().unwrap_or_default());
        object::map_at(secret, "data").insert(key.clone(), encoded.into());
    }
}

fn ensure_namespace(state: &mut State, name: &str) {
    if name.is_empty() {
        return;
    }
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    if state.store.get(&Key::of_object(&namespace)).is_none() {
        // The only refusal is "already exists".
        let _created = state.admit(namespace);
    }
}

fn merge_into(state: &mut State, change: &Value) {
    let now = state.now;
    state.store.edit(&Key::of_object(change), Part::Spec, now, |object| {
        merge(object, change);
        defaults::apply(object);
    });
}

/// Merges maps by key and lists of named things by `name`; null removes; anything else is replaced.
fn merge(target: &mut Value, change: &Value) {
    match (target, change) {
        (Value::Object(target), Value::Object(change)) => {
            for (key, value) in change {
                if value.is_null() {
                    target.remove(key);
                } else {
                    merge(target.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (Value::Array(target), Value::Array(change)) if change.iter().all(|item| item["name"].is_string()) => {
            for item in change {
                match target.iter_mut().find(|existing| existing["name"] == item["name"]) {
                    Some(existing) => merge(existing, item),
                    None => target.push(item.clone()),
                }
            }
        }
        (target, change) => *target = change.clone(),
    }
}

impl State {
    /// Creates an object as the API server would: defaulted, with the status a new object has. Pods and
    /// other things that controllers make come through here.
    pub(crate) fn admit(&mut self, mut object: Value) -> Result<Arc<Value>, StoreError> {
        self.complete(&mut object);
        admission::check(&object, None, &self.store).map_err(|why| {
            let key = Key::of_object(&object);
            let group = if key.group.is_empty() { String::new() } else { format!(".{}", key.group) };
            StoreError::Forbidden(format!("{}{group} \"{}\" is forbidden: {why}", key.plural, key.name))
        })?;
        authors::sign_creation(&mut object, self.now);
        self.store.create(object, self.now)
    }

    fn complete(&self, object: &mut Value) {
        defaults::apply(object);
        admission::complete(object, &self.store);
        defaults::initial_status(object, self.now);
        allocation::allocate(object, &self.store);
        allocation::select_own_pods(object, &self.store);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_that_the_api_would_refuse_is_refused_with_its_reason() {
        let text = "manifests: [{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {replicas: -1, \
                    selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, \
                    spec: {containers: [{name: api, image: 'api:v1'}]}}}}]";
        let world = World::from_yaml(text, "mine").unwrap();
        let error = crate::Sandbox::start(world, crate::Options::default()).err().unwrap().to_string();
        assert!(
            error.starts_with("the world mine is not right: Deployment api: spec.replicas: Invalid value: -1"),
            "{error}"
        );
    }

    #[test]
    fn secrets_of_a_world_tell_their_keys_in_managed_fields() {
        let sandbox = crate::Sandbox::start(World::builtin("todo").unwrap(), crate::Options::default()).unwrap();
        let secret = sandbox.get("secret", "todo-secrets");
        assert!(
            secret["metadata"]["managedFields"][0]["fieldsV1"]["f:data"]["f:DATABASE_URL"].is_object(),
            "{secret:#}"
        );
        assert!(sandbox.get("service", "backend")["spec"]["clusterIP"].as_str().unwrap().starts_with("10.96."));
    }

    #[test]
    fn changes_merge_containers_by_name() {
        let mut deployment =
            json!({"spec": {"containers": [{"name": "api", "image": "api:v1", "env": [1]}], "paused": true}});
        let change =
            json!({"spec": {"containers": [{"name": "api", "image": "api:v2"}, {"name": "side"}], "paused": null}});
        merge(&mut deployment, &change);
        assert_eq!(
            deployment,
            json!({"spec": {"containers": [{"name": "api", "image": "api:v2", "env": [1]}, {"name": "side"}]}})
        );
    }
}

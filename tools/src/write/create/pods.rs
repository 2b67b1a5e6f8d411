//! Deployments, StatefulSets, Jobs and CronJobs: what runs in pods.
//!
//! Their pods run without root, privileges and a token for the API; what an image needs beyond that is asked for
//! and shows in the risk. A StatefulSet comes with the Service that names its pods.

use serde_json::{Map, Value, json};
use todo_agent_core::ToolError;

use super::{Built, Making, NewKind, known};
use crate::{
    amounts::{self, Amounts},
    images, value, words,
    write::set::{check_variable, port, reference},
};

/// The user of an image about which nothing is known: any but root.
const USER: u32 = 1000;
/// More replicas than this are a slip of the finger.
const MOST_REPLICAS: u32 = 1000;

pub(super) fn build(making: &Making<'_>) -> Result<Built, ToolError> {
    let args = making.args;
    let name = making.name()?;
    let software =
        known::of(args.image.as_deref().map_or(name.as_str(), images::short_name)).or_else(|| known::of(&name));
    let mut built = Built::default();
    let image = match (&args.image, software) {
        (Some(image), _) => images::check(image)?,
        (None, Some(software)) => {
            built.notes.push(format!("no image was named: {} is the usual one", software.image));
            software.image.to_owned()
        }
        (None, None) => {
            return Err(ToolError::arguments(format!("create {} needs an image", args.kind.word()))
                .hint("the image of the application, for example registry.example.com/team/app:1.2"));
        }
    };
    if args.replicas.is_some_and(|replicas| replicas > MOST_REPLICAS) {
        return Err(ToolError::arguments(format!("replicas go from 0 to {MOST_REPLICAS}")));
    }
    let listens = match (&args.port, software) {
        (Some(given), _) => Some(port("port", given)?),
        (None, Some(software)) if matches!(args.kind, NewKind::Deployment | NewKind::Statefulset) => {
            Some(json!(software.port))
        }
        (None, _) => None,
    };
    let user = args.run_as_user.or(software.map(|software| software.user)).unwrap_or(USER);
    let mut container = container(making, &name, &image, user, &mut built.notes)?;
    if let Some(port) = &listens {
        container["ports"] = json!([{"name": "main", "containerPort": port}]);
        container["readinessProbe"] = json!({"tcpSocket": {"port": "main"}});
    }
    let mut object = making.object(args.kind.word(), &name);
    let labels = json!({"app": name, "app.kubernetes.io/name": name});
    if let (Some(all), Some(own)) = (object["metadata"]["labels"].as_object_mut(), labels.as_object()) {
        all.extend(own.clone());
    }
    let selector = json!({"matchLabels": {"app": name}});
    let replicas = args.replicas.unwrap_or(1);
    match args.kind {
        NewKind::Statefulset => {
            let claims = volume(making, software.and_then(|software| software.data), &mut container, &mut built.notes)?;
            let mut spec = json!({"serviceName": name, "replicas": replicas, "selector": selector,
                "template": template(&labels, &container, user, None)});
            if let Some(claims) = claims {
                spec["volumeClaimTemplates"] = claims;
            }
            object["spec"] = spec;
            if let Some(port) = &listens {
                let mut service = making.object("service", &name);
                service["metadata"]["labels"] = object["metadata"]["labels"].clone();
                service["spec"] = json!({"clusterIP": "None", "selector": {"app": name},
                    "ports": [{"name": "main", "port": port, "targetPort": "main"}]});
                built.objects.push(service);
            } else {
                built.notes.push(format!("its pods have no names in DNS until there is a headless service {name}"));
            }
        }
        NewKind::Job => {
            object["spec"] = json!({"backoffLimit": 2, "template": template(&labels, &container, user, Some("Never"))});
        }
        NewKind::Cronjob => {
            let pods = template(&labels, &container, user, Some("Never"));
            object["spec"] = json!({"schedule": schedule(args.schedule.as_deref())?, "concurrencyPolicy": "Forbid",
                "jobTemplate": {"spec": {"backoffLimit": 2, "template": pods}}});
        }
        _ => {
            object["spec"] = json!({"replicas": replicas, "selector": selector,
                "template": template(&labels, &container, user, None)});
        }
    }
    built.objects.push(object);
    Ok(built)
}

fn template(labels: &Value, container: &Value, user: u32, restart: Option<&str>) -> Value {
    let mut context = json!({"seccompProfile": {"type": "RuntimeDefault"}, "runAsUser": user});
    if user != 0 {
        context["runAsNonRoot"] = json!(true);
        // Volumes belong to root; the group is how others may write to them.
        context["fsGroup"] = json!(user);
    }
    let mut spec =
        json!({"automountServiceAccountToken": false, "securityContext": context, "containers": [container]});
    if let Some(restart) = restart {
        spec["restartPolicy"] = json!(restart);
    }
    json!({"metadata": {"labels": labels}, "spec": spec})
}

fn container(
    making: &Making<'_>,
    name: &str,
    image: &str,
    user: u32,
    notes: &mut Vec<String>,
) -> Result<Value, ToolError> {
    let args = making.args;
    let mut context = json!({"allowPrivilegeEscalation": false});
    if user == 0 {
        notes.push("it runs as root, which few applications need".to_owned());
    } else {
        context["capabilities"] = json!({"drop": ["ALL"]});
        notes
            .push(format!("it runs as user {user} without privileges; run_as_user is for an image that needs another"));
    }
    let mut container = json!({"name": name, "image": image, "securityContext": context});
    if let Some(command) = args.command.as_ref().filter(|command| !command.is_empty()) {
        container["command"] = json!(command);
    }
    let mut variables = Vec::new();
    for (name, wanted) in args.env.iter().flatten() {
        check_variable(name)?;
        variables.push(match wanted {
            Value::Object(_) => reference(name, wanted)?,
            Value::Null | Value::Array(_) => {
                return Err(ToolError::arguments(format!("env {} must be a text, got {wanted}", words::shown(name))));
            }
            literal => {
                let variable = json!({"name": name, "value": value::plain(literal)});
                if *making.run.redactor.value(&variable) != variable {
                    notes.push(format!("{name} looks like a secret and will stand readable in the pod template; a reference to a Secret hides it"));
                }
                variable
            }
        });
    }
    if !variables.is_empty() {
        container["env"] = Value::Array(variables);
    }
    let mut resources = Map::new();
    for (field, given) in [("requests", &args.requests), ("limits", &args.limits)] {
        if let Some(given) = given.as_ref().filter(|given| !given.is_empty()) {
            resources.insert(field.to_owned(), amounts_of(field, given, notes)?);
        }
    }
    if resources.is_empty() {
        notes.push("no resources were named: it asks for 100m cpu and 128Mi memory, and has no limit".to_owned());
        resources.insert("requests".to_owned(), json!({"cpu": "100m", "memory": "128Mi"}));
    }
    container["resources"] = Value::Object(resources);
    Ok(container)
}

fn amounts_of(field: &str, given: &Amounts, notes: &mut Vec<String>) -> Result<Value, ToolError> {
    let mut all = Map::new();
    for (name, amount) in given {
        let resource = amounts::resource(field, name)?;
        let amount = amounts::read(&format!("{field}.{resource}"), &resource, amount)?;
        notes.extend(amount.note);
        all.insert(resource, json!(amount.quantity));
    }
    Ok(Value::Object(all))
}

/// Mounts a StatefulSet's volume and returns the claim for it.
fn volume(
    making: &Making<'_>,
    usual: Option<&str>,
    container: &mut Value,
    notes: &mut Vec<String>,
) -> Result<Option<Value>, ToolError> {
    let args = making.args;
    let Some(storage) = &args.storage else {
        if args.mount.is_some() || args.storage_class.is_some() {
            return Err(ToolError::arguments("mount and storage_class go with storage, for example 1Gi"));
        }
        notes.push("it has no storage: what its pods write is lost with them".to_owned());
        return Ok(None);
    };
    let amount = amounts::read("storage", "storage", &json!(storage))?;
    notes.extend(amount.note);
    let mount = args.mount.as_deref().or(usual).ok_or_else(|| {
        ToolError::arguments("storage needs a mount: where the application keeps its data")
            .hint("for example /var/lib/data")
    })?;
    if !mount.starts_with('/') || mount == "/" {
        return Err(ToolError::arguments(format!("mount must be an absolute path, got \"{}\"", words::shown(mount))));
    }
    container["volumeMounts"] = json!([{"name": "data", "mountPath": mount}]);
    let mut spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": amount.quantity}}});
    if let Some(class) = &args.storage_class {
        words::check("storage_class", class)?;
        spec["storageClassName"] = json!(class);
    }
    Ok(Some(json!([{"metadata": {"name": "data"}, "spec": spec}])))
}

/// Returns the schedule, if it has the five fields of cron or is one of its names.
fn schedule(given: Option<&str>) -> Result<&str, ToolError> {
    const NAMES: &[&str] = &["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];
    let given = given.map(str::trim).filter(|given| !given.is_empty());
    let given = given.ok_or_else(|| {
        ToolError::arguments("create cronjob needs a schedule").hint("every five minutes: */5 * * * *")
    })?;
    let fields: Vec<&str> = given.split_whitespace().collect();
    let allowed =
        |field: &&str| field.chars().all(|character| character.is_ascii_alphanumeric() || "*/,-?".contains(character));
    if NAMES.contains(&given) || (fields.len() == 5 && fields.iter().all(allowed)) {
        return Ok(given);
    }
    Err(ToolError::arguments(format!("schedule \"{}\" is not one", words::shown(given)))
        .hint("minute, hour, day, month, weekday: 30 2 * * 1-5"))
}

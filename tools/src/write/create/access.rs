//! A Role and the binding that gives it to somebody, in one namespace.
//!
//! What the resources are called in the API comes from the cluster; verbs are those that the API knows.

use serde_json::{Value, json};
use todo_agent_core::ToolError;

use super::{Built, Making};
use crate::{arguments, words};

const VERBS: &[&str] = &["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "*"];
const READING: &[&str] = &["get", "list", "watch"];

pub(super) async fn role(making: &Making<'_>) -> Result<Built, ToolError> {
    let args = making.args;
    let (subject, who) = subject(args.subject.as_deref(), making.namespace)?;
    let wanted = args.resources.as_ref().filter(|resources| !resources.is_empty()).ok_or_else(|| {
        ToolError::arguments("create role needs resources: what may be done something with")
            .hint("for example [\"pods\"]")
    })?;
    let verbs = match args.verbs.as_ref().filter(|verbs| !verbs.is_empty()) {
        None => READING.iter().map(|verb| (*verb).to_owned()).collect(),
        Some(verbs) => verbs.iter().map(|verb| checked(verb)).collect::<Result<Vec<_>, _>>()?,
    };
    let (mut rules, mut names) = (Vec::new(), Vec::new());
    for word in wanted {
        // `pods/log` is a part of pods.
        let (word, part) = word.split_once('/').map_or((word.as_str(), None), |(word, part)| (word, Some(part)));
        let resource = making.reader.kind(word.trim()).await?;
        if !resource.namespaced {
            return Err(ToolError::arguments(format!(
                "{} belong to the whole cluster; a role is for one namespace",
                resource.plural
            )));
        }
        let name = part.map_or_else(|| resource.plural.clone(), |part| format!("{}/{part}", resource.plural));
        rules.push(json!({"apiGroups": [resource.group], "resources": [name], "verbs": verbs}));
        names.push(resource.plural);
    }
    let reads = verbs.iter().all(|verb| READING.contains(&verb.as_str()));
    let usual = format!("{who}-{}-{}", if reads { "reads" } else { "edits" }, names.join("-"));
    let usual: String = usual
        .to_ascii_lowercase()
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
        .collect();
    let name = making.name_or(usual.trim_matches('-'))?;
    let mut role = making.object("role", &name);
    role["rules"] = Value::Array(rules);
    let mut binding = making.object("rolebinding", &name);
    binding["roleRef"] = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name});
    binding["subjects"] = json!([subject]);
    let mut notes =
        vec![format!("{who} then may {} {} in namespace {}", verbs.join(", "), names.join(", "), making.namespace)];
    if names.iter().any(|name| name == "secrets") {
        notes.push("whoever reads Secrets knows every password in them".to_owned());
    }
    Ok(Built { objects: vec![role, binding], notes })
}

fn checked(verb: &str) -> Result<String, ToolError> {
    let lowered = verb.trim().to_ascii_lowercase();
    if VERBS.contains(&lowered.as_str()) {
        return Ok(lowered);
    }
    let error = ToolError::arguments(format!("verbs has no \"{}\"", words::shown(verb)));
    Err(match arguments::nearest(&lowered, VERBS.iter().copied()) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint(format!("it is of {}", VERBS.join(", "))),
    })
}

/// Returns the subject as a binding names it, and its plain name.
fn subject<'a>(given: Option<&'a str>, namespace: &str) -> Result<(Value, &'a str), ToolError> {
    let wrong = || {
        ToolError::arguments("create role needs a subject").hint("user:alice, group:developers or serviceaccount:ci")
    };
    let (kind, name) = given.map(str::trim).and_then(|given| given.split_once(':')).ok_or_else(wrong)?;
    let name = name.trim();
    if name.is_empty() || name.chars().any(|character| character.is_control() || character.is_whitespace()) {
        return Err(wrong());
    }
    let group = "rbac.authorization.k8s.io";
    Ok(match kind.trim().to_ascii_lowercase().as_str() {
        "user" => (json!({"apiGroup": group, "kind": "User", "name": name}), name),
        "group" => (json!({"apiGroup": group, "kind": "Group", "name": name}), name),
        "serviceaccount" | "sa" => {
            words::check("subject", name)?;
            (json!({"kind": "ServiceAccount", "name": name, "namespace": namespace}), name)
        }
        _ => return Err(wrong()),
    })
}

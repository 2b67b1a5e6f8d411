//! The rules about what the real cluster has besides Kubernetes itself, and what the sandbox leaves out.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::Pass;

/// The resources that the sandbox serves, with their subresources.
const SERVED: [&str; 38] = [
    "pods",
    "services",
    "configmaps",
    "secrets",
    "events",
    "nodes",
    "namespaces",
    "serviceaccounts",
    "endpoints",
    "deployments",
    "replicasets",
    "statefulsets",
    "controllerrevisions",
    "horizontalpodautoscalers",
    "roles",
    "rolebindings",
    "clusterroles",
    "clusterrolebindings",
    "endpointslices",
    "leases",
    "persistentvolumeclaims",
    "persistentvolumes",
    "storageclasses",
    "daemonsets",
    "jobs",
    "cronjobs",
    "poddisruptionbudgets",
    "resourcequotas",
    "limitranges",
    "ingresses",
    "ingressclasses",
    "networkpolicies",
    "priorityclasses",
    "customresourcedefinitions",
    "widgets",
    "selfsubjectaccessreviews",
    "selfsubjectrulesreviews",
    "subjectaccessreviews",
];

/// Subresources that are answered with 501 and a reason.
const MISSING: [&str; 7] = ["attach", "binding", "ephemeralcontainers", "proxy", "resize", "finalize", "finalizers"];

pub(super) fn unserved(pass: &mut Pass) {
    let is_served = |name: &str| {
        let (base, sub) = name.split_once('/').unwrap_or((name, ""));
        SERVED.contains(&base) && !MISSING.contains(&sub)
    };
    pass.objects(|object| {
        for (list, field) in [("resources", "name"), ("resources", "resource"), ("subresources", "subresource")] {
            let Some(items) = object.get_mut(list).and_then(Value::as_array_mut) else { continue };
            items.retain(|item| match item.get(field).and_then(Value::as_str) {
                Some(name) if list == "subresources" => !MISSING.contains(&name),
                Some(name) => is_served(name),
                None => true,
            });
            if items.is_empty() && list == "subresources" {
                object.remove(list);
            }
        }
    });
}

pub(super) fn provisioner(pass: &mut Pass) {
    static FOLDER: LazyLock<Regex> = LazyLock::new(|| Regex::new("^/.*/(pvc-[^/]*)$").unwrap());
    pass.texts(|field, text| {
        if text.starts_with("rancher.io/local-path_") {
            "rancher.io/local-path_pod".clone_into(text);
        }
        if field == "path" {
            *text = FOLDER.replace(text, "/volumes/$1").into_owned();
        }
    });
}

pub(super) fn usage(pass: &mut Pass) {
    static AMOUNT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(0|\d+(n|u|m|Ki|Mi))$").unwrap());
    static WINDOW: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\d+(\.\d+)?s$").unwrap());
    let replace = |value: &mut Value, form: &Regex, word: &str| {
        if value.as_str().is_some_and(|text| form.is_match(text)) {
            *value = word.into();
        }
    };
    pass.objects(|object| {
        if let Some(window) = object.get_mut("window") {
            replace(window, &WINDOW, "window");
        }
        for amount in object.get_mut("usage").and_then(Value::as_object_mut).into_iter().flatten() {
            replace(amount.1, &AMOUNT, "amount");
        }
        let measured = |columns: &Value| columns[3]["name"] == "Window";
        if !object.get("columnDefinitions").is_some_and(measured) {
            return;
        }
        for row in object.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten() {
            for cell in row.get_mut("cells").and_then(Value::as_array_mut).into_iter().flatten() {
                replace(cell, &AMOUNT, "amount");
                replace(cell, &WINDOW, "window");
            }
        }
    });
}

pub(super) fn minutes(pass: &mut Pass) {
    static MINUTE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(tick)-\d{8}\b").unwrap());
    pass.texts(|_, text| *text = MINUTE.replace_all(text, "$1-minute").into_owned());
}

pub(super) fn unprefixed_names(pass: &mut Pass) {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\b(work|agent|[a-z]+-hash-\d+)-[bcdfghjklmnpqrstvwxz2456789]{5}\b").unwrap());
    pass.texts(|_, text| *text = NAME.replace_all(text, "$1-generated").into_owned());
}

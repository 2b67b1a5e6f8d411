//! What may differ between two clusters that behave the same. Every rule has its reason; what no rule
//! covers must be equal.
//!
//! Values that identify something keep their identity: the first uid of a case becomes `uid-1` wherever
//! it appears, so that a reference to the wrong object is still a difference.

mod services;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use super::answer::Answers;

/// A rule and why it is no loss.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    apply: fn(&mut Pass),
}

/// All rules, in the order in which they are applied.
pub(crate) const RULES: &[Rule] = &[
    Rule { name: "namespace", reason: "each run of a case has a namespace with a name of its own", apply: namespace },
    Rule {
        name: "controllers",
        reason: "of Events, Endpoints, volumes, claims, quotas and definitions the sandbox's own components claim no fields; what \
                 they claim of pods and workloads is compared, and so is what clients claim",
        apply: controllers,
    },
    Rule {
        name: "order of owners",
        reason: "managedFields are sorted by the second they are from, and whether two share one is chance",
        apply: order_of_owners,
    },
    Rule {
        name: "order of generations",
        reason: "lists are ordered by name, and these names end in hashes",
        apply: order_of_generations,
    },
    Rule {
        name: "unserved",
        reason: "what the sandbox does not serve is absent from its discovery, by design",
        apply: services::unserved,
    },
    Rule {
        name: "storage hashes",
        reason: "storageVersionHash tells about etcd, to nobody but the storage migrator",
        apply: storage_hashes,
    },
    Rule {
        name: "scheduler's host",
        reason: "the scheduler signs its events with the name of the machine it runs on",
        apply: scheduler_host,
    },
    Rule {
        name: "provisioner",
        reason: "it signs its events with its pod, and puts volumes where its configuration says",
        apply: services::provisioner,
    },
    Rule {
        name: "usage",
        reason: "what containers use is measured there and declared here; that it is told is compared",
        apply: services::usage,
    },
    Rule { name: "minutes", reason: "a cron job names its jobs by the minute", apply: services::minutes },
    Rule { name: "event names", reason: "the time in hexadecimal nanoseconds", apply: event_names },
    Rule {
        name: "generated names",
        reason: "random letters; the same name stays the same wherever it appears",
        apply: generated_names,
    },
    Rule { name: "uids", reason: "random; identity is kept", apply: uids },
    Rule {
        name: "hashes",
        reason: "a hash over the Go form of a template, which nothing else can compute",
        apply: hashes,
    },
    Rule {
        name: "unlabelled hashes",
        reason: "as hashes, where no label of the case tells them: messages, references",
        apply: unlabelled_hashes,
    },
    Rule {
        name: "unprefixed names",
        reason: "as generated names, where no object of the case shows their prefix: messages, cells",
        apply: services::unprefixed_names,
    },
    Rule {
        name: "collection versions",
        reason: "the whole cluster's version moves with writes that are not the case's",
        apply: collection_versions,
    },
    Rule {
        name: "versions",
        reason: "counted by etcd; identity is kept, so a write that must not happen is seen",
        apply: versions,
    },
    Rule {
        name: "times",
        reason: "virtual here, the wall clock there; the form (seconds, microseconds) is compared",
        apply: times,
    },
    Rule { name: "ages", reason: "cells of tables count from now; that there is an age is compared", apply: ages },
    Rule { name: "addresses", reason: "allocated at random or by the network", apply: addresses },
    Rule { name: "continue tokens", reason: "opaque to clients by contract", apply: continue_tokens },
    Rule { name: "tokens", reason: "secrets, and opaque to clients by contract", apply: tokens },
    Rule { name: "runtime ids", reason: "content hashes of a container runtime", apply: runtime_ids },
    Rule {
        name: "repeated bookmarks",
        reason: "one or two come before a watch ends, as the timer falls; one that says something else is compared",
        apply: repeated_bookmarks,
    },
    Rule { name: "build", reason: "which build answers is no behaviour", apply: build },
];

/// A case's answers while rules are applied.
pub(crate) struct Pass {
    namespace: String,
    root: Value,
}

/// Returns the answers with everything volatile replaced.
pub(crate) fn case(answers: &Answers) -> Answers {
    let mut pass = Pass { namespace: answers.namespace.clone(), root: serde_json::to_value(&answers.answers).unwrap() };
    for rule in RULES {
        (rule.apply)(&mut pass);
    }
    // A mutated answer may have lost its form; then it is compared as nothing, which is a difference too.
    let answers = serde_json::from_value(pass.root).unwrap_or_default();
    Answers { namespace: String::new(), answers }
}

impl Pass {
    /// Calls `each` with every text and the field it is in, parents first.
    fn texts(&mut self, mut each: impl FnMut(&str, &mut String)) {
        fn walk(field: &str, value: &mut Value, each: &mut dyn FnMut(&str, &mut String)) {
            match value {
                Value::String(text) => each(field, text),
                Value::Array(items) => items.iter_mut().for_each(|item| walk(field, item, each)),
                Value::Object(map) => map.iter_mut().for_each(|(name, item)| walk(name, item, each)),
                _ => {}
            }
        }
        walk("", &mut self.root, &mut each);
    }

    /// Calls `each` with every object, outer ones first.
    fn objects(&mut self, mut each: impl FnMut(&mut serde_json::Map<String, Value>)) {
        fn walk(value: &mut Value, each: &mut dyn FnMut(&mut serde_json::Map<String, Value>)) {
            match value {
                Value::Array(items) => items.iter_mut().for_each(|item| walk(item, each)),
                Value::Object(map) => {
                    each(map);
                    map.values_mut().for_each(|item| walk(item, each));
                }
                _ => {}
            }
        }
        walk(&mut self.root, &mut each);
    }

    /// Replaces texts wherever they appear, longest first.
    fn replace(&mut self, words: &BTreeMap<String, String>) {
        let mut words: Vec<(&String, &String)> = words.iter().collect();
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        self.texts(|_, text| {
            for (word, name) in &words {
                if text.contains(word.as_str()) {
                    *text = text.replace(word.as_str(), name);
                }
            }
        });
    }
}

fn number(known: &mut BTreeMap<String, String>, value: &str, word: &str) -> String {
    let next = known.len() + 1;
    known.entry(value.to_owned()).or_insert_with(|| format!("{word}-{next}")).clone()
}

fn namespace(pass: &mut Pass) {
    let words = BTreeMap::from([(pass.namespace.clone(), "NAMESPACE".to_owned())]);
    pass.replace(&words);
}

fn controllers(pass: &mut Pass) {
    const CONTROLLERS: [&str; 6] =
        ["kube-controller-manager", "kubelet", "kube-scheduler", "kube-apiserver", "local-path-provisioner", "traefik"];
    // Items of lists name no kind: they are told by a field that they all have.
    const UNCLAIMED: [&[&str]; 8] = [
        &["reason"],
        &["involvedObject"],
        &["spec", "accessModes"],
        &["spec", "hard"],
        &["spec", "names"],
        &["spec", "rules"],
        &["spec", "storageClassName"],
        &["subsets"],
    ];
    pass.objects(|object| {
        let has = |path: &&[&str]| {
            let (first, rest) = path.split_first().unwrap();
            object.get(*first).is_some_and(|value| rest.iter().all(|field| value.get(field).is_some()))
        };
        if !UNCLAIMED.iter().any(has) {
            return;
        }
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        if let Some(entries) = metadata.get_mut("managedFields").and_then(Value::as_array_mut) {
            entries.retain(|entry| !CONTROLLERS.iter().any(|name| entry["manager"] == *name));
            if entries.is_empty() {
                metadata.remove("managedFields");
            }
        }
    });
}

fn generated_names(pass: &mut Pass) {
    let mut names = BTreeMap::new();
    pass.objects(|metadata| {
        if let (Some(prefix), Some(name)) =
            (metadata.get("generateName").and_then(Value::as_str), metadata.get("name").and_then(Value::as_str))
            && name.strip_prefix(prefix).is_some_and(|rest| GENERATED.is_match(rest))
        {
            let next = names.len() + 1;
            names.entry(name.to_owned()).or_insert_with(|| format!("{prefix}generated-{next}"));
        }
    });
    pass.replace(&names);
}

static GENERATED: LazyLock<Regex> = LazyLock::new(|| Regex::new("^[bcdfghjklmnpqrstvwxz2456789]{5}$").unwrap());

fn hashes(pass: &mut Pass) {
    let mut found = BTreeMap::new();
    pass.texts(|field, text| {
        if [
            "pod-template-hash",
            "controller-revision-hash",
            "controller.kubernetes.io/hash",
            "currentRevision",
            "updateRevision",
        ]
        .contains(&field)
        {
            let hash = text.rsplit('-').next().unwrap_or_default();
            if hash.len() >= 6 {
                number(&mut found, hash, "hash");
            }
        }
    });
    pass.replace(&found);
}

fn order_of_owners(pass: &mut Pass) {
    pass.objects(|object| {
        if let Some(Value::Array(owners)) = object.get_mut("managedFields") {
            owners.sort_by_key(|owner| ["manager", "operation", "subresource"].map(|field| owner[field].to_string()));
        }
    });
}

fn order_of_generations(pass: &mut Pass) {
    pass.objects(|list| {
        let Some(items) = list.get_mut("items").and_then(Value::as_array_mut) else { return };
        if items.iter().all(|item| item["metadata"]["labels"]["pod-template-hash"].is_string()) {
            items.sort_by_key(|item| item["metadata"]["annotations"]["deployment.kubernetes.io/revision"].to_string());
        }
    });
}

fn storage_hashes(pass: &mut Pass) {
    pass.objects(|object| drop(object.remove("storageVersionHash")));
}

fn scheduler_host(pass: &mut Pass) {
    pass.texts(|field, text| {
        if field == "reportingInstance" && text.starts_with("default-scheduler-") {
            "default-scheduler-host".clone_into(text);
        }
    });
}

fn event_names(pass: &mut Pass) {
    static STAMP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\.[0-9a-f]{16}$").unwrap());
    pass.texts(|field, text| {
        if field == "name" {
            *text = STAMP.replace(text, ".stamp").into_owned();
        }
    });
}

fn unlabelled_hashes(pass: &mut Pass) {
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new("-[bcdfghjklmnpqrstvwxz2456789]{8,10}(-[bcdfghjklmnpqrstvwxz2456789]{5})?\\b").unwrap()
    });
    static LABEL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("pod-template-hash=[bcdfghjklmnpqrstvwxz2456789]{8,10}").unwrap());
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| Regex::new("^kube-api-access-[a-z0-9]{5}$").unwrap());
    pass.texts(|_, text| {
        *text = NAME.replace_all(text, "-unlabelled").into_owned();
        *text = TOKEN.replace_all(text, "kube-api-access").into_owned();
        *text = LABEL.replace_all(text, "pod-template-hash=unlabelled").into_owned();
    });
}

fn uids(pass: &mut Pass) {
    static UID: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap());
    let mut known = BTreeMap::new();
    // `managedFields` name owner references by uid, in keys.
    rename_keys(pass, &UID, "uid");
    pass.texts(|_, text| {
        *text = UID.replace_all(text, |found: &Captures<'_>| number(&mut known, &found[0], "uid")).into_owned();
    });
}

fn rename_keys(pass: &mut Pass, pattern: &Regex, word: &str) {
    pass.objects(|object| {
        let named: Vec<String> = object.keys().filter(|key| pattern.is_match(key)).cloned().collect();
        for key in named {
            let value = object.remove(&key).unwrap_or_default();
            object.insert(pattern.replace_all(&key, word).into_owned(), value);
        }
    });
}

fn collection_versions(pass: &mut Pass) {
    pass.objects(|object| {
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
        let is_list = kind.ends_with("List") && object.contains_key("items") || kind == "Table";
        let is_bookmark = object.get("type").is_some_and(|it| it == "BOOKMARK");
        let pointer = if is_list { "metadata" } else { "object" };
        if !is_list && !is_bookmark {
            return;
        }
        let Some(part) = object.get_mut(pointer) else { return };
        let metadata = if is_list { part } else { &mut part["metadata"] };
        if metadata["resourceVersion"].is_string() {
            metadata["resourceVersion"] = "version".into();
        }
    });
}

fn versions(pass: &mut Pass) {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+").unwrap());
    let mut known = BTreeMap::new();
    pass.texts(|field, text| {
        if field == "resourceVersion" && text.parse::<u64>().is_ok() {
            *text = number(&mut known, text, "version");
        }
    });
    pass.texts(|field, text| {
        if field == "message" {
            *text = NUMBER
                .replace_all(text, |found: &Captures<'_>| {
                    let is_version = found[0].len() > 1 && known.contains_key(&found[0]);
                    if is_version { known[&found[0]].clone() } else { found[0].to_owned() }
                })
                .into_owned();
        }
    });
}

fn times(pass: &mut Pass) {
    static TIME: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z$").unwrap());
    pass.texts(|_, text| {
        if TIME.is_match(text) {
            let form = if text.contains('.') { "time in microseconds" } else { "time in seconds" };
            form.clone_into(text);
        }
    });
}

fn ages(pass: &mut Pass) {
    static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^(\d+ \()?(\d+[smhdy]){1,2}( ago\))?$").unwrap());
    pass.objects(|row| {
        for cell in row.get_mut("cells").and_then(Value::as_array_mut).into_iter().flatten() {
            if cell.as_str().is_some_and(|text| AGE.is_match(text)) {
                *cell = AGE.replace(cell.as_str().unwrap_or_default(), "${1}age$3").into_owned().into();
            }
        }
    });
}

fn addresses(pass: &mut Pass) {
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b").unwrap());
    // `managedFields` name the addresses of a pod in keys.
    rename_keys(pass, &ADDRESS, "address");
    pass.texts(|_, text| {
        // An address that is no address space of a cluster is the case's own.
        if !text.starts_with("0.") {
            *text = ADDRESS.replace_all(text, "address").into_owned();
        }
    });
}

fn tokens(pass: &mut Pass) {
    pass.texts(|field, text| {
        if field == "token" && !text.is_empty() {
            "token".clone_into(text);
        }
    });
}

fn continue_tokens(pass: &mut Pass) {
    pass.texts(|field, text| {
        if field == "continue" && !text.is_empty() {
            "token".clone_into(text);
        }
    });
}

fn runtime_ids(pass: &mut Pass) {
    static HASH: LazyLock<Regex> = LazyLock::new(|| Regex::new("[0-9a-f]{64}").unwrap());
    pass.texts(|field, text| {
        if field == "imageID" {
            "image".clone_into(text);
        }
        *text = HASH.replace_all(text, "hash").into_owned();
    });
}

fn repeated_bookmarks(pass: &mut Pass) {
    pass.objects(|answer| {
        if let Some(events) = answer.get_mut("body").and_then(Value::as_array_mut) {
            events.dedup_by(|next, before| {
                let is_bookmark = next["type"] == "BOOKMARK" && before["type"] == "BOOKMARK";
                is_bookmark && bare_bookmark(next) == bare_bookmark(before)
            });
        }
    });
}

/// Returns a bookmark without what only one has that ends the initial events or begins a table: the mark, and the
/// columns and the object that is marked in a table's row.
fn bare_bookmark(event: &Value) -> Value {
    let mut event = event.clone();
    let object = &mut event["object"];
    if let Some(table) = object.as_object_mut() {
        table.remove("columnDefinitions");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("annotations");
    }
    for row in object.get_mut("rows").and_then(Value::as_array_mut).into_iter().flatten() {
        row["object"] = Value::Null;
    }
    event
}

fn build(pass: &mut Pass) {
    const FIELDS: [&str; 6] = ["gitCommit", "buildDate", "goVersion", "compiler", "platform", "gitTreeState"];
    pass.objects(|object| {
        if object.contains_key("gitVersion") {
            for field in FIELDS {
                if object.get(field).is_some_and(Value::is_string) {
                    object.insert(field.into(), "build".into());
                }
            }
        }
    });
}

#[test]
fn every_rule_has_a_reason() {
    for rule in RULES {
        assert!(rule.reason.len() > 20, "{}", rule.name);
    }
}

//! The changed pod template, the patch that makes it so, and the words for it.
//!
//! Each edit changes the template, notes what a person should know, and names the kubectl command for the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use todo_agent_core::{ObjectRef, Run, ToolError};
use todo_agent_kube_rules::quantities::Quantity;

use super::{
    container::{self, Place},
    drop_empty, inner, label,
    probes::{self, ProbeArgs},
};
use crate::{
    amounts::{self, Amounts},
    images, value, words, workloads,
};

/// A pod template and what becomes of it.
pub(crate) struct Edits {
    before: Value,
    /// The template as it will be.
    pub(crate) template: Value,
    /// What to tell the person.
    pub(crate) notes: Vec<String>,
    workload: String,
    selector: Value,
    place: Place,
    named: Option<String>,
    /// What is set, in a word or two each.
    parts: Vec<String>,
    commands: Vec<Command>,
}

/// A kubectl command without its object and namespace.
enum Command {
    Set(&'static str, Vec<String>),
    Patch,
}

impl Edits {
    pub(crate) fn of(live: &Value, object: &ObjectRef) -> Result<Self, ToolError> {
        let before = live.pointer("/spec/template").cloned();
        let before = before.ok_or_else(|| ToolError::state(format!("{} has no pod template", object.short())))?;
        Ok(Self {
            template: before.clone(),
            before,
            notes: Vec::new(),
            workload: object.short(),
            selector: live.pointer("/spec/selector/matchLabels").cloned().unwrap_or_default(),
            place: Place { list: "containers", index: 0 },
            named: None,
            parts: Vec::new(),
            commands: Vec::new(),
        })
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.before == self.template
    }

    /// Chooses the container that the edits after this are about.
    pub(crate) fn choose(&mut self, named: Option<&str>) -> Result<(), ToolError> {
        self.place = container::find(&self.template, &self.workload, named)?;
        let several = value::items(&self.template, "/spec/containers").len() > 1 || self.place.list != "containers";
        self.named = several.then(|| value::name_of(self.container()).to_owned());
        Ok(())
    }

    fn container(&self) -> &Value {
        &self.template["spec"][self.place.list][self.place.index]
    }

    fn container_mut(&mut self) -> &mut Value {
        &mut self.template["spec"][self.place.list][self.place.index]
    }

    pub(crate) fn image(&mut self, given: &str) -> Result<(), ToolError> {
        let image = images::meant(given, value::text(self.container(), "/image"))?;
        let name = value::name_of(self.container()).to_owned();
        self.container_mut()["image"] = json!(image);
        if image.ends_with(":latest") || !image.rsplit('/').next().unwrap_or_default().contains([':', '@']) {
            self.notes.push(
                "the tag latest moves: what runs may differ from pod to pod and cannot be gone back to".to_owned(),
            );
        }
        self.parts.push(format!("image {image}"));
        self.commands.push(Command::Set("image", vec![format!("{name}={image}")]));
        Ok(())
    }

    pub(crate) fn resources(&mut self, requests: Option<&Amounts>, limits: Option<&Amounts>) -> Result<(), ToolError> {
        let mut flags = Vec::new();
        for (field, given) in [("requests", requests), ("limits", limits)] {
            let Some(given) = given.filter(|given| !given.is_empty()) else { continue };
            let mut listed = Vec::new();
            for (name, amount) in given {
                let resource = amounts::resource(field, name)?;
                if amount.is_null() {
                    if let Some(all) = inner(self.resources_mut(), field) {
                        all.remove(&resource);
                    }
                    self.parts.push(format!("no {resource} {}", singular(field)));
                    listed.push(format!("{resource}=0"));
                    continue;
                }
                let amount = amounts::read(&format!("{field}.{resource}"), &resource, amount)?;
                self.parts.push(format!("{resource} {} {}", singular(field), amount.quantity));
                listed.push(format!("{resource}={}", amount.quantity));
                self.notes.extend(amount.note);
                if let Some(all) = inner(self.resources_mut(), field) {
                    all.insert(resource, json!(amount.quantity));
                }
            }
            flags.push(format!("--{field}={}", listed.join(",")));
            drop_empty(self.resources_mut(), field);
        }
        if flags.is_empty() {
            return Ok(());
        }
        self.refuse_more_than_the_limit()?;
        if let Some(name) = &self.named {
            flags.insert(0, format!("-c={name}"));
        }
        self.commands.push(Command::Set("resources", flags));
        Ok(())
    }

    fn resources_mut(&mut self) -> &mut Value {
        let container = self.container_mut();
        inner(container, "resources");
        &mut container["resources"]
    }

    fn refuse_more_than_the_limit(&self) -> Result<(), ToolError> {
        for (resource, limit) in value::entries(self.container(), "/resources/limits") {
            let read = |amount: &Value| value::plain(amount).parse::<Quantity>().ok();
            let request = self.container()["resources"]["requests"].get(resource);
            if let (Some(wanted), Some(most)) = (request.and_then(read), read(limit))
                && wanted > most
            {
                return Err(ToolError::state(format!(
                    "the {resource} request of {} would be {wanted}, more than its limit of {most}",
                    self.workload
                ))
                .hint(format!("give both: requests {{\"{resource}\": …}} and limits {{\"{resource}\": …}}")));
            }
        }
        Ok(())
    }

    pub(crate) fn env(&mut self, given: &BTreeMap<String, Value>, run: &Run) -> Result<(), ToolError> {
        let mut words = Vec::new();
        for (name, wanted) in given {
            check_variable(name)?;
            let mut variables = value::items(self.container(), "/env").to_vec();
            let at = variables.iter().position(|variable| value::name_of(variable) == name);
            let variable = match wanted {
                Value::Null => {
                    let Some(at) = at else {
                        return Err(self.no_such_variable(name));
                    };
                    variables.remove(at);
                    self.container_mut()["env"] = Value::Array(variables);
                    self.parts.push(format!("no {name}"));
                    words.push(format!("{name}-"));
                    continue;
                }
                Value::Object(_) => reference(name, wanted)?,
                Value::Array(_) => {
                    return Err(ToolError::arguments(format!("env {name} must be a text, got {wanted}")));
                }
                literal => json!({"name": name, "value": value::plain(literal)}),
            };
            if *run.redactor.value(&variable) != variable && variable.get("value").is_some() {
                self.notes.push(format!(
                    "{name} looks like a secret and will stand readable in the pod template; a reference to a Secret hides it"
                ));
            }
            self.parts.push(name.clone());
            match variable.get("value").and_then(Value::as_str) {
                Some(text) => words.push(quoted(&format!("{name}={text}"))),
                None => words.push(format!("# {name} from {}", value::plain(&variable["valueFrom"]))),
            }
            match at {
                Some(at) => variables[at] = variable,
                None => variables.push(variable),
            }
            self.container_mut()["env"] = Value::Array(variables);
        }
        drop_empty(self.container_mut(), "env");
        if words.iter().any(|word| word.starts_with('#')) {
            self.commands.push(Command::Patch);
        } else {
            if let Some(name) = &self.named {
                words.insert(0, format!("-c={name}"));
            }
            self.commands.push(Command::Set("env", words));
        }
        Ok(())
    }

    fn no_such_variable(&self, name: &str) -> ToolError {
        let known: Vec<&str> = value::items(self.container(), "/env").iter().map(value::name_of).collect();
        let error = ToolError::state(format!("{} has no variable {name} of its own", self.workload));
        match crate::arguments::nearest(name, known.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None if known.is_empty() => error.hint("what comes with envFrom is changed in its ConfigMap or Secret"),
            None => error.hint(format!("it has {}", known.join(", "))),
        }
    }

    /// Sets `command` or `args`.
    pub(crate) fn words(&mut self, field: &'static str, words: &[String]) {
        self.container_mut()[field] = json!(words);
        drop_empty(self.container_mut(), field);
        self.parts.push(if words.is_empty() { format!("the image's own {field}") } else { field.to_owned() });
        self.commands.push(Command::Patch);
    }

    pub(crate) fn probe(&mut self, which: &str, probe: Option<&ProbeArgs>) -> Result<(), ToolError> {
        let field = probes::field(which)?;
        if let Some(probe) = probe {
            let built = probes::build(which, probe, self.container().get(field))?;
            self.container_mut()[field] = built;
            self.parts.push(format!("{which} probe"));
        } else {
            if let Some(fields) = self.container_mut().as_object_mut() {
                fields.remove(field);
            }
            self.parts.push(format!("no {which} probe"));
        }
        self.commands.push(Command::Patch);
        Ok(())
    }

    pub(crate) fn labels(&mut self, given: &BTreeMap<String, Value>) -> Result<(), ToolError> {
        for (key, wanted) in given {
            let wanted = label(key, wanted)?;
            if self.selector.get(key).is_some() {
                return Err(ToolError::state(format!("label {key} is what {} selects its pods by", self.workload))
                    .hint("a selector cannot change: create a workload of another name with the new label"));
            }
            inner(&mut self.template, "metadata");
            let Some(labels) = inner(&mut self.template["metadata"], "labels") else { continue };
            match wanted {
                Some(text) => labels.insert(key.clone(), json!(text)),
                None => labels.remove(key),
            };
            self.parts.push(format!("label {key}"));
        }
        self.commands.push(Command::Patch);
        Ok(())
    }

    /// Returns the patch: the container and the labels that changed, each whole.
    pub(crate) fn patch(&self) -> Vec<Value> {
        let mut operations = Vec::new();
        let labels = "/metadata/labels";
        if self.before.pointer(labels) != self.template.pointer(labels) {
            let value = self.template.pointer(labels);
            operations.push(json!({"op": "add", "path": format!("/spec/template{labels}"), "value": value}));
        }
        let container = format!("/spec/{}/{}", self.place.list, self.place.index);
        if self.before.pointer(&container) != self.template.pointer(&container) {
            let path = format!("/spec/template{container}");
            operations.push(json!({"op": "replace", "path": path, "value": self.container()}));
        }
        operations
    }

    pub(crate) fn summary(&self, object: &ObjectRef) -> String {
        let container = self.named.as_ref().map_or_else(String::new, |name| format!(" in container {name}"));
        format!("set {} of {}{container}", listed(&self.parts), object.short())
    }

    pub(crate) fn command(&self, object: &ObjectRef) -> String {
        let flag = workloads::namespace_flag(object);
        let mut commands: Vec<String> = Vec::new();
        for command in &self.commands {
            commands.push(match command {
                Command::Set(what, words) => format!("kubectl set {what} {} {}{flag}", object.short(), words.join(" ")),
                Command::Patch => {
                    let patch = Value::Array(self.patch()).to_string();
                    format!("kubectl patch {} --type=json -p {}{flag}", object.short(), quoted(&patch))
                }
            });
        }
        // One patch has all of it.
        if let Some(patch) = commands.iter().find(|command| command.starts_with("kubectl patch")) {
            return patch.clone();
        }
        commands.join(" && ")
    }
}

fn singular(field: &str) -> &str {
    field.trim_end_matches('s')
}

fn listed(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "values".to_owned(),
    }
}

/// Returns a word as a POSIX shell takes it for one.
pub(in crate::write) fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Source: k8s.io/apimachinery/pkg/util/validation, IsRelaxedEnvVarName: printable ASCII without `=`.
pub(in crate::write) fn check_variable(name: &str) -> Result<(), ToolError> {
    let fits = !name.is_empty() && name.chars().all(|character| character.is_ascii_graphic() && character != '=');
    if fits {
        return Ok(());
    }
    Err(ToolError::arguments(format!("\"{}\" cannot be a variable's name", words::shown(name)))
        .hint("give name and value apart: {\"LOG_LEVEL\": \"debug\"}"))
}

/// Returns a variable that takes its value from a key of a Secret or ConfigMap.
pub(in crate::write) fn reference(name: &str, given: &Value) -> Result<Value, ToolError> {
    let wrong = || {
        ToolError::arguments(format!("env {name} refers to nothing"))
            .hint("a reference is {\"secret\": \"name\", \"key\": \"k\"} or {\"configmap\": \"name\", \"key\": \"k\"}")
    };
    let fields = given.as_object().ok_or_else(wrong)?;
    let text = |key: &str| fields.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(other) = fields.keys().find(|key| !matches!(key.as_str(), "secret" | "configmap" | "key" | "optional"))
    {
        return Err(ToolError::arguments(format!("env {name} has no \"{}\"", words::shown(other)))
            .hint("a reference has secret or configmap, and key"));
    }
    let (kind, object) = match (text("secret"), text("configmap")) {
        (Some(secret), None) => ("secretKeyRef", secret),
        (None, Some(map)) => ("configMapKeyRef", map),
        _ => return Err(wrong()),
    };
    words::check(&format!("env {name}"), object)?;
    // Without a key the variable's own name is the usual one.
    let key = text("key").unwrap_or(name);
    let mut from = json!({kind: {"name": object, "key": key}});
    if let Some(optional) = fields.get("optional").and_then(Value::as_bool) {
        from[kind]["optional"] = json!(optional);
    }
    Ok(json!({"name": name, "valueFrom": from}))
}

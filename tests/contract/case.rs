//! The cases as their files have them: a behaviour per file, a fresh namespace per case.
//!
//! A step is a method with a path. `deployments/web` is short for the path of that object in the case's
//! namespace; a path with a leading slash is taken as it is. `${name}` stands for what an earlier step
//! saved; `body: $name` for an entry of `objects`, changed by `with` (pointer to value, null removes).

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use todo_agent_kube_rules::kinds;

use super::answer::Request;

/// All cases, or those that were selected.
pub(crate) struct Suite {
    pub(crate) behaviours: Vec<Behaviour>,
    /// Whether nothing was left out.
    pub(crate) is_complete: bool,
}

/// One file.
pub(crate) struct Behaviour {
    pub(crate) name: String,
    pub(crate) cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    objects: BTreeMap<String, Value>,
    cases: Vec<Case>,
}

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) verb: String,
    pub(crate) kind: String,
    pub(crate) steps: Vec<Step>,
    #[serde(skip)]
    pub(crate) objects: BTreeMap<String, Value>,
}

/// One request, or the waiting for a state.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    get: Option<String>,
    head: Option<String>,
    post: Option<String>,
    put: Option<String>,
    patch: Option<String>,
    delete: Option<String>,
    /// A path that is read again and again until `until` holds; the last answer counts.
    wait: Option<String>,
    /// Pointers into the body with the values they must have (null: absent).
    #[serde(default)]
    pub(crate) until: BTreeMap<String, Value>,
    /// The user that the request is made as.
    #[serde(rename = "as")]
    user: Option<String>,
    /// The kind of patch, or the body's media type.
    #[serde(rename = "type")]
    media: Option<String>,
    accept: Option<String>,
    body: Option<Value>,
    #[serde(default)]
    with: BTreeMap<String, Value>,
    /// A body that is no JSON.
    text: Option<String>,
    /// Variables, with the pointers into the body that they are read from.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
    /// Whether the answer is not compared: the step only prepares the next.
    #[serde(default)]
    pub(crate) unseen: bool,
}

/// What saved names stand for.
pub(crate) type Variables = BTreeMap<String, String>;

impl Suite {
    /// Reads every file of `cases/`, in the order of their names.
    pub(crate) fn load(folder: &Path) -> Self {
        let selection = std::env::var("TODO_AGENT_CONTRACT_CASES").unwrap_or_default();
        let mut files: Vec<_> = std::fs::read_dir(folder.join("cases")).unwrap().map(|it| it.unwrap().path()).collect();
        files.sort();
        let mut names = std::collections::BTreeSet::new();
        let behaviours = files
            .iter()
            .map(|path| {
                let text = std::fs::read_to_string(path).unwrap();
                let file: File =
                    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                let mut cases = file.cases;
                for case in &mut cases {
                    assert!(names.insert(case.name.clone()), "two cases have the name {:?}", case.name);
                    case.objects.clone_from(&file.objects);
                }
                cases.retain(|case| name.contains(&selection) || case.name.contains(&selection));
                Behaviour { name, cases }
            })
            .filter(|behaviour| !behaviour.cases.is_empty())
            .collect();
        Self { behaviours, is_complete: selection.is_empty() }
    }
}

impl Step {
    /// Returns the request that the step makes.
    pub(crate) fn request(&self, objects: &BTreeMap<String, Value>, variables: &Variables) -> Request {
        let (method, path) = [
            ("GET", &self.get),
            ("GET", &self.wait),
            ("HEAD", &self.head),
            ("POST", &self.post),
            ("PUT", &self.put),
            ("PATCH", &self.patch),
            ("DELETE", &self.delete),
        ]
        .into_iter()
        .find_map(|(method, path)| path.as_deref().map(|path| (method, path)))
        .unwrap_or_else(|| panic!("a step without a method: {self:?}"));
        let mut headers = vec![("user-agent", "contract/1".to_owned())];
        if let Some(user) = &self.user {
            headers.push(("impersonate-user", user.clone()));
        }
        headers.push(("accept", self.accept.clone().unwrap_or_else(|| "application/json".to_owned())));
        let body = match (&self.text, &self.body) {
            (Some(text), _) => text.clone(),
            (None, Some(body)) => self.object(body, objects, variables).to_string(),
            (None, None) => String::new(),
        };
        if method == "PATCH" || !body.is_empty() {
            headers.push(("content-type", media(self.media.as_deref().unwrap_or("json"), method)));
        }
        Request { method, path: fill(&full_path(path), variables), headers, body: fill(&body, variables) }
    }

    fn object(&self, body: &Value, objects: &BTreeMap<String, Value>, variables: &Variables) -> Value {
        let mut object = match body.as_str().and_then(|text| text.strip_prefix('$')) {
            Some(name) => match (objects.get(name), variables.get(name)) {
                (Some(object), _) => object.clone(),
                (None, Some(saved)) => serde_json::from_str(saved).unwrap(),
                (None, None) => panic!("no object {name}"),
            },
            None => body.clone(),
        };
        for (pointer, value) in &self.with {
            let (parent, field) = pointer.rsplit_once('/').unwrap();
            let parent = object.pointer_mut(parent).unwrap_or_else(|| panic!("nothing at {pointer}"));
            match (parent, value) {
                (Value::Object(map), Value::Null) => {
                    map.remove(field);
                }
                (Value::Object(map), value) => {
                    map.insert(field.replace("~1", "/"), value.clone());
                }
                (Value::Array(items), value) => items[field.parse::<usize>().unwrap()] = value.clone(),
                _ => panic!("{pointer} is in no object"),
            }
        }
        object
    }

    /// Returns whether the step waits for a state that the body does not show yet.
    pub(crate) fn still_waits(&self, body: &Value) -> bool {
        self.wait.is_some()
            && self.until.iter().any(|(pointer, wanted)| match pointer.strip_suffix("/#") {
                Some(list) => {
                    body.pointer(list).and_then(Value::as_array).map_or(0, Vec::len) as u64
                        != wanted.as_u64().unwrap_or(0)
                }
                None => body.pointer(pointer).unwrap_or(&Value::Null) != wanted,
            })
    }
}

fn media(word: &str, method: &str) -> String {
    match (word, method) {
        ("json", "PATCH") => "application/json-patch+json",
        ("merge", _) => "application/merge-patch+json",
        ("strategic", _) => "application/strategic-merge-patch+json",
        ("apply", _) => "application/apply-patch+yaml",
        ("json", _) => "application/json",
        (other, _) => other,
    }
    .to_owned()
}

fn full_path(path: &str) -> String {
    if path.starts_with('/') {
        return path.to_owned();
    }
    let end = path.find(['/', '?']).unwrap_or(path.len());
    let kind = kinds::find(&path[..end]).unwrap_or_else(|| panic!("no kind {path}"));
    format!("{}{}", kind.path(Some("${ns}")), &path[end..])
}

fn fill(text: &str, variables: &Variables) -> String {
    variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

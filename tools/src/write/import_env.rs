//! `import_env`: proposes a Secret and a ConfigMap from a `.env` file of the person's.
//!
//! What is secret is what the person says, else what has the name or the look of a secret. The values of the Secret are
//! registered before anything is shown: they stand in no preview, no record and no answer.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use todo_agent_core::{FullReader, ObjectRef, Redactor, Remark, ResourceType, Run, ToolError};
use todo_agent_kube_rules::kinds;

use super::{
    create::{named, refuse_existing},
    make,
};
use crate::{
    dotenv::{self, Variables},
    files, resolve,
    tool::{Proposal, Write},
    words,
};

/// The most bytes of a Secret or a ConfigMap.
/// Source: k8s.io/api/core/v1, MaxSecretSize.
const MOST_BYTES: u64 = 1024 * 1024;

/// Propose a Secret and a ConfigMap from a .env file; values are never shown.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportEnvArgs {
    /// below the working directory
    file: String,
    /// of both objects; default env
    name: Option<String>,
    /// names that go into the Secret, `*` is all; default those that look secret
    secret: Option<Vec<String>>,
    namespace: Option<String>,
}

/// The tool.
pub(crate) struct ImportEnv;

impl Write for ImportEnv {
    const NAME: &'static str = "import_env";
    type Args = ImportEnvArgs;

    fn example(&self) -> Value {
        json!({"file": ".env", "name": "backend-env"})
    }

    async fn propose<'a>(
        &'a self,
        args: ImportEnvArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        let reader = reader.as_reader();
        let name = named(args.name.as_deref().unwrap_or("env").trim())?;
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?.to_owned();
        let file = args.file.trim();
        let variables = dotenv::parse(&files::read(file, MOST_BYTES)?, file)?;
        if variables.all.is_empty() {
            return Err(ToolError::arguments(format!("file \"{}\" holds no variables", words::shown(file))));
        }
        if args.namespace.is_some()
            && let Some(error) = resolve::missing_namespace(reader, &namespace).await?
        {
            return Err(error);
        }
        let Parted { secret, open } = parted(&variables, args.secret.as_deref(), &run.redactor)?;
        let mut changes = Vec::new();
        for (kind, content) in [("secret", secret), ("configmap", open)] {
            let Some(kind) = kinds::find(kind).filter(|_| !content.is_empty()) else { continue };
            let target = ObjectRef {
                resource: ResourceType::from(kind),
                namespace: Some(namespace.clone()),
                name: name.clone(),
            };
            refuse_existing(reader, &target).await?;
            let keys = content.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let summary = format!("create {} with {}", target.short(), counted(content.len()));
            let mut change = make::change(Self::NAME, &target, object(kind, &target, &content), summary);
            let (noun, remark) = if kind.kind == "Secret" {
                ("secret generic", format!("into the Secret go {keys}; their values are not shown"))
            } else {
                ("configmap", format!("into the ConfigMap go {keys}; everybody who reads the namespace reads them"))
            };
            change.equivalent =
                format!("kubectl create {noun} {name} --from-env-file={} -n {namespace}", words::shown(file));
            change.remarks.push(Remark::Fact(remark));
            changes.push(change);
        }
        if let Some(last) = changes.last_mut() {
            last.remarks.extend(notes(&variables).into_iter().map(Remark::Fact));
        }
        Ok(Proposal::Changes(changes))
    }
}

fn counted(keys: usize) -> String {
    todo_agent_core::text::count(keys, "key")
}

/// The variables by where they go.
struct Parted {
    secret: Map<String, Value>,
    open: Map<String, Value>,
}

fn parted(variables: &Variables, wanted: Option<&[String]>, redactor: &Redactor) -> Result<Parted, ToolError> {
    for name in wanted.into_iter().flatten().filter(|name| *name != "*") {
        if !variables.all.iter().any(|(known, _)| known == name) {
            let error = ToolError::arguments(format!("the file has no variable \"{}\"", words::shown(name)));
            let near = variables.all.iter().map(|(known, _)| (strsim::osa_distance(known, name), known)).min();
            return Err(match near {
                Some((distance, known)) if distance <= 2 => error.hint(format!("did you mean {known}?")),
                _ => error,
            });
        }
    }
    let mut parted = Parted { secret: Map::new(), open: Map::new() };
    for (name, value) in &variables.all {
        let is_secret = match wanted {
            Some(names) => names.iter().any(|wanted| wanted == name || wanted == "*"),
            None => looks_secret(name, value, redactor),
        };
        if is_secret {
            redactor.register(value);
            parted.secret.insert(name.clone(), json!(value));
        } else {
            parted.open.insert(name.clone(), json!(value));
        }
    }
    Ok(parted)
}

/// Returns whether a redactor would mask it wherever it stood.
fn looks_secret(name: &str, value: &str, redactor: &Redactor) -> bool {
    let placed = json!({ name: value });
    *redactor.value(&placed) != placed
}

fn object(kind: &kinds::Kind, target: &ObjectRef, content: &Map<String, Value>) -> Value {
    let field = if kind.kind == "Secret" { "stringData" } else { "data" };
    json!({
        "apiVersion": kind.api_version(),
        "kind": kind.kind,
        "metadata": {"name": target.name, "namespace": target.namespace, "labels": {"app.kubernetes.io/managed-by": "todo-agent"}},
        field: content,
    })
}

fn notes(variables: &Variables) -> Vec<String> {
    let mut notes = Vec::new();
    if !variables.repeated.is_empty() {
        notes.push(format!("{} comes more than once; the last value counts", variables.repeated.join(", ")));
    }
    if !variables.unexpanded.is_empty() {
        let names = variables.unexpanded.join(", ");
        notes.push(format!("{names} refers to other variables, which is kept as it is written"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, secret: Option<&[&str]>) -> Result<(Vec<String>, Vec<String>), String> {
        let wanted = secret.map(|names| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        let parted = parted(&dotenv::parse(text, ".env").unwrap(), wanted.as_deref(), &Redactor::new([1; 32]));
        let keys = |content: Map<String, Value>| content.keys().cloned().collect();
        parted.map(|parted| (keys(parted.secret), keys(parted.open))).map_err(|error| error.to_model())
    }

    #[test]
    fn what_looks_secret_goes_into_the_secret() {
        let text = "PORT=8000\nDB_PASSWORD=hunter22\nDATABASE_URL=postgres://todo:hunter22@db/todo\nLOG_LEVEL=info\n";
        let (secret, open) = split(text, None).unwrap();
        assert_eq!((secret.join(" "), open.join(" ")), ("DATABASE_URL DB_PASSWORD".into(), "LOG_LEVEL PORT".into()));
        assert_eq!(split(text, Some(&["PORT"])).unwrap().0, ["PORT"]);
        assert_eq!(split(text, Some(&["*"])).unwrap().1, [] as [String; 0]);
        assert_eq!(
            split(text, Some(&["DB_PASWORD"])).unwrap_err(),
            "error: the file has no variable \"DB_PASWORD\"\nhint: did you mean DB_PASSWORD?"
        );
    }

    #[test]
    fn a_secret_value_is_masked_from_then_on() {
        let redactor = Redactor::new([1; 32]);
        let variables = dotenv::parse("DB_PASSWORD=correct-horse", ".env").unwrap();
        parted(&variables, None, &redactor).unwrap();
        assert_eq!(*redactor.text("it is correct-horse"), "it is ‹secret:1›");
    }
}

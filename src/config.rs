//! The person's configuration: `$TODO_AGENT_CONFIG`, else `config.toml` below the XDG configuration
//! directory. Everything in it has a default; a flag on the command line wins over it.
//!
//! Nothing in here can loosen safety: what may be done without asking is in the policy file.

use std::{num::NonZero, path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer, de::Error};

use crate::{
    cli::duration,
    dialogue::PlannerUse,
    model::settings::ModelTable,
    options::{BudgetFlags, Colour},
    problem::Problem,
    state::{Environment, xdg},
    toml_file,
};

/// The values in force from the file, or the defaults.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Where the file is or would be.
    pub path: Option<PathBuf>,
    /// Whether there is one.
    pub source: Source,
    /// How long a turn may take; none means that only its waits are bounded.
    pub timeout: Option<Duration>,
    /// Whether colour is used.
    pub colour: Colour,
    /// Whether the offline planner answers although a model is configured.
    pub planner: PlannerUse,
    /// How much a turn with a model may take.
    pub budgets: BudgetFlags,
    /// What it says of the model.
    pub model: Option<ModelTable>,
}

/// Where the values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// The file, defaults for what it leaves out.
    File,
    /// Defaults only.
    #[default]
    Defaults,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
struct File {
    #[serde(default, deserialize_with = "read_timeout")]
    timeout: Option<Duration>,
    color: Option<ColourWord>,
    model: Option<ModelTable>,
    #[serde(default)]
    planner: PlannerUse,
    #[serde(default)]
    budget: Budget,
}

/// How much a turn with a model may take.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    steps: Option<NonZero<usize>>,
    tokens: Option<NonZero<u64>>,
    seconds: Option<NonZero<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ColourWord {
    Auto,
    Never,
}

fn read_timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    duration(&text).map(Some).map_err(|problem| D::Error::custom(format!("{problem}; {}", problem.hints.join("; "))))
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Returns what is wrong with the file, or that the one named by the environment is missing.
    pub fn load(environment: Environment<'_>) -> Result<Self, Problem> {
        let named = environment("TODO_AGENT_CONFIG").map(PathBuf::from);
        let path = named.clone().or_else(|| directory(environment).map(|directory| directory.join("config.toml")));
        let file = path.as_deref().map(toml_file::read::<File>).transpose()?.flatten();
        if let (Some(named), None) = (&named, &file) {
            return Err(Problem::configuration(format!(
                "TODO_AGENT_CONFIG names {}, which is missing",
                named.display()
            )));
        }
        let source = if file.is_some() { Source::File } else { Source::Defaults };
        let file = file.unwrap_or_default();
        Ok(Self {
            path,
            source,
            timeout: file.timeout,
            planner: file.planner,
            budgets: BudgetFlags {
                steps: file.budget.steps.map(NonZero::get),
                tokens: file.budget.tokens.map(NonZero::get),
                time: file.budget.seconds.map(|seconds| Duration::from_secs(seconds.get())),
            },
            colour: match file.color {
                Some(ColourWord::Never) => Colour::Never,
                Some(ColourWord::Auto) | None => Colour::Auto,
            },
            model: file.model,
        })
    }
}

/// Returns the directory of all configuration files; the policy file stands beside `config.toml`.
pub(crate) fn directory(environment: Environment<'_>) -> Option<PathBuf> {
    match environment("TODO_AGENT_CONFIG").map(PathBuf::from) {
        Some(file) => file.parent().map(PathBuf::from),
        None => xdg(environment, "XDG_CONFIG_HOME", ".config").map(|path| path.join("todo-agent")),
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, fs};

    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, text).unwrap();
        let shown = folder.path().display().to_string();
        Config::load(&|name| (name == "TODO_AGENT_CONFIG").then(|| path.clone().into_os_string())).map_err(|problem| {
            let mut lines = vec![problem.message.replace(&shown, "~")];
            lines.extend(problem.hints);
            lines.join("\n")
        })
    }

    #[test]
    fn everything_has_a_default() {
        let config = Config::load(&|name| (name == "HOME").then(|| OsString::from("/nobody-lives-here"))).unwrap();
        assert_eq!(config.source, Source::Defaults);
        assert_eq!(config.path, Some("/nobody-lives-here/.config/todo-agent/config.toml".into()));
        assert_eq!((config.timeout, config.colour), (None, Colour::Auto));
        assert_eq!(load("").unwrap().source, Source::File);
    }

    #[test]
    fn a_file_sets_what_it_names() {
        let config = load("timeout = \"90s\"\ncolor = \"never\"\n").unwrap();
        assert_eq!((config.timeout, config.colour), (Some(Duration::from_secs(90)), Colour::Never));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place_and_the_nearest_one() {
        let error = load("color = \"auto\"\n  tiemout = \"90s\"\n").unwrap_err();
        let expected = "~/config.toml:2:3: unknown field `tiemout`, expected one of `timeout`, `color`, `model`, `planner`, `budget`\n\
                        did you mean timeout?";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_wrong_value_is_named_with_its_place() {
        assert!(load("timeout = \"soon\"").unwrap_err().starts_with("~/config.toml:1:11: \"soon\" is not a duration"));
        let error = load("color = \"nevr\"").unwrap_err();
        assert!(error.starts_with("~/config.toml:1:9: unknown variant `nevr`"), "{error}");
        assert!(error.ends_with("did you mean never?"), "{error}");
        assert!(load("timeout = 90").unwrap_err().starts_with("~/config.toml:1:11: "));
        assert!(load("color = ").unwrap_err().starts_with("~/config.toml:1:"));
    }

    #[test]
    fn a_key_in_the_table_of_the_model_is_checked_like_any_other() {
        assert!(load("[model]\nprovider = \"ollama\"\nmodel = \"qwen3\"\n").unwrap().model.is_some());
        let error = load("[model]\nprovider = \"ollama\"\n  modle = \"qwen3\"\n").unwrap_err();
        assert!(error.starts_with("~/config.toml:3:3: unknown field `modle`"), "{error}");
        assert!(error.ends_with("did you mean model?"), "{error}");
        assert!(load("[model]\nprice = { inptu = 1 }\n").unwrap_err().ends_with("did you mean input?"));
    }

    #[test]
    fn a_key_that_was_written_into_the_file_is_not_repeated() {
        let error = load("[model]\nkey = \"sk-proj-canary\"\n").unwrap_err();
        assert!(error.starts_with("~/config.toml:2:7: the key itself has no place in this file"), "{error}");
        assert!(!error.contains("canary"), "{error}");
        let error = load("[model]\nkey = { evn = \"sk-proj-canary\" }\n").unwrap_err();
        assert!(error.contains("unknown field `evn`") && !error.contains("canary"), "{error}");
    }

    #[test]
    fn a_file_that_is_named_must_exist() {
        let environment = |name: &str| (name == "TODO_AGENT_CONFIG").then(|| OsString::from("/nowhere/config.toml"));
        let problem = Config::load(&environment).unwrap_err();
        assert_eq!(problem.message, "TODO_AGENT_CONFIG names /nowhere/config.toml, which is missing");
    }

    #[test]
    fn a_directory_in_the_files_place_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str().to_owned();
        let problem = Config::load(&|name| (name == "TODO_AGENT_CONFIG").then(|| path.clone())).unwrap_err();
        assert!(problem.message.ends_with("is not a file"), "{problem}");
    }
}

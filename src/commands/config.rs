//! `todo-agent config`: where the configuration is, and what is in force because of it.

use std::path::{Path, PathBuf};

use serde_json::json;
use todo_agent_cluster::policy::Mode;
use todo_agent_core::{Output, Redactor, text};

use crate::{
    config::{Config, Source},
    model::ModelSettings,
    options::{Colour, Options},
    policy_file::Policy,
    state::Environment,
};

/// What is shown.
pub(crate) struct Shown<'a> {
    /// The configuration.
    pub(crate) config: &'a Config,
    /// The policy.
    pub(crate) policy: &'a Policy,
    /// The command line, which wins over both.
    pub(crate) options: &'a Options,
    /// The context the mode is looked up for, where one is known.
    pub(crate) context: Option<&'a str>,
    /// The state directory.
    pub(crate) state: Option<PathBuf>,
    /// The model, where one is configured.
    pub(crate) model: Option<&'a ModelSettings>,
    /// The process's environment, for where the model's key would come from.
    pub(crate) environment: Environment<'a>,
}

/// Shows what is in force.
pub(crate) fn run(shown: &Shown<'_>, redactor: &Redactor) -> Output {
    let Shown { config, policy, options, context, state, model, environment } = shown;
    let path = |path: Option<&Path>| path.map_or("none".to_owned(), |path| path.display().to_string());
    let file = match config.source {
        Source::File => path(config.path.as_deref()),
        Source::Defaults => format!("{} (not there; defaults are in force)", path(config.path.as_deref())),
    };
    let policies: Vec<String> = policy.files.iter().map(|file| file.display().to_string()).collect();
    let timeout = options.timeout.or(config.timeout);
    let timeout_text = timeout.map_or("none".to_owned(), |timeout| format!("{} s", timeout.as_secs()));
    let colour = match (options.colour, config.colour) {
        (Colour::Never, _) | (_, Colour::Never) => "never",
        (Colour::Auto, Colour::Auto) => "auto",
    };
    let mode = mode_word(policy.mode(context.unwrap_or_default(), options));
    let mode_text = match context {
        Some(context) => format!("{mode} in context {context}"),
        None => mode.to_owned(),
    };
    let sessions = config.sessions;
    let bounds: Vec<String> = [
        sessions.days().map(|days| text::count(usize::try_from(days).unwrap_or(usize::MAX), "day")),
        sessions.files.map(|files| text::count(files, "file")),
    ]
    .into_iter()
    .flatten()
    .collect();
    let sessions_text = format!("kept for {}", bounds.join(", at most "));
    let policy_text = if policies.is_empty() { "none".to_owned() } else { policies.join(", ") };
    let answerer = model.map_or(NO_MODEL.to_owned(), |model| format!("{} ({})", model.describe(), model.preset.name));
    let key_source = model.map_or("none".to_owned(), |model| model.describe_key(environment));
    let data = json!({
        "file": config.path,
        "file_exists": config.source == Source::File,
        "policy_files": policies,
        "state": state,
        "timeout_seconds": timeout.map(|timeout| timeout.as_secs()),
        "color": colour,
        "model": model.map(|model| json!({
            "provider": model.preset.name,
            "model": model.model,
            "server": model.place(),
            "key_source": key_source,
        })),
        "sessions": { "keep_days": sessions.days(), "keep_files": sessions.files },
        "context": context,
        "mode": mode,
        "rules": policy.rule_count(),
    });
    Output::build(redactor, &data)
        .fields([
            ("configuration", file.as_str()),
            ("policy", &policy_text),
            ("state", &path(state.as_deref())),
            ("timeout", &timeout_text),
            ("color", colour),
            ("model", &answerer),
            ("model key", &key_source),
            ("sessions", &sessions_text),
            ("mode", &mode_text),
            ("rules", &policy.rule_count().to_string()),
        ])
        .build()
}

/// What stands in a model's place.
pub(crate) const NO_MODEL: &str = "none; the offline planner answers";

/// Returns a mode as policy files write it.
pub(crate) fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::ReadOnly => "read-only",
        Mode::Suggest => "suggest",
        Mode::Confirm => "confirm",
        Mode::Auto => "auto",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::settings::ModelFlags;

    #[test]
    fn the_values_in_force_are_shown() {
        let config = Config {
            path: Some("/home/ana/.config/todo-agent/config.toml".into()),
            source: Source::Defaults,
            timeout: Some(Duration::from_secs(90)),
            ..Config::default()
        };
        let flags = ModelFlags { provider: Some("gemini".into()), ..ModelFlags::default() };
        let environment = |name: &str| (name == "GEMINI_API_KEY").then(|| "canary-key".into());
        let model = ModelSettings::resolve(None, &flags, &environment).unwrap();
        let shown = Shown {
            config: &config,
            policy: &Policy::default(),
            options: &Options { colour: Colour::Never, ..Options::default() },
            context: Some("minikube"),
            state: Some("/home/ana/.local/state/todo-agent".into()),
            model: model.as_ref(),
            environment: &environment,
        };
        let output = run(&shown, &Redactor::new([1; 32]));
        let expected = "\
configuration  /home/ana/.config/todo-agent/config.toml (not there; defaults are in force)
policy         none
state          /home/ana/.local/state/todo-agent
timeout        90 s
color          never
model          gemini-2.5-flash at generativelanguage.googleapis.com (gemini)
model key      environment variable GEMINI_API_KEY
sessions       kept for 30 days, at most 200 files
mode           confirm in context minikube
rules          0";
        assert_eq!(output.for_person(80), expected);
        assert_eq!(output.for_json()["timeout_seconds"], 90);
        assert!(!output.for_json().to_string().contains("canary"));
    }
}

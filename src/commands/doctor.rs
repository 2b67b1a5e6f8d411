//! `todo-agent doctor`: is everything in place? Each check says what it found and, where something is
//! missing, what to do. Nothing is changed, and nothing of the cluster's content is read.

use std::{
    io::IsTerminal,
    path::PathBuf,
    time::{Duration, Instant},
};

use todo_agent_cluster::{contexts, kubeconfig_files};
use todo_agent_core::{
    ClusterError, Output, Reader, Redactor,
    object::ResourceType,
    reader::{Access, Scope},
};
use todo_agent_kube_rules::kinds;

use crate::{
    commands::{
        checks::{Check, shown},
        config::NO_MODEL,
    },
    config::{Config, Source},
    model::ModelSettings,
    options::{Colour, Options},
    policy_file::Policy,
    problem::Problem,
    start,
    state::{StateDirectory, environment},
    terminal::{Look, style::Color},
};

/// A server that answers slower than this makes waiting for rollouts a guess.
const SLOW: Duration = Duration::from_secs(2);

/// What is checked besides the cluster.
pub(crate) struct Subject<'a> {
    /// The command line.
    pub(crate) options: &'a Options,
    /// The configuration, or what is wrong with it.
    pub(crate) config: Result<&'a Config, &'a Problem>,
    /// The policy, or what is wrong with it.
    pub(crate) policy: Result<&'a Policy, &'a Problem>,
    /// The state directory, or why nothing can be kept.
    pub(crate) state: Result<&'a StateDirectory, &'a Problem>,
    /// The model, or what is wrong with its configuration.
    pub(crate) model: Result<Option<&'a ModelSettings>, &'a Problem>,
    /// What the person wants of colours.
    pub(crate) wish: Colour,
}

/// Runs every check; the answer counts as achieved when none failed.
pub(crate) async fn run(subject: &Subject<'_>, redactor: &Redactor) -> Output {
    let mut checks = vec![Check::ok("version", format!("todo-agent {}", env!("CARGO_PKG_VERSION")))];
    checks.extend(files(subject));
    checks.extend(cluster(subject.options).await);
    checks.extend(terminal(subject.wish));
    shown(&checks, redactor)
}

fn files(subject: &Subject<'_>) -> Vec<Check> {
    let config = match subject.config {
        Ok(Config { path: Some(path), source: Source::File, .. }) => Check::ok("config", path.display().to_string()),
        Ok(_) => Check::ok("config", "none; defaults are in force"),
        Err(problem) => Check::failed("config", problem),
    };
    let policy = match subject.policy {
        Ok(policy) if policy.files.is_empty() => Check::ok("policy", "none; every change is asked about"),
        Ok(policy) => {
            let files: Vec<String> = policy.files.iter().map(|file| file.display().to_string()).collect();
            Check::ok("policy", format!("{} ({} rules)", files.join(", "), policy.rule_count()))
        }
        Err(problem) => Check::failed("policy", problem),
    };
    let state = match subject.state.map(|state| state.digest_key().map(|_| state.path())) {
        Ok(Ok(path)) => Check::ok("state", path.display().to_string()),
        Ok(Err(problem)) => Check::failed("state", &problem),
        Err(problem) => Check::failed("state", problem),
    };
    let model = match subject.model {
        Ok(None) => Check::ok("model", NO_MODEL),
        Ok(Some(model)) => match model.warnings(&environment).into_iter().next() {
            Some(warning) => Check::warn("model", model.describe(), warning),
            None => Check::ok("model", format!("{}; todo-agent --model-check asks it", model.describe())),
        },
        Err(problem) => Check::failed("model", problem),
    };
    vec![config, policy, state, model]
}

async fn cluster(options: &Options) -> Vec<Check> {
    let mut checks = Vec::new();
    if options.sandbox.is_none() {
        checks.extend(kubeconfig(options));
    }
    let started = Instant::now();
    let connected = match start::connect(options).await {
        Ok(connected) => connected,
        Err(problem) => {
            checks.push(Check::failed("server", &problem));
            return checks;
        }
    };
    let cluster = connected.cluster;
    let Scope { context, namespace, server } = cluster.scope().clone();
    checks.push(Check::ok("context", format!("{context}, namespace {namespace}")));
    match cluster.version().await {
        Ok(version) => {
            let took = started.elapsed();
            let found = format!("{server} answers, {version}, {} ms", took.as_millis());
            checks.push(if took > SLOW {
                Check::warn("server", found, "the connection is slow; waits may end before the cluster is done")
            } else {
                Check::ok("server", found)
            });
        }
        Err(error) => {
            checks.push(Check::failed("server", &error.into()));
            return checks;
        }
    }
    checks.push(match cluster.identity().await {
        Ok(identity) => Check::ok("identity", identity),
        Err(error) => Check::failed("identity", &error.into()),
    });
    checks.extend(permissions(&cluster, &namespace).await);
    checks
}

fn kubeconfig(options: &Options) -> Vec<Check> {
    let files: Vec<PathBuf> = kubeconfig_files(options.kubeconfig.as_deref());
    let show =
        |files: Vec<&PathBuf>| files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
    let (present, missing): (Vec<&PathBuf>, Vec<&PathBuf>) = files.iter().partition(|file| file.exists());
    let found = match (present.is_empty(), missing.is_empty()) {
        (false, true) => Check::ok("kubeconfig", show(present)),
        (false, false) => {
            let hint = format!("{} is named and not there", show(missing));
            Check::warn("kubeconfig", show(present), hint)
        }
        (true, _) => {
            let hint = "give one with --kubeconfig, set KUBECONFIG, or try --sandbox, which needs none";
            Check::warn("kubeconfig", format!("none ({} is not there)", show(missing)), hint)
        }
    };
    let mut checks = vec![found];
    if let Ok((names, current)) = contexts(options.kubeconfig.as_deref())
        && options.context.is_none()
        && current.as_deref().unwrap_or_default().is_empty()
    {
        let hint = format!("choose one with --context: {}", names.join(", "));
        checks.push(Check::warn("context", "no current context", hint));
    }
    checks
}

/// What the agent needs, as verb, kind and subresource, and what it is needed for.
const NEEDED: &[(&str, &str, Option<&str>, &str)] = &[
    ("list", "pods", None, "finding out what runs"),
    ("get", "pods", Some("log"), "logs"),
    ("list", "deployments", None, "resolving names"),
    ("list", "events", None, "saying why"),
    ("patch", "deployments", Some("scale"), "scaling"),
    ("patch", "deployments", None, "restarting and rolling back"),
];

/// Asks the cluster itself what this person may do in the pinned namespace.
async fn permissions(reader: &dyn Reader, namespace: &str) -> Vec<Check> {
    let asked = NEEDED.iter().filter_map(|&(verb, kind, subresource, purpose)| {
        let resource = ResourceType::from(kinds::find(kind)?);
        let access = Access {
            verb: verb.to_owned(),
            resource,
            subresource: subresource.map(str::to_owned),
            name: None,
            namespace: Some(namespace.to_owned()),
        };
        Some(async move { (described(&access), purpose, reader.allowed(&access).await) })
    });
    let answers = futures::future::join_all(asked).await;
    permission_check(answers, namespace)
}

fn described(access: &Access) -> String {
    let subresource = access.subresource.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
    format!("{} {}{subresource}", access.verb, access.resource.plural)
}

fn permission_check(answers: Vec<(String, &str, Result<bool, ClusterError>)>, namespace: &str) -> Vec<Check> {
    let mut allowed = Vec::new();
    let mut denied = Vec::new();
    for (what, purpose, answer) in answers {
        match answer {
            Ok(true) => allowed.push(what),
            Ok(false) => denied.push(format!("{what} ({purpose})")),
            Err(error) => return vec![Check::failed("permissions", &error.into())],
        }
    }
    let found = match (allowed.is_empty(), denied.is_empty()) {
        (_, true) => format!("in namespace {namespace}: {}", allowed.join(", ")),
        (true, false) => format!("in namespace {namespace}: none of what is needed"),
        (false, false) => format!("in namespace {namespace} only: {}", allowed.join(", ")),
    };
    let check = if denied.is_empty() {
        Check::ok("permissions", found)
    } else {
        Check::warn("permissions", found, format!("missing: {}", denied.join(", ")))
    };
    vec![check]
}

fn terminal(wish: Colour) -> Vec<Check> {
    let look = Look::of_stdout(wish);
    let stdout = if std::io::stdout().is_terminal() { "a terminal" } else { "a pipe or file" };
    let colour = match look.color {
        Color::On => "colour",
        Color::Off => "no colour",
    };
    let output = Check::ok("output", format!("{stdout}, {} columns, {colour}", look.width));
    // Approvals never come from standard input, so this is what decides whether a person can be asked.
    let asking = match crate::terminal::tty::ControllingTerminal::open() {
        Ok(_) => Check::ok("approval", "can be asked for on this terminal"),
        Err(_) => Check::warn(
            "approval",
            "there is no terminal to ask on",
            "changes then need --yes, or plan now and approve later from a terminal",
        ),
    };
    vec![output, asking]
}

#[cfg(test)]
mod tests {
    use todo_agent_core::Cause;

    use super::*;
    use crate::commands::checks::CheckState;

    fn redactor() -> Redactor {
        Redactor::new([4; 32])
    }

    #[test]
    fn each_check_says_what_it_found_and_what_to_do() {
        let problem = Problem::configuration("config.toml:1:1: unknown field").hint("did you mean timeout?");
        let checks = [
            Check::ok("version", "todo-agent 0.1.0"),
            Check::warn("approval", "there is no terminal to ask on", "use --yes"),
            Check::failed("config", &problem),
        ];
        let output = shown(&checks, &redactor());
        let expected = "\
ok    version   todo-agent 0.1.0
warn  approval  there is no terminal to ask on
                hint: use --yes
FAIL  config    config.toml:1:1: unknown field
                hint: did you mean timeout?";
        assert_eq!(output.for_person(80), expected);
        assert!(!output.achieved());
        assert_eq!(output.for_json()["failed"], 1);
        assert_eq!(output.for_json()["checks"][1]["state"], "warn");
    }

    #[test]
    fn warnings_alone_are_no_failure() {
        assert!(shown(&[Check::warn("approval", "none", "use --yes")], &redactor()).achieved());
    }

    #[test]
    fn a_missing_permission_is_named_with_its_purpose() {
        let answers = vec![
            ("list pods".to_owned(), "finding out what runs", Ok(true)),
            ("patch deployments/scale".to_owned(), "scaling", Ok(false)),
        ];
        let checks = permission_check(answers, "todo");
        assert_eq!(checks[0].state, CheckState::Warn);
        assert_eq!(checks[0].found, "in namespace todo only: list pods");
        assert_eq!(checks[0].hints, ["missing: patch deployments/scale (scaling)"]);
    }

    #[test]
    fn a_review_that_cannot_be_asked_for_is_a_failure() {
        let error = ClusterError::new(Cause::Unreachable, "no answer");
        let checks = permission_check(vec![("list pods".to_owned(), "x", Err(error))], "todo");
        assert_eq!(checks, [Check::failed("permissions", &Problem::state("no answer"))]);
    }

    #[test]
    fn every_permission_asked_for_is_of_a_known_kind() {
        for (_, kind, _, _) in NEEDED {
            assert!(kinds::find(kind).is_some(), "{kind}");
        }
    }

    #[tokio::test]
    async fn a_sandbox_passes_every_check_of_the_cluster() {
        let options = Options { sandbox: Some("todo".into()), ..Options::default() };
        let checks = cluster(&options).await;
        let names: Vec<&str> = checks.iter().map(|check| check.name).collect();
        assert_eq!(names, ["context", "server", "identity", "permissions"]);
        assert!(checks.iter().all(|check| check.state == CheckState::Ok), "{checks:?}");
        assert!(checks[3].found.ends_with("patch deployments/scale, patch deployments"), "{checks:?}");
    }

    #[tokio::test]
    async fn a_sandbox_that_does_not_exist_fails_the_check() {
        let options = Options { sandbox: Some("tudo".into()), ..Options::default() };
        let checks = cluster(&options).await;
        assert_eq!((checks[0].name, checks[0].state), ("server", CheckState::Fail));
        assert_eq!(checks[0].hints, ["did you mean todo?"]);
    }
}

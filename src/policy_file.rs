//! The policy files: what a person lets the agent do, and what a project forbids on top of it.
//!
//! The person's `policy.toml` stands beside the configuration; a project's `.todo-agent/policy.toml` is
//! found from the working directory upwards and may only tighten. A file that cannot be read or understood
//! stops the program: policy fails closed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use todo_agent_cluster::policy::{Mode, Rule, Rules};
use todo_agent_kube_rules::kinds;

use crate::{
    config,
    options::{Approvals, Changes, Options},
    problem::{Problem, nearest},
    state::Environment,
    toml_file,
};

/// Where a project keeps its policy.
const PROJECT_FILE: &str = ".todo-agent/policy.toml";

/// The policy of the person and of the project they work in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The files it was read from.
    pub files: Vec<PathBuf>,
    person: PolicyFile,
    project: PolicyFile,
}

/// One policy file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    /// The mode in every context that is not listed.
    mode: Option<Mode>,
    /// The mode by context.
    #[serde(default)]
    contexts: BTreeMap<String, Mode>,
    /// Rules that tighten.
    #[serde(default)]
    rules: Vec<Rule>,
    /// What mode `auto` may do.
    #[serde(default)]
    auto: Vec<Auto>,
}

/// What mode `auto` may do without asking.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Auto {
    tool: String,
    namespace: String,
}

impl Policy {
    /// Reads the policy files. `tools` are the names that rules may use.
    ///
    /// # Errors
    /// Returns what is wrong with which file.
    pub fn load(environment: Environment<'_>, directory: &Path, tools: &[&str]) -> Result<Self, Problem> {
        let mut files = Vec::new();
        let mut read = |path: Option<PathBuf>| -> Result<PolicyFile, Problem> {
            let Some(path) = path else { return Ok(PolicyFile::default()) };
            let Some(file) = toml_file::read(&path)? else { return Ok(PolicyFile::default()) };
            let file = checked(file, &path, tools)?;
            files.push(path);
            Ok(file)
        };
        let person = read(config::directory(environment).map(|directory| directory.join("policy.toml")))?;
        let path = toml_file::find_upwards(directory, PROJECT_FILE);
        let project = read(path.clone())?;
        if let (false, Some(path)) = (project.auto.is_empty(), path) {
            return Err(Problem::configuration(format!(
                "{}: a project may only tighten, not list auto",
                path.display()
            ))
            .hint("move [[auto]] to your own policy.toml"));
        }
        Ok(Self { files, person, project })
    }

    /// Returns the mode in a context: the stricter of both files', and read-only where the run is.
    pub fn mode(&self, context: &str, options: &Options) -> Mode {
        let of = |file: &PolicyFile| file.contexts.get(context).copied().or(file.mode).unwrap_or_default();
        let person = of(&self.person);
        // A project that says nothing of the mode leaves the person's alone, also `auto`.
        let silent = self.project.mode.is_none() && !self.project.contexts.contains_key(context);
        let project = if silent { person } else { of(&self.project) };
        if options.changes == Changes::Refused {
            return Mode::ReadOnly;
        }
        if strictness(project) > strictness(person) { project } else { person }
    }

    /// Returns the rules of a run in a context.
    pub fn rules(&self, context: &str, options: &Options) -> Rules {
        let auto = self.person.auto.iter().map(|auto| (auto.tool.clone(), auto.namespace.clone())).collect();
        Rules {
            mode: self.mode(context, options),
            yes: options.yes,
            unattended: options.approvals == Approvals::Unattended,
            rules: self.person.rules.iter().chain(&self.project.rules).cloned().collect(),
            auto,
        }
    }

    /// Returns how many rules are in force.
    pub fn rule_count(&self) -> usize {
        self.person.rules.len() + self.project.rules.len()
    }
}

fn strictness(mode: Mode) -> u8 {
    match mode {
        Mode::Auto => 0,
        Mode::Confirm => 1,
        Mode::Suggest => 2,
        Mode::ReadOnly => 3,
    }
}

/// A rule that matches nothing because of a misspelt word would be a hole: tools must exist, and kinds are
/// turned into the names that previews use.
fn checked(mut file: PolicyFile, path: &Path, tools: &[&str]) -> Result<PolicyFile, Problem> {
    let named = file.rules.iter().filter_map(|rule| rule.tool.as_deref());
    for tool in named.chain(file.auto.iter().map(|auto| auto.tool.as_str())) {
        if !tools.contains(&tool) {
            let problem = Problem::configuration(format!("{}: there is no tool {tool:?}", path.display()));
            return Err(match nearest(tool, tools.iter().copied()) {
                Some(near) => problem.hint(format!("did you mean {near}?")),
                None => problem.hint("todo-agent tools lists them"),
            });
        }
    }
    for rule in &mut file.rules {
        for (key, value) in [("tool", &rule.tool), ("kind", &rule.kind), ("namespace", &rule.namespace)] {
            if value.as_deref().is_some_and(|value| {
                value.is_empty() || value.contains(['*', '?', '/', ',']) || value.contains(char::is_whitespace)
            }) {
                let message = format!("{}: {key} in a rule must be a plain word", path.display());
                return Err(Problem::configuration(message).hint(format!("leave {key} out to match every one")));
            }
        }
        let Some(word) = rule.kind.as_deref() else { continue };
        if let Some(kind) = kinds::find(word) {
            rule.kind = Some(kind.kind.to_owned());
        } else if let Some(near) = misspelt(word) {
            // Any other word may be a custom kind; one that is nearly a known one protects nothing.
            let message = format!("{}: there is no kind {word:?}", path.display());
            return Err(Problem::configuration(message).hint(format!("did you mean {near}?")));
        }
    }
    Ok(file)
}

/// Returns the known kind that a word is nearly the name of.
fn misspelt(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let known = kinds::KINDS.iter().flat_map(|kind| [kind.singular, kind.plural]);
    if word.chars().count() < 5 { None } else { nearest(&word, known) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use todo_agent_cluster::policy::{RuleVerdict, Yes};

    use super::*;

    /// Reads a person's and a project's policy from a folder below the project's.
    fn load(person: &str, project: &str) -> Result<Policy, String> {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("project/deploy");
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir_all(folder.path().join("project/.todo-agent")).unwrap();
        fs::write(folder.path().join("policy.toml"), person).unwrap();
        fs::write(folder.path().join("project").join(PROJECT_FILE), project).unwrap();
        let config = folder.path().join("config.toml").into_os_string();
        let environment = |name: &str| (name == "TODO_AGENT_CONFIG").then(|| config.clone());
        Policy::load(&environment, &inner, &["scale", "undo"]).map_err(|problem| {
            let shown = folder.path().display().to_string();
            format!("{}; {}", problem.message.replace(&shown, "~"), problem.hints.join("; "))
        })
    }

    fn mode(person: &str, project: &str, context: &str) -> Mode {
        load(person, project).unwrap().mode(context, &Options::default())
    }

    #[test]
    fn without_files_every_change_is_asked_about() {
        let policy = Policy::load(&|_| None, Path::new("/"), &[]).unwrap();
        assert_eq!(policy.rules("any", &Options::default()), Rules::default());
        assert_eq!(policy.mode("any", &Options::default()), Mode::Confirm);
    }

    #[test]
    fn the_stricter_mode_wins() {
        let table = [
            ("", "", Mode::Confirm),
            ("mode = \"auto\"", "", Mode::Auto),
            ("mode = \"auto\"", "mode = \"confirm\"", Mode::Confirm),
            ("mode = \"auto\"", "mode = \"suggest\"", Mode::Suggest),
            ("mode = \"suggest\"", "mode = \"auto\"", Mode::Suggest),
            ("mode = \"read-only\"", "mode = \"auto\"", Mode::ReadOnly),
            ("mode = \"auto\"\n[contexts]\nprod = \"read-only\"", "", Mode::ReadOnly),
            ("mode = \"read-only\"\n[contexts]\nprod = \"auto\"", "", Mode::Auto),
            ("[contexts]\nprod = \"auto\"", "[contexts]\nprod = \"confirm\"", Mode::Confirm),
            ("[contexts]\nprod = \"auto\"", "[contexts]\ndev = \"confirm\"", Mode::Auto),
        ];
        for (person, project, expected) in table {
            assert_eq!(mode(person, project, "prod"), expected, "{person:?} with {project:?}");
        }
    }

    #[test]
    fn a_read_only_run_is_read_only_whatever_the_files_say() {
        let options = Options { changes: Changes::Refused, yes: Yes::High, ..Options::default() };
        let policy = load("mode = \"auto\"", "").unwrap();
        assert_eq!(policy.rules("prod", &options).mode, Mode::ReadOnly);
    }

    #[test]
    fn rules_of_both_files_are_in_force() {
        let person = "[[rules]]\ntool = \"scale\"\nnamespace = \"prod\"\nverdict = \"ask\"\n\
                      [[auto]]\ntool = \"scale\"\nnamespace = \"dev\"\n";
        let policy = load(person, "[[rules]]\nkind = \"sts\"\nverdict = \"forbid\"\n").unwrap();
        let rules = policy.rules("any", &Options::default());
        assert_eq!(rules.auto, [("scale".to_owned(), "dev".to_owned())]);
        assert_eq!(rules.rules.len(), 2);
        assert_eq!(rules.rules[1].kind.as_deref(), Some("StatefulSet"), "an alias becomes the kind");
        assert_eq!(rules.rules[1].verdict, RuleVerdict::Forbid);
        assert_eq!(policy.files.len(), 2);
    }

    #[test]
    fn a_kind_is_found_in_any_case_and_by_any_of_its_words() {
        for word in ["deployment", "DEPLOYMENTS", "Deploy", "deployments.apps"] {
            let policy = load(&format!("[[rules]]\nkind = \"{word}\"\nverdict = \"forbid\"\n"), "").unwrap();
            let rules = policy.rules("any", &Options::default());
            assert_eq!(rules.rules[0].kind.as_deref(), Some("Deployment"), "{word}");
        }
        let policy = load("[[rules]]\nkind = \"Widget\"\nverdict = \"forbid\"\n", "").unwrap();
        assert_eq!(policy.rules("any", &Options::default()).rules[0].kind.as_deref(), Some("Widget"));
    }

    #[test]
    fn what_cannot_be_understood_stops_the_program() {
        let table = [
            ("modes = \"auto\"", "", "~/policy.toml:1:1: unknown field `modes`"),
            ("mode = \"yolo\"", "", "~/policy.toml:1:8: unknown variant `yolo`"),
            ("mode = \"unattended\"", "", "~/policy.toml:1:8: unknown variant `unattended`"),
            ("[[rules]]\ntool = \"scael\"\nverdict = \"ask\"", "", "there is no tool \"scael\"; did you mean scale?"),
            ("[[rules]]\ntool = \"scale\"", "", "missing field `verdict`"),
            ("[[rules]]\nverdict = \"allow\"", "", "unknown variant `allow`"),
            ("[[rules]]\nnamespace = \"prod-*\"\nverdict = \"ask\"", "", "must be a plain word"),
            ("[[rules]]\nnamespace = \" prod\"\nverdict = \"ask\"", "", "must be a plain word"),
            ("[[rules]]\nkind = \"\"\nverdict = \"ask\"", "", "must be a plain word"),
            (
                "[[rules]]\nkind = \"Deploymnt\"\nverdict = \"forbid\"",
                "",
                "no kind \"Deploymnt\"; did you mean deployment?",
            ),
            ("", "[[auto]]\ntool = \"scale\"\nnamespace = \"dev\"", "a project may only tighten"),
            ("", "mode = ", "~/project/.todo-agent/policy.toml:1:"),
        ];
        for (person, project, part) in table {
            let error = load(person, project).unwrap_err();
            assert!(error.contains(part), "{person:?} with {project:?}: {error}");
        }
    }
}

//! The cases as their files have them: a behaviour per file, a fresh namespace per case.
//!
//! A step is one command of the client: words in a line, or a list where a word has spaces. `${ns}` stands for
//! the namespace. `given` names manifests of the file that are created first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// All cases, each with its behaviour.
pub(crate) struct Suite {
    pub(crate) behaviours: Vec<String>,
    pub(crate) cases: Vec<(String, Case)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    manifests: BTreeMap<String, Value>,
    cases: Vec<Case>,
}

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// The manifests that are there before the first step.
    #[serde(default)]
    pub(crate) given: Vec<String>,
    pub(crate) steps: Vec<Step>,
    #[serde(skip)]
    pub(crate) manifests: BTreeMap<String, Value>,
}

/// One command.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) run: Words,
    /// Whose command it is.
    #[serde(default)]
    pub(crate) by: By,
    /// The manifests that it reads, with `-f -`.
    #[serde(default)]
    pub(crate) input: Vec<String>,
    /// A pattern: the command is run again until it prints that; the last output counts.
    pub(crate) until: Option<String>,
    /// What it gets as an editor: a command that changes the file it is given.
    pub(crate) editor: Option<String>,
    /// A command that is run while this one is.
    pub(crate) meanwhile: Option<Words>,
    /// A connection to the port that it forwards.
    pub(crate) connect: Option<Connect>,
    /// Whether the output is not compared: the step only prepares the next.
    #[serde(default)]
    pub(crate) unseen: bool,
}

/// A connection, and what becomes of the command after it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connect {
    /// What is said; the answer is part of the output.
    pub(crate) say: String,
    pub(crate) then: Then,
}

/// What a command does when its connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Then {
    /// It goes on, and is interrupted.
    Stays,
    /// It ends by itself.
    Ends,
}

/// The program that runs a command.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    /// The client that is tested.
    #[default]
    Client,
    /// kubectl, to look at what another client did.
    Kubectl,
}

/// The words of a command.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Words {
    Line(String),
    List(Vec<String>),
}

impl Words {
    /// Returns the words with the namespace filled in.
    pub(crate) fn fill(&self, namespace: &str) -> Vec<String> {
        let words: Vec<String> = match self {
            Self::Line(line) => line.split_whitespace().map(str::to_owned).collect(),
            Self::List(words) => words.clone(),
        };
        words.into_iter().map(|word| word.replace("${ns}", namespace)).collect()
    }
}

impl Suite {
    /// Reads every file of `cases/`, in the order of their names.
    pub(crate) fn load(folder: &Path) -> Self {
        let mut files: Vec<_> = std::fs::read_dir(folder.join("cases")).unwrap().map(|it| it.unwrap().path()).collect();
        files.sort();
        let (mut behaviours, mut cases, mut names) = (Vec::new(), Vec::new(), BTreeSet::new());
        for path in files {
            let text = std::fs::read_to_string(&path).unwrap();
            let file: File =
                serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let behaviour = path.file_stem().unwrap().to_string_lossy().into_owned();
            for mut case in file.cases {
                assert!(names.insert(case.name.clone()), "two cases have the name {:?}", case.name);
                case.manifests.clone_from(&file.manifests);
                cases.push((behaviour.clone(), case));
            }
            behaviours.push(behaviour);
        }
        Self { behaviours, cases }
    }

    /// Returns the behaviour and the name of every case.
    pub(crate) fn names(&self) -> BTreeSet<(String, String)> {
        self.cases.iter().map(|(behaviour, case)| (behaviour.clone(), case.name.clone())).collect()
    }
}

//! Proves that the cases see: answers of the sandbox are made wrong, one place at a time, and the
//! comparison must notice. What it does not notice is hidden by a rule of the normaliser.

use std::fmt;

use serde_json::{Value, json};

use super::answer::Answers;
use super::case::Case;
use super::{compare, normalise};

/// How many wrong answers there were and how many were seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    made: usize,
    seen: usize,
    survivors: Vec<String>,
}

/// The places that are changed in each answer, spread evenly.
const PLACES: usize = 6;

#[derive(Debug, Clone, Copy)]
enum Mutation {
    Drop,
    Retype,
    Change,
}

/// Makes the answers of a case wrong, again and again.
pub(crate) fn run(case: &Case, found: &Answers, real: &Answers) -> Tally {
    let mut tally = Tally::default();
    let usual = compare::cases(&normalise::case(found), real);
    let mut judge = |place: String, wrong: &Answers| {
        tally.made += 1;
        if compare::cases(&normalise::case(wrong), real) == usual {
            tally.survivors.push(format!("{}: {place}", case.name));
        } else {
            tally.seen += 1;
        }
    };
    for at in 0..found.answers.len() {
        let mut wrong = found.clone();
        wrong.answers[at].code += 1;
        judge(format!("{at}/code"), &wrong);
        let pointers = leaves(&found.answers[at].body);
        let step = pointers.len().div_ceil(PLACES).max(1);
        for (turn, pointer) in pointers.iter().step_by(step).enumerate() {
            let mutation = [Mutation::Drop, Mutation::Retype, Mutation::Change][turn % 3];
            let mut wrong = found.clone();
            if mutate(&mut wrong.answers[at].body, pointer, mutation) {
                judge(format!("{at}{pointer} {mutation:?}"), &wrong);
            }
        }
        let mut wrong = found.clone();
        if let Value::Array(events) = &mut wrong.answers[at].body
            && events.len() > 1
        {
            events.swap(0, 1);
            judge(format!("{at} order"), &wrong);
        }
    }
    tally
}

fn leaves(value: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, it)| (name.replace('~', "~0").replace('/', "~1"), it)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, it)| (at.to_string(), it)).collect(),
        _ => return vec![String::new()],
    };
    inner.into_iter().flat_map(|(name, it)| leaves(it).into_iter().map(move |rest| format!("/{name}{rest}"))).collect()
}

fn mutate(body: &mut Value, pointer: &str, mutation: Mutation) -> bool {
    match mutation {
        Mutation::Drop => {
            let Some((parent, field)) = pointer.rsplit_once('/') else { return false };
            let field = field.replace("~1", "/").replace("~0", "~");
            body.pointer_mut(parent).and_then(Value::as_object_mut).is_some_and(|map| map.remove(&field).is_some())
        }
        Mutation::Retype => body.pointer_mut(pointer).is_some_and(|leaf| {
            *leaf = if leaf.is_string() { json!(7) } else { json!("seven") };
            true
        }),
        Mutation::Change => body.pointer_mut(pointer).is_some_and(|leaf| {
            *leaf = match &*leaf {
                Value::String(text) => json!(format!("{text}x")),
                Value::Bool(flag) => json!(!flag),
                Value::Number(number) => json!(number.as_i64().unwrap_or(0) + 1),
                _ => json!("x"),
            };
            true
        }),
    }
}

impl Tally {
    /// Adds another.
    pub(crate) fn add(&mut self, other: Self) {
        self.made += other.made;
        self.seen += other.seen;
        self.survivors.extend(other.survivors);
    }

    /// Returns how many percent of the wrong answers were seen, rounded down.
    pub(crate) fn percent(&self) -> usize {
        (self.seen * 100).checked_div(self.made).unwrap_or(100)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "mutations: {} of {} wrong answers were seen ({} %)", self.seen, self.made, self.percent())?;
        for survivor in self.survivors.iter().take(10) {
            write!(out, "\n    unseen: {survivor}")?;
        }
        Ok(())
    }
}

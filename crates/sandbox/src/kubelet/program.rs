//! What a process does, as far as its command line tells: the few programs that people write into jobs
//! and tries — `true`, `false`, `sleep`, `echo`, and `exit` in a shell. Whatever else a command line
//! says, nothing is made up about it.

use std::time::Duration;

use serde_json::Value;

/// What a process of a job does that nothing is known about: its work, and it succeeds.
const WORK: Duration = Duration::from_secs(5);
/// What makes a line of a shell more than a list of commands.
const SHELL_SIGNS: [char; 12] = ['|', '$', '`', '>', '<', '*', '(', ')', '{', '}', '[', '\\'];
const SHELL_WORDS: [&str; 8] = ["if", "then", "for", "while", "until", "case", "do", "trap"];

/// A process from its start to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Program {
    /// How long it runs.
    pub(super) time: Duration,
    pub(super) exit_code: i32,
    /// What it prints.
    pub(super) lines: Vec<String>,
}

/// Returns what the process of a container does, `None` when it goes on for ever for all that is known.
pub(super) fn of(pod: &Value, container: &Value) -> Option<Program> {
    let is_job = |owner: &Value| owner["kind"] == "Job" && owner["controller"] == true;
    let of_job = crate::object::owner_references(pod).iter().any(is_job);
    known(container).or_else(|| of_job.then(|| Program { time: WORK, ..Program::default() }))
}

/// Returns what the command line of a container tells, if anything.
pub(super) fn known(container: &Value) -> Option<Program> {
    let words: Vec<&str> = ["command", "args"]
        .iter()
        .flat_map(|field| container[*field].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    match words.as_slice() {
        [shell, "-c" | "-ec" | "-ce" | "-exc", script, ..] if is_shell(shell) => script_of(script),
        words => {
            let mut program = Program::default();
            run(words, &mut program).map(|_| program)
        }
    }
}

fn is_shell(word: &str) -> bool {
    ["sh", "ash", "bash", "dash"].contains(&word.rsplit('/').next().unwrap_or(word))
}

/// Whether the commands after one are run.
#[derive(PartialEq, Eq)]
enum Then {
    GoOn,
    Exit,
}

/// Runs a list of commands; `None` when it holds anything else.
fn script_of(script: &str) -> Option<Program> {
    let words = || script.split_whitespace();
    if script.contains(SHELL_SIGNS) || script.contains("||") || words().any(|word| SHELL_WORDS.contains(&word)) {
        return None;
    }
    let mut program = Program::default();
    for line in script.split(['\n', ';']) {
        for command in line.split("&&") {
            let words = split(command)?;
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let words = words.strip_prefix(&["exec"]).unwrap_or(&words);
            if words.is_empty() {
                continue;
            }
            if run(words, &mut program)? == Then::Exit {
                return Some(program);
            }
            if program.exit_code != 0 && line.contains("&&") {
                break;
            }
        }
    }
    Some(program)
}

/// Splits a command at spaces outside quotes; `None` when a quote is not closed or something is in the background.
fn split(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for at in command.chars() {
        match (quote, at) {
            (Some(open), _) if at == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(at);
                word.get_or_insert_default();
            }
            (None, '&') => return None,
            (None, _) if at.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(at),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// Runs one command; `None` when it is none that is known.
fn run(words: &[&str], program: &mut Program) -> Option<Then> {
    let (name, arguments) = words.split_first()?;
    program.exit_code = 0;
    match (name.rsplit('/').next().unwrap_or(name), arguments) {
        ("true" | ":", _) => {}
        ("false", _) => program.exit_code = 1,
        ("echo", words) => program.lines.push(words.join(" ")),
        ("sleep", [time]) => program.time += duration(time)?,
        ("exit", rest) => {
            program.exit_code = rest.first().map_or(Some(0), |code| code.parse().ok())?;
            return Some(Then::Exit);
        }
        _ => return None,
    }
    Some(Then::GoOn)
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|at: char| at.is_ascii_alphabetic()).unwrap_or(text.len()));
    let factor = match unit {
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * factor).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn program(command: &Value) -> Option<(u64, i32, String)> {
        let program = of(&json!({}), &json!({"command": command}))?;
        Some((program.time.as_secs(), program.exit_code, program.lines.join("|")))
    }

    #[test]
    fn plain_programs_and_lists_of_them_are_understood() {
        for (command, time, code, lines) in [
            (json!(["true"]), 0, 0, ""),
            (json!(["/bin/false"]), 0, 1, ""),
            (json!(["sleep", "3600"]), 3600, 0, ""),
            (json!(["sh", "-c", "echo one; sleep 2 && echo 'two  three'; exit 3"]), 2, 3, "one|two  three"),
            (json!(["/bin/sh", "-c", "false && echo no"]), 0, 1, ""),
            (json!(["sh", "-c", "exec sleep 1m"]), 60, 0, ""),
        ] {
            assert_eq!(program(&command), Some((time, code, lines.to_owned())), "{command}");
        }
    }

    #[test]
    fn nothing_is_made_up_about_anything_else() {
        for command in [
            json!([]),
            json!(["redis-server"]),
            json!(["sleep", "infinity"]),
            json!(["sh", "-c", "echo $HOME"]),
            json!(["sh", "-c", "while true; do sleep 1; done"]),
            json!(["sh", "-c", "sleep 1 & echo"]),
            json!(["sh", "-c", "echo 'open"]),
        ] {
            assert_eq!(program(&command), None, "{command}");
        }
    }

    #[test]
    fn a_process_of_a_job_ends_even_if_nothing_is_known_about_it() {
        let pod = json!({"metadata": {"ownerReferences": [{"kind": "Job", "controller": true}]}});
        assert_eq!(of(&pod, &json!({"image": "migrate:v1"})), Some(Program { time: WORK, ..Program::default() }));
    }
}

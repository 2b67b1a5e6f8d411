//! The README shows what really happens: each command in a `console` block is run, and what it prints is what
//! is printed there, ids and times aside.

use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
};

use crate::support::{Output, TestEnvironment};

/// A command of the README and what it is said to print.
struct Shown {
    command: String,
    prints: String,
}

/// Returns every command in a `console` block.
fn commands(text: &str) -> Vec<Shown> {
    let mut commands: Vec<Shown> = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        match (in_block, line) {
            (false, "```console") => in_block = true,
            (true, "```") => in_block = false,
            (true, line) => match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push(Shown { command: command.to_owned(), prints: String::new() }),
                (None, Some(last)) => {
                    last.prints.push_str(line);
                    last.prints.push('\n');
                }
                (None, None) => panic!("a console block begins without a command: {line}"),
            },
            (false, _) => {}
        }
    }
    commands
}

/// Splits a command line at its spaces, as a shell does with double quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in command.chars() {
        match character {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}

/// Returns the program's arguments in a command of the README.
fn arguments(command: &str) -> Vec<String> {
    let words = words(command);
    let lead: &[&str] = if words[0] == "cargo" { &["cargo", "run", "--release", "--"] } else { &["todo-agent"] };
    let (start, arguments) = words.split_at(lead.len());
    assert_eq!(start, lead, "this test cannot run: {command}");
    arguments.to_owned()
}

/// Runs a command with both streams in one, as a terminal shows them.
fn printed(command: &mut Command) -> String {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let both = (writer.try_clone().unwrap(), writer);
    let mut child = command.stdin(Stdio::null()).stdout(both.0).stderr(both.1).spawn().unwrap();
    // The command holds its own copies of the pipe's end, which would keep it open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    child.wait().unwrap();
    text
}

#[test]
fn every_command_prints_what_is_shown() {
    let readme = fs::read_to_string(format!("{}/README.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let commands = commands(&readme);
    assert!(commands.len() >= 2, "the README shows what the program does");
    for Shown { command, prints } in commands {
        let environment = TestEnvironment::new();
        environment.set("COLUMNS", "80");
        let arguments = arguments(&command);
        let printed = printed(&mut environment.command(arguments.iter().map(String::as_str)));
        let filter =
            Output { code: None, stdout: String::new(), stderr: String::new(), replaced: environment.replaced() };
        let (shown, printed) = (filter.filtered(&prints), filter.filtered(&printed));
        assert!(shown == printed, "{command}\n--- the README shows\n{shown}\n--- it prints\n{printed}");
    }
}

#[test]
fn every_sentence_it_names_is_understood() {
    let readme = fs::read_to_string(format!("{}/README.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let lines = readme.lines().filter(|line| line.starts_with("todo-agent \""));
    let sentences: Vec<String> = lines.map(|line| words(line)[1].clone()).collect();
    assert!(!sentences.is_empty());
    for sentence in sentences {
        let environment = TestEnvironment::new();
        // The files of which it speaks.
        environment.write("work/deploy/todo.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
        environment.write("work/.env", "PORT=8000\nDB_PASSWORD=canary-of-the-secret\n");
        environment.run(["--sandbox", "--dry-run", sentence.as_str()]).exits(0).enough();
    }
}

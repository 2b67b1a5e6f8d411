//! The commands of the interactive session that begin with `/`: parsing and their help, nothing else.
//!
//! They act on the session itself. Whatever acts on the cluster is a sentence, except `/undo`, which goes
//! through the same gate.

/// A command of the interactive session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlashCommand {
    /// Says what can be typed.
    Help,
    /// Lists the tools.
    Tools,
    /// Takes back a change; the last one where no id is given.
    Undo(Option<String>),
    /// Switches the context, or lists them.
    Context(Option<String>),
    /// Switches the namespace, or lists them.
    Namespace(Option<String>),
    /// Says which model answers, or switches to another.
    Model(Option<String>),
    /// Says what the model has cost so far.
    Cost,
    /// Shortens the conversation with the model to a summary.
    Compact,
    /// Says what may be done without asking.
    Policy,
    /// Says where this session is recorded.
    Session,
    /// Writes this session as a report; to a file where one is named.
    Export(Option<String>),
    /// Leaves.
    Quit,
}

/// Every command: its word, its argument, what it does.
pub const COMMANDS: [(&str, &str, &str); 12] = [
    ("/help", "", "show this"),
    ("/tools", "", "list the tools"),
    ("/undo", "[ID]", "take back a change, the last one without an id; asks first"),
    ("/context", "[NAME]", "switch to another context, or list them"),
    ("/namespace", "[NAME]", "switch to another namespace, or list them"),
    ("/model", "[NAME]", "show which model answers, or switch to another"),
    ("/cost", "", "show the tokens of this conversation, and their price where it is configured"),
    ("/compact", "", "shorten the conversation with the model to a summary"),
    ("/policy", "", "show what is done without asking, and what never"),
    ("/session", "", "show this session's id"),
    ("/export", "[FILE]", "write this session as a report (.md or .html)"),
    ("/quit", "", "leave (also Ctrl-D)"),
];

/// Returns the command a line is; `None` where the line is a sentence.
///
/// # Errors
/// Returns what is wrong with a line that begins with `/`, and what is right.
pub fn parse(line: &str) -> Option<Result<SlashCommand, Mistake>> {
    let line = line.trim();
    if matches!(line, "quit" | "exit") {
        return Some(Ok(SlashCommand::Quit));
    }
    if !line.starts_with('/') {
        return None;
    }
    let mut words = line.split_whitespace();
    let word = words.next().unwrap_or_default();
    let argument = words.next().map(str::to_owned);
    if words.next().is_some() {
        return Some(Err(Mistake {
            message: format!("{word} takes at most one word"),
            hint: "for a sentence, leave out the /".into(),
        }));
    }
    let takes_none = |command: SlashCommand| match &argument {
        None => Ok(command),
        Some(_) => Err(Mistake { message: format!("{word} takes no argument"), hint: format!("type {word} alone") }),
    };
    Some(match word {
        "/help" | "/?" => takes_none(SlashCommand::Help),
        "/tools" => takes_none(SlashCommand::Tools),
        "/undo" => Ok(SlashCommand::Undo(argument)),
        "/context" => Ok(SlashCommand::Context(argument)),
        "/namespace" => Ok(SlashCommand::Namespace(argument)),
        "/model" => Ok(SlashCommand::Model(argument)),
        "/cost" => takes_none(SlashCommand::Cost),
        "/compact" => takes_none(SlashCommand::Compact),
        "/policy" => takes_none(SlashCommand::Policy),
        "/session" => takes_none(SlashCommand::Session),
        "/export" => Ok(SlashCommand::Export(argument)),
        "/quit" | "/exit" => takes_none(SlashCommand::Quit),
        unknown => Err(Mistake { message: format!("there is no command {unknown}"), hint: nearest(unknown) }),
    })
}

/// What is wrong with a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: String,
}

fn nearest(word: &str) -> String {
    let best = COMMANDS
        .iter()
        .map(|(command, _, _)| {
            let started = word.len() > 1 && command.starts_with(word);
            (if started { 0 } else { strsim::osa_distance(command, word) }, *command)
        })
        .min();
    match best {
        Some((distance, command)) if distance <= 3 => format!("did you mean {command}?"),
        _ => "/help lists the commands".to_owned(),
    }
}

/// Returns the help.
pub fn help() -> String {
    const EXAMPLES: [&str; 4] = ["list pods", "show the logs of backend", "scale backend to 3", "restart the frontend"];
    let mut lines = vec!["Say what you want, for example:".to_owned()];
    lines.extend(EXAMPLES.iter().map(|example| format!("  {example}")));
    lines.extend(["Every change is shown before it is made.".to_owned(), String::new()]);
    lines.extend(COMMANDS.iter().map(|(word, argument, what)| {
        let form = format!("{word} {argument}");
        format!("  {form:<19} {what}")
    }));
    let keys = "Tab completes, a \\ at the end of a line continues it, Ctrl-C ends what is running.";
    lines.extend([String::new(), keys.to_owned()]);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_command_or_a_sentence() {
        assert_eq!(parse("scale backend to 3"), None);
        assert_eq!(parse("  /help "), Some(Ok(SlashCommand::Help)));
        assert_eq!(parse("/undo c-7k2m9q"), Some(Ok(SlashCommand::Undo(Some("c-7k2m9q".into())))));
        assert_eq!(parse("/context"), Some(Ok(SlashCommand::Context(None))));
        assert_eq!(parse("/namespace shop"), Some(Ok(SlashCommand::Namespace(Some("shop".into())))));
        assert_eq!(parse("exit"), Some(Ok(SlashCommand::Quit)));
    }

    #[test]
    fn an_unknown_command_offers_the_nearest() {
        let hint = |line| parse(line).unwrap().unwrap_err().hint;
        assert_eq!(hint("/contxt"), "did you mean /context?");
        assert_eq!(hint("/names"), "did you mean /namespace?");
        assert_eq!(hint("/"), "/help lists the commands");
        assert_eq!(hint("/etc/passwd"), "/help lists the commands");
    }

    #[test]
    fn a_command_with_too_many_words_is_a_mistake() {
        assert!(parse("/help me").unwrap().is_err());
        assert!(parse("/undo the last change").unwrap().is_err());
    }
}

//! Where in a sentence a command for a container stands: `run redis-cli ping in redis`, `exec redis-0 -- ls /data`.
//!
//! A command is taken out before the sentence is read, character for character: what reads sentences drops fillers and
//! corrects spelling, and none of that may happen to a command.

/// A sentence with its command apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// Up to the verb, included; of `exec redis-0 -- ls` up to the dashes.
    pub(crate) before: &'a str,
    /// The command.
    pub(crate) command: &'a str,
    /// What follows it.
    pub(crate) after: &'a str,
}

const VERBS: &[&str] = &["run", "exec", "execute"];
/// What may stand before the verb.
const LEADS: &[&str] = &["please", "kubectl", "can", "could", "would", "will", "you", "kindly", "pls", "now", "then"];
/// What leads on from a command to its container.
const WHERE: &[&str] = &["in", "on", "inside", "within"];
/// Programs that are known without quotation marks: "run 3 replicas in shop" is no command.
const PROGRAMS: &[&str] = &[
    "bash",
    "cat",
    "curl",
    "date",
    "df",
    "dig",
    "du",
    "echo",
    "env",
    "find",
    "free",
    "getent",
    "grep",
    "head",
    "hostname",
    "id",
    "ip",
    "java",
    "kill",
    "ls",
    "mkdir",
    "mongosh",
    "mount",
    "mysql",
    "nc",
    "netstat",
    "nginx",
    "node",
    "npm",
    "nslookup",
    "ping",
    "pip",
    "printenv",
    "ps",
    "psql",
    "pwd",
    "python",
    "python3",
    "redis-cli",
    "rm",
    "sh",
    "ss",
    "stat",
    "tail",
    "test",
    "top",
    "touch",
    "true",
    "uname",
    "uptime",
    "wget",
    "whoami",
];

/// Returns the parts of a sentence that names a command; `None` for every other.
pub(crate) fn split(sentence: &str) -> Option<Parts<'_>> {
    let (verb, after_verb) = verb(sentence)?;
    if let Some(dashes) = sentence.get(after_verb..)?.find(" -- ") {
        let at = after_verb + dashes;
        let command = sentence[at + 4..].trim();
        let spoken = (!command.is_empty()).then_some(Parts { before: &sentence[..at], command, after: "" })?;
        // "run -- ls" names no container.
        return (!sentence[after_verb..at].trim().is_empty()).then_some(spoken);
    }
    let rest = sentence[after_verb..].trim_start();
    let start = sentence.len() - rest.len();
    let before = &sentence[..verb];
    if let Some(quote) = rest.chars().next().filter(|first| matches!(first, '"' | '\'' | '`' | '“')) {
        let closing = if quote == '“' { '”' } else { quote };
        let inner = start + quote.len_utf8();
        let ends =
            |at: usize| sentence[at..].chars().nth(1).is_none_or(|next| !next.is_alphanumeric() && next != closing);
        let end = sentence[inner..].match_indices(closing).map(|(at, _)| inner + at).find(|&at| ends(at))?;
        let command = sentence[inner..end].trim();
        let after = &sentence[end + closing.len_utf8()..];
        return (!command.is_empty()).then_some(Parts { before, command, after });
    }
    let program = rest.split_whitespace().next()?;
    if !PROGRAMS.contains(&program) && !program.starts_with('/') {
        return None;
    }
    // The last place that is named: "run grep x in y in redis" looks for `x in y`. A namespace may follow it.
    let mut places: Vec<usize> = WHERE
        .iter()
        .flat_map(|word| rest.match_indices(&format!(" {word} ")).map(|(at, _)| at).collect::<Vec<_>>())
        .collect();
    places.sort_unstable();
    let place = match places.as_slice() {
        [.., before, last] if is_namespace(&rest[*last..]) => *before,
        [.., last] => *last,
        [] => return None,
    };
    let command = rest[..place].trim();
    Some(Parts { before, command, after: &sentence[start + place..] })
}

/// Returns whether " in namespace shop", " in the shop namespace" and no more stands there.
fn is_namespace(place: &str) -> bool {
    place.split_whitespace().skip(1).take(3).any(|word| word.trim_end_matches(['.', '?', '!']) == "namespace")
}

/// Returns where the verb of a command ends, and where what follows it begins.
fn verb(sentence: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    for word in sentence.split_whitespace() {
        let start = at + sentence[at..].find(word)?;
        at = start + word.len();
        let lowered = word.to_ascii_lowercase();
        if VERBS.contains(&lowered.as_str()) {
            return Some((at, at));
        }
        if !LEADS.contains(&lowered.trim_end_matches(',')) {
            return None;
        }
    }
    None
}

/// Returns the words of a command, as a shell would split them; `Err` with the character that only a shell acts on.
pub(crate) fn words(command: &str) -> Result<Vec<String>, Option<char>> {
    if let Some(character) = shell_character(command) {
        return Err(Some(character));
    }
    shlex::split(command).filter(|words| !words.is_empty()).ok_or(None)
}

/// Finds a character outside of quotation marks that a shell would act on.
fn shell_character(command: &str) -> Option<char> {
    let mut quote = None;
    let mut escaped = false;
    for character in command.chars() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            // Between double quotation marks a shell still puts in variables and commands.
            (None | Some('"'), '$' | '`') | (None, '|' | '&' | ';' | '<' | '>' | '*' | '?' | '#' | '~') => {
                return Some(character);
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(sentence: &str) -> Option<(&str, &str, &str)> {
        split(sentence).map(|parts| (parts.before.trim(), parts.command, parts.after.trim()))
    }

    #[test]
    fn a_command_is_taken_out_as_it_was_typed() {
        assert_eq!(parts("run redis-cli ping in redis"), Some(("run", "redis-cli ping", "in redis")));
        assert_eq!(parts("run \"echo please, and the\" in redis"), Some(("run", "echo please, and the", "in redis")));
        assert_eq!(
            parts("can you execute 'ls -l' on pod redis-0?"),
            Some(("can you execute", "ls -l", "on pod redis-0?"))
        );
        assert_eq!(
            parts("kubectl exec redis-0 -n todo -- ls /data"),
            Some(("kubectl exec redis-0 -n todo", "ls /data", ""))
        );
        assert_eq!(parts("run grep x in y in redis"), Some(("run", "grep x in y", "in redis")));
        assert_eq!(parts("run ls in redis in namespace shop"), Some(("run", "ls", "in redis in namespace shop")));
        assert_eq!(parts("run ls in the shop namespace"), Some(("run", "ls", "in the shop namespace")));
        assert_eq!(parts("run \"sh -c 'ls | wc'\" in redis"), Some(("run", "sh -c 'ls | wc'", "in redis")));
    }

    #[test]
    fn what_only_sounds_like_one_is_none() {
        for sentence in [
            "run 3 replicas of backend in shop",
            "run a job in shop",
            "exec into redis",
            "run ls",
            "run \"\" in redis",
            "run -- ls",
            "show how to run ls in redis",
            "run",
        ] {
            assert_eq!(split(sentence), None, "{sentence}");
        }
    }

    #[test]
    fn words_are_split_and_what_needs_a_shell_is_named() {
        assert_eq!(words("ls -l '/my data'").unwrap(), ["ls", "-l", "/my data"]);
        assert_eq!(words("sh -c 'ls | wc -l > $HOME'").unwrap(), ["sh", "-c", "ls | wc -l > $HOME"]);
        for (command, character) in
            [("ls | wc", '|'), ("echo $HOME", '$'), ("echo \"$HOME\"", '$'), ("ls *", '*'), ("a; b", ';')]
        {
            assert_eq!(words(command), Err(Some(character)), "{command}");
        }
        assert_eq!(words("echo 'open"), Err(None));
    }
}

//! What a typed line means as an answer to "Apply this change?". Pure: the table below is the whole truth.
//!
//! Only the words listed here mean yes. Enter alone is no; anything else is not understood and asked again.

use todo_agent_core::{approval::Answer, text};

/// What may be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The numbers of the change's steps.
    pub steps: Vec<usize>,
    /// Whether "yes for this session" is offered.
    pub grant: Grant,
}

/// Whether "yes for this session" is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// It may be answered.
    Offered,
    /// It may not.
    Withheld,
}

/// What a typed line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is an answer.
    Answer(Answer),
    /// A step's arguments are to be changed; the new ones are still to be typed.
    Edit {
        /// The step, where it is clear which.
        step: Option<usize>,
    },
    /// The person asks what can be answered.
    Help,
    /// It means nothing here; the text says why.
    Unclear(String),
}

/// Returns what a typed line means.
pub fn read_reply(line: &str, offer: &Offer) -> Reply {
    let line = line.trim();
    let (word, rest) =
        line.split_once(|character: char| character.is_whitespace() || character == ',').unwrap_or((line, ""));
    let rest = rest.trim_matches(|character: char| character.is_whitespace() || character == ',');
    let alone = |answer: Answer| {
        if rest.is_empty() { Reply::Answer(answer) } else { Reply::Unclear(format!("\"{word}\" stands alone")) }
    };
    match word.to_lowercase().as_str() {
        "" => Reply::Answer(Answer::No(String::new())),
        "y" | "yes" => alone(Answer::Yes),
        "n" | "no" => Reply::Answer(Answer::No(rest.to_owned())),
        "q" | "quit" | "stop" => alone(Answer::Stop),
        "s" | "session" => match offer.grant {
            Grant::Offered => alone(Answer::YesForSession),
            Grant::Withheld => Reply::Unclear("this cannot be allowed for the whole session".into()),
        },
        "o" | "only" => only(rest, offer),
        "e" | "edit" => edit(rest, offer),
        "?" | "h" | "help" => Reply::Help,
        _ => Reply::Unclear("please answer y or n".into()),
    }
}

/// Returns whether a typed line is the name, letter by letter.
pub fn is_name(line: &str, name: &str) -> bool {
    line.trim() == name
}

/// Returns the question's line, short where the terminal is narrow.
pub fn question(offer: &Offer, width: usize) -> String {
    let mut choices = vec![("y", "[y]es"), ("n", "[n]o"), ("e", "[e]dit")];
    if offer.steps.len() > 1 {
        choices.push(("o", "[o]nly 1,2"));
    }
    if offer.grant == Grant::Offered {
        choices.push(("s", "[s]ession"));
    }
    choices.push(("q", "[q]uit"));
    let words: Vec<&str> = choices.iter().map(|(_, word)| *word).collect();
    let long = format!("Apply? {} (Enter = no) ", words.join(" "));
    if text::width(&long) + 3 <= width {
        return long;
    }
    let letters: Vec<&str> = choices.iter().map(|(letter, _)| *letter).collect();
    format!("Apply? {}, ?=help (Enter=no) ", letters.join("/"))
}

/// Returns what each answer means, one per line.
pub fn help(offer: &Offer) -> Vec<&'static str> {
    let mut lines = vec![
        "y, yes          apply this change, once",
        "n, no [reason]  do not apply it; the reason is passed on",
        "e, edit [step]  give a step other arguments; you are asked again",
    ];
    if offer.steps.len() > 1 {
        lines.push("o, only 1,3     apply only these steps");
    }
    if offer.grant == Grant::Offered {
        lines.push("s, session      yes, and the same on this object for this session");
    }
    lines.push("q, quit         do not apply it and stop the whole turn");
    lines
}

fn only(rest: &str, offer: &Offer) -> Reply {
    if offer.steps.len() < 2 {
        return Reply::Unclear("there is only one step".into());
    }
    let mut chosen = Vec::new();
    for word in
        rest.split(|character: char| character == ',' || character.is_whitespace()).filter(|word| !word.is_empty())
    {
        match word.parse::<usize>() {
            Ok(step) if offer.steps.contains(&step) => chosen.push(step),
            _ => return Reply::Unclear(format!("there is no step {word}")),
        }
    }
    chosen.sort_unstable();
    chosen.dedup();
    if chosen.is_empty() {
        return Reply::Unclear("which steps? for example: only 1,3".into());
    }
    Reply::Answer(Answer::Only(chosen))
}

fn edit(rest: &str, offer: &Offer) -> Reply {
    match (rest, offer.steps.as_slice()) {
        ("", [step]) => Reply::Edit { step: Some(*step) },
        ("", _) => Reply::Edit { step: None },
        (word, steps) => match word.parse::<usize>() {
            Ok(step) if steps.contains(&step) => Reply::Edit { step: Some(step) },
            _ => Reply::Unclear(format!("there is no step {word}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(steps: usize, grant: Grant) -> Offer {
        Offer { steps: (1..=steps).collect(), grant }
    }

    #[test]
    fn what_each_line_means() {
        let several = offer(3, Grant::Offered);
        let table = [
            ("", Answer::No(String::new())),
            ("   ", Answer::No(String::new())),
            ("y", Answer::Yes),
            ("YES ", Answer::Yes),
            ("n", Answer::No(String::new())),
            ("no, too many replicas", Answer::No("too many replicas".into())),
            ("s", Answer::YesForSession),
            ("o 1", Answer::Only(vec![1])),
            ("only 3,1 3", Answer::Only(vec![1, 3])),
            ("q", Answer::Stop),
            ("stop", Answer::Stop),
        ];
        for (line, answer) in table {
            assert_eq!(read_reply(line, &several), Reply::Answer(answer), "{line:?}");
        }
    }

    #[test]
    fn what_is_not_clearly_a_yes_is_asked_again() {
        let lines = [
            "yess",
            "yep",
            "ok",
            "sure",
            "1",
            "yes please",
            "y y",
            "y\u{202e}",
            "\u{443}",
            "yes; rm",
            "only",
            "only 4",
            "only 0",
            "o all",
            "e 9",
            "s now",
            "apply",
            "ja",
        ];
        for line in lines {
            let reply = read_reply(line, &offer(3, Grant::Offered));
            assert!(matches!(reply, Reply::Unclear(_)), "{line:?} meant {reply:?}");
        }
    }

    #[test]
    fn what_was_not_offered_cannot_be_answered() {
        let single = offer(1, Grant::Withheld);
        assert!(matches!(read_reply("s", &single), Reply::Unclear(_)));
        assert!(matches!(read_reply("only 1", &single), Reply::Unclear(_)));
        assert_eq!(question(&single, 80), "Apply? [y]es [n]o [e]dit [q]uit (Enter = no) ");
        assert_eq!(
            question(&offer(2, Grant::Offered), 80),
            "Apply? [y]es [n]o [e]dit [o]nly 1,2 [s]ession [q]uit (Enter = no) "
        );
    }

    #[test]
    fn a_narrow_terminal_gets_a_short_question() {
        let asked = question(&offer(1, Grant::Offered), 40);
        assert_eq!(asked, "Apply? y/n/e/s/q, ?=help (Enter=no) ");
    }

    #[test]
    fn editing_needs_a_step_where_there_are_several() {
        assert_eq!(read_reply("e", &offer(1, Grant::Withheld)), Reply::Edit { step: Some(1) });
        assert_eq!(read_reply("e", &offer(2, Grant::Withheld)), Reply::Edit { step: None });
        assert_eq!(read_reply("edit 2", &offer(2, Grant::Withheld)), Reply::Edit { step: Some(2) });
    }

    #[test]
    fn a_name_is_typed_letter_by_letter() {
        assert!(is_name("backend\n", "backend"));
        for wrong in ["", "Backend", "backen", "backend x", "b\u{0430}ckend", "y"] {
            assert!(!is_name(wrong, "backend"), "{wrong:?}");
        }
    }
}

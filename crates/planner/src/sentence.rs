//! A sentence, read: politeness taken off, cut into segments, and what was noticed on the way.
//!
//! Only words that carry no wish are dropped here. Words that may forbid a change ("not", "if", "?") are kept
//! or remembered; `veto` judges them.

use crate::{
    command,
    lexicon::{ADDITIONS, COURTESY, FILLERS, POLITE_ORDERS, WISHES, common::is_common, kinds},
    planned::PassReason,
    segment::{Join, Segment},
    tokens::{Token, TokenKind, tokenise},
};

/// How a sentence is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Without a question mark.
    Plain,
    /// With one.
    Questioned,
    /// Beginning with "can you", "could you" and the like, which makes a question an order.
    PoliteOrder,
}

/// A sentence after reading.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    /// The stretches between "and", "then" and punctuation, without empty ones.
    pub(crate) segments: Vec<Segment>,
    /// How it is said.
    pub(crate) mood: Mood,
    /// Whether it is a "what if" or a dry run.
    pub(crate) preview: bool,
    /// Whether it begins with "and", "also", "now" or "same", and so goes on from before.
    pub(crate) goes_on: bool,
}

/// Fixed expressions and the one word they amount to. Without this, "once more" would look like a condition.
const EXPRESSIONS: &[(&str, &str)] = &[
    ("once more", "again"),
    ("once again", "again"),
    ("one more time", "again"),
    ("another time", "again"),
    ("a second time", "again"),
    ("after that", "then"),
    ("afterwards", "then"),
    ("and then", "then"),
    ("up and running", "running"),
    ("each to", "to"),
    ("both to", "to"),
    ("to have", "to"),
    ("to run with", "to"),
    ("to run at", "to"),
    ("to be at", "to"),
    ("to go to", "to"),
    ("run with", "with"),
    ("running with", "with"),
    ("as well as", "and"),
    ("along with", "and"),
    ("together with", "and"),
    ("what you just did", "that"),
    ("what you did", "that"),
    ("what we just did", "that"),
    ("what i just did", "that"),
    ("what you have done", "that"),
    ("what you've done", "that"),
    ("what was just done", "that"),
    ("a secret and a configmap", "secret-and-configmap"),
    ("a configmap and a secret", "secret-and-configmap"),
    ("secret and configmap", "secret-and-configmap"),
    ("configmap and secret", "secret-and-configmap"),
    ("a secret and a config map", "secret-and-configmap"),
    ("read only", "read-only"),
    ("allow only", "allow-only"),
    ("only allow", "allow-only"),
    ("only let", "allow-only"),
    ("let only", "allow-only"),
];

/// Said before an order that is only to be looked at.
const DRY_RUN: &[&str] = &[
    "--dry-run=server",
    "--dry-run=client",
    "--dry-run",
    "in dry-run mode",
    "in dry run mode",
    "as a dry run",
    "as a dry-run",
    "as dry run",
    "do a dry run of",
    "dry run of",
    "dry run",
    "dry-run",
    "dryrun",
];

/// Said first, for an order that is only to be looked at.
const WHAT_IF: &[&str] = &["what if i", "what if we", "what if you", "what if"];

/// Other forms of the verbs that change something, used after "what if I" and "would you mind".
const FORMS: &[(&str, &str)] = &[
    ("scaled", "scale"),
    ("scaling", "scale"),
    ("restarted", "restart"),
    ("restarting", "restart"),
    ("rolled", "roll"),
    ("rolling", "roll"),
    ("paused", "pause"),
    ("pausing", "pause"),
    ("resumed", "resume"),
    ("resuming", "resume"),
    ("doubled", "double"),
    ("doubling", "double"),
    ("halved", "halve"),
    ("undoing", "undo"),
    ("reverted", "revert"),
    ("reverting", "revert"),
    ("increased", "increase"),
    ("increasing", "increase"),
    ("reduced", "reduce"),
    ("reducing", "reduce"),
    ("decreased", "decrease"),
    ("decreasing", "decrease"),
    ("added", "add"),
    ("adding", "add"),
    ("removed", "remove"),
    ("bounced", "bounce"),
    ("bouncing", "bounce"),
    ("showing", "show"),
    ("listing", "list"),
    ("deleted", "delete"),
    ("deleting", "delete"),
    ("created", "create"),
    ("creating", "create"),
    ("drained", "drain"),
    ("draining", "drain"),
    ("setting", "set"),
    ("gave", "give"),
    ("giving", "give"),
    ("exposed", "expose"),
    ("exposing", "expose"),
    ("cordoned", "cordon"),
    ("autoscaled", "autoscale"),
    ("describing", "describe"),
    ("resized", "resize"),
    ("resizing", "resize"),
    ("expanded", "expand"),
    ("applied", "apply"),
    ("applying", "apply"),
];

/// Words that begin a sentence which goes on from the one before.
const CONTINUATIONS: &[&str] = &["and", "also", "then", "now", "same", "next", "plus", "likewise", "ditto"];

impl Sentence {
    /// Reads a sentence, or says why it is not read.
    pub(crate) fn read(text: &str) -> Result<Self, PassReason> {
        let mut tokens = match command::split(text) {
            Some(parts) => {
                let mut tokens = tokenise(parts.before)?;
                tokens.push(Token::command(parts.command));
                tokens.extend(tokenise(parts.after)?);
                // The bounds and the invisible characters of the whole count.
                tokenise(text).map(|_| tokens)?
            }
            None => tokenise(text)?,
        };
        let pleads = tokens.iter().any(|token| PLEAS.contains(&token.word.as_str()));
        let goes_on = tokens.first().is_some_and(|token| CONTINUATIONS.contains(&token.word.as_str()));
        for &(phrase, word) in EXPRESSIONS {
            replace_all(&mut tokens, phrase, Some(word));
        }
        join_fractions(&mut tokens);
        join_ranges(&mut tokens);
        for phrase in COURTESY {
            replace_all(&mut tokens, phrase, None);
        }
        let mut preview = false;
        // After "what if I", "would you mind" and "a dry run of" the verb comes in another form.
        let mut bends = false;
        for phrase in DRY_RUN {
            let found = replace_all(&mut tokens, phrase, None);
            preview |= found;
            bends |= found;
        }
        tokens.retain(|token| {
            let filler = token.kind == TokenKind::Word && FILLERS.contains(&token.word.as_str());
            !(filler || token.is_mark("…"))
        });
        lead_with_allow_only(&mut tokens);
        let begin = tokens.iter().position(|token| !is_pause(token)).unwrap_or(tokens.len());
        tokens.drain(..begin);
        // "first restart backend, then …": an order of steps, not a choice among objects.
        if tokens.len() > 2
            && matches!(tokens[0].word.as_str(), "first" | "firstly")
            && !crate::number::is_numeric(&tokens[1].word)
        {
            tokens.remove(0);
            tokens.drain(..tokens.iter().take_while(|token| is_pause(token)).count());
        }
        let what_if = WHAT_IF.iter().find(|phrase| matches(&tokens, 0, phrase));
        if let Some(phrase) = what_if {
            tokens.drain(..phrase.split(' ').count());
            preview = true;
            bends = true;
        }
        let mood = if POLITE_ORDERS.iter().any(|phrase| matches(&tokens, 0, phrase)) {
            Mood::PoliteOrder
        } else if what_if.is_none() && tokens.iter().any(|token| token.is_mark("?")) {
            Mood::Questioned
        } else {
            Mood::Plain
        };
        bends |= matches(&tokens, 0, "would you mind") || matches(&tokens, 0, "do you mind");
        let segments = cut(tokens, bends, pleads);
        if segments.is_empty() {
            return Err(PassReason::Empty);
        }
        Ok(Self { segments, mood, preview, goes_on })
    }
}

/// Returns whether a token is punctuation that a sentence may begin with; a question or quotation mark is not.
fn is_pause(token: &Token) -> bool {
    token.kind == TokenKind::Mark && !token.is_mark("?") && !token.is_mark("\"")
}

fn matches(tokens: &[Token], at: usize, phrase: &str) -> bool {
    let mut words = phrase.split(' ');
    let mut rest = tokens[at.min(tokens.len())..].iter();
    words.all(|word| rest.next().is_some_and(|token| token.kind == TokenKind::Word && token.word == word))
}

/// Replaces every occurrence of `phrase` by `word` (or by nothing); returns whether there was one.
fn replace_all(tokens: &mut Vec<Token>, phrase: &str, word: Option<&str>) -> bool {
    let length = phrase.split(' ').count();
    let mut found = false;
    let mut at = 0;
    while at + length <= tokens.len() {
        if matches(tokens, at, phrase) {
            let token =
                word.map(|word| Token { text: phrase.to_owned(), word: word.to_owned(), kind: TokenKind::Word });
            tokens.splice(at..at + length, token);
            found = true;
        } else {
            at += 1;
        }
    }
    found
}

/// Makes one unusable number of "three and a half", before "and" cuts it into two.
fn join_fractions(tokens: &mut Vec<Token>) {
    let mut at = 1;
    while at < tokens.len() {
        let length = ["and a half", "and half", "and a quarter", "and a third"]
            .into_iter()
            .find(|phrase| matches(tokens, at, phrase))
            .map(|phrase| phrase.split(' ').count());
        if let Some(length) = length
            && crate::number::is_numeric(&tokens[at - 1].word)
        {
            let text =
                tokens[at - 1..at + length].iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ");
            // Begins with a digit and is no whole number: `number` calls it unclear.
            let joined = Token { text, word: "0.5".to_owned(), kind: TokenKind::Word };
            tokens.splice(at - 1..at + length, [joined]);
        } else {
            at += 1;
        }
    }
}

/// Turns "only frontend may talk to backend", perhaps after "create a network policy so that", into the order that it is.
fn lead_with_allow_only(tokens: &mut Vec<Token>) {
    let policy = [
        "create network policy that",
        "add network policy that",
        "make network policy that",
        "make sure that",
        "make sure",
    ];
    let lead =
        policy.into_iter().filter(|phrase| matches(tokens, 0, phrase)).map(|phrase| phrase.split(' ').count()).max();
    let at = lead.unwrap_or(0);
    let is_name = tokens.get(at + 1).is_some_and(|token| token.kind != TokenKind::Mark && !is_common(&token.word));
    let may = tokens.get(at + 2).is_some_and(|token| matches!(token.word.as_str(), "may" | "can"));
    let talks =
        ["talk to", "connect to", "reach", "access", "call"].into_iter().any(|verb| matches(tokens, at + 3, verb));
    if matches(tokens, at, "only") && is_name && may && talks {
        tokens.remove(at + 2);
        tokens[at] = Token::word("allow-only");
        tokens.drain(..at);
    }
}

/// Makes one word of "between 2 and 5", before "and" cuts it into two. As a count it is unclear.
fn join_ranges(tokens: &mut Vec<Token>) {
    let mut at = 0;
    while at + 4 <= tokens.len() {
        let numbers = |at: usize| tokens[at].word.parse::<u32>().is_ok();
        if matches(tokens, at, "between") && numbers(at + 1) && matches(tokens, at + 2, "and") && numbers(at + 3) {
            let range = format!("{}-{}", tokens[at + 1].word, tokens[at + 3].word);
            tokens.splice(at..at + 4, [Token::word(&range)]);
        }
        at += 1;
    }
}

fn cut(tokens: Vec<Token>, mut bends: bool, pleads: bool) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut current = Vec::new();
    let mut join = Join::Start;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let before_number = tokens.peek().is_some_and(|next| crate::number::is_numeric(&next.word));
        let Some(boundary) = boundary(&token) else {
            current.push(token);
            continue;
        };
        if token.is_mark(":") && before_number {
            continue;
        }
        if let Some(segment) = finish(std::mem::take(&mut current), join, &mut bends, pleads) {
            segments.push(segment);
            join = boundary;
        } else if join == Join::And || boundary == Join::Stop && join != Join::Start {
            join = boundary;
        }
    }
    segments.extend(finish(current, join, &mut bends, pleads));
    segments
}

fn boundary(token: &Token) -> Option<Join> {
    match (token.kind, token.text.as_str(), token.word.as_str()) {
        (TokenKind::Mark, "," | "&" | ":", _) | (TokenKind::Word, _, "and" | "plus" | "&&" | "n") => Some(Join::And),
        (TokenKind::Mark, ";" | "." | "!" | "?" | "(" | ")" | "—" | "–", _) => Some(Join::Stop),
        (TokenKind::Word, _, "then") => Some(Join::Then),
        _ => None,
    }
}

/// Words that make a request of a bare noun: "3 replicas of backend, please".
const PLEAS: &[&str] = &["please", "pls", "plz", "kindly"];

/// Takes the polite beginning and "too" off a segment; `None` if nothing is left.
fn finish(mut tokens: Vec<Token>, join: Join, bends: &mut bool, pleads: bool) -> Option<Segment> {
    let mut wish = pleads;
    loop {
        let head = POLITE_ORDERS.iter().chain(WISHES).filter(|phrase| matches(&tokens, 0, phrase));
        let Some(longest) = head.map(|phrase| phrase.split(' ').count()).max() else { break };
        wish = true;
        tokens.drain(..longest);
    }
    if wish || tokens.first().is_some_and(|token| matches!(token.word.as_str(), "get" | "have")) {
        lead_with_verb(&mut tokens);
    }
    lead_with_wanted_state(&mut tokens);
    let mut too = false;
    for phrase in ADDITIONS {
        too |= replace_all(&mut tokens, phrase, None);
    }
    if let Some(first) = tokens.first_mut()
        && *bends
    {
        *bends = false;
        if let Some((_, base)) = FORMS.iter().find(|(form, _)| *form == first.word) {
            (*base).clone_into(&mut first.word);
        }
    }
    (!tokens.is_empty()).then(|| Segment::new(tokens, join, too, wish))
}

/// Turns "(I want) backend restarted" and "get backend scaled to 3" into an order with its verb first. What stands
/// before the participle must be a name, perhaps with its kind.
fn lead_with_verb(tokens: &mut Vec<Token>) {
    const PARTICIPLES: &[&str] = &["scaled", "restarted", "paused", "resumed", "doubled", "halved", "reverted"];
    let begin = usize::from(tokens.first().is_some_and(|token| matches!(token.word.as_str(), "get" | "have")));
    let Some(at) = tokens.iter().position(|token| PARTICIPLES.contains(&token.word.as_str())) else { return };
    let subject = tokens.get(begin..at).unwrap_or_default();
    let plain = subject
        .iter()
        .all(|token| token.kind != TokenKind::Mark && (!is_common(&token.word) || kinds::is_alias(&token.word)));
    if subject.is_empty() || subject.len() > 2 || !plain {
        return;
    }
    let mut verb = tokens.remove(at);
    if let Some((_, base)) = FORMS.iter().find(|(form, _)| *form == verb.word) {
        (*base).clone_into(&mut verb.word);
    }
    tokens.drain(..begin);
    tokens.insert(0, verb);
}

/// Turns "make sure backend has 3 replicas" into "make sure backend to 3 replicas".
fn lead_with_wanted_state(tokens: &mut Vec<Token>) {
    let wanted = ["make sure that", "make sure", "ensure that", "ensure"];
    let Some(phrase) = wanted.into_iter().find(|phrase| matches(tokens, 0, phrase)) else { return };
    let begin = phrase.split(' ').count();
    let Some(at) = (begin..tokens.len()).find(|&at| matches!(tokens[at].word.as_str(), "has" | "runs" | "gets")) else {
        return;
    };
    if tokens.get(at + 1).is_some_and(|token| crate::number::is_numeric(&token.word)) {
        tokens[at] = Token::word("to");
        tokens.splice(..begin, [Token::word("ensure")]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_up(text: &str) -> Vec<String> {
        Sentence::read(text).unwrap().segments.iter().map(|segment| segment.unused_texts().join(" ")).collect()
    }

    #[test]
    fn politeness_is_dropped_and_requests_are_separated() {
        assert_eq!(cut_up("Hey, could you please scale the backend to 3, thanks!"), ["scale backend to 3"]);
        assert_eq!(cut_up("restart backend and then show its logs."), ["restart backend", "show its logs"]);
        assert_eq!(cut_up("I'd like you to list pods; describe redis"), ["list pods", "describe redis"]);
    }

    #[test]
    fn what_may_forbid_a_change_is_kept() {
        assert_eq!(cut_up("don't restart backend"), ["don't restart backend"]);
        assert_eq!(Sentence::read("scale backend to 3?").unwrap().mood, Mood::Questioned);
        let preview = Sentence::read("what if I scaled backend to 5?").unwrap();
        assert!(preview.preview && preview.mood == Mood::Plain);
    }

    #[test]
    fn a_sentence_of_courtesy_alone_is_empty() {
        assert_eq!(Sentence::read("hello, thanks!").unwrap_err(), PassReason::Empty);
        assert_eq!(Sentence::read(" ").unwrap_err(), PassReason::Empty);
    }
}

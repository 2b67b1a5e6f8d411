//! The words that make a change impossible, wherever they stand in the part of a sentence that orders it.
//!
//! Deliberately coarse: a marker forbids the change even where a careful reader might see past it. The price is
//! an honest "not understood"; the alternative is a change that nobody ordered.

use crate::{
    planned::PassReason,
    segment::Segment,
    sentence::{Mood, Sentence},
    tokens::{Token, TokenKind},
};

const NEGATIONS: &[&str] = &[
    "not", "no", "never", "without", "dont", "doesnt", "didnt", "wont", "cant", "cannot", "shouldnt", "couldnt",
    "wouldnt", "mustnt", "isnt", "arent", "wasnt", "neither", "nor", "none", "nothing", "nobody", "nope", "nah",
    "avoid", "avoiding", "refrain", "stop", "cancel", "abort", "forget", "skip", "ignore", "rather", "unlike", "nein",
    "nicht", "kein", "keine", "nie", "pas", "jamais", "nunca", "non", "🚫", "❌", "⛔", "👎", "🛑",
];

const CONDITIONS: &[&str] = &[
    "if",
    "unless",
    "when",
    "whenever",
    "whether",
    "until",
    "till",
    "til",
    "while",
    "whilst",
    "once",
    "provided",
    "providing",
    "assuming",
    "assume",
    "suppose",
    "supposing",
    "otherwise",
    "else",
    "depending",
    "maybe",
    "perhaps",
    "possibly",
    "probably",
    "might",
    "may",
    "imagine",
    "pretend",
    "hypothetically",
    "theoretically",
    "wish",
    "hope",
    "case",
    "after",
    "before",
    "wenn",
    "falls",
    "si",
];

const QUESTIONS: &[&str] = &[
    "how",
    "why",
    "what",
    "who",
    "whose",
    "whom",
    "which",
    "where",
    "wonder",
    "wondering",
    "curious",
    "explain",
    "mean",
    "means",
    "meaning",
    "should",
    "shall",
    "would",
    "could",
    "did",
    "does",
    "is",
    "are",
    "was",
    "were",
    "has",
    "have",
    "had",
    "am",
    "been",
    "what's",
    "how's",
    "who's",
    "where's",
    "it's",
    "that's",
    "ought",
    "supposed",
    "warum",
    "wie",
    "soll",
];

const REPORTS: &[&str] = &[
    "said",
    "says",
    "say",
    "saying",
    "told",
    "tells",
    "asked",
    "asks",
    "wants",
    "wanted",
    "suggested",
    "suggests",
    "recommended",
    "recommends",
    "mentioned",
    "mentions",
    "thinks",
    "think",
    "believe",
    "believes",
    "heard",
    "wrote",
    "writes",
    "written",
    "claims",
    "claimed",
    "according",
    "quote",
    "e.g",
    "example",
    "he",
    "she",
    "they",
    "someone",
    "somebody",
    "everyone",
    "he's",
    "she's",
    "joke",
    "joking",
    "kidding",
];

const OTHER_TIMES: &[&str] = &[
    "tomorrow",
    "later",
    "tonight",
    "soon",
    "yesterday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "midnight",
    "noon",
    "morning",
    "afternoon",
    "evening",
    "week",
    "weekend",
    "month",
    "o'clock",
    "schedule",
    "scheduled",
    "daily",
    "hourly",
    "weekly",
    "nightly",
    "monthly",
    "eventually",
    "someday",
    "sometime",
    "next",
    "upcoming",
    "morgen",
    "später",
];

const EXCEPTIONS: &[&str] = &[
    "except",
    "excepting",
    "excluding",
    "exclude",
    "but",
    "besides",
    "only",
    "respectively",
    "either",
    "or",
    "others",
    "rest",
    "remaining",
    "apart",
    "other",
    "ones",
    "alternatively",
    "versus",
    "vs",
    "/",
];

/// Two-word beginnings of a question that has no question word.
const QUESTION_HEADS: &[&str] = &[
    "can i", "can we", "can it", "may i", "may we", "do i", "do we", "do you", "do they", "will it", "will we",
    "need i",
];

/// Returns why no change may come from `segments` (the part of the sentence up to its last change), if so.
pub(crate) fn forbids(sentence: &Sentence, segments: &[Segment]) -> Option<PassReason> {
    let tokens = || segments.iter().flat_map(Segment::tokens);
    if tokens().any(|token| token.is_mark("\"") || is_quoted_order(token)) {
        return Some(PassReason::Quoted);
    }
    let has = |markers: &[&str]| {
        tokens().any(|token| token.kind == TokenKind::Word && markers.contains(&token.word.as_str()))
    };
    if has(NEGATIONS) || tokens().any(|token| token.kind == TokenKind::Word && token.word.ends_with("n't")) {
        return Some(PassReason::Negated);
    }
    let heads = || segments.iter().filter(|segment| starts_a_question(segment));
    if has(QUESTIONS) || heads().next().is_some() || sentence.mood == Mood::Questioned {
        return Some(PassReason::Questioned);
    }
    if has(REPORTS) {
        return Some(PassReason::Reported);
    }
    if has(CONDITIONS) {
        return Some(PassReason::Conditional);
    }
    if has(OTHER_TIMES) || tokens().any(is_clock_time) {
        return Some(PassReason::Postponed);
    }
    has(EXCEPTIONS).then_some(PassReason::Exception)
}

/// Returns whether a quotation holds more than a name.
fn is_quoted_order(token: &Token) -> bool {
    token.kind == TokenKind::Quoted && (token.text.is_empty() || token.text.contains(char::is_whitespace))
}

fn starts_a_question(segment: &Segment) -> bool {
    let mut words = segment.tokens().iter().map(|token| token.word.as_str());
    let (first, second) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    first == "can" || QUESTION_HEADS.iter().any(|head| head.split_once(' ') == Some((first, second)))
}

/// Returns whether a word is a time of day: `5pm`, `17:30`.
fn is_clock_time(token: &Token) -> bool {
    let word = token.word.as_str();
    let digits = |text: &str| !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let clock =
        |text: &str| text.split_once(':').map_or(digits(text), |(hours, minutes)| digits(hours) && digits(minutes));
    word.strip_suffix("am").or_else(|| word.strip_suffix("pm")).is_some_and(clock)
        || (word.contains(':') && clock(word))
}

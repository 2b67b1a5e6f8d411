//! A sentence as tokens: words as typed, quoted strings, and punctuation that means something.
//!
//! Kubernetes names, flags and selectors stay whole (`deployment/backend`, `--tail=50`, `app=web,tier=x`).
//! One pass over the characters; long sentences and invisible characters are refused before it.

use crate::planned::PassReason;

/// The longest sentence that is read, in bytes.
pub(crate) const LONGEST: usize = 4096;
/// The most tokens that are read.
pub(crate) const MOST_TOKENS: usize = 256;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A word, number, name or flag.
    Word,
    /// The content of quotation marks.
    Quoted,
    /// One punctuation character.
    Mark,
    /// A command for a container, exactly as typed; nothing in it is a word of the sentence.
    Command,
}

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// As typed, without quotation marks and a possessive ending.
    pub(crate) text: String,
    /// In lower case, with straight apostrophes.
    pub(crate) word: String,
    /// What it is.
    pub(crate) kind: TokenKind,
}

impl Token {
    fn new(text: &str, kind: TokenKind) -> Self {
        let mut text = text.to_owned();
        let mut word = text.replace(['’', '‘', 'ʼ'], "'").to_lowercase();
        if kind == TokenKind::Word {
            let possessive = word.strip_suffix("'s").or_else(|| word.strip_suffix('\'')).map(str::to_owned);
            if let Some(stem) = possessive
                && !stem.is_empty()
                && !crate::lexicon::CONTRACTIONS.contains(&word.as_str())
            {
                text = text.chars().take(stem.chars().count()).collect();
                word = stem;
            }
        }
        Self { text, word, kind }
    }

    /// Returns a word token.
    pub(crate) fn word(text: &str) -> Self {
        Self::new(text, TokenKind::Word)
    }

    /// Returns a command token.
    pub(crate) fn command(text: &str) -> Self {
        Self { text: text.to_owned(), word: String::new(), kind: TokenKind::Command }
    }

    /// Returns whether this is the punctuation mark `mark`.
    pub(crate) fn is_mark(&self, mark: &str) -> bool {
        self.kind == TokenKind::Mark && self.text == mark
    }
}

/// Returns the tokens of `sentence`, or why it is not read.
pub(crate) fn tokenise(sentence: &str) -> Result<Vec<Token>, PassReason> {
    if sentence.len() > LONGEST {
        return Err(PassReason::TooLong);
    }
    if sentence.chars().any(is_invisible) {
        return Err(PassReason::ControlCharacters);
    }
    let characters: Vec<char> = sentence.chars().map(plain).collect();
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let next = characters.get(at + 1).copied();
        let ends_word = next.is_none_or(|next| next.is_whitespace() || matches!(next, '"' | ')' | '?' | '!' | ','));
        at += 1;
        match character {
            '\n' => {
                flush(&mut word, &mut tokens);
                tokens.push(Token::new(";", TokenKind::Mark));
            }
            _ if character.is_whitespace() => flush(&mut word, &mut tokens),
            '"' | '\'' | '`' if word.is_empty() => match closing(&characters, at, character) {
                Some(end) => {
                    let inner: String = characters[at..end].iter().collect();
                    tokens.push(Token::new(inner.trim(), TokenKind::Quoted));
                    at = end + 1;
                }
                None => tokens.push(Token::new("\"", TokenKind::Mark)),
            },
            '"' | '`' => {
                flush(&mut word, &mut tokens);
                tokens.push(Token::new("\"", TokenKind::Mark));
            }
            ',' if word.contains('=') && !ends_word => word.push(character),
            ',' | ';' | '?' | '!' | '(' | ')' | '&' | '…' | '—' | '–' => {
                flush(&mut word, &mut tokens);
                tokens.push(Token::new(&character.to_string(), TokenKind::Mark));
            }
            '.' | ':' if ends_word => {
                flush(&mut word, &mut tokens);
                tokens.push(Token::new(&character.to_string(), TokenKind::Mark));
            }
            '-' if word.is_empty() && ends_word => tokens.push(Token::new(",", TokenKind::Mark)),
            _ => word.push(character),
        }
        if tokens.len() > MOST_TOKENS {
            return Err(PassReason::TooLong);
        }
    }
    flush(&mut word, &mut tokens);
    Ok(tokens)
}

fn flush(word: &mut String, tokens: &mut Vec<Token>) {
    // "..." at the end of a word is a pause, not a part of a name.
    let trimmed = word.trim_end_matches('.');
    if !trimmed.is_empty() {
        tokens.push(Token::new(trimmed, TokenKind::Word));
    }
    word.clear();
}

/// Returns where the quotation that begins before `from` ends. An apostrophe closes one only at the end of a word.
fn closing(characters: &[char], from: usize, quote: char) -> Option<usize> {
    (from..characters.len()).find(|&at| {
        characters[at] == quote && (quote != '\'' || characters.get(at + 1).is_none_or(|next| !next.is_alphanumeric()))
    })
}

/// Returns the plain form of typographic quotation marks and full-width punctuation.
fn plain(character: char) -> char {
    match character {
        '“' | '”' | '„' | '«' | '»' | '＂' => '"',
        '？' => '?',
        '！' => '!',
        '，' | '、' => ',',
        '；' => ';',
        '。' => '.',
        '：' => ':',
        _ => character,
    }
}

fn is_invisible(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t' | '\r'))
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(character, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(sentence: &str) -> Vec<String> {
        tokenise(sentence).unwrap().into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn names_flags_and_selectors_stay_whole() {
        assert_eq!(
            words("scale deployment/backend --replicas=3."),
            ["scale", "deployment/backend", "--replicas=3", "."]
        );
        assert_eq!(words("pods -l app=web,tier=x, please"), ["pods", "-l", "app=web,tier=x", ",", "please"]);
        assert_eq!(words("redis-0.redis to 3.5?"), ["redis-0.redis", "to", "3.5", "?"]);
    }

    #[test]
    fn quotations_are_one_token_and_apostrophes_are_not_quotations() {
        assert_eq!(words("grep “connection refused” now"), ["grep", "connection refused", "now"]);
        assert_eq!(words("don't touch the backend's logs"), ["don't", "touch", "the", "backend", "logs"]);
        assert_eq!(tokenise("'backend'").unwrap()[0].kind, TokenKind::Quoted);
    }

    #[test]
    fn long_and_invisible_input_is_refused() {
        assert_eq!(tokenise(&"a".repeat(1 << 20)), Err(PassReason::TooLong));
        assert_eq!(tokenise(&"a ".repeat(300)), Err(PassReason::TooLong));
        assert_eq!(tokenise("scale back\u{202e}end"), Err(PassReason::ControlCharacters));
        assert_eq!(tokenise("scale\u{1b}[2J"), Err(PassReason::ControlCharacters));
    }
}

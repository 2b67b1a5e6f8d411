//! `.env` files: names and values, read as the common readers agree on them. Pure; nothing is expanded.
//!
//! `NAME=value`, also after `export`; `#` begins a comment at the start of a line or after a space; single quotes take
//! everything as it is, double quotes know `\n \r \t \" \\ \$`, both may span lines. Of a name that comes twice the last
//! value counts, as in Docker and Node.

use todo_agent_core::ToolError;

use crate::words;

/// What a file holds.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Variables {
    /// Names and values, in the order of their first mention.
    pub(crate) all: Vec<(String, String)>,
    /// Names that come more than once.
    pub(crate) repeated: Vec<String>,
    /// Names whose values hold `${…}` or `$NAME` outside single quotes, which is kept as it is.
    pub(crate) unexpanded: Vec<String>,
}

/// Reads a file's text.
///
/// # Errors
/// Returns the line that cannot be read and why, never its value.
pub(crate) fn parse(text: &str, file: &str) -> Result<Variables, ToolError> {
    variables(text).map_err(|Wrong { line, why, hint }| {
        let error = ToolError::arguments(format!("{}:{line}: {why}", words::shown(file)));
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    })
}

/// What is wrong with a line.
struct Wrong {
    line: usize,
    why: String,
    hint: Option<&'static str>,
}

impl Wrong {
    fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

fn variables(text: &str) -> Result<Variables, Wrong> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut variables = Variables::default();
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let (first, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let trimmed = first.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            (rest, line) = (after, line + 1);
            continue;
        }
        let equals = first.find('=').ok_or_else(|| {
            wrong(line, "there is no \"=\"").hint("each line is NAME=value, a comment after #, or empty")
        })?;
        let name = name_of(&first[..equals], line)?;
        // The value is read from the whole rest: quotes may span lines.
        let start = equals + 1;
        let (value, used) = value_of(&rest[start..], line)?;
        if value.contains('\0') {
            return Err(wrong(line, "the value holds a zero byte"));
        }
        let consumed = start + used;
        let raw = &rest[start..consumed];
        if !raw.trim_start().starts_with('\'') && refers(&value) {
            variables.unexpanded.push(name.clone());
        }
        line += rest[..consumed].matches('\n').count();
        rest = &rest[consumed..];
        if rest.starts_with('\n') {
            (rest, line) = (&rest[1..], line + 1);
        }
        variables.take_up(name, value);
    }
    Ok(variables)
}

impl Variables {
    fn take_up(&mut self, name: String, value: String) {
        match self.all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, earlier)) => {
                *earlier = value;
                if !self.repeated.contains(&name) {
                    self.repeated.push(name);
                }
            }
            None => self.all.push((name, value)),
        }
    }
}

fn wrong(line: usize, why: &str) -> Wrong {
    Wrong { line, why: why.to_owned(), hint: None }
}

fn name_of(text: &str, line: usize) -> Result<String, Wrong> {
    let name = text.trim();
    let name = name.strip_prefix("export ").map_or(name, str::trim_start);
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let fits = name.chars().all(|character| character.is_ascii_alphanumeric() || "_.-".contains(character));
    if begins && fits {
        return Ok(name.to_owned());
    }
    Err(wrong(line, &format!("no variable can be called \"{}\"", words::shown(name)))
        .hint("a name begins with a letter or _ and holds letters, digits, _ . and -"))
}

/// Returns a value and how many bytes of the text it takes, without the end of its line.
fn value_of(text: &str, line: usize) -> Result<(String, usize), Wrong> {
    let lead = text.len() - text.trim_start_matches([' ', '\t']).len();
    let body = &text[lead..];
    let Some(quote @ ('\'' | '"')) = body.chars().next() else {
        let end = body.find('\n').unwrap_or(body.len());
        let plain = &body[..end];
        let comment = plain.find(" #").or_else(|| plain.find("\t#")).unwrap_or(plain.len());
        let comment = if plain.starts_with('#') { 0 } else { comment };
        return Ok((plain[..comment].trim().to_owned(), lead + end));
    };
    let (value, used) = quoted(body, quote, line)?;
    let end = body[used..].find('\n').map_or(body.len(), |end| used + end);
    let behind = body[used..end].trim();
    if !behind.is_empty() && !behind.starts_with('#') {
        return Err(
            wrong(line, "the value goes on behind the closing quote").hint("quote the whole value, or none of it")
        );
    }
    Ok((value, lead + end))
}

/// Returns what stands between quotes, and how many bytes that takes with them.
fn quoted(text: &str, quote: char, line: usize) -> Result<(String, usize), Wrong> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            _ if character == quote => return Ok((value.replace("\r\n", "\n"), at + 1)),
            '\\' if quote == '"' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, 't')) => value.push('\t'),
                Some((_, known @ ('"' | '\\' | '$'))) => value.push(known),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            other => value.push(other),
        }
    }
    Err(wrong(line, "the quote is never closed"))
}

/// Returns whether a value refers to another variable.
fn refers(value: &str) -> bool {
    value.char_indices().any(|(at, character)| {
        let next = value[at..].chars().nth(1);
        character == '$' && next.is_some_and(|next| next == '{' || next.is_ascii_alphabetic() || next == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text, "x.env").unwrap().all
    }

    fn one(text: &str) -> String {
        let [(_, value)] = read(text).try_into().unwrap();
        value
    }

    #[test]
    fn values_are_read_as_the_common_readers_do() {
        for (text, value) in [
            ("A=plain", "plain"),
            ("A = spaced out  ", "spaced out"),
            ("export A=1", "1"),
            ("A=1 # a comment", "1"),
            ("A=a#b", "a#b"),
            ("A=# nothing", ""),
            ("A=", ""),
            ("A='single # \\n ${B}'", "single # \\n ${B}"),
            ("A=\"double\\n\\\"x\\\" \\$5 \\q\"", "double\n\"x\" $5 \\q"),
            ("A=\"spans\r\nlines\" # and ends", "spans\nlines"),
            ("\u{feff}A=bom\r\n", "bom"),
            ("A=x=y", "x=y"),
        ] {
            assert_eq!(one(text), value, "{text:?}");
        }
    }

    #[test]
    fn several_lines_and_what_is_odd_about_them() {
        let variables = parse("# head\nA=1\n\nB='two\nlines'\nA=3\nC=${A}/x\nD='$A'\nE=5$\n", "x.env").unwrap();
        let all: Vec<(&str, &str)> =
            variables.all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(all, [("A", "3"), ("B", "two\nlines"), ("C", "${A}/x"), ("D", "$A"), ("E", "5$")]);
        assert_eq!((variables.repeated, variables.unexpanded), (vec!["A".to_owned()], vec!["C".to_owned()]));
        assert!(read("").is_empty());
    }

    #[test]
    fn the_line_that_is_wrong_is_named_without_its_value() {
        for (text, why) in [
            ("A=1\nhunter22", "x.env:2: there is no \"=\""),
            ("A='x\n\n'\n9B=hunter22", "x.env:4: no variable can be called \"9B\""),
            ("A=1\nB=\"hunter22\nmore", "x.env:2: the quote is never closed"),
            ("A='hunter22'x", "x.env:1: the value goes on behind the closing quote"),
            ("A=hunter22\0", "x.env:1: the value holds a zero byte"),
        ] {
            assert_eq!(parse(text, "x.env").unwrap_err().to_string(), why);
        }
    }
}

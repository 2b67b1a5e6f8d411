//! Names in a line of a log: hosts, ports, settings, files. Tolerant, and quiet where nothing is sure.

/// Returns the first `host:port` in a line, also within a URL.
pub(super) fn address(line: &str) -> Option<(String, i64)> {
    line.split(|at: char| at.is_whitespace() || "\"'`(),;<>[]{}=".contains(at)).find_map(|word| {
        let word = word.split_once("://").map_or(word, |(_, rest)| rest);
        let word = word.rsplit_once('@').map_or(word, |(_, rest)| rest);
        let word = word.split(['/', '?']).next()?.trim_end_matches([':', '.']);
        let (host, port) = word.rsplit_once(':')?;
        let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
        is_host(host).then(|| (host.to_owned(), i64::from(port)))
    })
}

/// A name or an address, not a time of day or a source position.
fn is_host(text: &str) -> bool {
    let letters = text.contains(|at: char| at.is_ascii_alphabetic());
    let address = text.parse::<std::net::Ipv4Addr>().is_ok();
    let source = [".go", ".py", ".js", ".ts", ".rs", ".java", ".c", ".cc", ".cpp", ".rb"];
    (address || letters)
        && !text.is_empty()
        && !source.iter().any(|end| text.ends_with(end))
        && text.chars().all(|at| at.is_ascii_alphanumeric() || "-._".contains(at))
}

/// Returns the host that a line about names, or about a server, tells; with the port where it follows.
pub(super) fn host_of(line: &str) -> Option<(String, Option<i64>)> {
    const BEFORE: &[&str] = &[
        "getaddrinfo ENOTFOUND ",
        "getaddrinfo EAI_AGAIN ",
        "ENOTFOUND ",
        "lookup ",
        "host name \"",
        "in upstream \"",
        "bad address '",
        "resolve host: ",
        "resolve host '",
        "UnknownHostException: ",
        "server at \"",
        "resolve host \"",
    ];
    let start = BEFORE.iter().find_map(|before| line.find(before).map(|at| at + before.len()))?;
    let rest = &line[start..];
    let word = rest.split(|at: char| at.is_whitespace() || "\"',;()".contains(at)).next()?.trim_end_matches([':', '.']);
    let (host, port) = match word.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => (host, port.parse().ok()),
        _ => (word, None),
    };
    let later = || rest.find("port ").and_then(|at| port_at(&rest[at + 5..]));
    is_host(host).then(|| (host.to_owned(), port.or_else(later)))
}

/// Returns the first port in a text: a number after a colon, or after "port".
pub(super) fn port(text: &str) -> Option<i64> {
    let after_colon = text.match_indices(':').find_map(|(at, _)| port_at(&text[at + 1..]));
    after_colon.or_else(|| {
        let mut words = text.split(|at: char| !at.is_ascii_alphanumeric());
        words.find_map(|word| word.parse::<u16>().ok().filter(|port| *port >= 80)).map(i64::from)
    })
}

fn port_at(text: &str) -> Option<i64> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).take(6).collect();
    digits.parse::<u16>().ok().filter(|port| *port > 0).map(i64::from)
}

/// Returns the name of a setting: at least three upper-case letters, digits and underscores.
pub(super) fn setting(line: &str) -> Option<String> {
    let words = line.split(|at: char| !(at.is_ascii_alphanumeric() || at == '_'));
    let is = |word: &&str| {
        word.len() >= 3
            && word.starts_with(|at: char| at.is_ascii_uppercase())
            && word.chars().all(|at| at.is_ascii_uppercase() || at.is_ascii_digit() || at == '_')
    };
    let common =
        ["ERROR", "FATAL", "WARN", "WARNING", "INFO", "DEBUG", "PANIC", "CRITICAL", "NOTICE", "TRACE", "UTC", "GMT"];
    let mut found: Vec<&str> = words.filter(is).filter(|word| !common.contains(word)).collect();
    // A name of several words is the surer one.
    found.sort_by_key(|word| !word.contains('_'));
    found.first().map(|word| (*word).to_owned())
}

/// Returns the first absolute path.
pub(super) fn path(line: &str) -> Option<String> {
    let words = line.split(|at: char| at.is_whitespace() || "\"'`(),;".contains(at));
    let found =
        words.map(|word| word.trim_end_matches([':', '.'])).find(|word| word.len() > 1 && word.starts_with('/'));
    found.map(str::to_owned)
}

/// Returns the first quoted name.
pub(super) fn quoted(line: &str) -> Option<String> {
    let start = line.find(['\'', '"'])?;
    let quote = line[start..].chars().next()?;
    let rest = &line[start + 1..];
    rest.find(quote).map(|end| rest[..end].to_owned()).filter(|name| !name.is_empty())
}

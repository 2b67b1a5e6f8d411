//! Lines as programs print them, and lines that look alike and mean nothing.

use super::*;

fn said(line: &str) -> Option<(Class, Option<String>)> {
    triage(line).map(|hint| (hint.class, hint.name))
}

#[test]
fn each_class_is_known_by_the_words_of_several_programs() {
    let host = |name: &str| Some(name.to_owned());
    for (line, class, name, port) in [
        ("dial tcp db:5432: connect: connection refused", Class::Refused, host("db"), Some(5432)),
        ("Error: connect ECONNREFUSED 10.96.0.12:6379", Class::Refused, host("10.96.0.12"), Some(6379)),
        (
            "redis.exceptions.ConnectionError: Error 111 connecting to redis:6379. Connection refused.",
            Class::Refused,
            host("redis"),
            Some(6379),
        ),
        (
            "connection to server at \"db\" (10.0.0.1), port 5432 failed: Connection refused",
            Class::Refused,
            host("db"),
            Some(5432),
        ),
        (
            "Connection to db:5432 refused. Check that the hostname and port are correct",
            Class::Refused,
            host("db"),
            Some(5432),
        ),
        ("dial tcp: lookup rediss on 10.96.0.10:53: no such host", Class::UnknownHost, host("rediss"), Some(53)),
        ("Error: getaddrinfo ENOTFOUND rediss", Class::UnknownHost, host("rediss"), None),
        (
            "could not translate host name \"pg\" to address: Name or service not known",
            Class::UnknownHost,
            host("pg"),
            None,
        ),
        (
            "nginx: [emerg] host not found in upstream \"api\" in /etc/nginx/conf.d/default.conf:4",
            Class::UnknownHost,
            host("api"),
            None,
        ),
        ("nc: bad address 'db'", Class::UnknownHost, host("db"), None),
        ("dial tcp 10.0.0.1:443: i/o timeout", Class::TimedOut, host("10.0.0.1"), Some(443)),
        ("FATAL: password authentication failed for user \"todo\"", Class::Credentials, None, None),
        ("(error) NOAUTH Authentication required.", Class::Credentials, None, None),
        ("ERROR 1045 (28000): Access denied for user 'a'@'b'", Class::Credentials, None, None),
        ("sh: can't create /etc/x: Read-only file system", Class::ReadOnly, None, None),
        ("Error: listen EADDRINUSE: address already in use :::8080", Class::Address, None, None),
        (
            "nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)",
            Class::Address,
            host("0.0.0.0"),
            Some(80),
        ),
        ("write /data/x: no space left on device", Class::Disk, None, None),
        ("java.lang.OutOfMemoryError: Java heap space", Class::Memory, None, None),
        ("x509: certificate signed by unknown authority", Class::Certificate, None, None),
        ("accept: too many open files", Class::Limits, None, None),
        ("ModuleNotFoundError: No module named 'fastapi'", Class::Code, None, None),
        ("ERROR: relation \"todos\" does not exist", Class::Database, None, None),
        ("mkdir: can't create directory '/data': Permission denied", Class::Permission, None, None),
        ("cat: /data/x: No such file or directory", Class::File, None, None),
    ] {
        let hint = triage(line).unwrap_or_else(|| panic!("{line}"));
        assert_eq!((hint.class, hint.host, hint.port), (class, name, port), "{line}");
    }
}

#[test]
fn settings_are_named() {
    for line in [
        "KeyError: 'DATABASE_URL'",
        "Error: environment variable DATABASE_URL is required",
        "FATAL DATABASE_URL is not set",
        "pydantic: DATABASE_URL field required",
    ] {
        assert_eq!(said(line), Some((Class::Setting, Some("DATABASE_URL".into()))), "{line}");
    }
}

#[test]
fn words_that_only_look_like_trouble_say_nothing() {
    for line in [
        "finished: 0 errors, 0 failed",
        "failover configured",
        "error handler installed",
        "the flag is required",
        "2026/11/25 12:00:00 main.go:12 starting",
        "connected to db:5432",
        "",
    ] {
        assert_eq!(said(line), None, "{line}");
    }
}

#[test]
fn the_first_line_that_says_more_than_information_counts() {
    let log = "level=info msg=\"connection refused, retrying\" host=cache:6379\nstarting\nKeyError: 'API_KEY'\n";
    assert_eq!(triage(log).unwrap().line, 3);
    let only = "connection refused by cache:6379, retrying\nbye\n";
    assert_eq!(triage(only).unwrap().line, 1);
}

#[test]
fn ports_that_are_listened_on_are_found() {
    assert_eq!(listening("INFO: Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)"), Some(8000));
    assert_eq!(listening("Server listening on port 3000"), Some(3000));
    assert_eq!(listening("listening on :8080"), Some(8080));
    assert_eq!(listening("hello"), None);
}

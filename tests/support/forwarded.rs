//! A port that a running program forwards: where it listens.

use std::{io::Read, process::Child};

/// What the program says of an open port.
pub(crate) const LEADS_TO: &str = "leads to";

/// Returns the address that was said to listen.
#[track_caller]
pub(crate) fn address_in(said: &str) -> String {
    let start = said.find("127.0.0.1:").unwrap_or_else(|| panic!("no address in:\n{said}"));
    said[start..].split(char::is_whitespace).next().unwrap().to_owned()
}

/// Reads what a program says until a port is open, and returns its address.
#[track_caller]
pub(crate) fn address_of(program: &mut Child) -> String {
    let stdout = program.stdout.as_mut().unwrap();
    let mut said = String::new();
    while !said.contains(LEADS_TO) {
        let mut piece = [0; 256];
        let length = stdout.read(&mut piece).unwrap();
        assert!(length > 0, "it ended:\n{said}");
        said.push_str(&String::from_utf8_lossy(&piece[..length]));
    }
    address_in(&said)
}

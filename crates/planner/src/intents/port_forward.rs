//! "forward the frontend to 8080", "port-forward svc/web 8080:80": a pod's port and one of this machine.
//!
//! What stands before a number says whose port it is: "to 8080" is this machine's, "port 3000 of the frontend" the
//! pod's. A number that could be either is not guessed.

use super::{Arguments, Heard, Hearing, Intent, lacks_target};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention};

pub(crate) struct PortForward;

const VERBS: &[&str] = &["forward", "port-forward", "portforward", "port forward", "tunnel", "kubectl port-forward"];
const MAKE: &[&str] = &["open", "start", "make", "create", "set up", "setup", "establish", "begin", "do", "give me"];
const NOUNS: &[&str] =
    &["port forward", "port-forward", "portforward", "port forwarding", "port-forwarding", "forward", "tunnel"];
const TO: &[&str] = &["to", "on", "at", "onto", "as", "via", "using", "through"];
const OF_POD: &[&str] = &["of", "on", "in", "from"];
const LOCAL: &[&str] =
    &["my local port", "local port", "my port", "localhost port", "my localhost", "localhost", "local"];
const REMOTE: &[&str] = &["container port", "target port", "remote port", "pod port", "service port"];
const FREE: &[&str] = &["free port", "any free port", "random port", "any port", "free local port", "any local port"];

impl Intent for PortForward {
    fn tool(&self) -> &'static str {
        "port_forward"
    }

    fn writes(&self) -> bool {
        true
    }

    fn prepositions(&self) -> &'static [&'static str] {
        &["of", "from", "to", "on", "for", "in", "at", "into"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &["forward the frontend to 8080", "forward port 6379 of redis"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if hearing == Hearing::GoingOn {
            return None;
        }
        let first = segment.head()?;
        if let Some(verb) = segment.longest_at(first, VERBS) {
            segment.use_range(verb.start, verb.end);
        } else {
            let verb = segment.longest_at(first, MAKE)?;
            let noun = segment.longest_at(verb.end, NOUNS)?;
            segment.use_range(verb.start, noun.end);
        }
        let mut heard = Heard::default();
        for (role, port) in ports(segment)? {
            let key = match role {
                Role::Local => "local",
                Role::Pod => "port",
            };
            if heard.arguments.insert(key.to_owned(), port.into()).is_some() {
                return None;
            }
        }
        Some(heard)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        if target.plural {
            return;
        }
        let word = match target.kind {
            // Said before the name it is the Service that is meant, after it ("the frontend service") the workload.
            Some("service" | "svc") if target.kind_first => format!("service/{}", target.word),
            _ => target.workload(),
        };
        arguments.insert("target".to_owned(), word.into());
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        lacks_target(arguments, "target")
    }

    fn question(&self, _: Missing, _: &Arguments) -> String {
        "To which workload, pod or service?".to_owned()
    }
}

/// Whose port a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Local,
    Pod,
}

/// Takes every port; `None` where a number cannot be one, or could be anybody's.
fn ports(segment: &mut Segment) -> Option<Vec<(Role, u16)>> {
    let mut found = Vec::new();
    if let Some(free) = segment.find(FREE) {
        let start = before(segment, free.start, TO).unwrap_or(free.start);
        segment.use_range(start, free.end);
        found.push((Role::Local, 0));
    }
    for index in 0..segment.len() {
        let Some(word) = segment.word(index).map(str::to_owned) else { continue };
        if let Some((local, port)) = pair(&word) {
            let start = before(segment, index, TO).unwrap_or(index);
            segment.use_range(start, index + 1);
            found.extend([(Role::Local, local), (Role::Pod, port)]);
            continue;
        }
        let on_this_machine = word.strip_prefix("localhost:").or_else(|| word.strip_prefix("127.0.0.1:"));
        if let Some(port) = on_this_machine {
            let port = port.parse().ok()?;
            let start = before(segment, index, TO).unwrap_or(index);
            segment.use_range(start, index + 1);
            found.push((Role::Local, port));
            continue;
        }
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            // Too large for a port: left over, and so not understood.
            let Ok(port) = word.parse::<u16>() else { continue };
            found.push((role_at(segment, index, found.is_empty())?, port));
        }
    }
    Some(found)
}

/// Takes the number at `index` with the words that say whose port it is.
fn role_at(segment: &mut Segment, index: usize, is_first: bool) -> Option<Role> {
    let mut start = index;
    let mut role = None;
    if let Some(at) = before(segment, start, LOCAL) {
        (start, role) = (at, Some(Role::Local));
    } else if let Some(at) = before(segment, start, REMOTE) {
        (start, role) = (at, Some(Role::Pod));
    } else if let Some(at) = before(segment, start, &["ports", "port"]) {
        start = at;
    }
    let lead = before(segment, start, TO);
    let from = before(segment, start, &["from"]);
    let of_pod = segment.longest_at(index + 1, OF_POD).is_some_and(|of| {
        // "3000 of the frontend", but not "3000 on localhost".
        segment.word(of.end).is_some_and(|next| !next.bytes().all(|byte| byte.is_ascii_digit()) && next != "port")
            && segment.longest_at(of.end, LOCAL).is_none()
    });
    let leads_to_name = is_first && segment.word(index + 1) == Some("to");
    let role = role.or(match lead {
        _ if from.is_some() || of_pod => Some(Role::Pod),
        Some(_) => Some(Role::Local),
        // "forward 8080 to the frontend"
        None if leads_to_name && !names_number(segment, index + 2) => Some(Role::Local),
        // "forward frontend port 3000"
        None if start > 0 && start < index => Some(Role::Pod),
        None => None,
    })?;
    segment.use_range(lead.or(from).unwrap_or(start), index + 1);
    Some(role)
}

/// Returns whether a number, perhaps with "port" before it, stands at `index`.
fn names_number(segment: &Segment, index: usize) -> bool {
    let at = segment.longest_at(index, &["port", "local port"]).map_or(index, |found| found.end);
    segment.word(at).is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Returns where one of `phrases` begins that ends right before `index`.
fn before(segment: &Segment, index: usize, phrases: &[&'static str]) -> Option<usize> {
    let starts = phrases.iter().filter_map(|phrase| {
        let start = index.checked_sub(phrase.split(' ').count())?;
        (segment.match_at(start, phrase)? == index).then_some(start)
    });
    starts.min()
}

/// Returns the ports of `8080:80` or `:80`.
fn pair(word: &str) -> Option<(u16, u16)> {
    let (local, port) = word.split_once(':')?;
    let local = if local.is_empty() { 0 } else { local.parse().ok()? };
    Some((local, port.parse().ok()?))
}

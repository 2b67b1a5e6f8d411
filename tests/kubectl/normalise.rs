//! What may differ between two runs on any two clusters, each rule with its reason. Everything that is not
//! named here must be equal, or known with a reason.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::run::{Output, Outputs};

/// A rule and why it is no loss.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    apply: fn(&mut Pass, &str) -> String,
}

/// All rules, in the order in which they are applied to each output.
pub(crate) const RULES: &[Rule] = &[
    Rule { name: "namespace", reason: "each run of a case has a namespace with a name of its own", apply: namespace },
    Rule {
        name: "shared node",
        reason: "what else runs on a node is other tests' business, and with it what is allocated",
        apply: shared_node,
    },
    Rule { name: "uids", reason: "random; identity is kept", apply: uids },
    Rule { name: "token volumes", reason: "random letters after kube-api-access", apply: token_volumes },
    Rule { name: "event names", reason: "the time in hexadecimal nanoseconds", apply: event_names },
    Rule {
        name: "temporary files",
        reason: "what kubectl hands to diff and to editors has random names",
        apply: files,
    },
    Rule {
        name: "hashes",
        reason: "of templates, over their Go form, and random letters after them; identity is kept",
        apply: hashes,
    },
    Rule {
        name: "log lines",
        reason: "kubectl's own log begins its lines with the time and its process",
        apply: log_lines,
    },
    Rule { name: "times", reason: "when a run happened; that there is a time is compared", apply: times },
    Rule {
        name: "ages",
        reason: "how long a run took; that there is an age is compared, and so are quantities that look like one",
        apply: ages,
    },
    Rule { name: "addresses", reason: "allocated at random or by the network", apply: addresses },
    Rule {
        name: "second family",
        reason: "whether localhost has an address in IPv6 is a matter of the node's /etc/hosts",
        apply: second_family,
    },
    Rule { name: "local ports", reason: "kubectl takes a free one of the machine it runs on", apply: local_ports },
    // After them: a local port may lie in this range, too.
    Rule { name: "node ports", reason: "allocated at random from 30000 to 32767", apply: node_ports },
    Rule { name: "versions", reason: "counted by etcd, and shown nowhere but in whole objects", apply: versions },
    Rule { name: "runtime ids", reason: "made by a container runtime", apply: runtime_ids },
    Rule {
        name: "sections",
        reason: "Helm shows the resources of a release kind by kind, in the random order of a Go map",
        apply: sections,
    },
    Rule { name: "column widths", reason: "columns are as wide as what the rules above replace", apply: columns },
];

/// What has been seen in a case so far, so that the same stays the same.
struct Pass {
    namespace: String,
    uids: BTreeMap<String, String>,
    hashes: BTreeMap<String, String>,
}

/// Returns the outputs with everything volatile replaced.
pub(crate) fn run(outputs: &Outputs) -> Outputs {
    let mut pass = Pass { namespace: outputs.namespace.clone(), uids: BTreeMap::new(), hashes: BTreeMap::new() };
    let mut plain = |text: &str| RULES.iter().fold(text.to_owned(), |text, rule| (rule.apply)(&mut pass, &text));
    let outputs = outputs
        .outputs
        .iter()
        .map(|output| Output {
            command: plain(&output.command).trim_end().to_owned(),
            code: output.code,
            stdout: plain(&output.stdout),
            stderr: plain(&output.stderr),
        })
        .collect();
    Outputs { namespace: String::new(), outputs }
}

/// Makes a pattern that is compiled once.
macro_rules! pattern {
    ($text:expr) => {{
        static PATTERN: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).unwrap());
        &PATTERN
    }};
}

fn named(known: &mut BTreeMap<String, String>, value: &str, word: &str) -> String {
    let next = known.len() + 1;
    known.entry(value.to_owned()).or_insert_with(|| format!("{word}-{next}")).clone()
}

fn namespace(pass: &mut Pass, text: &str) -> String {
    text.replace(&pass.namespace, "NAMESPACE")
}

fn shared_node(_: &mut Pass, text: &str) -> String {
    let Some(begin) = text.find("\nNon-terminated Pods:") else { return text.to_owned() };
    let end = text.rfind("\nEvents:").unwrap_or(text.len());
    format!("{}\nPODS{}", &text[..begin], &text[end..])
}

fn uids(pass: &mut Pass, text: &str) -> String {
    let uid = pattern!("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
    uid.replace_all(text, |found: &Captures<'_>| named(&mut pass.uids, &found[0], "uid")).into_owned()
}

fn token_volumes(_: &mut Pass, text: &str) -> String {
    pattern!("kube-api-access-[a-z0-9]{5}").replace_all(text, "kube-api-access").into_owned()
}

fn event_names(_: &mut Pass, text: &str) -> String {
    pattern!(r"\.[0-9a-f]{16}\b").replace_all(text, ".stamp").into_owned()
}

fn hashes(pass: &mut Pass, text: &str) -> String {
    // The letters of Kubernetes' generated names: no vowels, no digits that look like letters.
    let hash = pattern!(
        "([-=] ?|hash: |-hash\": \")([bcdfghjklmnpqrstvwxz2456789]{8,10})(-[bcdfghjklmnpqrstvwxz2456789]{5})?\\b"
    );
    let text = hash.replace_all(text, |found: &Captures<'_>| {
        let hash = named(&mut pass.hashes, &found[2], "hash");
        let pod = if found.get(3).is_some() { "-pod" } else { "" };
        format!("{}{hash}{pod}", &found[1])
    });
    pattern!("-[bcdfghjklmnpqrstvwxz2456789]{5}\\b").replace_all(&text, "-generated").into_owned()
}

fn files(_: &mut Pass, text: &str) -> String {
    pattern!(r"/tmp/(LIVE-|MERGED-|kubectl-edit-)\d+").replace_all(text, "/tmp/${1}RANDOM").into_owned()
}

fn log_lines(_: &mut Pass, text: &str) -> String {
    pattern!(r"(?m)^([IWE])\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ ").replace_all(text, "$1 ").into_owned()
}

fn times(_: &mut Pass, text: &str) -> String {
    let dates = pattern!(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?Z| \d\d:\d\d:\d\d(\.\d+ [+]0000| [+]0000 UTC))");
    let text = dates.replace_all(text, "TIME");
    let text = pattern!(r"\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+]0000").replace_all(&text, "TIME");
    // As Helm writes it.
    pattern!(r"\b\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\b").replace_all(&text, "TIME").into_owned()
}

fn ages(_: &mut Pass, text: &str) -> String {
    let age = pattern!(r"(^|[ (])(\d+(s|m|h|d|y))+($|[ )])");
    // What a manifest says in the form of an age: a quantity of processors, how long a taint is tolerated.
    let given = pattern!(r"^\s*cpu:|:NoExecute op=\w+ for \d+s$");
    let replaced = text.split('\n').map(|line| {
        if given.is_match(line) {
            return line.to_owned();
        }
        // Two ages next to each other share the blank between them.
        (0..2).fold(line.to_owned(), |line, _| age.replace_all(&line, "${1}AGE${4}").into_owned())
    });
    replaced.collect::<Vec<_>>().join("\n")
}

fn addresses(_: &mut Pass, text: &str) -> String {
    pattern!(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b").replace_all(text, "ADDRESS").into_owned()
}

fn second_family(_: &mut Pass, text: &str) -> String {
    let refused = pattern!(
        r"IPv6 dial tcp6(: address localhost: no suitable address found| \[::1\]:\d+: connect: connection refused)"
    );
    refused.replace_all(text, "IPv6 REFUSED").into_owned()
}

fn node_ports(_: &mut Pass, text: &str) -> String {
    pattern!(r"\b3[0-2]\d{3}(/TCP)?\b").replace_all(text, "PORT$1").into_owned()
}

fn local_ports(_: &mut Pass, text: &str) -> String {
    let forwarded = pattern!(r"(?m)^(Forwarding from \S+:|Handling connection for )\d+");
    let text = forwarded.replace_all(text, "${1}LOCAL");
    pattern!(r"(an error occurred forwarding |localPort=)\d+").replace_all(&text, "${1}LOCAL").into_owned()
}

fn versions(_: &mut Pass, text: &str) -> String {
    // Also within the JSON of an annotation.
    let text = pattern!(r#"(resourceVersion(?:\\?")?: ?\\?")\d+"#).replace_all(text, "${1}VERSION");
    pattern!(r"(resource version to be \d+, was )\d+").replace_all(&text, "${1}VERSION").into_owned()
}

fn runtime_ids(_: &mut Pass, text: &str) -> String {
    let text = pattern!(r"\b[0-9a-f]{64}\b").replace_all(text, "ID");
    pattern!(r#"(Image ID: +|"?imageID"?: )\S+"#).replace_all(&text, "${1}ID").into_owned()
}

fn sections(_: &mut Pass, text: &str) -> String {
    let Some((before, rest)) = text.split_once("RESOURCES:\n") else { return text.to_owned() };
    let (resources, after) = rest.split_once("\n\n\n").unwrap_or((rest, ""));
    let mut sections: Vec<&str> = resources.split("\n\n").collect();
    sections.sort_unstable();
    format!("{before}RESOURCES:\n{}\n\n\n{after}", sections.join("\n\n"))
}

fn columns(_: &mut Pass, text: &str) -> String {
    let between = pattern!(r"(\S)[ \t]{2,}");
    let lines = text.lines().map(|line| between.replace_all(line.trim_end(), "$1  "));
    lines.collect::<Vec<_>>().join("\n")
}

//! todo-agent beside kubectl on one real cluster: the same ends, in turns, from the same states.
//!
//! Set `TODO_AGENT_TEST_KUBECONFIG` (`tests/cluster/up` prints it) and, unless the kubectl on PATH is meant,
//! `TODO_AGENT_KUBECTL`. Everything is done in namespaces of this run's own.

#[path = "../support/mod.rs"]
mod support;

mod cluster;
mod contest;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use cluster::{Found, Pods, TestCluster};
use contest::{Figures, Step, Way, contest};
use support::{Bar, Failure, Report, peak_run, table};

/// How often each program scales, lists and starts.
const SCALES: usize = 10;
const LISTS: usize = 7;
const STARTS: usize = 30;
/// The pods that are listed, and the Deployments they belong to.
const MANY_PODS: usize = 5_000;
const DEPLOYMENTS: usize = 50;

fn main() -> Result<ExitCode, Failure> {
    if let Some(exit) = peak_run() {
        return exit;
    }
    let mut cluster = match TestCluster::from_environment()? {
        Found::Cluster(cluster) => *cluster,
        Found::NotAskedFor => {
            let how = "TODO_AGENT_TEST_KUBECONFIG=$(tests/cluster/up) cargo bench -p todo-agent --bench side_by_side";
            writeln!(io::stdout(), "side_by_side was not run, it needs a real cluster: {how}")?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let mut results = Results::default();
    if wanted("start") {
        starts(&cluster, &mut results)?;
    }
    if wanted("scale") {
        scales(&mut cluster, Pods::Real, &mut results)?;
        scales(&mut cluster, Pods::Fake, &mut results)?;
    }
    if wanted("list") {
        lists(&mut cluster, &mut results)?;
    }
    Ok(results.finish()?)
}

/// Returns whether a part is to run: those named as arguments, else all.
fn wanted(part: &str) -> bool {
    let named: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    named.is_empty() || named.iter().any(|name| name == part)
}

fn starts(cluster: &TestCluster, results: &mut Results) -> Result<(), Failure> {
    let ways = [
        Way { name: "todo-agent --version", commands: vec![Step::agent(cluster, &["--version"], ("todo-agent", 1))] },
        Way {
            name: "kubectl version --client",
            commands: vec![Step::kubectl(cluster, &["version", "--client"], ("Client Version", 1))],
        },
    ];
    let figures = contest(cluster, STARTS, &ways, || Ok(()))?;
    results.add("start", &ways, &figures);
    results.wall("start", &figures[0], &figures[1], 1.0);
    Ok(())
}

/// Up and down again, both until what was asked for is available.
fn scales(cluster: &mut TestCluster, pods: Pods, results: &mut Results) -> Result<(), Failure> {
    let (place, name) = match pods {
        Pods::Real => ("real pods", "backend"),
        Pods::Fake => ("fake pods", "frontend"),
    };
    if pods == Pods::Fake {
        cluster.need_fake_nodes()?;
    }
    let namespace = cluster.namespace(name)?;
    cluster.deployment(&namespace, name, 1, pods)?;
    let cluster = &*cluster;
    for (from, to, available) in [(1, 3, "3 of 3 replicas available"), (3, 1, "1 of 1 replicas available")] {
        let what = format!("scale {from} to {to}, {place}");
        let (sentence, target) = (format!("scale {name} to {to}"), format!("deployment/{name}"));
        let replicas = format!("--replicas={to}");
        let ways = [
            Way {
                name: "todo-agent \"scale …\" --yes",
                commands: vec![Step::agent(cluster, &["-n", &namespace, "--yes", &sentence], (available, 1))],
            },
            Way {
                name: "kubectl scale + rollout status",
                commands: vec![
                    Step::kubectl(cluster, &["scale", &target, "-n", &namespace, &replicas], ("scaled", 1)),
                    Step::kubectl(
                        cluster,
                        &["rollout", "status", &target, "-n", &namespace],
                        ("successfully rolled out", 1),
                    ),
                ],
            },
        ];
        let figures = contest(cluster, SCALES, &ways, || cluster.settle(&namespace, name, from))?;
        results.add(&what, &ways, &figures);
        results.wall(&what, &figures[0], &figures[1], 1.0);
        results.requests(&what, &figures[0], 12);
    }
    Ok(())
}

fn lists(cluster: &mut TestCluster, results: &mut Results) -> Result<(), Failure> {
    cluster.need_fake_nodes()?;
    let namespace = cluster.namespace("list")?;
    for n in 0..DEPLOYMENTS {
        cluster.deployment(&namespace, &format!("many-{n}"), MANY_PODS / DEPLOYMENTS, Pods::Fake)?;
    }
    cluster.wait_for_pods(&namespace, MANY_PODS)?;
    let cluster = &*cluster;
    let call = r#"{"kind":"pods","all_namespaces":true}"#;
    let agent = |name, arguments: &[&str], expected| Way {
        name,
        commands: vec![Step::agent(cluster, arguments, (expected, MANY_PODS))],
    };
    let ways = [
        agent("todo-agent \"list pods in all namespaces\"", &["list pods in all namespaces"], "Running"),
        agent("todo-agent call list", &["call", "list", call], "Running"),
        agent("todo-agent --json", &["--json", "list pods in all namespaces"], "\"Running\""),
        Way {
            name: "kubectl get pods -A",
            commands: vec![Step::kubectl(cluster, &["get", "pods", "-A"], ("Running", MANY_PODS))],
        },
    ];
    let figures = contest(cluster, LISTS, &ways, || Ok(()))?;
    results.add("list of 5,000 pods", &ways, &figures);
    let [sentence, call, json, kubectl] = &figures;
    for (what, own) in [("list, sentence", sentence), ("list, call", call), ("list, JSON", json)] {
        results.wall(what, own, kubectl, 0.7);
        results.memory(what, own, kubectl, 0.3);
    }
    Ok(())
}

/// Both programs' figures, and how they compare.
#[derive(Default)]
struct Results {
    rows: Vec<Vec<String>>,
    report: Report,
}

impl Results {
    fn add(&mut self, what: &str, ways: &[Way], figures: &[Figures]) {
        for (way, Figures { sample, peak, requests }) in ways.iter().zip(figures) {
            let times = [sample.shortest(), sample.median(), sample.longest()].map(|time| format!("{time:.1}"));
            let mut row = vec![what.to_owned(), way.name.to_owned()];
            row.extend(times);
            row.extend([format!("{peak:.1}"), requests.to_string()]);
            self.rows.push(row);
        }
    }

    fn wall(&mut self, what: &str, own: &Figures, other: &Figures, aim: f64) {
        let ratio = own.sample.median() / other.sample.median();
        self.report.judged(&format!("{what}: time beside kubectl's"), ratio, "×", Bar::AimAtMost(aim));
    }

    fn memory(&mut self, what: &str, own: &Figures, other: &Figures, aim: f64) {
        self.report.judged(
            &format!("{what}: memory beside kubectl's"),
            own.peak / other.peak,
            "×",
            Bar::AimAtMost(aim),
        );
    }

    fn requests(&mut self, what: &str, own: &Figures, most: u32) {
        // A count of requests is small.
        let count = f64::from(u32::try_from(own.requests).unwrap_or(u32::MAX));
        self.report.judged(&format!("{what}: requests"), count, "requests", Bar::AimAtMost(f64::from(most)));
    }

    fn finish(self) -> io::Result<ExitCode> {
        let head =
            ["on the same cluster", "by", "shortest ms", "median ms", "longest ms", "most memory MB", "requests"];
        table(&head, &self.rows)?;
        self.report.finish()
    }
}

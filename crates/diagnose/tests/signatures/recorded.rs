//! Faults recorded on a real Kubernetes 1.37.1 (containerd), a namespace each, and what the engine must say of
//! each: exactly these findings, with exactly these consequences, and nothing of the healthy namespace. The
//! expectations were written before the engine first ran on the recording.

use crate::support::{Case, cases, told};

/// The findings of each case, as `id > rule of a consequence, …`.
const EXPECTED: &[(&str, &[&str])] = &[
    ("affinity", &["47/affinity/deployment/web"]),
    ("anti-affinity", &["46/anti-affinity/deployment/web"]),
    ("bad-image-name", &["39/bad-image-name/deployment/web/main"]),
    ("budget", &["106/budget/poddisruptionbudget/web"]),
    ("deadline", &["2/deadline/deployment/web/main"]),
    ("default", &[]),
    ("denied-file", &["146/denied-file/deployment/web/main"]),
    ("exec-format", &["8/exec-format/deployment/web/main"]),
    ("exit-0", &["1/exit-0/deployment/web/main"]),
    ("exit-1", &["144/exit-1/deployment/web/main"]),
    ("exit-126", &["5/exit-126/deployment/web/main"]),
    ("exit-127", &["6/exit-127/deployment/web/main"]),
    ("exit-2", &["3/exit-2/deployment/web/main"]),
    ("exit-3", &["4/exit-3/deployment/web/main"]),
    ("forbidden", &["124/forbidden/deployment/web/main"]),
    ("gated", &["53/gated/deployment/web"]),
    ("gates", &["113/gates/deployment/web"]),
    ("healthy", &[]),
    ("host-path", &["68/host-path/deployment/web"]),
    ("host-port", &["49/host-port/deployment/web"]),
    ("hpa-no-metrics", &["103/-/apiservice/v1beta1.metrics.k8s.io"]),
    ("hpa-no-target", &["105/hpa-no-target/horizontalpodautoscaler/web"]),
    ("init-fails", &["146/init-fails/deployment/web/prepare"]),
    ("init-waits", &["30/init-waits/deployment/web/wait"]),
    ("job-fails", &["100/job-fails/job/migrate"]),
    ("kube-system", &[]),
    ("limit-range", &["59/limit-range/deployment/web"]),
    ("liveness", &["14/liveness/deployment/web/main"]),
    ("load-balancer", &["81/load-balancer/service/web"]),
    ("mount-secret", &["65/mount-secret/secret/certs"]),
    ("never-pull", &["38/never-pull/deployment/web/main"]),
    ("no-account", &["61/no-account/serviceaccount/robot"]),
    // The class does not exist either: two faults, since mending one leaves the other.
    ("no-backend", &["83/no-backend/ingress/web", "85/no-backend/ingress/web/web"]),
    ("no-claim", &["51/no-claim/persistentvolumeclaim/data"]),
    ("no-class", &["69/no-class/persistentvolumeclaim/data > 51"]),
    ("no-config-map", &["21/no-config-map/configmap/app-confg"]),
    ("no-cpu", &["42/no-cpu/deployment/web"]),
    ("no-executable", &["7/no-executable/deployment/web/main"]),
    ("no-gpu", &["56/no-gpu/deployment/web"]),
    ("no-host", &["142/no-host/deployment/web/main"]),
    ("no-image", &["35/no-image/deployment/web/main"]),
    ("no-key", &["22/no-key/configmap/app-config/URLL"]),
    ("no-memory", &["42/no-memory/deployment/web"]),
    ("no-node", &["45/no-node/deployment/web"]),
    ("no-priority", &["61/-/priorityclass/urgent"]),
    ("no-runtime", &["61/-/runtimeclass/gvisor"]),
    ("no-scheduler", &["54/no-scheduler/deployment/web"]),
    // The cluster has no ingress class: the Ingress has a fault of its own.
    ("no-secret", &["20/no-secret/secret/db-password > 85 77", "84/no-secret/ingress/web"]),
    ("no-secret-key", &["22/no-secret-key/secret/db/password"]),
    ("no-volume", &["70/no-volume/persistentvolumeclaim/data > 51"]),
    ("not-in-path", &["7/not-in-path/deployment/web/main"]),
    ("out-of-memory", &["11/out-of-memory/deployment/web/main"]),
    ("paused", &["94/paused/deployment/web"]),
    ("pod-security", &["60/pod-security/deployment/web"]),
    ("post-start", &["27/post-start/deployment/web/main"]),
    ("quota", &["57/quota/resourcequota/small"]),
    ("quota-needs", &["58/quota-needs/deployment/web"]),
    ("read-only", &["148/read-only/deployment/web/main"]),
    ("readiness", &["111/readiness/deployment/web/main > 77"]),
    ("readiness-http", &["110/readiness-http/deployment/web/main"]),
    ("refused", &["2/refused/deployment/db/main > 77 141"]),
    ("run-as-root", &["23/run-as-root/deployment/web/main"]),
    ("sigabrt", &["10/sigabrt/deployment/web/main"]),
    ("sigbus", &["18/sigbus/deployment/web/main"]),
    // busybox has no such kill: it printed that, and ended with 1.
    ("sigill", &["2/sigill/deployment/web/main"]),
    ("sigsegv", &["16/sigsegv/deployment/web/main"]),
    ("sigterm", &["17/sigterm/deployment/web/main"]),
    ("spread", &["48/spread/deployment/web"]),
    ("startup-probe", &["15/startup-probe/deployment/web/main"]),
    ("stateful", &["141/stateful/statefulset/db/main > 97"]),
    ("stuck-deletion", &["107/stuck-deletion/pod/held"]),
    ("sub-path", &["26/sub-path/deployment/web/main"]),
    ("webhook", &["120/-/validatingwebhookconfiguration/gone.example.com"]),
    ("wrong-mode", &["73/wrong-mode/persistentvolumeclaim/data > 51"]),
    ("wrong-port", &["78/wrong-port/service/web/80"]),
    ("wrong-port-name", &["79/wrong-port-name/service/web/80"]),
    ("wrong-selector", &["76/wrong-selector/service/web"]),
];

#[test]
fn each_recorded_fault_is_one_finding_and_nothing_else() {
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let expected = EXPECTED.iter().find(|(name, _)| *name == case.name);
        let Some((_, expected)) = expected else {
            wrong.push(format!("{}: nothing is expected of it", case.name));
            continue;
        };
        let mut found = told(case);
        found.sort();
        let mut expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        expected.sort();
        if found != expected {
            wrong.push(format!("{}:\n  expected {expected:?}\n  found    {found:?}", case.name));
        }
    }
    for (name, _) in EXPECTED {
        assert!(cases.iter().any(|case| case.name == *name), "{name} is not in the recording");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_whole_recording_at_once_says_the_same_as_its_parts() {
    let whole = Case::all();
    let mut found = told(&whole);
    found.sort();
    let mut expected: Vec<String> = EXPECTED.iter().flat_map(|(_, lines)| *lines).map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn every_evidence_stands_where_it_says() {
    for case in cases() {
        for finding in case.findings() {
            assert!(!finding.evidence.is_empty(), "{} has no evidence", finding.id);
            let all = finding.evidence.iter().chain(finding.consequences.iter().flat_map(|one| &one.evidence));
            for evidence in all {
                case.check(evidence);
            }
        }
    }
}

#[test]
fn every_finding_has_a_remedy() {
    for case in cases() {
        for finding in case.findings() {
            assert!(!finding.remedies.is_empty(), "{}: {}", finding.id, finding.cause);
        }
    }
}

#[test]
fn a_snapshot_says_the_same_after_it_was_a_file() {
    let whole = Case::all();
    let text = whole.snapshot.to_json().unwrap();
    let read = todo_agent_diagnose::Snapshot::from_json(&text).unwrap();
    assert_eq!(todo_agent_diagnose::findings(&read), whole.findings());
    assert_eq!(read.to_json().unwrap(), text);
}

#[test]
fn at_most_one_log_is_asked_for_a_container_of_a_workload() {
    use todo_agent_diagnose::{Need, needs};
    let asked = needs(&Case::without_logs().snapshot);
    let mut owners: Vec<(&str, &str)> = Vec::new();
    for need in &asked {
        if let Need::Logs { pod, container, .. } = need {
            owners.push((&pod.namespace, container));
        }
    }
    let all = owners.len();
    owners.sort_unstable();
    owners.dedup();
    // In the recording each namespace has one workload at fault, but for one with two.
    assert_eq!((owners.len(), all), (24, 25), "{asked:#?}");
    let others: Vec<&Need> =
        asked.iter().filter(|need| !matches!(need, Need::Logs { .. } | Need::Metrics { .. })).collect();
    assert!(others.is_empty(), "{others:?}");
}

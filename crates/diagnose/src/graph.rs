//! Folds claims into findings: one per cause. Claims of the same rule, subject and detail are merged; a claim
//! that others explain becomes a consequence of the roots above it. The order is that of importance and, among
//! equals, of names, so that the same snapshot always gives the same list.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::claim::{Alone, Claim};
use crate::finding::{Consequence, Finding};
use crate::kind::{Kind, ObjectRef};

/// How many evidences of a kind are kept: the first pods speak for all.
const EVIDENCES: usize = 6;

/// Returns the findings of these claims.
pub(crate) fn fold(claims: Vec<Claim>) -> Vec<Finding> {
    let claims = told(merged(claims));
    let parents = parents(&claims);
    let mut findings: BTreeMap<usize, Finding> = BTreeMap::new();
    let roots: Vec<BTreeSet<usize>> = (0..claims.len()).map(|at| roots(at, &parents)).collect();
    for (at, claim) in claims.iter().enumerate() {
        if roots[at].contains(&at) {
            findings.insert(at, finding(claim));
        }
    }
    for (at, claim) in claims.iter().enumerate() {
        for root in roots[at].iter().filter(|root| **root != at) {
            if let Some(finding) = findings.get_mut(root) {
                finding.consequences.push(consequence(claim));
                finding.severity = finding.severity.max(claim.severity);
                for unknown in &claim.unknowns {
                    if !finding.unknowns.contains(unknown) {
                        finding.unknowns.push(unknown.clone());
                    }
                }
            }
        }
    }
    let mut findings: Vec<Finding> = findings.into_values().collect();
    for finding in &mut findings {
        finding.consequences.sort_by(|left, right| {
            (order(left.object.kind), &left.object, left.rule).cmp(&(
                order(right.object.kind),
                &right.object,
                right.rule,
            ))
        });
        finding.consequences.dedup();
    }
    findings.sort_by(|left, right| {
        let key = |finding: &Finding| {
            (
                std::cmp::Reverse(finding.severity),
                std::cmp::Reverse(finding.confidence),
                finding.rule,
                finding.id.clone(),
            )
        };
        key(left).cmp(&key(right))
    });
    findings
}

/// Consequences read from what serves people down to the pods.
fn order(kind: Kind) -> u8 {
    match kind {
        Kind::Ingress | Kind::HTTPRoute => 0,
        Kind::Service => 1,
        Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::Job | Kind::CronJob => 2,
        _ => 3,
    }
}

fn merged(claims: Vec<Claim>) -> Vec<Claim> {
    let mut by_key: BTreeMap<(u16, Kind, String, String, String), Claim> = BTreeMap::new();
    for claim in claims {
        let subject = &claim.subject;
        let key = (claim.rule, subject.kind, subject.namespace.clone(), subject.name.clone(), claim.detail.clone());
        match by_key.get_mut(&key) {
            None => {
                by_key.insert(key, claim);
            }
            Some(first) => {
                first.severity = first.severity.max(claim.severity);
                first.confidence = first.confidence.max(claim.confidence);
                first.affects.extend(claim.affects);
                first.because.extend(claim.because);
                if first.evidence.len() < EVIDENCES {
                    extend(&mut first.evidence, claim.evidence);
                }
                extend(&mut first.remedies, claim.remedies);
                extend(&mut first.unknowns, claim.unknowns);
            }
        }
    }
    let mut claims: Vec<Claim> = by_key.into_values().collect();
    for claim in &mut claims {
        claim.affects.sort();
        claim.affects.dedup();
        claim.because.sort();
        claim.because.dedup();
    }
    claims
}

/// Leaves out what means nothing by itself and is explained by nothing, until nothing more falls.
fn told(mut claims: Vec<Claim>) -> Vec<Claim> {
    loop {
        let before = claims.len();
        let parents = parents(&claims);
        let mut at = 0;
        claims.retain(|claim| {
            let keep = match claim.alone {
                Alone::Told => true,
                Alone::Dropped => !parents[at].is_empty(),
                Alone::Preventive => parents[at].is_empty(),
            };
            at += 1;
            keep
        });
        if claims.len() == before {
            return claims;
        }
    }
}

fn extend<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

type Name<'a> = (Kind, &'a str, &'a str);

fn name(object: &ObjectRef) -> Name<'_> {
    (object.kind, &object.namespace, &object.name)
}

/// Returns for each claim the claims that explain it.
fn parents(claims: &[Claim]) -> Vec<Vec<usize>> {
    let mut by_object: HashMap<Name<'_>, Vec<usize>> = HashMap::new();
    for (at, claim) in claims.iter().enumerate() {
        for object in &claim.affects {
            by_object.entry(name(object)).or_default().push(at);
        }
    }
    let of = |at: usize, claim: &Claim| {
        let mut found: BTreeSet<usize> = BTreeSet::new();
        for object in &claim.because {
            found.extend(by_object.get(&name(object)).into_iter().flatten().filter(|other| **other != at));
        }
        found.into_iter().collect()
    };
    claims.iter().enumerate().map(|(at, claim)| of(at, claim)).collect()
}

/// Returns the claims above a claim that nothing explains, itself where it is one. In a circle of explanations
/// the first is the root.
fn roots(at: usize, parents: &[Vec<usize>]) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let mut found = BTreeSet::new();
    let mut queue = vec![at];
    while let Some(next) = queue.pop() {
        if !seen.insert(next) {
            continue;
        }
        if parents[next].is_empty() {
            found.insert(next);
        }
        queue.extend(&parents[next]);
    }
    if found.is_empty() {
        found.extend(seen.first());
    }
    found
}

fn finding(claim: &Claim) -> Finding {
    let mut objects = vec![claim.subject.clone()];
    objects.extend(claim.affects.iter().filter(|object| !object.is(&claim.subject)).cloned());
    Finding {
        id: id(claim),
        rule: claim.rule,
        severity: claim.severity,
        confidence: claim.confidence,
        cause: claim.text.clone(),
        objects,
        evidence: claim.evidence.clone(),
        consequences: Vec::new(),
        remedies: claim.remedies.clone(),
        unknowns: claim.unknowns.clone(),
    }
}

fn consequence(claim: &Claim) -> Consequence {
    Consequence {
        rule: claim.rule,
        object: claim.subject.clone(),
        text: claim.text.clone(),
        evidence: claim.evidence.clone(),
    }
}

/// The rule, the subject's names and the detail: nothing that changes while the trouble stays the same.
fn id(claim: &Claim) -> String {
    let ObjectRef { kind, namespace, name, .. } = &claim.subject;
    let kind = kind.name().to_ascii_lowercase();
    let namespace = if namespace.is_empty() { "-" } else { namespace };
    let mut id = format!("{}/{namespace}/{kind}/{name}", claim.rule);
    if !claim.detail.is_empty() {
        id.push('/');
        id.push_str(&claim.detail);
    }
    id
}

//! The catalogue against the fixtures: every number that is called built is told by some fixture, nothing else
//! is told, and how many of them were recorded on a real cluster is printed.

use std::collections::BTreeSet;

use todo_agent_diagnose::catalogue::{State, signatures};

use crate::composed;
use crate::support::{Case, cases};

#[test]
fn every_built_signature_has_a_fixture_and_nothing_else_is_told() {
    let recorded: BTreeSet<u16> = cases()
        .iter()
        .flat_map(Case::findings)
        .flat_map(|finding| finding.consequences.iter().map(|one| one.rule).chain([finding.rule]).collect::<Vec<_>>())
        .collect();
    let composed = composed::all();
    let told: BTreeSet<u16> = recorded.union(&composed).copied().collect();
    let built: BTreeSet<u16> = signatures()
        .filter(|signature| matches!(signature.state, State::Built | State::Symptom))
        .map(|signature| signature.number)
        .collect();
    println!("{} of {} built signatures are recorded on a real cluster", recorded.len(), built.len());
    assert_eq!(told, built);
    assert_eq!(signatures().map(|signature| signature.number).collect::<Vec<_>>(), (1..=156).collect::<Vec<_>>());
}

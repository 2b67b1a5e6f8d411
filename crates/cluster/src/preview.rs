//! From proposals to a preview: each effect is tried on the server without being done, compared with the
//! live object, weighed, and shown.
//!
//! A [`Preview`] holds what would really be sent. It has no public constructor and cannot be read from a
//! file, so nothing can be approved that was not previewed here:
//!
//! ```compile_fail,E0451
//! # use todo_agent_cluster::{Cluster, DigestKey, Preview};
//! # use todo_agent_core::ChangeView;
//! fn forge(cluster: Cluster, key: DigestKey, view: ChangeView) -> Preview {
//!     Preview { cluster, key, view, phases: vec![], undo: vec![], undoes: None } // the fields are private
//! }
//! ```
//! ```compile_fail,E0277
//! # use todo_agent_cluster::Preview;
//! fn read(text: &str) -> Preview {
//!     serde_json::from_str(text).unwrap() // not Deserialize
//! }
//! ```
//! ```compile_fail,E0308
//! # use todo_agent_cluster::Preview;
//! fn copy(preview: &Preview) -> Preview {
//!     preview.clone() // not Clone
//! }
//! ```

use std::time::Duration;

use serde_json::Value;
use todo_agent_core::{
    Cause, Change, ChangeView, ClusterError, Expectation, ObjectRef, Reader, Recipe, Redactor, Remark, Risk, Run,
    reader::{Access, Subject},
    text::{Lines, visible},
    view::{FieldChange, ProofView, StepView, TargetView},
};

use crate::{
    cluster::Cluster,
    diff::diff,
    digest::{DigestKey, fingerprint, owned_content},
    http::{ApiRequest, JSON, METADATA},
    owners::keepers,
    reader::{is_secret, tidy},
    refusal,
    request::{Action, Earnest, Prepared, Presence},
    reverse,
    risk::{self, Facts},
    session::request::SessionRequest,
};

/// A change that was tried on the server and can be shown. Only the gate can make more of it.
pub struct Preview {
    pub(crate) cluster: Cluster,
    pub(crate) key: DigestKey,
    pub(crate) view: ChangeView,
    pub(crate) phases: Vec<PlannedPhase>,
    pub(crate) undo: Vec<Recipe>,
    pub(crate) undoes: Option<String>,
}

pub(crate) struct PlannedPhase {
    pub(crate) effects: Vec<PlannedEffect>,
    pub(crate) settle: Vec<Expectation>,
    pub(crate) deadline: Duration,
}

pub(crate) struct PlannedEffect {
    pub(crate) n: usize,
    pub(crate) target: ObjectRef,
    pub(crate) action: Action,
    pub(crate) uid: Option<String>,
    pub(crate) fingerprint: String,
}

impl PlannedEffect {
    /// Returns whether there was no object when it was previewed.
    pub(crate) fn is_new(&self) -> bool {
        self.uid.is_none() && self.action.presence() != Presence::Present
    }
}

impl Preview {
    /// Returns what may be shown of it.
    pub fn view(&self) -> &ChangeView {
        &self.view
    }
}

impl std::fmt::Debug for Preview {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Preview").field("view", &self.view).finish_non_exhaustive()
    }
}

/// Tries changes on the server and returns what would come of them, as one numbered plan.
///
/// # Errors
/// Returns the server's refusal, with the missing permission where that is the reason. Nothing was done.
pub async fn preview(
    changes: Vec<Change>,
    cluster: &Cluster,
    key: &DigestKey,
    run: &Run,
) -> Result<Preview, ClusterError> {
    let cluster_view = cluster.view().await?;
    let mut steps: Vec<StepView> = Vec::new();
    let mut phases = Vec::new();
    let mut undo = Vec::new();
    let mut undoes = None;
    let mut equivalent = Vec::new();
    // What an earlier step of this plan makes of an object that a later one changes too.
    let mut planned: Vec<(ObjectRef, Value)> = Vec::new();
    for mut change in changes {
        for phase in std::mem::take(&mut change.phases) {
            let phase_number = phases.len() + 1;
            let mut effects = Vec::new();
            for effect in phase.effects {
                let (target, action) = Action::new(&effect);
                let (live, trial) = match &action {
                    Action::Write(prepared) if prepared.writes_unseen() => {
                        let why = "only the labels can be changed here: its values are never shown";
                        return Err(ClusterError::new(Cause::Invalid, format!("of {target} {why}")));
                    }
                    Action::Write(prepared) => {
                        let place = place_of(&target, &planned);
                        try_out(cluster, &target, prepared, place, run).await?
                    }
                    Action::Session(session) => see_into(cluster, &target, session, run).await?,
                };
                let n = steps.len() + 1;
                let earlier = planned.iter().position(|(other, _)| *other == target);
                let earlier = earlier.map(|earlier| planned.swap_remove(earlier).1);
                let follows = earlier.is_some();
                let (before, trial) = match earlier {
                    Some(earlier) => (earlier.clone(), trial.after_step(&action, &earlier)),
                    None => (live.clone(), trial),
                };
                let mut step = step_view(n, phase_number, &target, &action, &before, &trial, cluster, key, run);
                if let Some(why) = way_back(&mut change.undo, &target, &before, &trial.after, &run.redactor) {
                    step.remarks.push(Remark::Fact(why.to_owned()));
                }
                change.tool.clone_into(&mut step.tool);
                // Of a drain each pod is a step of its own.
                let summary = match step.verb.as_str() {
                    "evict" => format!("evict {}", target.short()),
                    _ => change.summary.clone(),
                };
                step.summary = shown(&summary, &run.redactor);
                if follows {
                    let fact = "an earlier step changes this object too; this is what comes after it".to_owned();
                    step.remarks.push(Remark::Fact(fact));
                }
                // What holds for the whole change is said once, at its first step.
                step.remarks.append(&mut change.remarks);
                step.remarks = step.remarks.into_iter().map(|remark| plain(remark, &run.redactor)).collect();
                step.remarks.dedup();
                planned.push((target.clone(), trial.after));
                effects.push(PlannedEffect {
                    n,
                    target,
                    action,
                    uid: live["metadata"]["uid"].as_str().map(str::to_owned),
                    fingerprint: step.fingerprint.clone(),
                });
                steps.push(step);
            }
            phases.push(PlannedPhase { effects, settle: phase.settle, deadline: phase.deadline });
        }
        equivalent.push(shown(&change.equivalent, &run.redactor));
        undo.extend(change.undo);
        undoes = undoes.or(change.undoes);
    }
    let digests: Vec<&[u8]> = steps.iter().map(|step| step.digest.as_bytes()).collect();
    let digest = key.digest(&digests);
    let view = ChangeView {
        change_id: change_id(key, &digest, &cluster_view.identity, run),
        cluster: cluster_view,
        steps,
        equivalent,
        undo: Recipe::describe_all(&undo),
        digest,
    };
    Ok(Preview { cluster: cluster.clone(), key: key.clone(), view, phases, undo, undoes })
}

/// Whether the namespace and the kind of a new object are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Given,
    /// An earlier step of the same plan makes it.
    MadeBefore,
}

fn place_of(target: &ObjectRef, planned: &[(ObjectRef, Value)]) -> Place {
    let made = planned.iter().filter(|(_, after)| !after.is_null()).any(|(other, after)| {
        let spec = &after["spec"];
        match other.resource.kind.as_str() {
            "Namespace" => Some(&other.name) == target.namespace.as_ref(),
            // Until it is there, the server knows no such kind.
            "CustomResourceDefinition" => {
                spec["group"] == target.resource.group.as_str()
                    && spec["names"]["plural"] == target.resource.plural.as_str()
            }
            _ => false,
        }
    });
    if made { Place::MadeBefore } else { Place::Given }
}

/// Works out how a patch is taken back, which only what the server makes of it tells. Returns why it cannot be.
fn way_back(
    undo: &mut Option<Recipe>,
    target: &ObjectRef,
    before: &Value,
    after: &Value,
    redactor: &Redactor,
) -> Option<&'static str> {
    match undo {
        Some(Recipe::Fields { target: of, fields }) if of == target && fields.is_empty() => {}
        _ => return None,
    }
    match reverse::recipe(target, &owned_content(before), &owned_content(after), redactor) {
        Ok(recipe) => {
            *undo = Some(recipe);
            None
        }
        Err(why) => {
            *undo = None;
            Some(why)
        }
    }
}

/// What came of trying an effect without doing it.
struct Trial {
    after: Value,
    proof: ProofView,
    place: Place,
    warnings: Vec<String>,
}

impl Trial {
    /// The server tried it on the object as it is now; an earlier step of the plan makes another one of it, so
    /// what follows from that is worked out here and not confirmed.
    fn after_step(self, action: &Action, earlier: &Value) -> Self {
        let after = match action {
            Action::Write(prepared) => prepared.computed_after(earlier),
            Action::Session(_) => None,
        };
        match after {
            Some(after) => Self { after, proof: ProofView::Computed, ..self },
            None => Self { proof: ProofView::Stated, ..self },
        }
    }
}

/// How often a dry run is repeated when the object changes between reading and trying, as one whose pods crash
/// does all the time.
const TRIES: usize = 4;

/// Reads the object and tries the effect on it. Returns both; `null` stands for an object that is not there.
async fn try_out(
    cluster: &Cluster,
    target: &ObjectRef,
    prepared: &Prepared,
    place: Place,
    run: &Run,
) -> Result<(Value, Trial), ClusterError> {
    let mut tried = 1;
    loop {
        run.check()?;
        let live = match cluster.read_live(target, "read what will change").await {
            Ok(_) if prepared.presence() == Presence::Absent => {
                return Err(ClusterError::new(Cause::Conflict, format!("{target} already exists")));
            }
            Ok(live) => live,
            Err(error) if error.is(Cause::NotFound) && prepared.presence() != Presence::Present => Value::Null,
            Err(error) => return Err(error),
        };
        let error = match cluster.http.read(prepared.request(&live, Earnest::DryRun, None)).await {
            Ok(reply) => {
                let after = prepared.with_keys(tidied(prepared.object_tried(&live, &reply.body), target), &live);
                return Ok((
                    live,
                    Trial { after, proof: ProofView::Served, place: Place::Given, warnings: reply.warnings },
                ));
            }
            Err(error) => error,
        };
        if prepared.is_eviction() && error.is(Cause::Unavailable) {
            // A disruption budget holds it now; whether it will later, nobody can try.
            let warnings = vec![error.message];
            let (after, proof) = (Value::Null, ProofView::Stated);
            return Ok((live, Trial { after, proof, place: Place::Given, warnings }));
        }
        let no_place_yet = place == Place::MadeBefore && error.is(Cause::NotFound);
        if cannot_dry_run(&error) || no_place_yet {
            let (after, proof) = match prepared.computed_after(&live) {
                Some(after) => (prepared.with_keys(after, &live), ProofView::Computed),
                None => (live.clone(), ProofView::Stated),
            };
            let place = if no_place_yet { place } else { Place::Given };
            return Ok((live, Trial { after, proof, place, warnings: Vec::new() }));
        }
        // Fields that others own do not become free by asking again.
        if refusal::is_conflict_of_owners(&error.message) {
            return Err(error);
        }
        if !error.is(Cause::Conflict) || tried == TRIES {
            return Err(error);
        }
        tried += 1;
    }
}

/// Reads the pod that a session leads into, and asks whether the person may open one. More cannot be tried.
async fn see_into(
    cluster: &Cluster,
    target: &ObjectRef,
    session: &SessionRequest,
    run: &Run,
) -> Result<(Value, Trial), ClusterError> {
    run.check()?;
    let live = cluster.read_live(target, "read what the session leads into").await?;
    let access = Access {
        // Since WebSockets begin with GET, the server asks for the right to create.
        verb: "create".to_owned(),
        resource: target.resource.clone(),
        subresource: Some(session.subresource().to_owned()),
        namespace: target.namespace.clone(),
        name: Some(target.name.clone()),
    };
    let permission = cluster.permission(&access, &Subject::Me).await?;
    if !permission.allowed {
        let what = format!("{}/{}", target.resource.qualified(), session.subresource());
        let place = target.namespace.as_deref().unwrap_or_default();
        return Err(ClusterError::new(Cause::Forbidden, format!("you may not {} {target}", session.doing()))
            .hint(format!("missing permission: create on {what} in namespace {place}")));
    }
    let trial = Trial { after: live.clone(), proof: ProofView::Stated, place: Place::Given, warnings: Vec::new() };
    Ok((live, trial))
}

/// A webhook with side effects, or a server without dry run, says so in these words.
/// Source: k8s.io/apiserver, admission/plugin/webhook, "does not support dry run".
fn cannot_dry_run(error: &ClusterError) -> bool {
    error.is(Cause::Invalid) && error.message.to_ascii_lowercase().contains("dry run")
}

#[expect(clippy::too_many_arguments, reason = "one caller; each argument is a different part of the step")]
fn step_view(
    n: usize,
    phase: usize,
    target: &ObjectRef,
    action: &Action,
    live: &Value,
    trial: &Trial,
    cluster: &Cluster,
    key: &DigestKey,
    run: &Run,
) -> StepView {
    let before = match action {
        Action::Write(prepared) => prepared.with_unknown_keys(owned_content(live)),
        Action::Session(_) => owned_content(live),
    };
    let after = owned_content(&trial.after);
    let real = diff(&before, &after);
    let redact = |value: &Value| run.redactor.value(value).into_inner();
    let risk = match (action, trial.proof) {
        (Action::Session(session), _) => session.risk(),
        (_, ProofView::Stated) => Risk::High,
        // What is new in a new namespace meets nothing that the server could know of.
        (_, ProofView::Computed) if trial.place == Place::MadeBefore => {
            risk::risk(Facts { target, before: live, after: &trial.after, diff: &real, proof: ProofView::Served })
        }
        (_, proof) => risk::risk(Facts { target, before: live, after: &trial.after, diff: &real, proof }),
    };
    let shown_diff = match action {
        Action::Write(_) => diff(&redact(&before), &redact(&after)),
        Action::Session(session) => session.shown().into_iter().map(|change| redacted(change, redact)).collect(),
    };
    let outside = match &target.namespace {
        Some(namespace) => *namespace != cluster.scope.namespace,
        None => false,
    };
    StepView {
        n,
        phase,
        tool: String::new(),
        summary: String::new(),
        verb: action.verb().to_owned(),
        target: target_view(target),
        outside,
        diff: shown_diff.into_iter().map(readable).collect(),
        proof: trial.proof,
        remarks: match action {
            // Who made a pod makes it again elsewhere: that is what an eviction is for.
            Action::Write(prepared) if prepared.is_eviction() => Vec::new(),
            Action::Write(_) => keepers(live, &real),
            // It changes no field that somebody could set back.
            Action::Session(_) => Vec::new(),
        },
        warnings: trial.warnings.iter().map(|warning| shown(warning, &run.redactor)).collect(),
        risk,
        protected: risk::protected(target, &trial.after),
        digest: action.digest(key),
        fingerprint: fingerprint(live),
    }
}

fn redacted(change: FieldChange, redact: impl Fn(&Value) -> Value) -> FieldChange {
    FieldChange { after: change.after.as_ref().map(redact), ..change }
}

fn readable(change: FieldChange) -> FieldChange {
    FieldChange { path: visible(&change.path, Lines::Escape), ..change }
}

fn plain(remark: Remark, redactor: &Redactor) -> Remark {
    match remark {
        Remark::Fact(text) => Remark::Fact(shown(&text, redactor)),
        Remark::KeptBy(text) => Remark::KeptBy(shown(&text, redactor)),
    }
}

fn shown(text: &str, redactor: &Redactor) -> String {
    visible(&redactor.text(text), Lines::Escape)
}

pub(crate) fn target_view(target: &ObjectRef) -> TargetView {
    TargetView {
        api_version: target.resource.api_version(),
        kind: target.resource.kind.clone(),
        namespace: target.namespace.clone(),
        name: target.name.clone(),
    }
}

/// Returns an id that is short enough to type: `c-` and six characters without look-alikes.
fn change_id(key: &DigestKey, digest: &str, identity: &str, run: &Run) -> String {
    const ALPHABET: &[u8; 32] = b"23456789abcdefghjkmnpqrstuvwxyz0";
    let now = run.clock.now().as_nanosecond().to_be_bytes();
    // Two processes may preview the same change in the same instant of a simulated clock.
    let process = std::process::id().to_be_bytes();
    let seed = key.digest(&[digest.as_bytes(), identity.as_bytes(), &now, &process]);
    let id: String = seed
        .as_bytes()
        .chunks(2)
        .take(6)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]))
        .collect();
    format!("c-{id}")
}

impl Cluster {
    /// Reads an object as it is, version included; of a Secret its metadata.
    pub(crate) async fn read_live(&self, target: &ObjectRef, purpose: &'static str) -> Result<Value, ClusterError> {
        let accept = if is_secret(&target.resource) { METADATA } else { JSON };
        let reply = self.http.read(ApiRequest::get(target.path(), purpose).accept(accept)).await?;
        Ok(tidied(reply.body, target))
    }
}

/// Returns an object as it is compared and shown: of a Secret nothing that may hold its values.
fn tidied(object: Value, target: &ObjectRef) -> Value {
    if is_secret(&target.resource) && object.is_object() { tidy(object, &target.resource, true) } else { object }
}

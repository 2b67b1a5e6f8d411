//! The intents: one file for each tool that sentences can ask for, and the table of all of them.
//!
//! An intent finds its own cue ("restart", "logs of") and its own arguments in a segment and uses those words.
//! Scope, target and the decision what may happen are common to all and live outside (`hearing`, `plan`).
//! A further tool is a further file and a line in `INTENTS`.

mod apply;
mod autoscale;
mod changes;
mod create;
mod delete;
mod describe;
mod diagnose;
mod events;
mod exec;
mod explain;
mod health;
mod import_env;
mod label;
mod list;
mod list_phrases;
mod logs;
mod node_control;
mod port_forward;
mod reading;
mod resize;
mod rollout;
mod rollout_control;
mod scale;
mod set;
mod undo;
mod values;
mod wait_for;

pub(crate) use create::take_schedule;
pub(crate) use reading::take_rest as reading_rest;
use serde_json::{Map, Value};
pub(crate) use values::may_be_image;

use crate::{
    context::Context,
    planned::Missing,
    segment::Segment,
    target::{self, Mention},
};

/// The arguments of a call while it is put together.
pub(crate) type Arguments = Map<String, Value>;

/// What a segment is heard as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// A request of its own: the intent's cue must be there.
    Fresh,
    /// Going on from a request of this intent ("… and frontend to 2"): no cue is needed.
    GoingOn,
}

/// What an intent found in a segment beside scope and target.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Heard {
    /// The arguments found.
    pub(crate) arguments: Arguments,
    /// Set where the cue is too weak to ask back for a missing target.
    pub(crate) weak: bool,
    /// Whether a verb asked for it. Only reads that are also understood without one say so.
    pub(crate) asked: bool,
    /// Which way a change of count goes that was asked for without a number.
    pub(crate) direction: Option<Missing>,
    /// How the arguments bear on further targets in the same sentence.
    pub(crate) sharing: Sharing,
    /// A question to ask in place of a call, for words that were understood but cannot be used.
    pub(crate) problem: Option<String>,
}

/// How the arguments of a request bear on the targets that follow it ("… and frontend").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sharing {
    /// They hold for this target.
    #[default]
    Own,
    /// They hold for all that follow: the verb says it ("double"), or the number stood before the target.
    All,
    /// A number that stood alone: the request before decides what it means ("add one … and two …").
    Undecided,
}

/// Whether an intent is about an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Without an object it is incomplete.
    Target,
    /// With or without.
    TargetIfAny,
    /// Never; it reads names itself.
    Nothing,
}

/// One thing that sentences ask for.
pub(crate) trait Intent: Sync {
    /// Returns the tool's name.
    fn tool(&self) -> &'static str;
    /// Returns whether the tool proposes changes.
    fn writes(&self) -> bool {
        false
    }
    /// Returns whether it is done inside of what it is about ("run ls in redis"), so that a place may be its object.
    fn is_done_inside(&self) -> bool {
        false
    }
    /// Returns whether it can look at all namespaces.
    fn looks_everywhere(&self) -> bool {
        false
    }
    /// Returns whether it is about an object.
    fn needs(&self) -> Needs {
        Needs::Target
    }
    /// Returns the prepositions that may stand before the object.
    fn prepositions(&self) -> &'static [&'static str] {
        target::BEFORE
    }
    /// Returns sentences that ask for it.
    fn examples(&self) -> &'static [&'static str];
    /// Finds the cue and the arguments in a segment and uses their words; `None` if this is not asked for.
    fn hear(&self, segment: &mut Segment, context: &Context<'_>, hearing: Hearing) -> Option<Heard>;
    /// Writes the target into the arguments.
    fn aim(&self, target: &Mention, arguments: &mut Arguments);
    /// Returns what a call still lacks.
    fn lacks(&self, arguments: &Arguments) -> Option<Missing>;
    /// Returns the question for what a call lacks.
    fn question(&self, missing: Missing, arguments: &Arguments) -> String {
        let _ = arguments;
        match missing {
            Missing::Target => "Which workload do you mean?".to_owned(),
            Missing::Count | Missing::CountUp | Missing::CountDown => "How many replicas should it have?".to_owned(),
            Missing::Image => "Which image?".to_owned(),
            Missing::Schedule => "How often, for example every 5 minutes?".to_owned(),
        }
    }
    /// Lays new arguments over those of the request that they go on from.
    fn overlay(&self, base: &mut Arguments, new: Arguments) {
        base.extend(new);
    }
}

/// Every intent. Where two understand a segment equally well, the first wins.
pub(crate) const INTENTS: &[&dyn Intent] = &[
    &undo::Undo,
    &rollout_control::RolloutControl,
    &scale::Scale,
    &set::Set,
    &autoscale::Autoscale,
    &create::Create,
    &label::Label,
    &resize::Resize,
    &apply::Apply,
    &import_env::ImportEnv,
    &delete::Delete,
    &node_control::NodeControl,
    &exec::Exec,
    &port_forward::PortForward,
    &diagnose::Diagnose,
    &health::Health,
    &changes::Changes,
    &explain::Explain,
    &wait_for::WaitFor,
    &logs::Logs,
    &events::Events,
    &rollout::Rollout,
    &describe::Describe,
    &list::List,
];

/// Returns the intent of a tool.
pub(crate) fn of_tool(tool: &str) -> Option<&'static dyn Intent> {
    INTENTS.iter().copied().find(|intent| intent.tool() == tool)
}

/// Returns `Target` if `key` is not among the arguments.
fn lacks_target(arguments: &Arguments, key: &str) -> Option<Missing> {
    (!arguments.contains_key(key)).then_some(Missing::Target)
}

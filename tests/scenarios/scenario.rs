//! What a scenario is: a function with a name, and where it can take place.

use crate::site::Site;

/// Something that a person goes through.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Site),
    pub(crate) manners: Manners,
    /// Whether it looks at what the cluster was asked, which only one with an audit log tells.
    pub(crate) looks_at_requests: bool,
    /// Why the sandbox does not play it, if it does not.
    pub(crate) only_real: Option<&'static str>,
}

/// Whether others can use the cluster meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    Considerate,
    /// It stops programs of the cluster, or changes its nodes.
    Disturbing,
}

impl Scenario {
    pub(crate) const fn new(name: &'static str, run: fn(&Site)) -> Self {
        Self { name, run, manners: Manners::Considerate, looks_at_requests: false, only_real: None }
    }

    /// The same, on a real cluster only, for a reason.
    pub(crate) const fn only_real(mut self, why: &'static str) -> Self {
        self.only_real = Some(why);
        self
    }

    /// The same, where the cluster tells what it was asked.
    pub(crate) const fn looks_at_requests(mut self) -> Self {
        self.looks_at_requests = true;
        self
    }

    /// The same, alone on a real cluster whose programs it stops or whose nodes it changes.
    pub(crate) const fn disturbing(mut self) -> Self {
        self.manners = Manners::Disturbing;
        self
    }
}

/// A scenario, named after its function.
macro_rules! scenario {
    ($function:ident) => {
        crate::scenario::Scenario::new(stringify!($function), $function)
    };
}
pub(crate) use scenario;

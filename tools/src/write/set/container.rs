//! Which container of a pod template is meant.
//!
//! One that is alone needs no name; among several none is guessed. Init containers are meant by name only.

use serde_json::Value;
use todo_agent_core::ToolError;

use crate::{arguments, value, words};

/// Where a container stands in a pod's spec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// `containers` or `initContainers`.
    pub(crate) list: &'static str,
    pub(crate) index: usize,
}

/// Returns the place of the container that is meant in a pod template.
pub(crate) fn find(template: &Value, workload: &str, wanted: Option<&str>) -> Result<Place, ToolError> {
    let all = |list: &'static str| {
        let containers = value::items(template, &format!("/spec/{list}"));
        containers.iter().enumerate().map(move |(index, container)| (Place { list, index }, value::name_of(container)))
    };
    let mut ordinary = all("containers");
    let Some(wanted) = wanted.map(str::trim).filter(|wanted| !wanted.is_empty()) else {
        return match (ordinary.next(), ordinary.next()) {
            (Some((place, _)), None) => Ok(place),
            (None, _) => Err(ToolError::state(format!("{workload} has no containers"))),
            (Some((_, first)), Some(_)) => {
                let names: Vec<&str> = all("containers").map(|(_, name)| name).collect();
                Err(ToolError::arguments(format!("{workload} has several containers: {}", names.join(", ")))
                    .hint(format!("name one of them, for example container {first}")))
            }
        };
    };
    let known: Vec<(Place, &str)> = all("containers").chain(all("initContainers")).collect();
    if let Some((place, _)) = known.iter().find(|(_, name)| *name == wanted) {
        return Ok(*place);
    }
    let shown = words::shown(wanted);
    let error = ToolError::name(format!("{workload} has no container \"{shown}\""));
    let names: Vec<&str> = known.iter().map(|(_, name)| *name).collect();
    Err(match arguments::nearest(wanted, names.iter().copied()) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint(format!("its containers are {}", names.join(", "))),
    })
}

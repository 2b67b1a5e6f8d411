//! Who owns which field: `managedFields`, and server-side apply on top of it.
//!
//! A port of `sigs.k8s.io/structured-merge-diff` (v6) and of `k8s.io/apimachinery/pkg/util/managedfields`: data in,
//! data out. `element` is a step of a path, `set` a set of paths; `typed` finds the paths of a value, `compare` those
//! in which two differ, `merge` puts values together and takes paths out. `managers` is who owns what, `apply` what
//! an applied configuration makes of an object, `conflict` what stands against it.

mod apply;
mod compare;
mod conflict;
mod element;
mod managers;
mod merge;
mod set;
#[cfg(test)]
mod tests;
mod typed;

pub(crate) use apply::{Application, Applied, Refused};
pub(crate) use conflict::Conflicts;
pub(crate) use managers::{Manager, Managers};
pub(crate) use set::FieldSet;

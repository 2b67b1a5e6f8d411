//! What the API serves and what its objects look like: the map of `resources` (which kinds, verbs and
//! subresources), the `types` table (every field of every kind), `decode`, which reads a JSON body by that
//! table, `duplicates`, which finds what it has twice, `protobuf`, which reads the other form, and `written`, which leaves out and fills in what Go does.
//!
//! A kind that is not in `resources` does not exist for clients, even if `kube-rules` knows it.

pub(crate) mod custom;
mod decode;
mod duplicates;
pub(crate) mod protobuf;
mod resources;
mod types;
mod written;

pub(crate) use decode::{Unknown, decode};
pub(crate) use duplicates::duplicates;
pub(crate) use resources::{METRICS_GROUP, RESOURCES, Resource, Subresource, resource, served};
pub(crate) use types::{Items, Merge, Owned, Shape, Written, declared_field, field_of, field_shape, root_type, row};
pub(crate) use written::as_written;

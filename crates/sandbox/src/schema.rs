//! What the API serves and what its objects look like: the map of `resources` (which kinds, verbs and
//! subresources), the `types` table (fields, list keys) and `decode`, which reads a JSON body by that table, and `protobuf`, which reads the other form.
//!
//! A kind that is not in `resources` does not exist for clients, even if `kube-rules` knows it.

pub(crate) mod custom;
mod decode;
mod more_types;
pub(crate) mod protobuf;
mod resources;
mod types;

pub(crate) use decode::{Unknown, decode};
pub(crate) use resources::{METRICS_GROUP, RESOURCES, Resource, Subresource, resource, served};
pub(crate) use types::{Merge, OPEN, Shape, field_shape, root_type};

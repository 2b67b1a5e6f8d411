//! What a snapshot keeps of each object: the fields that rules read, in the API's own names. Reading an
//! object *is* projecting it: unknown fields are skipped, values of environment variables and of Secrets have
//! no field to go to. A missing field and a null are the field's default.

use serde::{Deserialize, Deserializer};

/// Declares projected structs: every field may be missing or null, and is written only where it is set.
macro_rules! projections {
    ($($(#[$doc:meta])* pub struct $name:ident { $($(#[$more:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        #[allow(missing_docs)]
        pub struct $name {
            $(
                #[serde(default, deserialize_with = "crate::shape::or_default",
                    skip_serializing_if = "crate::shape::is_default")]
                $(#[$more])*
                pub $field: $type,
            )*
        }
    )*};
}

mod batch;
mod cluster;
mod keyed;
mod meta;
mod network;
mod pod;
mod storage;
mod template;
mod verbatim;

pub use batch::*;
pub use cluster::*;
pub use keyed::Keyed;
pub use meta::*;
pub use network::*;
pub use pod::*;
pub use storage::*;
pub use template::*;
pub use verbatim::Verbatim;

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

//! The tools that look and answer, one file each.

mod list;

pub(crate) use list::List;

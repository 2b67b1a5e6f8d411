//! The tools that propose changes, one file each. None of them can carry one out.

mod scale;

pub(crate) use scale::Scale;

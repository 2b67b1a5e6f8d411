//! Lists as a person sees them.

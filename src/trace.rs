//! Writes every event to a file beside showing it, for whoever compares runs (`--trace-path`).
//!
//! The file is private: it holds what a session holds. A file that cannot be written stops nothing.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

use todo_agent_core::Event;

use crate::{
    json::{JsonUi, Requests},
    problem::Problem,
    state::private,
    ui::{Shown, Ui},
};

/// A user interface whose events are also written to a file.
pub(crate) struct Traced {
    inner: Box<dyn Ui>,
    trace: JsonUi<File>,
}

impl Traced {
    /// Returns `inner` with a trace.
    ///
    /// # Errors
    /// Returns why the file cannot be written, together with `inner`.
    pub(crate) fn new(inner: Box<dyn Ui>, path: &Path) -> Result<Self, (Problem, Box<dyn Ui>)> {
        // The trace of an earlier run is replaced; a new file is this person's alone from its first byte.
        let _ = fs::remove_file(path);
        match private(path) {
            Ok(file) => Ok(Self { inner, trace: JsonUi::new(file, Requests::Shown) }),
            Err(error) => {
                Err((Problem::usage(format!("the trace {} cannot be written: {error}", path.display())), inner))
            }
        }
    }
}

impl Ui for Traced {
    fn show(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        let _ = self.trace.show(shown);
        self.inner.show(shown)
    }

    fn progress(&mut self, event: &Event) {
        self.trace.progress(event);
        self.inner.progress(event);
    }
}

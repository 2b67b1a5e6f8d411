//! Flags by which the program takes the place of another agent in the public benchmark of Kubernetes agents: hidden, and
//! translated at once into what they mean here.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use crate::options::{Benchmark, Surface};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line, turned into enums at once")]
pub(super) struct BenchmarkFlags {
    /// The model has no tool calls of its own
    #[arg(long, hide = true, global = true, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[arg(require_equals = true, action = ArgAction::Set, default_value_t = false)]
    enable_tool_use_shim: bool,
    /// One task on standard input, its answer last on standard output
    #[arg(long, hide = true, global = true, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[arg(require_equals = true, action = ArgAction::Set, default_value_t = false)]
    quiet: bool,
    /// Write every event to this file
    #[arg(long, hide = true, global = true, value_name = "FILE")]
    trace_path: Option<PathBuf>,
    /// Approve everything
    #[arg(long, hide = true, global = true, num_args = 0..=1, default_missing_value = "true")]
    #[arg(require_equals = true, action = ArgAction::Set, default_value_t = false)]
    pub(super) skip_permissions: bool,
    /// Show what tools answer
    #[arg(long, hide = true, global = true, num_args = 0..=1, default_missing_value = "true")]
    #[arg(require_equals = true, action = ArgAction::Set, default_value_t = false)]
    show_tool_output: bool,
    /// There is none
    #[arg(long, hide = true, global = true, num_args = 0..=1, default_missing_value = "true")]
    #[arg(require_equals = true, action = ArgAction::Set, default_value_t = false)]
    mcp_client: bool,
}

impl BenchmarkFlags {
    pub(super) fn read(self) -> Benchmark {
        Benchmark {
            surface: if self.quiet { Surface::OneTask } else { Surface::Usual },
            trace: self.trace_path,
            shows_tool_output: self.show_tool_output,
            writes_calls_as_text: self.enable_tool_use_shim,
            wants_mcp_client: self.mcp_client,
        }
    }
}

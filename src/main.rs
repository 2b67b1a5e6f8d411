//! The program `todo-agent`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    todo_agent::entry::main().into()
}

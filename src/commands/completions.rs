//! `todo-agent completions SHELL`: a script that completes commands and flags.

use std::io::{self, Write};

use clap_complete::{Shell, generate};

use crate::cli;

/// Writes the completion script of a shell.
///
/// # Errors
/// Returns an error when nobody reads.
pub(crate) fn run(shell: Shell, out: &mut impl Write) -> io::Result<()> {
    // The generator panics where it cannot write, so it writes to memory.
    let mut script = Vec::new();
    generate(shell, &mut cli::command(), "todo-agent", &mut script);
    out.write_all(&script)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_knows_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let mut script = Vec::new();
            run(shell, &mut script).unwrap();
            let script = String::from_utf8(script).unwrap();
            for word in ["doctor", "approve", "sandbox", "kubeconfig"] {
                assert!(script.contains(word), "{shell} lacks {word}");
            }
        }
    }
}

//! `todo-agent sandbox serve`: keeps a simulated cluster running for kubectl, Helm and this program.
//!
//! It listens on the loopback interface only and stops on Ctrl-C or SIGTERM. Whoever waits for it waits for
//! the kubeconfig: the file appears once the server accepts and the world has warmed up.

use std::{
    io::{self, Write},
    path::Path,
};

use jiff::Timestamp;
use todo_agent_sandbox::{Options, Sandbox, ServeError, ServeOptions, serve};

use crate::{exit::Exit, options::SandboxServe, problem::Problem, start::load_world, state::fill_random};

/// Serves a world until the program is stopped.
///
/// # Errors
/// Returns why the world cannot be served.
pub(crate) async fn run(asked: &SandboxServe, log: Option<&Path>, notes: &mut impl Write) -> Result<Exit, Problem> {
    // Before anything else, so that a stop during the start is not lost.
    let stop = stopped()
        .map_err(|error| Problem::state(format!("the program cannot listen for the signal to stop: {error}")))?;
    let world = load_world(&asked.world)?;
    // Each is a cluster of its own: a journal must not take it for an earlier one.
    let mut seed = [0; 8];
    fill_random(&mut seed)?;
    let options = Options { now: Timestamp::now(), seed: u64::from_le_bytes(seed) };
    let sandbox = Sandbox::start(world, options)
        .map_err(|error| Problem::configuration(format!("the world {} cannot be started: {error}", asked.world)))?;
    let options = ServeOptions {
        port: asked.port,
        speed: asked.speed,
        log: log.map(Path::to_owned),
        kubeconfig: asked.kubeconfig.clone(),
    };
    // Nobody reading these lines is no reason not to serve.
    let _ = notes.write_all(what_to_do(asked).as_bytes());
    serve(sandbox, options, stop).await.map_err(|error| refused(&error))?;
    let _ = notes.write_all(b"stopped\n");
    Ok(Exit::Done)
}

fn refused(error: &ServeError) -> Problem {
    match error {
        ServeError::Listen { .. } => Problem::state(error.to_string()).hint("leave --port out to take a free one"),
        ServeError::Kubeconfig { .. } | ServeError::Log { .. } => Problem::configuration(error.to_string()),
        ServeError::Certificate(_) => Problem::state(error.to_string()),
    }
}

fn what_to_do(asked: &SandboxServe) -> String {
    let file = asked.kubeconfig.display();
    let world = &asked.world;
    format!(
        "serving the sandbox world {world}; {file} appears once it accepts connections\n\
         look into it with: kubectl --kubeconfig {file} get pods\n\
         work in it with:   todo-agent --kubeconfig {file} \"scale backend to 3\"\n\
         stop with Ctrl-C; everything in it is then gone\n"
    )
}

/// Returns what completes when the program is asked to stop; it listens from now on.
#[cfg(unix)]
fn stopped() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stopped() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(world: &str) -> SandboxServe {
        SandboxServe { world: world.into(), port: 0, speed: 1.0, kubeconfig: "kube.yaml".into() }
    }

    #[test]
    fn the_notes_say_how_to_use_it() {
        let notes = what_to_do(&asked("todo"));
        assert!(notes.starts_with("serving the sandbox world todo; kube.yaml appears once"));
        assert!(notes.contains("kubectl --kubeconfig kube.yaml get pods"));
    }

    #[tokio::test]
    async fn an_unknown_world_is_answered_with_the_nearest_and_nothing_is_served() {
        let mut notes = Vec::new();
        let problem = run(&asked("tudo"), None, &mut notes).await.unwrap_err();
        assert_eq!(problem.exit, Exit::Usage);
        assert_eq!(problem.hints, ["did you mean todo?"]);
        assert!(notes.is_empty());
    }
}

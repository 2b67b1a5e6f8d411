//! `todo-agent run FILE`: a script is checked whole, then run on one agent, then reported.
//!
//! Nobody is asked: what is approved is decided by `--yes` and the policy files. Whatever happens after the
//! check, the reports that were wished for are written.

use std::{io, path::PathBuf};

use todo_agent_core::Redactor;

use crate::{
    agent::Agent,
    dialogue,
    exit::Exit,
    options::{Options, OutputForm},
    problem::Problem,
    program::{Circumstances, NobodyToAsk, cancel_on_interrupt, fail, farewell, surfaces, warn},
    script::{self, Aside, Capture, Capturing, Script, ScriptResult, Status, report::Report},
    start::{Start, start},
    state::environment,
};

/// What is run, and where that is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunScript {
    /// The script.
    pub file: PathBuf,
    /// The reports that are wished for.
    pub reports: Vec<Report>,
}

/// Runs a script.
///
/// # Errors
/// Returns an error only when the output cannot be written; the script, its clean-up and its reports are done then.
pub(crate) async fn run(run: RunScript, mut options: Options, circumstances: Circumstances) -> io::Result<Exit> {
    let Circumstances { config, policy, state, attached } = circumstances;
    let (mut ui, _) = surfaces(&options, &config);
    let checked = script::load(&run.file).and_then(|script| {
        run.reports.iter().try_for_each(|report| report.try_writing(&run.file))?;
        Ok(script)
    });
    let ready = checked.and_then(|script| Ok((script, dialogue::dialogue(&options, &config, &environment)?)));
    let (script, dialogue) = match ready {
        Ok(ready) => ready,
        Err(problem) => return fail(ui.as_mut(), &problem),
    };
    go_where_it_says(&script, &mut options);
    let capture = Capture::default();
    let held_back = options.output == OutputForm::Person && options.verbosity == 0;
    let aside = if held_back { Aside::HeldBack } else { Aside::Shown };
    let ui = Box::new(Capturing::new(ui, aside, capture.clone()));
    let timeout = options.timeout.or(config.timeout);
    let approver = Box::new(NobodyToAsk);
    let given = Start {
        options: &options,
        policy: &policy,
        timeout,
        retention: config.sessions,
        state,
        ui,
        approver,
        dialogue,
        attached,
    };
    let mut agent = match start(given).await {
        Ok(agent) => agent,
        Err((problem, mut ui)) => {
            // No secret was read yet, but every text goes the same way.
            let result = script::not_run(&script, &Redactor::new([0; 32]), &problem.message);
            let unwritten = write_all(&run.reports, &result);
            let exit = fail(ui.as_mut(), &problem)?;
            return unwritten.iter().try_fold(exit, |exit, problem| Ok(exit.worse(fail(ui.as_mut(), problem)?)));
        }
    };
    warn(&mut agent, &options);
    let cancel = cancel_on_interrupt();
    let mut early = |result: &ScriptResult| drop(write_all(&run.reports, result));
    let result = script::run(&mut agent, &script, &capture, cancel, &mut early).await;
    let unwritten = write_all(&run.reports, &result);
    let exit = end(&mut agent, &result, &unwritten)?;
    farewell(&mut agent, &options);
    match capture.closed() {
        // Nobody reads, but whoever started the program still learns what came of it.
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(exit),
    }
}

fn end(agent: &mut Agent, result: &ScriptResult, unwritten: &[Problem]) -> io::Result<Exit> {
    agent.say(&script::summary(result))?;
    let mut exit = if result.interrupted {
        Exit::Interrupted
    } else if result.error.is_some() || result.count(Status::Failed) > 0 {
        Exit::NotAchieved
    } else {
        Exit::Done
    };
    for problem in unwritten {
        exit = exit.worse(agent.fail(problem)?);
    }
    Ok(exit)
}

/// Takes context, namespace and world from the script where the command line says nothing about them.
fn go_where_it_says(script: &Script, options: &mut Options) {
    let names_a_cluster = options.sandbox.is_some() || options.context.is_some() || options.kubeconfig.is_some();
    if !names_a_cluster {
        options.sandbox.clone_from(&script.sandbox);
    }
    if options.sandbox.is_none() && options.context.is_none() {
        options.context.clone_from(&script.context);
    }
    if options.namespace.is_none() {
        options.namespace.clone_from(&script.namespace);
    }
}

/// Writes every report, also when another cannot be written.
fn write_all(reports: &[Report], result: &ScriptResult) -> Vec<Problem> {
    reports.iter().filter_map(|report| report.write(result).err()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_says_where_before_the_script_does() {
        let script = |sandbox: Option<&str>, context: Option<&str>| {
            let mut script = Script::named("smoke");
            script.sandbox = sandbox.map(str::to_owned);
            script.context = context.map(str::to_owned);
            script.namespace = Some("todo".to_owned());
            script
        };
        let gone = |script: &Script, mut options: Options| {
            go_where_it_says(script, &mut options);
            (options.sandbox, options.context, options.namespace)
        };
        let (some, todo) = (|word: &str| Some(word.to_owned()), Some("todo".to_owned()));
        let on_sandbox = Options { sandbox: some("hpa"), ..Options::default() };
        let on_context = Options { context: some("ci"), namespace: some("team"), ..Options::default() };
        let on_file = Options { kubeconfig: Some("kc".into()), ..Options::default() };
        let (world, real) = (script(Some("stuck"), None), script(None, Some("dev")));
        assert_eq!(gone(&world, Options::default()), (some("stuck"), None, todo.clone()));
        assert_eq!(gone(&real, Options::default()), (None, some("dev"), todo.clone()));
        assert_eq!(gone(&world, on_sandbox.clone()), (some("hpa"), None, todo.clone()));
        assert_eq!(gone(&real, on_sandbox), (some("hpa"), None, todo.clone()));
        assert_eq!(gone(&world, on_context.clone()), (None, some("ci"), some("team")));
        assert_eq!(gone(&real, on_context), (None, some("ci"), some("team")));
        assert_eq!(gone(&world, on_file.clone()), (None, None, todo.clone()));
        assert_eq!(gone(&real, on_file), (None, some("dev"), todo));
    }
}

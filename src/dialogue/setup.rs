//! From options and configuration to a conversation: which model, which bounds. Nothing is asked yet, no key is read.

use super::{Budgets, Dialogue};
use crate::{
    config::Config,
    model::{
        ModelSettings, connect,
        settings::{ModelFlags, ToolsForm},
    },
    options::{BudgetFlags, Options},
    problem::Problem,
    state::Environment,
};

/// What a model takes where nobody says so: little for a server on this machine, since such a server cuts what is longer
/// without a word.
const CONTEXT_HERE: usize = 32_000;
const CONTEXT_ELSEWHERE: usize = 128_000;

/// Returns the conversation with the configured model; `None` where none is configured.
///
/// # Errors
/// Returns what is wrong with the configuration.
pub fn dialogue(options: &Options, config: &Config, environment: Environment<'_>) -> Result<Option<Dialogue>, Problem> {
    let Some(settings) = settings(options, config, environment)? else { return Ok(None) };
    let mut dialogue = Dialogue::new(
        connect(&settings)?,
        budgets(options.budgets, config.budgets),
        config.planner,
        context_tokens(&settings),
    );
    dialogue.prices = settings.price;
    Ok(Some(dialogue))
}

/// Lets another model of the configured server answer. What was said stays.
///
/// # Errors
/// Returns what is wrong with the name; the model before then stays.
pub fn switch_model(
    dialogue: &mut Dialogue,
    options: &Options,
    config: &Config,
    environment: Environment<'_>,
) -> Result<(), Problem> {
    let Some(settings) = settings(options, config, environment)? else { return Ok(()) };
    dialogue.model = connect(&settings)?;
    dialogue.context_tokens = context_tokens(&settings);
    // What the price was of one model is not the other's.
    dialogue.prices = settings.price.filter(|_| options.model.model.is_none());
    Ok(())
}

fn settings(
    options: &Options,
    config: &Config,
    environment: Environment<'_>,
) -> Result<Option<ModelSettings>, Problem> {
    let tools = options.benchmark.writes_calls_as_text.then_some(ToolsForm::Text);
    let flags = ModelFlags { tools: options.model.tools.or(tools), ..options.model.clone() };
    ModelSettings::resolve(config.model.as_ref(), &flags, environment)
}

fn context_tokens(settings: &ModelSettings) -> usize {
    settings.context_tokens.unwrap_or(if settings.is_here() { CONTEXT_HERE } else { CONTEXT_ELSEWHERE })
}

/// Returns the bounds of a turn: the flag's, else the file's, else the usual.
fn budgets(flags: BudgetFlags, file: BudgetFlags) -> Budgets {
    let usual = Budgets::default();
    Budgets {
        steps: flags.steps.or(file.steps).unwrap_or(usual.steps),
        tokens: flags.tokens.or(file.tokens).or(usual.tokens),
        time: flags.time.or(file.time).or(usual.time),
    }
}

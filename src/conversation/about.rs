//! What the conversation says about itself: its model, what that cost, what may be done without asking. Pure text.

use todo_agent_cluster::policy::{Rule, RuleVerdict, Rules, Yes};

use crate::{
    commands::config::mode_word,
    dialogue::{Dialogue, PlannerUse},
};

/// What is said where no model is configured.
const NO_MODEL: &str = "No model is configured; the built-in planner answers.\n\
                        Name one with --model and --provider, or in the [model] table of config.toml.";

/// Says which model answers, and when.
pub(super) fn model(dialogue: Option<&Dialogue>) -> String {
    let Some(dialogue) = dialogue else { return NO_MODEL.to_owned() };
    let planner = match dialogue.planner {
        PlannerUse::First => "The built-in planner answers what it understands completely, the model the rest.",
        PlannerUse::Only => "The built-in planner answers everything; the model is not asked.",
        PlannerUse::Off => "The model answers everything.",
    };
    format!("{}\n{planner}", dialogue.model.describe())
}

/// Says what the model has cost.
pub(super) fn cost(dialogue: Option<&Dialogue>) -> String {
    let Some(dialogue) = dialogue else { return NO_MODEL.to_owned() };
    let used = dialogue.used;
    let mut lines = vec![
        format!("requests       {}", dialogue.requests),
        format!("tokens in      {} ({} of them cached)", used.input, used.cached),
        format!("tokens out     {}", used.output),
        format!("conversation   about {} of {} tokens", dialogue.history.tokens(), dialogue.context_tokens),
    ];
    match dialogue.prices {
        Some(prices) => lines.push(format!("cost           {:.4}", prices.of(used))),
        None => {
            lines.push("cost           not known: no price is configured ([model] price in config.toml)".to_owned());
        }
    }
    lines.join("\n")
}

/// Says what may be done without asking, and what never.
pub(super) fn policy(rules: &Rules, changes: &str) -> String {
    let mut lines = vec![format!("mode           {}", mode_word(rules.mode)), format!("changes        {changes}")];
    let yes = match (rules.unattended, rules.yes) {
        (true, _) => "everything, asked or protected (--unattended)",
        (false, Yes::High) => "every risk (--yes=high); protected objects are asked about all the same",
        (false, Yes::Medium) => "low and medium risk (--yes)",
        (false, Yes::No) => "nothing",
    };
    lines.push(format!("without asking {yes}"));
    lines.extend(rules.auto.iter().map(|(tool, namespace)| format!("auto           {tool} in {namespace}")));
    lines.extend(rules.rules.iter().map(|rule| format!("rule           {}", described(rule))));
    lines.push("always by name kube-system and its like; deleting namespaces, volumes, CRDs, cluster roles".to_owned());
    lines.join("\n")
}

fn described(rule: &Rule) -> String {
    let verdict = match rule.verdict {
        RuleVerdict::Ask => "ask",
        RuleVerdict::Forbid => "forbid",
    };
    let parts = [("tool", &rule.tool), ("kind", &rule.kind), ("namespace", &rule.namespace)];
    let parts: Vec<String> =
        parts.iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("{name} {value}"))).collect();
    if parts.is_empty() { format!("{verdict} everything") } else { format!("{verdict} {}", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use todo_agent_cluster::policy::Mode;

    use super::*;

    #[test]
    fn policy_is_told_as_it_is() {
        let rules = Rules {
            mode: Mode::Auto,
            yes: Yes::Medium,
            unattended: false,
            rules: vec![Rule {
                tool: None,
                kind: Some("Secret".into()),
                namespace: Some("prod".into()),
                verdict: RuleVerdict::Forbid,
            }],
            auto: vec![("scale".into(), "todo".into())],
        };
        assert_snapshot!(policy(&rules, "made once approved"), @r"
        mode           auto
        changes        made once approved
        without asking low and medium risk (--yes)
        auto           scale in todo
        rule           forbid kind Secret, namespace prod
        always by name kube-system and its like; deleting namespaces, volumes, CRDs, cluster roles
        ");
    }

    #[test]
    fn without_a_model_that_is_said() {
        assert!(model(None).starts_with("No model is configured"));
        assert!(cost(None).starts_with("No model is configured"));
    }
}

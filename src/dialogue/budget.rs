//! How much a turn with a model may take: steps, tokens, seconds.

use std::time::Duration;

use jiff::Timestamp;

use crate::{model::Usage, problem::Problem};

/// The bounds of one turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Budgets {
    /// How many requests to the model.
    pub steps: usize,
    /// How many tokens, of requests and answers together; none means no bound.
    pub tokens: Option<u64>,
    /// How long until no further request is begun; none means no bound.
    pub time: Option<Duration>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { steps: 25, tokens: None, time: None }
    }
}

/// What a turn has taken so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Requests answered.
    pub steps: usize,
    /// Their tokens.
    pub usage: Usage,
    /// When the turn began.
    pub since: Timestamp,
}

impl Spent {
    /// Returns a turn that begins now.
    pub fn nothing(now: Timestamp) -> Self {
        Self { steps: 0, usage: Usage::default(), since: now }
    }

    /// Returns why no further request may be made, if so.
    pub fn exceeds(&self, budgets: &Budgets, now: Timestamp) -> Option<Problem> {
        let tokens = self.usage.input + self.usage.output;
        let seconds = now.duration_since(self.since).unsigned_abs();
        let (what, flag) = if self.steps >= budgets.steps {
            (format!("{} steps", budgets.steps), "--max-steps")
        } else if budgets.tokens.is_some_and(|most| tokens >= most) {
            (format!("{tokens} tokens"), "--max-tokens")
        } else if budgets.time.is_some_and(|most| seconds >= most) {
            (format!("{} seconds", seconds.as_secs()), "--max-seconds")
        } else {
            return None;
        };
        let mut problem = Problem::state(format!("the model took {what} and was not done, so the turn ends here"));
        problem.code = "budget";
        Some(problem.hint(format!("ask for less at once, or allow more with {flag}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(steps: usize, tokens: u64) -> Spent {
        Spent { steps, usage: Usage { input: tokens, cached: 0, output: 0 }, since: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn each_bound_ends_the_turn_and_names_its_flag() {
        let budgets = Budgets { steps: 3, tokens: Some(100), time: Some(Duration::from_secs(5)) };
        let at = |second| Timestamp::from_second(second).unwrap();
        let hint = |spent: Spent, second| spent.exceeds(&budgets, at(second)).map(|problem| problem.hints[0].clone());
        assert_eq!(hint(spent(2, 99), 4), None);
        assert!(hint(spent(3, 0), 0).unwrap().ends_with("--max-steps"));
        assert!(hint(spent(0, 100), 0).unwrap().ends_with("--max-tokens"));
        assert!(hint(spent(0, 0), 5).unwrap().ends_with("--max-seconds"));
    }
}

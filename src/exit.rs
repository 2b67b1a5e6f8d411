//! The exit codes: a contract with scripts, one meaning each, in one place.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done; also a dry run after its preview, and a closed pipe.
    Done,
    /// Not achieved: a change that failed or was not verified, a condition not met, an error on the way.
    NotAchieved,
    /// Usage, configuration, or a sentence that was not understood.
    Usage,
    /// A change needs an approval that nobody could give, or somebody refused it.
    NotApproved,
    /// Policy forbids it.
    Forbidden,
    /// Incomplete, under `--strict`.
    Incomplete,
    /// Interrupted.
    Interrupted,
}

impl Exit {
    /// Every end there is.
    pub const ALL: [Self; 7] = [
        Self::Done,
        Self::NotAchieved,
        Self::Usage,
        Self::NotApproved,
        Self::Forbidden,
        Self::Incomplete,
        Self::Interrupted,
    ];

    /// Returns the process exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NotAchieved => 1,
            Self::Usage => 2,
            Self::NotApproved => 3,
            Self::Forbidden => 4,
            Self::Incomplete => 5,
            Self::Interrupted => 130,
        }
    }

    /// Returns the worse of two ends, for several sentences in one run: an interruption, then the higher
    /// code, except that "not achieved" outweighs "incomplete".
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let weight = |exit: Self| match exit {
            Self::Done => 0,
            Self::Incomplete => 1,
            Self::NotAchieved => 2,
            Self::Usage => 3,
            Self::NotApproved => 4,
            Self::Forbidden => 5,
            Self::Interrupted => 6,
        };
        if weight(other) > weight(self) { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_achieved_outweighs_incomplete() {
        assert_eq!(Exit::Incomplete.worse(Exit::NotAchieved), Exit::NotAchieved);
        assert_eq!(Exit::NotAchieved.worse(Exit::Incomplete), Exit::NotAchieved);
        assert_eq!(Exit::Done.worse(Exit::Done), Exit::Done);
        assert_eq!(Exit::Forbidden.worse(Exit::Interrupted).code(), 130);
    }
}

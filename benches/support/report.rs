//! A Markdown table of figures, each beside its bar, and the exit code that follows from them.
//!
//! A missed bar that must hold fails the benchmark; a missed aim is said and no more.

use std::{
    io::{self, Write},
    process::ExitCode,
};

/// What a figure is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bar {
    /// More is a failure.
    MustBeAtMost(f64),
    /// More is a pity.
    AimAtMost(f64),
    /// Less is a pity.
    AimAtLeast(f64),
}

impl Bar {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Self::MustBeAtMost(limit) | Self::AimAtMost(limit) => figure <= limit,
            Self::AimAtLeast(limit) => figure >= limit,
        }
    }

    fn text(self, unit: &str) -> String {
        match self {
            Self::MustBeAtMost(limit) => format!("must be ≤ {limit} {unit}"),
            Self::AimAtMost(limit) => format!("aim ≤ {limit} {unit}"),
            Self::AimAtLeast(limit) => format!("aim ≥ {limit} {unit}"),
        }
    }
}

/// The figures of one benchmark.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Vec<String>>,
    failed: bool,
}

impl Report {
    /// Adds a figure that is held against a bar.
    pub(crate) fn judged(&mut self, what: &str, figure: f64, unit: &str, bar: Bar) {
        let verdict = match (bar.is_met(figure), bar) {
            (true, _) => "met",
            (false, Bar::MustBeAtMost(_)) => {
                self.failed = true;
                "MISSED"
            }
            (false, Bar::AimAtMost(_) | Bar::AimAtLeast(_)) => "aim MISSED",
        };
        self.rows.push(vec![what.into(), rounded(figure, unit), bar.text(unit), verdict.into()]);
    }

    /// Adds a figure that has no bar.
    pub(crate) fn noted(&mut self, what: &str, figure: f64, unit: &str) {
        self.rows.push(vec![what.into(), rounded(figure, unit), String::new(), String::new()]);
    }

    /// Prints the figures and says whether every bar that must hold does.
    pub(crate) fn finish(self) -> io::Result<ExitCode> {
        table(&["measured", "figure", "bar", "verdict"], &self.rows)?;
        Ok(if self.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Returns a figure with as many decimals as its size makes meaningful; counts have none.
fn rounded(figure: f64, unit: &str) -> String {
    let decimals = match figure.abs() {
        _ if figure.fract() == 0.0 => 0,
        // A ratio is held against 1.
        _ if unit == "×" => 2,
        size if size >= 100.0 => 0,
        size if size >= 1.0 => 1,
        _ => 3,
    };
    format!("{figure:.decimals$} {unit}").trim_end().to_owned()
}

/// Prints a Markdown table and an empty line; columns are as wide as their content.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.chars().count())).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut out = io::stdout().lock();
    let mut line = |cells: &[String]| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        writeln!(out, "| {} |", padded.join(" | "))
    };
    line(&head.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    line(&widths.iter().map(|&width| "-".repeat(width)).collect::<Vec<_>>())?;
    for row in rows {
        line(row)?;
    }
    writeln!(out)
}

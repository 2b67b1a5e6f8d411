//! Shows a turn on a terminal: the answer on stdout, everything around it on stderr.
//!
//! Each stream has its own look, since one may be a pipe and the other not. Text from outside passes
//! through `visible` on its way, in [`Page`] or in `Output`.

use std::io::{self, IsTerminal, Write};

use todo_agent_core::{Event, text};

use super::{
    markdown::Markdown,
    page::Page,
    preview::preview_page,
    progress::{Drawing, ProgressLine},
    report::{ledger_page, report_page},
    step::step_page,
    style::{Look, Role},
};
use crate::{
    options::Colour,
    ui::{Answer, Audience, Failure, Meta, Ran, Shown, Ui, UsageShown},
};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// What a person needs.
    #[default]
    Normal,
    /// Also tool calls and requests: `-v`.
    Verbose,
}

/// Where the account of changes is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Account {
    /// On stdout, after the answer.
    #[default]
    WithAnswer,
    /// On stderr.
    Aside,
}

/// How much is shown of what a tool answers a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum ToolOutput {
    /// That it was called.
    #[default]
    Brief,
    /// All of it, on stderr.
    Whole,
}

/// Shows a turn on a terminal, or on whatever stdout and stderr are.
pub struct TerminalUi {
    out: Box<dyn Write + Send>,
    out_look: Look,
    err: Box<dyn Write + Send>,
    err_look: Look,
    progress: ProgressLine,
    detail: Detail,
    /// How a model's words are shown as they come.
    words: Markdown,
    /// Whether words of this turn were shown already.
    streamed: bool,
    /// Whether a model is in the middle of what it says.
    speaking: bool,
    account: Account,
    tool_output: ToolOutput,
    /// What went wrong while writing where no error could be returned.
    failed: Option<io::Error>,
}

impl TerminalUi {
    /// Returns the surface on the process's own stdout and stderr.
    pub fn new(wish: Colour, detail: Detail) -> Self {
        let err_look = Look::of_stderr(wish);
        let drawing = match (io::stderr().is_terminal(), std::env::var("TERM").as_deref()) {
            (false, _) | (true, Ok("dumb")) => Drawing::Lines,
            (true, _) => Drawing::Moving,
        };
        let progress = ProgressLine::new(Box::new(io::stderr()), err_look, drawing);
        let streams: [Box<dyn Write + Send>; 2] = [Box::new(io::stdout()), Box::new(io::stderr())];
        let mut ui = Self::on(streams, [Look::of_stdout(wish), err_look], progress, detail);
        if !io::stdout().is_terminal() {
            ui.words = Markdown::source();
        }
        ui
    }

    /// Returns the surface on these streams: the answer's, then the one for everything around it.
    pub fn on(
        [out, err]: [Box<dyn Write + Send>; 2],
        [out_look, err_look]: [Look; 2],
        progress: ProgressLine,
        detail: Detail,
    ) -> Self {
        let words = Markdown::new(out_look);
        Self {
            out,
            out_look,
            err,
            err_look,
            progress,
            detail,
            words,
            streamed: false,
            speaking: false,
            account: Account::default(),
            tool_output: ToolOutput::default(),
            failed: None,
        }
    }

    /// Puts the account of changes beside the answer, so that the answer is the last thing on stdout.
    #[must_use]
    pub fn with_account_aside(mut self) -> Self {
        self.account = Account::Aside;
        self
    }

    /// Shows the whole answers of the tools that a model calls.
    #[must_use]
    pub fn with_whole_tool_output(mut self) -> Self {
        self.tool_output = ToolOutput::Whole;
        self
    }

    /// Returns the progress line, for whoever else writes to the terminal.
    pub fn progress_line(&self) -> ProgressLine {
        self.progress.clone()
    }

    /// Returns how stderr looks.
    pub fn look(&self) -> Look {
        self.err_look
    }

    fn answer(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    fn answer_page(&mut self, page: &Page) -> io::Result<()> {
        let shown = page.show(self.out_look);
        self.answer(&shown)
    }

    fn aside(&mut self, page: &Page) -> io::Result<()> {
        self.err.write_all(page.show(self.err_look).as_bytes())?;
        self.err.flush()
    }

    fn aside_line(&mut self, role: Role, lead: &str, line: &str) -> io::Result<()> {
        let mut page = Page::new(self.err_look.width);
        page.add(role, lead, line);
        self.aside(&page)
    }

    fn show_meta(&mut self, meta: &Meta) -> io::Result<()> {
        if self.detail == Detail::Normal {
            return Ok(());
        }
        let place = format!("{}/{} on {}", meta.context, meta.namespace, meta.server);
        self.aside_line(Role::Faint, "todo-agent ", &format!("{}: {place}", meta.version))
    }

    fn show_ran(&mut self, ran: Ran<'_>, achieved: bool) -> io::Result<()> {
        let mark = if achieved { "" } else { ", not achieved" };
        self.aside_line(Role::Faint, "  ", &format!("{} ({}{mark})", **ran.call, seconds(ran.took)))
    }

    fn show_tool_failure(&mut self, ran: Ran<'_>, failure: &Failure) -> io::Result<()> {
        self.aside_line(Role::Faint, "  ", &format!("{} ({}): {}", **ran.call, seconds(ran.took), *failure.message))
    }

    fn show_words(&mut self, words: &str) -> io::Result<()> {
        let shown = self.words.push(words);
        (self.streamed, self.speaking) = (true, true);
        self.answer(&shown)
    }

    /// Ends a message of a model: the next one begins on a line of its own.
    fn end_words(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.speaking) {
            return Ok(());
        }
        let rest = self.words.finish();
        self.answer(&rest)
    }

    fn show_usage(&mut self, usage: &UsageShown) -> io::Result<()> {
        if usage.requests == 0 {
            return Ok(());
        }
        let UsageShown { requests, usage, estimated, cost } = usage;
        let mut line = text::count(*requests, "request");
        if *usage != crate::model::Usage::default() {
            let cached = if usage.cached > 0 { format!(" ({} cached)", usage.cached) } else { String::new() };
            let about = if *estimated { "about " } else { "" };
            line = format!("{line}, {about}{} tokens in{cached}, {} out", usage.input, usage.output);
        }
        if let Some(cost) = cost {
            line = format!("{line}, cost {cost:.4}");
        }
        self.aside_line(Role::Faint, "", &line)
    }

    fn show_answer(&mut self, answer: &Answer) -> io::Result<()> {
        if self.detail == Detail::Verbose {
            let mut page = Page::new(self.err_look.width);
            for call in &answer.understood {
                page.add(Role::Faint, "understood as: ", call);
            }
            self.aside(&page)?;
        }
        let mut page = Page::new(self.out_look.width);
        // What was said word by word is not said again.
        let streamed = std::mem::take(&mut self.streamed);
        if !streamed {
            page.add_paragraph(Role::Plain, &answer.text);
        }
        self.answer_page(&page)?;
        // Prose could claim anything, so the account stands beside it even when it is empty; results and
        // reports speak for themselves.
        if answer.text.is_empty() && answer.ledger.is_empty() && !streamed {
            return Ok(());
        }
        let page = ledger_page(&answer.ledger, self.out_look.width);
        match self.account {
            Account::WithAnswer => self.answer_page(&page),
            Account::Aside => self.aside(&page),
        }
    }

    fn show_failure(&mut self, failure: &Failure) -> io::Result<()> {
        let mut page = Page::new(self.err_look.width);
        let mut lines = failure.message.lines();
        page.add(Role::Bad, "error: ", lines.next().unwrap_or(&failure.code));
        for line in lines {
            page.add(Role::Plain, "       ", line);
        }
        for hint in &failure.hints {
            page.add(Role::Hint, "hint: ", hint);
        }
        self.aside(&page)
    }

    fn show_decision(&mut self, verdict: &str, by: &str, reason: Option<&str>) -> io::Result<()> {
        let reason = reason.filter(|reason| !reason.is_empty()).map(|reason| format!(": {reason}")).unwrap_or_default();
        let (role, line) = match verdict {
            // The person has just typed it.
            "approved" if matches!(by, "person" | "you") => return Ok(()),
            "approved" => (Role::Plain, format!("approved by {by}{reason}")),
            "declined" => (Role::Plain, format!("declined{reason}. Nothing was sent.")),
            "needs_approval" => (Role::Warn, format!("approval needed{reason}. Nothing was sent.")),
            "forbidden" => (Role::Bad, format!("forbidden by policy{reason}. Nothing was sent.")),
            "dry_run" => (Role::Plain, format!("dry run{reason}. Nothing was sent.")),
            "suggested" => (Role::Plain, format!("only suggested{reason}. Nothing was sent.")),
            "stopped" => (Role::Warn, format!("stopped{reason}. Nothing was sent.")),
            other => (Role::Plain, format!("{other} by {by}{reason}")),
        };
        self.aside_line(role, "", &line)
    }
}

impl Ui for TerminalUi {
    fn show(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        self.progress.clear();
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if !matches!(shown, Shown::Words(_)) {
            self.end_words()?;
        }
        match shown {
            Shown::Meta(meta) => self.show_meta(meta),
            Shown::Text(text) => {
                let mut page = Page::new(self.out_look.width);
                page.add_paragraph(Role::Plain, text);
                self.answer_page(&page)
            }
            Shown::ToolCall { tool, args } => match self.detail {
                Detail::Normal => Ok(()),
                Detail::Verbose => self.aside_line(Role::Faint, "call: ", &format!("{tool} {}", **args)),
            },
            Shown::ToolResult { output, audience: Audience::Model(ran), .. } => {
                self.show_ran(*ran, output.achieved())?;
                match self.tool_output {
                    ToolOutput::Brief => Ok(()),
                    ToolOutput::Whole => {
                        let text = format!("{}\n", output.for_person(self.err_look.width));
                        self.err.write_all(self.err_look.glyphs.adapt(&text).as_bytes())
                    }
                }
            }
            Shown::ToolFailed { failure, ran, .. } => self.show_tool_failure(*ran, failure),
            // The record's; what the model said was shown as it came.
            Shown::Heard { .. } | Shown::Model(_) => Ok(()),
            Shown::Words(words) => self.show_words(words),
            Shown::Usage(usage) => self.show_usage(usage),
            Shown::ToolResult { output, .. } => {
                let mut text = output.for_person(self.out_look.width);
                text.push('\n');
                let text = self.out_look.glyphs.adapt(&text).into_owned();
                self.answer(&text)
            }
            Shown::Preview(view) => self.aside(&preview_page(view, self.err_look.width)),
            Shown::Decision { verdict, by, reason, .. } => self.show_decision(verdict, by, *reason),
            Shown::Report(report) => self.answer_page(&report_page(report, self.out_look.width)),
            Shown::Question { text, choices } => {
                let mut page = Page::new(self.err_look.width);
                page.add_paragraph(Role::Strong, text);
                for choice in *choices {
                    page.add(Role::Plain, "  - ", choice);
                }
                self.aside(&page)
            }
            Shown::Answer(answer) => self.show_answer(answer),
            Shown::Error(failure) => self.show_failure(failure),
            Shown::Step(step) => self.answer_page(&step_page(step, self.out_look.width)),
        }
    }

    fn progress(&mut self, event: &Event) {
        let written = match event {
            // It would be drawn over the words.
            Event::Progress(_) if self.speaking => Ok(()),
            Event::Progress(text) => {
                self.progress.set(text);
                Ok(())
            }
            Event::Warning(text) => {
                self.progress.clear();
                self.end_words().and_then(|()| self.aside_line(Role::Warn, "warning: ", text))
            }
            Event::Note(text) => {
                self.progress.clear();
                self.aside_line(Role::Faint, "", text)
            }
            Event::Line(line) => {
                self.progress.clear();
                let line = text::visible(line, text::Lines::Escape);
                self.answer(&format!("{line}\n"))
            }
            Event::Request { method, path, purpose } if self.detail == Detail::Verbose => {
                self.progress.clear();
                self.aside_line(Role::Faint, "request: ", &format!("{method} {path} ({purpose})"))
            }
            _ => Ok(()),
        };
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }
}

impl std::fmt::Debug for TerminalUi {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TerminalUi").field("detail", &self.detail).finish_non_exhaustive()
    }
}

/// Returns a time as people say it: `0.2 s`.
fn seconds(took: std::time::Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
#[path = "ui_tests.rs"]
mod tests;

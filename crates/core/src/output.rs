//! What a read tool answers: typed data and a way to show it, both redacted when they are built.
//!
//! One answer serves three readers: a person (tables at the terminal's width), a model (bounded, with the
//! cut named) and a program (`--json`, whole).

use comfy_table::{ColumnConstraint, ContentArrangement, Table, TableStyle, Width};
use serde::Serialize;
use serde_json::Value;

use crate::{
    redact::{Redacted, Redactor},
    text::{self, Lines},
};

/// How many bytes of an answer a model gets unless told otherwise.
pub const MODEL_BYTES: usize = 8 * 1024;

/// A tool's answer.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Output {
    data: Redacted<Value>,
    blocks: Vec<Block>,
    achieved: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Block {
    Text(Redacted<String>),
    Fields(Vec<(Redacted<String>, Redacted<String>)>),
    Table { columns: Vec<String>, rows: Vec<Vec<Redacted<String>>> },
    Lines(Vec<Redacted<String>>),
    Outline(Vec<(String, Redacted<String>)>),
}

impl Output {
    /// Starts an answer from its typed data.
    pub fn build<'a>(redactor: &'a Redactor, data: &impl Serialize) -> OutputBuilder<'a> {
        OutputBuilder { redactor, data: redactor.data(data), blocks: Vec::new(), achieved: true }
    }

    /// Returns an answer as it was recorded: its data and its text, whatever it was laid out like.
    pub fn recorded(redactor: &Redactor, data: &Value, text: &str, achieved: bool) -> Self {
        Self { data: redactor.value(data), blocks: vec![Block::Text(redactor.text(text))], achieved }
    }

    /// Returns the typed data, whole.
    pub fn for_json(&self) -> &Redacted<Value> {
        &self.data
    }

    /// Returns whether what was asked came about; a wait whose condition was not met answers truthfully
    /// and still did not achieve it.
    pub fn achieved(&self) -> bool {
        self.achieved
    }

    /// Returns the answer as text for a terminal of this many columns.
    pub fn for_person(&self, width: usize) -> String {
        let shown: Vec<String> = self.blocks.iter().map(|block| block.render(Some(width))).collect();
        shown.join("\n\n")
    }

    /// Returns the answer as text of at most this many bytes; what was cut is named.
    pub fn for_model(&self, bytes: usize) -> String {
        let shown: Vec<String> = self.blocks.iter().map(|block| block.render(None)).collect();
        text::middle_out(&shown.join("\n\n"), bytes)
    }
}

impl Block {
    fn render(&self, width: Option<usize>) -> String {
        match self {
            Self::Text(text) => text::visible(text, Lines::Keep),
            Self::Lines(lines) => {
                lines.iter().map(|line| text::visible(line, Lines::Escape)).collect::<Vec<_>>().join("\n")
            }
            Self::Fields(fields) => {
                let names: Vec<String> = fields.iter().map(|(name, _)| text::visible(name, Lines::Escape)).collect();
                let widest = names.iter().map(|name| text::width(name)).max().unwrap_or(0);
                let lines = names.iter().zip(fields).map(|(name, (_, value))| {
                    let padding = " ".repeat(widest - text::width(name));
                    let indent = format!("\n{}", " ".repeat(widest + 2));
                    format!("{name}{padding}  {}", text::visible(value, Lines::Keep).replace('\n', &indent))
                });
                lines.collect::<Vec<_>>().join("\n")
            }
            Self::Table { columns, rows } => render_table(columns, rows, width),
            Self::Outline(items) => {
                items.iter().map(|(lead, text)| hanging(lead, text, width)).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// Returns a text behind its lead; what does not fit goes on below the text, not below the lead.
fn hanging(lead: &str, text: &str, width: Option<usize>) -> String {
    let text = text::visible(text, Lines::Escape);
    let indent = text::width(lead);
    let left = width.map_or(usize::MAX, |width| width.saturating_sub(indent).max(NARROWEST_LAST_COLUMN));
    let next = format!("\n{}", " ".repeat(indent));
    format!("{lead}{}", text::wrap(&text, left).join(&next)).trim_end().to_owned()
}

/// The narrowest a last column is made before the table rather overflows, as kubectl's does.
const NARROWEST_LAST_COLUMN: usize = 16;

/// Lays out a table. Names must stay whole to be copied, so only the last column, which holds the prose,
/// is wrapped, and only where enough room is left for it.
fn render_table(columns: &[String], rows: &[Vec<Redacted<String>>], width: Option<usize>) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| text::visible(cell, Lines::Escape)).collect()).collect();
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_header(columns).set_content_arrangement(ContentArrangement::Disabled);
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(columns.get(column));
        cells.map(|cell| text::width(cell)).max().unwrap_or(0)
    };
    let last = columns.len().saturating_sub(1);
    let taken: usize = (0..last).map(|column| widest(column) + 2).sum();
    let left = width.map_or(usize::MAX, |width| width.saturating_sub(taken));
    table.add_rows(&rows);
    if left >= NARROWEST_LAST_COLUMN && left < widest(last) {
        // The column's own padding counts towards its width.
        let bound = u16::try_from(left + 2).unwrap_or(u16::MAX);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::MAX);
        if let Some(column) = table.column_mut(last) {
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(bound)));
        }
    }
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Builds an [`Output`]; every text passes through the redactor on its way in.
#[derive(Debug)]
#[must_use]
pub struct OutputBuilder<'a> {
    redactor: &'a Redactor,
    data: Redacted<Value>,
    blocks: Vec<Block>,
    achieved: bool,
}

impl OutputBuilder<'_> {
    /// Adds a paragraph.
    pub fn text(mut self, text: impl AsRef<str>) -> Self {
        self.blocks.push(Block::Text(self.redactor.text(text.as_ref())));
        self
    }

    /// Adds a list of names and values.
    pub fn fields<N: AsRef<str>, V: AsRef<str>>(mut self, fields: impl IntoIterator<Item = (N, V)>) -> Self {
        let fields = fields
            .into_iter()
            .map(|(name, value)| {
                // A name that means a secret masks its value, so the pair is redacted as one.
                let pair = self.redactor.value(&serde_json::json!({ name.as_ref(): value.as_ref() })).into_inner();
                let shown = pair.as_object().and_then(|pair| pair.values().next()).and_then(Value::as_str);
                (self.redactor.text(name.as_ref()), self.redactor.text(shown.unwrap_or_default()))
            })
            .collect();
        self.blocks.push(Block::Fields(fields));
        self
    }

    /// Adds a table.
    pub fn table(mut self, columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Self {
        let rows = rows.into_iter().map(|row| row.iter().map(|cell| self.redactor.text(cell)).collect()).collect();
        self.blocks.push(Block::Table { columns: columns.iter().map(|&column| column.to_owned()).collect(), rows });
        self
    }

    /// Adds lines from outside, such as a log; each is shown on one line whatever it holds.
    pub fn lines(mut self, lines: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        // Redacted together first: a PEM key spans lines.
        let joined = lines.into_iter().map(|line| line.as_ref().replace('\n', " ")).collect::<Vec<_>>().join("\n");
        let redacted = self.redactor.text(&joined);
        self.blocks.push(Block::Lines(redacted.lines().map(|line| self.redactor.text(line)).collect()));
        self
    }

    /// Adds an outline: texts behind their leads, which are the program's own words and say how deep a text stands.
    pub fn outline<L: Into<String>, T: AsRef<str>>(mut self, items: impl IntoIterator<Item = (L, T)>) -> Self {
        let items = items.into_iter().map(|(lead, text)| (lead.into(), self.redactor.text(text.as_ref()))).collect();
        self.blocks.push(Block::Outline(items));
        self
    }

    /// Marks that what was asked did not come about.
    pub fn not_achieved(mut self) -> Self {
        self.achieved = false;
        self
    }

    /// Finishes the answer.
    pub fn build(self) -> Output {
        Output { data: self.data, blocks: self.blocks, achieved: self.achieved }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_redacted_for_every_reader() {
        let redactor = Redactor::new([1; 32]);
        let output = Output::build(&redactor, &json!({"env": {"DB_PASSWORD": "hunter22"}}))
            .text("connects to postgres://todo:hunter22@db/todo")
            .fields([("DB_PASSWORD", "hunter22")])
            .table(&["LINE"], [vec!["password=hunter22".to_owned()]])
            .lines(["token: hunter22"])
            .build();
        for shown in [output.for_person(80), output.for_model(MODEL_BYTES), output.for_json().to_string()] {
            assert!(!shown.contains("hunter22"), "{shown}");
        }
    }

    #[test]
    fn a_table_is_aligned_and_has_no_trailing_space() {
        let redactor = Redactor::new([1; 32]);
        let output = Output::build(&redactor, &json!(null))
            .table(&["NAME", "READY"], [vec!["backend".to_owned(), "2/2".to_owned()]])
            .build();
        assert_eq!(output.for_person(80), "NAME     READY\nbackend  2/2");
    }

    #[test]
    fn names_stay_whole_and_prose_is_wrapped() {
        let redactor = Redactor::new([1; 32]);
        let row = vec!["backend-59679ddd97-mw94d".to_owned(), "the readiness probe answers with 503".to_owned()];
        let output = Output::build(&redactor, &json!(null)).table(&["NAME", "MESSAGE"], [row]).build();
        assert_eq!(
            output.for_person(50),
            "NAME                      MESSAGE\n\
             backend-59679ddd97-mw94d  the readiness probe\n                          answers with 503"
        );
        // Too narrow for both: the line overflows rather than cutting the name.
        assert!(output.for_person(30).contains("backend-59679ddd97-mw94d  the readiness probe answers with 503"));
    }

    #[test]
    fn an_outline_goes_on_below_its_text() {
        let redactor = Redactor::new([1; 32]);
        let items = [("warning  ", "the image of web cannot be pulled\nfrom there"), ("  fix  ", "set another")];
        let output = Output::build(&redactor, &json!(null)).outline(items).build();
        assert_eq!(
            output.for_person(30),
            "warning  the image of web\n         cannot be\n         pulled\\u{a}from there\n  fix  set another"
        );
    }

    #[test]
    fn a_recorded_answer_reads_as_the_one_it_was() {
        let redactor = Redactor::new([1; 32]);
        let output = Output::build(&redactor, &json!({"pods": [{"name": "a\\b"}], "token": "hunter22"}))
            .table(&["NAME", "TOKEN"], [vec!["a\\b\u{1b}".to_owned(), "token=hunter22".to_owned()]])
            .text("two\nlines \u{202e}")
            .not_achieved()
            .build();
        let text = output.for_model(MODEL_BYTES);
        let recorded = Output::recorded(&Redactor::new([2; 32]), output.for_json(), &text, output.achieved());
        assert_eq!(recorded.for_model(MODEL_BYTES), text);
        assert_eq!((recorded.for_json(), recorded.achieved()), (output.for_json(), false));
    }

    #[test]
    fn a_model_gets_a_bounded_answer() {
        let redactor = Redactor::new([1; 32]);
        let output = Output::build(&redactor, &json!(null)).lines((0..10_000).map(|n| format!("line {n}"))).build();
        let shown = output.for_model(MODEL_BYTES);
        assert!(shown.len() <= MODEL_BYTES && shown.contains("bytes left out"));
    }
}

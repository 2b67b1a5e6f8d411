//! The columns of each kind's table: `columns.yaml`, read once, when the first table is asked for.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

/// One column: name, type, format, priority, description.
#[derive(Debug, Deserialize)]
pub(super) struct Column(String, String, String, i64, String);

static COLUMNS: LazyLock<HashMap<String, Vec<Column>>> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("columns.yaml")).unwrap_or_default());

/// Returns the columns of a kind.
pub(super) fn of(kind: &str) -> &'static [Column] {
    COLUMNS.get(kind).or_else(|| COLUMNS.get("default")).map_or(&[], Vec::as_slice)
}

impl Column {
    /// Returns the column as a `TableColumnDefinition`.
    pub(super) fn json(&self) -> Value {
        let Self(name, kind, format, priority, description) = self;
        json!({"name": name, "type": kind, "format": format, "description": description, "priority": priority})
    }
}

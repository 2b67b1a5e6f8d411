//! `list`: a table like kubectl's for any kind, with totals that are always true.
//!
//! Secrets and ConfigMaps are listed by their metadata only. An empty answer says where it looked and
//! what there is elsewhere; only then is more than one request sent.

mod columns;
mod filter;

use std::collections::BTreeMap;

use columns::Row;
use filter::{Sort, Status};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{
    Cause, ClusterError, ListQuery, Output, Reader, ResourceType, Run, ToolError, Within, reader::Sink,
};
use todo_agent_kube_rules::{kinds, selectors::LabelSelector};

use crate::{resolve, tool::Read, value, words};

/// List objects of a kind as a table with true totals.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListArgs {
    /// any kubectl kind or alias: pods, deploy, nodes
    kind: String,
    namespace: Option<String>,
    all_namespaces: Option<bool>,
    /// labels: app=backend
    selector: Option<String>,
    name_contains: Option<String>,
    /// not_ready, failing, pending, running, crashing, completed, or a STATUS word
    status: Option<String>,
    sort: Option<Sort>,
    limit: Option<u32>,
    count_only: Option<bool>,
}

/// The tool.
pub(crate) struct List;

impl Read for List {
    const NAME: &'static str = "list";
    type Args = ListArgs;

    fn example(&self) -> Value {
        json!({"kind": "pods", "status": "not_ready"})
    }

    async fn read<'a>(&'a self, args: ListArgs, reader: &'a dyn Reader, run: &'a Run) -> Result<Output, ToolError> {
        run.check()?;
        let listing = Listing::new(&args, reader).await?;
        let mut lines = Lines { resource: &listing.resource, now: run.clock.now(), rows: Vec::new() };
        reader.list_into(&listing.query(&args), &mut lines).await.map_err(|error| listing.refused(error))?;
        let mut rows = lines.rows;
        if rows.is_empty() {
            return listing.nothing(&args, reader, run).await;
        }
        let everything = listing.summary(&rows);
        let total = rows.len();
        let contains = args.name_contains.as_deref().map(str::to_lowercase);
        rows.retain(|row| contains.as_ref().is_none_or(|part| row.name.to_lowercase().contains(part)));
        if let Some(status) = &listing.status {
            rows.retain(|row| status.fits(row));
        }
        args.sort.unwrap_or_default().apply(&mut rows);
        Ok(listing.answer(&args, &rows, total, &everything, run))
    }
}

/// Makes a row of each object as it comes, so that thousands of them are never held at once.
struct Lines<'a> {
    resource: &'a ResourceType,
    now: Timestamp,
    rows: Vec<Row>,
}

impl Sink for Lines<'_> {
    fn begin_again(&mut self) {
        self.rows.clear();
    }

    fn take(&mut self, object: Value) {
        self.rows.push(columns::row(self.resource, &object, self.now));
    }
}

/// A list request after its arguments were checked.
struct Listing {
    resource: ResourceType,
    /// The namespace; `None` for all of them.
    namespace: Option<String>,
    status: Option<Status>,
}

impl Listing {
    async fn new(args: &ListArgs, reader: &dyn Reader) -> Result<Self, ToolError> {
        words::check("kind", args.kind.trim())?;
        if args.limit == Some(0) {
            return Err(ToolError::arguments("limit must be at least 1").hint("use count_only for the number alone"));
        }
        if let Some(selector) = &args.selector {
            LabelSelector::parse(selector).map_err(|error| {
                ToolError::arguments(format!("selector \"{selector}\" cannot be read: {error}"))
                    .hint("write it as app=backend,tier!=web")
            })?;
        }
        let resource = reader.kind(args.kind.trim()).await?;
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let everywhere = args.all_namespaces == Some(true) || !resource.namespaced;
        let status = args.status.as_deref().map(|word| Status::read(word, &resource)).transpose()?;
        Ok(Self { namespace: (!everywhere).then(|| namespace.to_owned()), resource, status })
    }

    fn query(&self, args: &ListArgs) -> ListQuery {
        let within = self.namespace.clone().map_or(Within::Everywhere, Within::Namespace);
        let query = columns::query(&self.resource, within);
        match &args.selector {
            Some(selector) => query.labels(selector),
            None => query,
        }
    }

    /// Adds to a refusal that one namespace may be allowed where all are not.
    fn refused(&self, error: ClusterError) -> ToolError {
        let whole = self.namespace.is_none() && self.resource.namespaced && error.is(Cause::Forbidden);
        let error = ToolError::from(error);
        if whole { error.hint("a single namespace may be allowed; name one") } else { error }
    }

    /// Returns ` in namespace todo`, ` in all namespaces`, or nothing for a cluster-scoped kind.
    fn place(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!(" in namespace {namespace}"),
            None if self.resource.namespaced => " in all namespaces".to_owned(),
            None => String::new(),
        }
    }

    /// Returns `12 pods in namespace todo, 2 not ready`.
    fn summary(&self, rows: &[Row]) -> String {
        let singular = kinds::find(&self.resource.kind)
            .filter(|kind| kind.kind == self.resource.kind)
            .map_or_else(|| self.resource.kind.to_lowercase(), |kind| kind.singular.to_owned());
        let noun = if rows.len() == 1 { singular } else { self.plural().to_owned() };
        format!("{} {noun}{}{}", rows.len(), self.place(), health(rows))
    }

    fn plural(&self) -> &str {
        &self.resource.plural
    }

    fn answer(&self, args: &ListArgs, rows: &[Row], total: usize, everything: &str, run: &Run) -> Output {
        let limit = args.limit.map_or(rows.len(), |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let shown = &rows[..rows.len().min(limit)];
        let (table_columns, wide) =
            (columns::columns(&self.resource), self.namespace.is_none() && self.resource.namespaced);
        let headline = if rows.is_empty() {
            format!("no {} match; there are {everything}", self.plural())
        } else if rows.len() < total {
            format!("{} of {total} {}{} match{}", rows.len(), self.plural(), self.place(), health(rows))
        } else {
            everything.to_owned()
        };
        let fields = columns::field_names(table_columns);
        let data = json!({
            "kind": self.resource.kind, "namespace": self.namespace, "total": total, "matching": rows.len(),
            "shown": if args.count_only == Some(true) { 0 } else { shown.len() },
            "not_ready": rows.iter().filter(|row| row.health.is_not_ready()).count(),
            "items": if args.count_only == Some(true) { Vec::new() } else {
                shown.iter().map(|row| row.data(&fields)).collect::<Vec<_>>()
            },
        });
        let mut output = Output::build(&run.redactor, &data).text(&headline);
        drop(data);
        if shown.is_empty() || args.count_only == Some(true) {
            return output.build();
        }
        let names: Vec<&str> = wide.then_some("NAMESPACE").into_iter().chain(table_columns.iter().copied()).collect();
        output = output.table(
            &names,
            shown.iter().map(|row| {
                let namespace = wide.then(|| row.namespace.clone());
                namespace.into_iter().chain(row.cells.iter().cloned()).collect()
            }),
        );
        if shown.len() < rows.len() {
            output = output.text(format!(
                "{} of {} shown; give limit, or narrow with selector, name_contains or status",
                shown.len(),
                rows.len()
            ));
        }
        output.build()
    }

    /// Answers that there is nothing, after looking whether the namespace exists and what others hold.
    async fn nothing(&self, args: &ListArgs, reader: &dyn Reader, run: &Run) -> Result<Output, ToolError> {
        let with = args.selector.as_ref().map_or_else(String::new, |selector| format!(" with {selector}"));
        let mut text = format!("no {}{with}{}", self.plural(), self.place());
        let mut elsewhere: BTreeMap<String, usize> = BTreeMap::new();
        if let Some(namespace) = &self.namespace {
            if let Some(error) = resolve::missing_namespace(reader, namespace).await? {
                return Err(error);
            }
            let query = ListQuery { within: Within::Everywhere, ..self.query(args).metadata_only() };
            // What is elsewhere is a courtesy; its failure must not spoil the answer.
            for object in reader.list(&query).await.unwrap_or_default() {
                *elsewhere.entry(value::text(&object, "/metadata/namespace").to_owned()).or_default() += 1;
            }
            if !elsewhere.is_empty() {
                let found: Vec<String> =
                    elsewhere.iter().map(|(place, number)| format!("{place} ({number})")).collect();
                text = format!("{text}; there are some in {}", resolve::some_of(&found));
            }
        }
        let data = json!({
            "kind": self.resource.kind, "namespace": self.namespace, "total": 0, "matching": 0, "shown": 0,
            "not_ready": 0, "items": [], "elsewhere": elsewhere,
        });
        Ok(Output::build(&run.redactor, &data).text(text).build())
    }
}

/// Returns `, 2 not ready (1 failing)`, or nothing where all is well.
fn health(rows: &[Row]) -> String {
    let not_ready = rows.iter().filter(|row| row.health.is_not_ready()).count();
    let failing = rows.iter().filter(|row| row.health == columns::Health::Failing).count();
    match (not_ready, failing) {
        (0, _) => String::new(),
        (_, 0) => format!(", {not_ready} not ready"),
        _ => format!(", {not_ready} not ready ({failing} failing)"),
    }
}

#[cfg(test)]
mod tests;

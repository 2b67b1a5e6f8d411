//! Turns a person's word into one object: fetches names (metadata only, as few lists as will do), lets
//! `core::names` decide, and words the error where it cannot.
//!
//! Kinds come in tiers. A later tier is fetched only when an earlier one has no answer, so that the usual
//! word costs two or three requests; other namespaces are looked at only when nothing fits at all.

use todo_agent_core::{
    Cause, ClusterError, NameEntry, Names, ObjectRef, Reader, ResourceType, ToolError, Within,
    names::{self as rules, Fit, NameError, Wanted},
};
use todo_agent_kube_rules::kinds;

use crate::{
    arguments,
    names::{self, Fetched},
    words,
};

/// The most owners that are looked at to see whether they belong to one workload.
const MOST_OWNERS: usize = 4;

/// What is looked for.
#[derive(Debug)]
pub struct Lookup<'a> {
    /// The argument the word was given as; complaints name it.
    pub argument: &'a str,
    /// The person's word: `backend`, `deployment/backend`.
    pub word: &'a str,
    /// The namespace to look in.
    pub namespace: &'a str,
    /// The kinds it may be, in the order they are tried.
    pub tiers: Vec<Vec<ResourceType>>,
    /// Whether an earlier tier's loose match may beat a later tier's exact one.
    pub order: Order,
    /// What to do with an object of a later tier.
    pub climb: Climb<'a>,
}

/// Whether a loose match is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The first tier with any match decides.
    FirstMatch,
    /// An exact match in a later tier is preferred to a loose one before it.
    ExactFirst,
}

/// What a word that names a part of a workload means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Climb<'a> {
    /// The workload at the top; it must be of one of these kinds.
    ToWorkload(&'a [&'a str]),
    /// The object itself.
    Stay,
}

/// The object a word means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The object.
    pub object: ObjectRef,
    /// How the word led to it.
    pub how: How,
    /// What to tell the person about the way there; empty for an exact name.
    pub notes: Vec<String>,
}

/// How a word led to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is the object's name.
    Exact,
    /// It is a label or a part of the name.
    Loose,
    /// It names something the object owns.
    Owner,
}

impl Resolved {
    fn new(object: ObjectRef, how: How, word: &str) -> Self {
        let notes = match how {
            How::Exact => Vec::new(),
            How::Loose | How::Owner => vec![format!("{word} → {}", object.short())],
        };
        Self { object, how, notes }
    }
}

/// Returns the object that a word means.
///
/// # Errors
/// Returns an error about the word, with candidates or nearest names, or the cluster's refusal.
pub async fn find(reader: &dyn Reader, lookup: &Lookup<'_>) -> Result<Resolved, ToolError> {
    let word = words::parse(lookup.argument, lookup.word)?;
    let lowered = word.name.to_ascii_lowercase();
    let search = Search { reader, lookup, word: &lowered, tiers: tiers(lookup, word.kind)? };
    search.run().await
}

/// Returns the tiers to look in: those of the lookup, or only the kind the person named.
fn tiers(lookup: &Lookup<'_>, kind: Option<&str>) -> Result<Vec<Vec<ResourceType>>, ToolError> {
    let Some(kind) = kind else { return Ok(lookup.tiers.clone()) };
    let wanted = kinds::find(kind);
    let known = || lookup.tiers.iter().flatten();
    if let Some(found) = known().find(|known| wanted.is_some_and(|wanted| wanted.kind == known.kind)) {
        return Ok(vec![vec![found.clone()]]);
    }
    let first: Vec<String> =
        lookup.tiers.first().into_iter().flatten().map(|known| known.kind.to_lowercase()).collect();
    if let Some(wanted) = wanted {
        let (noun, first) = (words::with_article(wanted.singular), alternatives(&first));
        return Err(ToolError::arguments(format!("{} cannot be {noun}; it is {first}", lookup.argument)));
    }
    let error = ToolError::arguments(format!("{} names an unknown kind \"{kind}\"", lookup.argument));
    let known: Vec<String> = known().map(|known| known.kind.to_lowercase()).collect();
    Err(match arguments::nearest(&kind.to_lowercase(), known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint(format!("it is {}", alternatives(&first))),
    })
}

struct Search<'a> {
    reader: &'a dyn Reader,
    lookup: &'a Lookup<'a>,
    word: &'a str,
    tiers: Vec<Vec<ResourceType>>,
}

impl Search<'_> {
    async fn run(&self) -> Result<Resolved, ToolError> {
        let mut seen = Fetched::default();
        let mut loose: Vec<NameEntry> = Vec::new();
        for tier in &self.tiers {
            let within = Within::Namespace(self.lookup.namespace.to_owned());
            let fetched = names::fetch(self.reader, tier, &within).await?;
            seen.refused.extend(fetched.refused);
            let names = Names { entries: fetched.entries, namespaces: Vec::new() };
            let found = match rules::resolve(&names, self.wanted(&[], None)) {
                Ok(entry) => vec![entry.clone()],
                Err(NameError::Ambiguous(found)) => found,
                Err(NameError::Unknown { .. } | NameError::NotExact(_)) => Vec::new(),
            };
            seen.entries.extend(names.entries);
            // With a loose match in hand, only an exact one in a later tier counts.
            if found.first().is_some_and(|entry| entry.name == self.word) {
                return self.choose(&found, How::Exact, &seen).await;
            }
            if loose.is_empty() {
                loose = found;
            }
            if !loose.is_empty() && self.lookup.order == Order::FirstMatch {
                break;
            }
        }
        if loose.is_empty() { self.nothing(seen).await } else { self.choose(&loose, How::Loose, &seen).await }
    }

    /// Takes the only match. Several that belong to one workload mean that workload.
    async fn choose(&self, found: &[NameEntry], how: How, seen: &Fetched) -> Result<Resolved, ToolError> {
        let Some(first) = found.first() else { return Err(ambiguous(self.word, self.lookup.namespace, found)) };
        if found.len() == 1 {
            return self.accept(first, how, seen).await;
        }
        if matches!(self.lookup.climb, Climb::ToWorkload(_)) {
            // Pods of an old and a new ReplicaSet: few owners, one workload above them.
            let mut by_owner: Vec<&NameEntry> = found.iter().filter(|entry| entry.owner.is_some()).collect();
            let all_owned = by_owner.len() == found.len();
            by_owner.dedup_by_key(|entry| &entry.owner);
            if all_owned && by_owner.len() <= MOST_OWNERS {
                let mut tops = Vec::new();
                for entry in by_owner {
                    tops.push(self.climb(entry).await?);
                }
                tops.dedup_by(|one, two| (&one.kind, &one.name) == (&two.kind, &two.name));
                if tops.len() == 1 {
                    return self.accept(first, How::Loose, seen).await;
                }
            }
        }
        Err(ambiguous(self.word, self.lookup.namespace, found))
    }

    fn wanted<'w>(&'w self, kinds: &'w [&'w str], namespace: Option<&'w str>) -> Wanted<'w> {
        Wanted { word: self.word, kinds, namespace, fit: Fit::Loose }
    }

    fn object(&self, entry: &NameEntry) -> Result<ObjectRef, ToolError> {
        let resource = self
            .tiers
            .iter()
            .chain(&self.lookup.tiers)
            .flatten()
            .find(|resource| resource.kind == entry.kind)
            .cloned()
            .or_else(|| kinds::find(&entry.kind).map(ResourceType::from));
        let resource = resource.ok_or_else(|| ToolError::name(format!("the kind {} is not known", entry.kind)))?;
        let namespace = resource.namespaced.then(|| self.lookup.namespace.to_owned());
        Ok(ObjectRef { resource, namespace, name: entry.name.clone() })
    }

    async fn accept(&self, entry: &NameEntry, how: How, seen: &Fetched) -> Result<Resolved, ToolError> {
        let object = self.object(entry)?;
        let in_first = self.lookup.tiers.first().is_some_and(|tier| tier.contains(&object.resource));
        let mut resolved = match self.lookup.climb {
            Climb::ToWorkload(targets) if !in_first => {
                let top = self.object(&self.climb(entry).await?)?;
                if !targets.contains(&top.resource.kind.as_str()) {
                    return Err(not_a_workload(&object, &top, targets));
                }
                let how = if top == object { how } else { How::Owner };
                let word = if self.word == object.name { object.short() } else { self.word.to_owned() };
                Resolved::new(top, how, &word)
            }
            Climb::ToWorkload(_) | Climb::Stay => Resolved::new(object, how, self.word),
        };
        // A kind the cluster does not serve has no objects; one that may not be listed may have.
        let forbidden = seen.refused.iter().filter(|(_, error)| error.is(Cause::Forbidden));
        let kinds: Vec<&str> = forbidden.map(|(resource, _)| resource.plural.as_str()).collect();
        if !kinds.is_empty() {
            resolved.notes.push(format!("{} may not be listed, so a match there is not known", kinds.join(" and ")));
        }
        Ok(resolved)
    }

    /// Follows controlling owners as long as they are built-in kinds; a custom controller above a
    /// workload does not make the workload any less the thing that is meant.
    async fn climb(&self, entry: &NameEntry) -> Result<NameEntry, ToolError> {
        let mut top = entry.clone();
        for _ in 0..4 {
            let Some((kind, name)) = top.owner.clone() else { break };
            let Some(kind) = kinds::find(&kind) else { break };
            let owner = ObjectRef::new(kind, self.lookup.namespace, &name);
            match self.reader.get(&owner).await {
                Ok(object) => top = names::entry(&owner.resource, &object),
                Err(error) if error.is(Cause::NotFound) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(top)
    }

    async fn nothing(&self, seen: Fetched) -> Result<Resolved, ToolError> {
        let all_refused = seen.refused.len() == self.tiers.iter().flatten().count();
        if let Some(resolved) = self.by_exact_name(&seen).await? {
            return Ok(resolved);
        }
        if let Some((_, error)) = seen.refused.into_iter().next().filter(|_| all_refused) {
            return Err(error.into());
        }
        if seen.entries.is_empty()
            && let Some(error) = missing_namespace(self.reader, self.lookup.namespace).await?
        {
            return Err(error);
        }
        let primary = self.tiers.first().map_or(&[][..], Vec::as_slice);
        let everywhere = names::fetch(self.reader, primary, &Within::Everywhere).await?;
        let mut entries = seen.entries;
        entries.extend(everywhere.entries);
        entries.sort_by(|one, two| (&one.namespace, &one.kind, &one.name).cmp(&(&two.namespace, &two.kind, &two.name)));
        entries.dedup_by(|one, two| (&one.namespace, &one.kind, &one.name) == (&two.namespace, &two.kind, &two.name));
        let names = Names { entries, namespaces: Vec::new() };
        let kinds: Vec<String> = primary.iter().map(|resource| resource.kind.to_lowercase()).collect();
        let namespaced = primary.iter().any(|resource| resource.namespaced);
        let place = if namespaced { format!(" in namespace {}", self.lookup.namespace) } else { String::new() };
        let what = if kinds.len() > 3 { "nothing named".to_owned() } else { format!("no {}", either(&kinds)) };
        let mut error = ToolError::name(format!("there is {what} \"{}\"{place}", self.word));
        let namespace = namespaced.then_some(self.lookup.namespace);
        if let Err(NameError::Unknown { nearest, elsewhere }) = rules::resolve(&names, self.wanted(&[], namespace)) {
            // A pod's name is like its workload's; the workload is what was meant.
            let is_primary = |entry: &&NameEntry| primary.iter().any(|resource| resource.kind == entry.kind);
            let workloads: Vec<&NameEntry> = nearest.iter().filter(is_primary).collect();
            for entry in if workloads.is_empty() { nearest.iter().collect() } else { workloads } {
                error = error.hint(format!("did you mean {}?", short(entry)));
            }
            for entry in elsewhere.iter().take(3) {
                let place = entry.namespace.as_deref().unwrap_or_default();
                error = error.hint(format!("namespace {place} has {}", short(entry)));
            }
        }
        Err(if error.hints().is_empty() { list_what_there_is(error, &names, namespace) } else { error })
    }

    /// A person who may not list may still be allowed to read an object whose name is known.
    async fn by_exact_name(&self, seen: &Fetched) -> Result<Option<Resolved>, ToolError> {
        for (resource, _) in seen.refused.iter().filter(|(_, error)| error.is(Cause::Forbidden)) {
            let namespace = resource.namespaced.then(|| self.lookup.namespace.to_owned());
            let object = ObjectRef { resource: resource.clone(), namespace, name: self.word.to_owned() };
            match self.reader.get(&object).await {
                Ok(live) => {
                    return self
                        .accept(&names::entry(resource, &live), How::Exact, &Fetched::default())
                        .await
                        .map(Some);
                }
                Err(error) if names::is_refusal(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

/// Returns the error for a namespace that does not exist; `None` where it does or may not be asked.
pub(crate) async fn missing_namespace(reader: &dyn Reader, name: &str) -> Result<Option<ToolError>, ClusterError> {
    let Some(kind) = kinds::find("namespace") else { return Ok(None) };
    match reader.get(&ObjectRef::new(kind, "", name)).await {
        Ok(_) => Ok(None),
        Err(error) if error.is(Cause::NotFound) => {
            let known = names::tolerate_refusal(names::namespaces(reader).await)?;
            let error = ToolError::name(format!("namespace \"{name}\" does not exist"));
            Ok(Some(match arguments::nearest(name, known.iter().map(String::as_str)) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None if known.is_empty() => error,
                None => error.hint(format!("the namespaces are {}", some_of(&known))),
            }))
        }
        Err(error) if error.is(Cause::Forbidden) => Ok(None),
        Err(error) => Err(error),
    }
}

fn ambiguous(word: &str, namespace: &str, found: &[NameEntry]) -> ToolError {
    let candidates: Vec<String> = found.iter().map(short).collect();
    ToolError::name(format!("\"{word}\" means several things in namespace {namespace}: {}", some_of(&candidates)))
        .hint(format!("name one of them, for example {}", candidates.first().map_or("", String::as_str)))
}

fn not_a_workload(object: &ObjectRef, top: &ObjectRef, targets: &[&str]) -> ToolError {
    let targets: Vec<String> = targets.iter().map(|kind| kind.to_lowercase()).collect();
    let belongs =
        if object == top { String::new() } else { format!("{} belongs to {}; ", object.short(), top.short()) };
    ToolError::name(format!("{belongs}{} is not {}", top.short(), alternatives(&targets)))
}

fn list_what_there_is(error: ToolError, names: &Names, namespace: Option<&str>) -> ToolError {
    let here: Vec<String> = names
        .entries
        .iter()
        .filter(|entry| namespace.is_none() || entry.namespace.as_deref() == namespace)
        .filter(|entry| !matches!(entry.kind.as_str(), "Pod" | "ReplicaSet"))
        .map(short)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    if here.is_empty() { error } else { error.hint(format!("there is {}", some_of(&here))) }
}

fn short(entry: &NameEntry) -> String {
    format!("{}/{}", entry.kind.to_lowercase(), entry.name)
}

/// Returns the first few of many, and how many more there are.
pub(crate) fn some_of(all: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = all.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if all.len() > SHOWN { format!("{shown} and {} more", all.len() - SHOWN) } else { shown }
}

fn alternatives(words: &[String]) -> String {
    either(&words.iter().map(|word| words::with_article(word)).collect::<Vec<_>>())
}

/// Returns `one`, `one or two`, `one, two or three`.
fn either(words: &[String]) -> String {
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Returns whether a word is the object's exact name, which destructive writes need.
pub(crate) fn require_exact(resolved: &Resolved, what: &str) -> Result<(), ToolError> {
    if resolved.how == How::Exact {
        return Ok(());
    }
    let word = resolved.notes.first().and_then(|note| note.split(" →").next()).unwrap_or_default();
    Err(ToolError::name(format!("{what} needs an exact name, and \"{word}\" is not one"))
        .hint(format!("did you mean {}?", resolved.object.short())))
}

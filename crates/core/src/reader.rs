//! How tools see a cluster: they can read it, and nothing else.
//!
//! [`Reader`] never yields Secret data: a Secret read through it is metadata only. [`FullReader`] exists
//! for writes that must compare a Secret's content; what it yields is [`Sealed`] and cannot be serialised
//! or printed.

use std::{fmt, time::Duration};

use futures::future::BoxFuture;
use serde_json::Value;

use crate::{error::ClusterError, object::ObjectRef, object::ResourceType, projection::Projection, redact::Redactor};

/// Where the program stands: context and namespace are pinned for its whole life or until `/context`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The kubeconfig context, or `sandbox`.
    pub context: String,
    /// The pinned namespace.
    pub namespace: String,
    /// The API server's URL.
    pub server: String,
}

/// Which namespaces a list covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Within {
    /// One namespace.
    Namespace(String),
    /// All namespaces, or a cluster-scoped type.
    Everywhere,
}

/// A list request. The reader follows pages itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    /// The type to list.
    pub resource: ResourceType,
    /// Where to look.
    pub within: Within,
    /// A label selector in the API's syntax.
    pub labels: Option<String>,
    /// A field selector in the API's syntax.
    pub fields: Option<String>,
    /// Whether only metadata is wanted (`PartialObjectMetadata`); always so for Secrets.
    pub metadata_only: bool,
    /// Which fields of each object are wanted.
    pub projection: Projection,
}

impl ListQuery {
    /// Returns a query for whole objects, without `managedFields`.
    pub fn new(resource: impl Into<ResourceType>, within: Within) -> Self {
        Self {
            resource: resource.into(),
            within,
            labels: None,
            fields: None,
            metadata_only: false,
            projection: Projection::all(),
        }
    }

    /// Restricts the query to objects with these labels.
    #[must_use]
    pub fn labels(mut self, selector: impl Into<String>) -> Self {
        self.labels = Some(selector.into());
        self
    }

    /// Restricts the query to objects with these fields.
    #[must_use]
    pub fn fields(mut self, selector: impl Into<String>) -> Self {
        self.fields = Some(selector.into());
        self
    }

    /// Asks for metadata only.
    #[must_use]
    pub fn metadata_only(mut self) -> Self {
        self.metadata_only = true;
        self
    }

    /// Wants only what these paths lead to; see [`Projection::only`]. Type, version and kind come anyway.
    #[must_use]
    pub fn only(mut self, paths: &[&'static str]) -> Self {
        self.projection = Projection::only(paths);
        self
    }
}

/// Takes the objects of a list as they come, so that they need not all be held at once.
pub trait Sink: Send {
    /// Forgets every object taken so far: the list grew too old on the way and begins again.
    fn begin_again(&mut self);
    /// Takes the next object.
    fn take(&mut self, object: Value);
}

impl Sink for Vec<Value> {
    fn begin_again(&mut self) {
        self.clear();
    }

    fn take(&mut self, object: Value) {
        self.push(object);
    }
}

/// A request for one container's log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The container; needed where the pod has several.
    pub container: Option<String>,
    /// Whether the log of the container's previous run is wanted.
    pub previous: bool,
    /// Only lines younger than this.
    pub since: Option<Duration>,
    /// Only this many lines from the end.
    pub tail: Option<u32>,
    /// The most bytes to read; more is cut at the start of the log. The reader has a bound of its own.
    pub limit_bytes: Option<u64>,
}

/// A container's log, each line with the kubelet's RFC 3339 timestamp in front.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogText {
    /// The raw bytes; may be binary.
    pub bytes: Vec<u8>,
    /// Whether the byte bound cut the log.
    pub cut: bool,
}

/// What somebody may do, as the cluster's own access review answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The verb, for example `patch`.
    pub verb: String,
    /// The type.
    pub resource: ResourceType,
    /// The subresource, for example `scale`.
    pub subresource: Option<String>,
    /// The namespace; `None` asks for all namespaces.
    pub namespace: Option<String>,
    /// One object; `None` asks for all of them.
    pub name: Option<String>,
}

/// Of whom a permission is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The person whose credentials are used.
    Me,
    /// A user, by name.
    User(String),
    /// A group.
    Group(String),
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// The cluster's answer to an access review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Whether it is allowed.
    pub allowed: bool,
    /// Why, in the words of the cluster's authoriser; it names the binding where RBAC allows.
    pub reason: Option<String>,
}

/// Read access to a cluster. Secrets come back as metadata without values.
pub trait Reader: Send + Sync {
    /// Returns the pinned context, namespace and server.
    fn scope(&self) -> &Scope;
    /// Returns the type that a word means: a built-in alias, else what discovery lists.
    fn kind<'a>(&'a self, word: &'a str) -> BoxFuture<'a, Result<ResourceType, ClusterError>>;
    /// Returns an object, without `managedFields`.
    fn get<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Value, ClusterError>>;
    /// Hands every matching object to the sink, in the order of the server. After an error the sink may hold
    /// a part of them.
    fn list_into<'a>(&'a self, query: &'a ListQuery, sink: &'a mut dyn Sink)
    -> BoxFuture<'a, Result<(), ClusterError>>;
    /// Returns every matching object.
    fn list<'a>(&'a self, query: &'a ListQuery) -> BoxFuture<'a, Result<Vec<Value>, ClusterError>> {
        Box::pin(async move {
            let mut objects = Vec::new();
            self.list_into(query, &mut objects).await?;
            Ok(objects)
        })
    }
    /// Returns one container's log.
    fn logs<'a>(&'a self, query: &'a LogQuery) -> BoxFuture<'a, Result<LogText, ClusterError>>;
    /// Returns whether somebody may do this, and why.
    fn permission<'a>(
        &'a self,
        access: &'a Access,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Permission, ClusterError>>;
    /// Returns whether the person may do this.
    fn allowed<'a>(&'a self, access: &'a Access) -> BoxFuture<'a, Result<bool, ClusterError>> {
        Box::pin(async move { Ok(self.permission(access, &Subject::Me).await?.allowed) })
    }
    /// Returns the schemas that the cluster publishes for the group and version of a type (OpenAPI v3,
    /// `components.schemas`), by name; empty where it publishes none.
    fn schemas<'a>(&'a self, resource: &'a ResourceType) -> BoxFuture<'a, Result<Value, ClusterError>>;
}

/// A reader that may also fetch the values of one Secret, for a write that must compare them.
pub trait FullReader: Reader {
    /// Returns a Secret with its values, sealed. Every value is known to the redactor before this returns.
    fn secret<'a>(
        &'a self,
        object: &'a ObjectRef,
        redactor: &'a Redactor,
    ) -> BoxFuture<'a, Result<Sealed<Value>, ClusterError>>;
    /// Returns the same cluster as a plain reader.
    fn as_reader(&self) -> &dyn Reader;
}

/// A value that must not leave the process: it has no `Serialize`, and prints as a mask.
///
/// ```compile_fail,E0277
/// # use todo_agent_core::reader::Sealed;
/// fn leak(secret: &Sealed<serde_json::Value>) -> String {
///     serde_json::to_string(secret).unwrap() // not Serialize
/// }
/// ```
/// ```
/// # use todo_agent_core::reader::Sealed;
/// assert_eq!(format!("{:?}", Sealed::new("hunter2")), "‹sealed›");
/// ```
pub struct Sealed<T>(T);

impl<T> Sealed<T> {
    /// Seals a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value; for computing payloads and digests only.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("‹sealed›")
    }
}

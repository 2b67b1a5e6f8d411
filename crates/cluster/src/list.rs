//! Lists, page by page: the next page is asked for before the present one is read, and of each object only
//! what is wanted is kept.
//!
//! A list is one state of the cluster or none: where the server has forgotten it between two pages, the
//! list begins again.

use std::{borrow::Cow, fmt, pin::Pin, task::Poll};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt};
use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use todo_agent_core::{Cause, ClusterError, ListQuery, ResourceType, Within, reader::Sink};

use crate::{
    cluster::Cluster,
    failure,
    http::{ApiRequest, JSON, METADATA_LIST},
    reader::{is_secret, typed},
};

/// Objects per page of a list, as kubectl asks for them.
const PAGE: u32 = 500;
/// The most objects one list returns.
const MOST_OBJECTS: usize = 50_000;
/// How often a list is begun.
const TRIES: u32 = 3;

type Fetched = Result<Bytes, ClusterError>;

/// Why a list came to no end.
enum Stopped {
    /// What was taken so far is of no use, but another try may be.
    InTheMiddle(ClusterError),
    Failed(ClusterError),
}

impl Cluster {
    /// Hands every object to the sink.
    pub(crate) async fn list_into_sink(&self, query: &ListQuery, sink: &mut dyn Sink) -> Result<(), ClusterError> {
        let mut tries = 1;
        loop {
            match self.list_pages(query, sink).await {
                Ok(()) => return Ok(()),
                Err(Stopped::InTheMiddle(_)) if tries < TRIES => sink.begin_again(),
                Err(Stopped::InTheMiddle(error) | Stopped::Failed(error)) => return Err(error),
            }
            tries += 1;
        }
    }

    async fn list_pages(&self, query: &ListQuery, sink: &mut dyn Sink) -> Result<(), Stopped> {
        let (mut seen, mut pages) = (0, 0);
        let mut fetched = self.page(query, None).await.map_err(Stopped::Failed)?;
        loop {
            let token = token_of(&fetched);
            // The server works on the next page while this one is read.
            let next = match &token {
                Some(token) => Some(begun(self.page(query, Some(token))).await),
                None => None,
            };
            seen += Page { query, sink, count: 0 }.read(&fetched).map_err(|error| {
                let error = failure::not_json(&fetched, &error, &self.scope.server);
                if error.is(Cause::Unreachable) { Stopped::InTheMiddle(error) } else { Stopped::Failed(error) }
            })?;
            let Some(next) = next else { return Ok(()) };
            pages += 1;
            if seen >= MOST_OBJECTS || pages >= MOST_PAGES {
                return Err(Stopped::Failed(too_many(&query.resource)));
            }
            fetched = next.await.map_err(|error| {
                // The list grew too old between two pages: two states are not mixed.
                if error.is(Cause::Expired) { Stopped::InTheMiddle(error) } else { Stopped::Failed(error) }
            })?;
        }
    }

    fn page<'a>(&'a self, query: &ListQuery, token: Option<&str>) -> BoxFuture<'a, Fetched> {
        let namespace = match &query.within {
            Within::Namespace(namespace) => Some(namespace.as_str()),
            Within::Everywhere => None,
        };
        let mut request = ApiRequest::get(query.resource.path(namespace), purpose(query))
            .accept(if is_metadata_only(query) { METADATA_LIST } else { JSON })
            .query("limit", PAGE.to_string());
        if let Some(labels) = &query.labels {
            request = request.query("labelSelector", labels);
        }
        if let Some(fields) = &query.fields {
            request = request.query("fieldSelector", fields);
        }
        if let Some(token) = token {
            request = request.query("continue", token);
        }
        self.http.read_bytes(request).boxed()
    }
}

fn is_metadata_only(query: &ListQuery) -> bool {
    query.metadata_only || is_secret(&query.resource)
}

fn purpose(query: &ListQuery) -> &'static str {
    match (query.metadata_only, query.resource.plural.as_str()) {
        (true, _) => "find names",
        (false, "horizontalpodautoscalers") => "look for an autoscaler",
        (false, "pods") => "look at the pods",
        (false, "events") => "read events",
        _ => "list objects",
    }
}

/// The most pages one list is read in; a server that never ends must end here.
const MOST_PAGES: usize = 1000;

fn too_many(resource: &ResourceType) -> ClusterError {
    let message = format!("there are more than {MOST_OBJECTS} {}", resource.plural);
    ClusterError::new(Cause::Invalid, message).hint("narrow it by namespace or selector")
}

/// How often the tasks below get their turn before a request is taken to have gone out: the client's queue, its
/// pool and the connection are one after the other.
const TURNS: usize = 4;

/// Lets a request go out, which then waits in the hands of the kernel and the server.
async fn begun(mut fetching: BoxFuture<'_, Fetched>) -> BoxFuture<'_, Fetched> {
    for _ in 0..TURNS {
        if let Poll::Ready(fetched) = futures::poll!(Pin::new(&mut fetching)) {
            return std::future::ready(fetched).boxed();
        }
        tokio::task::yield_now().await;
    }
    fetching
}

/// Returns the token of the next page, which stands before the objects.
fn token_of(bytes: &[u8]) -> Option<String> {
    let mut metadata = None;
    // An error is nothing here: it ends the reading where the objects begin, or is met again with them.
    let _ = (&mut serde_json::Deserializer::from_slice(bytes)).deserialize_map(Head(&mut metadata));
    metadata.and_then(|ListMeta { token }| token).filter(|token| !token.is_empty())
}

#[derive(Deserialize)]
struct ListMeta {
    #[serde(rename = "continue", default)]
    token: Option<String>,
}

/// Reads a list up to its objects.
struct Head<'t>(&'t mut Option<ListMeta>);

impl<'de> Visitor<'de> for Head<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match &*key {
                "metadata" => *self.0 = Some(map.next_value()?),
                // Servers write the metadata first: the order of the fields in k8s.io/api's lists.
                "items" if self.0.is_some() => return Err(A::Error::custom("the head ends here")),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// Reads one page and hands its objects on.
struct Page<'a> {
    query: &'a ListQuery,
    sink: &'a mut dyn Sink,
    count: usize,
}

impl Page<'_> {
    /// Returns how many objects it held.
    fn read(mut self, bytes: &[u8]) -> Result<usize, serde_json::Error> {
        let mut answer = serde_json::Deserializer::from_slice(bytes);
        (&mut answer).deserialize_map(&mut self)?;
        answer.end()?;
        Ok(self.count)
    }
}

impl<'de> Visitor<'de> for &mut Page<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match &*key {
                "items" => map.next_value_seed(Items(self))?,
                // Read again for its errors: a list whose end cannot be told must not pass for complete.
                "metadata" => drop(map.next_value::<Option<ListMeta>>()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct Items<'a, 'p>(&'a mut Page<'p>);

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Page { query, sink, count } = self.0;
        let metadata_only = is_metadata_only(query);
        while let Some(object) = items.next_element_seed(&query.projection)? {
            if !object.is_object() {
                return Err(A::Error::custom("an item of the list is no object"));
            }
            sink.take(typed(object, &query.resource, metadata_only));
            *count += 1;
        }
        Ok(())
    }

    /// An empty list of Go may be `null`.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

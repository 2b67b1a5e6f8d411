//! "analyze the cluster health", "is my cluster ok?", "health check": how everything is.

use super::{Arguments, Heard, Hearing, Intent, Needs};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention};

pub(crate) struct Health;

/// What is asked, as a whole; of one workload another tool tells more.
const OF_CLUSTER: &[&str] = &[
    "cluster health",
    "cluster's health",
    "health of cluster",
    "health of whole cluster",
    "health of my cluster",
    "health of entire cluster",
    "health of kubernetes cluster",
    "cluster healthy",
    "cluster ok",
    "cluster okay",
    "cluster fine",
    "cluster alright",
    "cluster in good shape",
    "cluster in good health",
    "cluster doing",
    "cluster status",
    "cluster state",
    "cluster overview",
    "state of cluster",
    "status of cluster",
    "condition of cluster",
    "overview of cluster",
    "cluster health check",
    "healthy is cluster",
    "how is cluster",
    "how's cluster",
];
const OF_NAMESPACE: &[&str] = &[
    "health check",
    "healthcheck",
    "overall health",
    "general health",
    "health report",
    "health status",
    "health overview",
    "health summary",
    "health of namespace",
    "health of everything",
    "namespace health",
    "health",
    "everything ok",
    "everything okay",
    "everything fine",
    "everything healthy",
    "everything alright",
    "everything all right",
    "everything up",
    "everything up and running",
    "everything running",
    "everything running fine",
    "everything in order",
    "everything working",
    "all ok",
    "all good",
    "all fine",
    "all healthy",
];
const AROUND: &[&str] = &[
    "analyze",
    "analyse",
    "analysis of",
    "assess",
    "check",
    "check on",
    "check if",
    "check whether",
    "evaluate",
    "inspect",
    "review",
    "verify",
    "verify that",
    "show",
    "show me",
    "give me",
    "tell me",
    "tell me about",
    "get",
    "report",
    "report on",
    "perform",
    "run",
    "do",
    "make",
    "see",
    "see if",
    "is",
    "are",
    "how is",
    "how's",
    "how",
    "what is",
    "what's",
    "whats",
    "how does",
    "look",
    "of",
    "kubernetes",
    "k8s",
    "minikube",
    "current",
    "currently",
    "right now",
    "now",
    "overall",
    "general",
    "in general",
    "doing",
    "summary",
    "overview",
    "let me see",
    "a",
    "my",
    "our",
    "whole",
    "entire",
    "if",
    "whether",
    "that",
    "on",
    "for",
    "about",
    "check that",
    "make sure",
    "ensure",
    "i want to know if",
    "know if",
];

impl Intent for Health {
    fn tool(&self) -> &'static str {
        "health"
    }

    fn looks_everywhere(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn examples(&self) -> &'static [&'static str] {
        &["check the cluster health", "is everything ok?"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        let mut heard = Heard { asked: true, ..Heard::default() };
        if hearing == Hearing::GoingOn {
            return None;
        }
        // "how healthy is the cluster" stands in another order.
        let healthy = segment.match_at(segment.head()?, "how healthy is cluster");
        if let Some(end) = healthy {
            segment.use_range(segment.head()?, end);
        }
        // "ok" is a word that is dropped: "is the cluster ok" is all of these.
        let alone = |subject: &str| {
            let words: Vec<&str> = segment.tokens().iter().map(|token| token.word.as_str()).collect();
            words == ["is", subject]
        };
        let (cluster, everything) = (alone("cluster"), alone("everything"));
        if cluster || everything {
            segment.use_range(0, segment.len());
        }
        if healthy.is_some() || cluster || segment.take(OF_CLUSTER).is_some() {
            heard.arguments.insert("all_namespaces".to_owned(), true.into());
        } else if !everything {
            segment.take(OF_NAMESPACE)?;
        }
        segment.take_all(AROUND);
        Some(heard)
    }

    fn aim(&self, _: &Mention, _: &mut Arguments) {}

    fn lacks(&self, _: &Arguments) -> Option<Missing> {
        None
    }
}

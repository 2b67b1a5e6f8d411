//! May somebody do something: the verdict and its reason, both the cluster's.

use serde_json::json;
use todo_agent_core::{
    Cause, Output, Reader, Run, ToolError,
    reader::{Access, Subject},
};

use super::ExplainArgs;
use crate::words;

/// The verbs that Kubernetes knows for objects.
/// Source: Kubernetes documentation, "Authorization", request verbs.
const VERBS: [&str; 13] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
    "bind",
    "escalate",
    "impersonate",
    "use",
    "approve",
];

pub(super) async fn explain(
    verb: &str,
    args: &ExplainArgs,
    reader: &dyn Reader,
    run: &Run,
) -> Result<Output, ToolError> {
    let verb = verb.trim().to_ascii_lowercase();
    if verb != "*" && !VERBS.contains(&verb.as_str()) {
        let error = ToolError::arguments(format!("verb \"{verb}\" is none that Kubernetes knows for objects"));
        let near = VERBS.into_iter().min_by_key(|known| strsim::osa_distance(known, &verb));
        return Err(error.hint(format!("did you mean {}?", near.unwrap_or("get"))));
    }
    for (argument, word) in [("name", &args.name), ("subresource", &args.subresource)] {
        if let Some(word) = word {
            words::check(argument, word.trim())?;
        }
    }
    let subject = subject(args.subject.as_deref().unwrap_or("me").trim(), &reader.scope().namespace)?;
    let resource = reader.kind(args.kind.trim()).await?;
    let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?.to_owned();
    let access = Access {
        verb: verb.clone(),
        subresource: args.subresource.clone(),
        namespace: resource.namespaced.then(|| namespace.clone()),
        name: args.name.clone(),
        resource,
    };
    let permission = reader.permission(&access, &subject).await.map_err(|error| match error.cause {
        Cause::Forbidden if subject != Subject::Me => error.hint(
            "asking for others needs the right to create subjectaccessreviews, which cluster administrators have",
        ),
        _ => error,
    })?;
    let who = described(&subject);
    let can = if permission.allowed { "can" } else { "cannot" };
    let what = what(&access);
    let data = json!({
        "subject": who, "verb": verb, "resource": access.resource.qualified(), "subresource": access.subresource,
        "namespace": access.namespace, "name": access.name, "allowed": permission.allowed, "reason": permission.reason,
    });
    let output = Output::build(&run.redactor, &data).text(format!("{who} {can} {what}."));
    Ok(match (&permission.reason, permission.allowed) {
        (Some(reason), _) => output.text(reason),
        (None, true) => output,
        (None, false) => output.text("No role that is bound to them allows it."),
    }
    .build())
}

fn subject(word: &str, namespace: &str) -> Result<Subject, ToolError> {
    let refuse = |why: &str| {
        let error = ToolError::arguments(format!("subject \"{}\" {why}", words::shown(word)));
        error.hint("write it as alice, group:dev, serviceaccount:namespace/name, or me")
    };
    match word.split_once(':') {
        None if word.eq_ignore_ascii_case("me") || word.eq_ignore_ascii_case("i") => Ok(Subject::Me),
        None if word.is_empty() => Err(refuse("is empty")),
        Some(("group" | "user", "")) => Err(refuse("names nobody")),
        Some(("group", name)) => Ok(Subject::Group(name.to_owned())),
        Some(("user", name)) => Ok(Subject::User(name.to_owned())),
        Some(("serviceaccount" | "sa", account)) => {
            let (namespace, name) = account.split_once('/').unwrap_or((namespace, account));
            words::check("subject", namespace)?;
            words::check("subject", name)?;
            Ok(Subject::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() })
        }
        // Users are named as they please: an address, a system name with colons.
        _ => Ok(Subject::User(word.to_owned())),
    }
}

fn described(subject: &Subject) -> String {
    match subject {
        Subject::Me => "You".to_owned(),
        Subject::User(name) => format!("User {name}"),
        Subject::Group(name) => format!("Group {name}"),
        Subject::ServiceAccount { namespace, name } => format!("Service account {name} of namespace {namespace}"),
    }
}

fn what(access: &Access) -> String {
    let mut what = format!("{} {}", access.verb, access.resource.plural);
    if let Some(subresource) = &access.subresource {
        what = format!("{what}/{subresource}");
    }
    if let Some(name) = &access.name {
        what = format!("{what} {name}");
    }
    match &access.namespace {
        Some(namespace) => format!("{what} in namespace {namespace}"),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};

    use crate::fake::{FakeReader, FakeRun};

    async fn explained(reader: FakeReader, args: Value) -> String {
        FakeRun::new(reader).person("explain", args).await
    }

    #[tokio::test]
    async fn the_verdict_comes_with_the_clusters_reason() {
        let fake = || FakeReader::new(vec![]).forbid("delete Pod");
        assert_snapshot!(explained(fake(), json!({"kind": "pods", "verb": "list"})).await, @r#"
        You can list pods in namespace todo.

        RBAC: allowed by RoleBinding "edit/todo" of ClusterRole "edit"
        "#);
        assert_snapshot!(explained(fake(), json!({"kind": "pods", "verb": "delete", "subject": "alice"})).await, @r"
        User alice cannot delete pods in namespace todo.

        No role that is bound to them allows it.
        ");
        let account = json!({"kind": "pods", "verb": "get", "subresource": "log", "subject": "sa:ci/deployer"});
        assert_snapshot!(explained(fake(), account).await, @r#"
        Service account deployer of namespace ci can get pods/log in namespace todo.

        RBAC: allowed by RoleBinding "edit/todo" of ClusterRole "edit"
        "#);
    }

    #[tokio::test]
    async fn what_cannot_be_asked_is_explained() {
        let fake = || FakeReader::new(vec![]).forbid("review list");
        assert_snapshot!(explained(fake(), json!({"kind": "pods", "verb": "lst"})).await, @r#"
        error: verb "lst" is none that Kubernetes knows for objects
        hint: did you mean list?
        "#);
        assert_snapshot!(explained(fake(), json!({"kind": "pods", "verb": "list", "subject": "group:"})).await, @r#"
        error: subject "group:" names nobody
        hint: write it as alice, group:dev, serviceaccount:namespace/name, or me
        "#);
        assert_snapshot!(explained(fake(), json!({"kind": "pods", "verb": "list", "subject": "bob"})).await, @r"
        error: you may not review pods in namespace todo
        hint: asking for others needs the right to create subjectaccessreviews, which cluster administrators have
        ");
        assert_snapshot!(explained(fake(), json!({"kind": "pods", "subject": "bob"})).await, @r"
        error: subject needs a verb
        hint: give verb too, for example verb=list
        ");
    }
}

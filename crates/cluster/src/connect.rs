//! From a kubeconfig to a connection: several files, contexts, exec plugins, proxies, in-cluster.
//!
//! Every way this can be wrong ends in a sentence that says what, where and what to do.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use todo_agent_core::{Cause, ClusterError};

use crate::transport;

/// How to connect.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// The kubeconfig given on the command line; else `$KUBECONFIG`, else `~/.kube/config`, else in-cluster.
    pub kubeconfig: Option<PathBuf>,
    /// The context; else the current one.
    pub context: Option<String>,
    /// The namespace; else the context's, else `default`.
    pub namespace: Option<String>,
    /// How long an exec plugin may take; never longer than 20 s.
    pub login: Option<Duration>,
}

/// How long an exec plugin may take at most to give credentials.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

pub(crate) struct Connection {
    pub(crate) client: kube::Client,
    pub(crate) context: String,
    pub(crate) namespace: String,
    pub(crate) server: String,
    /// The cluster's CA certificates, for recognising it where its own uid may not be read.
    pub(crate) authority: Vec<Vec<u8>>,
}

/// Returns the names of all contexts and the current one.
pub fn contexts(kubeconfig: Option<&Path>) -> Result<(Vec<String>, Option<String>), ClusterError> {
    let config = load(kubeconfig)?;
    Ok((config.contexts.into_iter().map(|context| context.name).collect(), config.current_context))
}

/// Returns the files a kubeconfig is read from, whether or not they exist.
pub fn kubeconfig_files(kubeconfig: Option<&Path>) -> Vec<PathBuf> {
    if let Some(path) = kubeconfig {
        return vec![path.to_owned()];
    }
    let named: Vec<PathBuf> = std::env::var_os("KUBECONFIG")
        .map(|value| std::env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    if !named.is_empty() {
        return named;
    }
    std::env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect()
}

fn load(kubeconfig: Option<&Path>) -> Result<Kubeconfig, ClusterError> {
    let files = kubeconfig_files(kubeconfig);
    let mut merged = Kubeconfig::default();
    let mut found = false;
    for file in &files {
        // kubectl passes over missing files of a list; a single missing one is an error.
        if files.len() > 1 && !file.exists() {
            continue;
        }
        let next = Kubeconfig::read_from(file).map_err(|error| unreadable(&error, file))?;
        merged = merged.merge(next).map_err(|error| unreadable(&error, file))?;
        found = true;
    }
    if found {
        return Ok(merged);
    }
    Err(no_kubeconfig(&files))
}

fn no_kubeconfig(files: &[PathBuf]) -> ClusterError {
    let looked: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    ClusterError::new(Cause::Configuration, format!("no kubeconfig found (looked at {})", looked.join(", ")))
        .hint("start a cluster (minikube start), or name a file with --kubeconfig")
        .hint("or try it without a cluster: todo-agent --sandbox \"list the pods\"")
}

fn unreadable(error: &KubeconfigError, file: &Path) -> ClusterError {
    let file_name = file.display();
    match error {
        KubeconfigError::ReadConfig(source, _) if source.kind() == std::io::ErrorKind::NotFound => {
            no_kubeconfig(&[file.to_owned()])
        }
        KubeconfigError::ReadConfig(source, _) => {
            ClusterError::new(Cause::Configuration, format!("the kubeconfig {file_name} cannot be read: {source}"))
        }
        KubeconfigError::Parse(source) => {
            // The parser's message names line and column; its snippet could show a token.
            let text = source.to_string();
            let first = text.lines().next().unwrap_or_default();
            let first = first.strip_prefix("error: ").unwrap_or(first);
            let place = source.location().map_or(String::new(), |at| format!(":{}:{}", at.line(), at.column()));
            ClusterError::new(Cause::Configuration, format!("the kubeconfig {file_name}{place} is not valid: {first}"))
                .hint("kubectl config view shows what kubectl makes of it")
        }
        other => ClusterError::new(Cause::Configuration, format!("the kubeconfig {file_name} is not usable: {other}")),
    }
}

fn in_cluster(options: &ConnectOptions) -> Option<Config> {
    let no_file = options.kubeconfig.is_none() && options.context.is_none();
    let absent = kubeconfig_files(None).iter().all(|file| !file.exists());
    (no_file && absent && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some())
        .then(|| Config::incluster().ok())
        .flatten()
}

pub(crate) async fn connect(options: &ConnectOptions) -> Result<Connection, ClusterError> {
    let (mut config, context) = match in_cluster(options) {
        Some(config) => (config, "in-cluster".to_owned()),
        None => from_kubeconfig(options).await?,
    };
    if let Some(namespace) = &options.namespace {
        config.default_namespace.clone_from(namespace);
    }
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = None;
    // kube sends any method up to 15 times otherwise, a create included.
    config.default_retry = false;
    let namespace = config.default_namespace.clone();
    let server = without_user(config.cluster_url.to_string().trim_end_matches('/'));
    let authority = config.root_cert.clone().unwrap_or_default();
    let login = config.auth_info.exec.as_ref().and_then(|exec| exec.command.clone());
    let patience = options.login.unwrap_or(LOGIN_TIMEOUT).min(LOGIN_TIMEOUT);
    let client = build_client(config, login.as_deref(), patience, &server).await?;
    Ok(Connection { client, context, namespace, server, authority })
}

async fn from_kubeconfig(options: &ConnectOptions) -> Result<(Config, String), ClusterError> {
    let kubeconfig = load(options.kubeconfig.as_deref())?;
    let names: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
    let wanted = options.context.clone().or_else(|| kubeconfig.current_context.clone()).filter(|name| !name.is_empty());
    let Some(context) = wanted else {
        let error = ClusterError::new(Cause::Configuration, "the kubeconfig names no current context");
        return Err(if names.is_empty() {
            error.hint("it has no contexts at all; minikube start writes one")
        } else {
            error.hint(format!("choose one with --context: {}", names.join(", ")))
        });
    };
    if !names.contains(&context) {
        return Err(unknown_context(&context, &names));
    }
    let choice = KubeConfigOptions { context: Some(context.clone()), cluster: None, user: None };
    let config = Config::from_custom_kubeconfig(kubeconfig, &choice).await.map_err(|error| broken(&error, &context))?;
    Ok((config, context))
}

fn unknown_context(wanted: &str, names: &[String]) -> ClusterError {
    let error = ClusterError::new(Cause::Configuration, format!("there is no context {wanted:?} in the kubeconfig"));
    let nearest = names
        .iter()
        .map(|name| (strsim::osa_distance(name, wanted), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance);
    match nearest {
        Some((_, name)) => error.hint(format!("did you mean {name}?")),
        None if names.is_empty() => error.hint("it has no contexts at all; minikube start writes one"),
        None => error.hint(format!("there are: {}", names.join(", "))),
    }
}

fn broken(error: &KubeconfigError, context: &str) -> ClusterError {
    ClusterError::new(Cause::Configuration, format!("the context {context} cannot be used: {error}"))
        .hint("check its cluster and user in the kubeconfig: kubectl config view --minify")
}

/// Builds the client away from the runtime: an exec plugin runs here, and it may hang.
async fn build_client(
    config: Config,
    login: Option<&str>,
    patience: Duration,
    server: &str,
) -> Result<kube::Client, ClusterError> {
    if let Some(command) = login {
        check_program(command)?;
    }
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    std::thread::spawn(move || {
        let _guard = runtime.enter();
        let _ = sender.send(transport::client(config));
    });
    let built = tokio::time::timeout(patience, receiver).await;
    let login_name = login.unwrap_or("the login program");
    match built {
        Ok(Ok(Ok(client))) => Ok(client),
        Ok(Ok(Err(error))) => Err(login_failed(&error, login, server)),
        Ok(Err(_)) => Err(ClusterError::new(Cause::Configuration, format!("{login_name} ended without credentials"))),
        Err(_) => Err(ClusterError::new(
            Cause::Configuration,
            format!("{login_name} gave no credentials within {patience:?}"),
        )
        .hint("run it by hand; it may be waiting for a login in the browser")),
    }
}

fn check_program(command: &str) -> Result<(), ClusterError> {
    let found = if command.contains(std::path::MAIN_SEPARATOR) {
        Path::new(command).is_file()
    } else {
        std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(command).is_file()))
    };
    if found {
        return Ok(());
    }
    Err(ClusterError::new(
        Cause::Configuration,
        format!("the login program {command} of this context is not installed"),
    )
    .hint("install it, or use another context; it is named under users[].user.exec in the kubeconfig"))
}

/// Returns an address without a user and password in it: it is shown and kept everywhere.
fn without_user(server: &str) -> String {
    match server.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let start = rest[..end].rfind('@').map_or(0, |at| at + 1);
            format!("{scheme}://{}", &rest[start..])
        }
        None => server.to_owned(),
    }
}

fn login_failed(error: &kube::Error, login: Option<&str>, server: &str) -> ClusterError {
    let Some(command) = login else {
        return crate::failure::from_transport(error, server);
    };
    ClusterError::new(Cause::Configuration, format!("the login program {command} of this context failed"))
        .hint(format!("run it by hand to see why: {command}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_who_uses_it() {
        assert_eq!(without_user("https://ana:p@ss@k8s:6443/x@y"), "https://k8s:6443/x@y");
        assert_eq!(without_user("https://k8s:6443"), "https://k8s:6443");
    }
}

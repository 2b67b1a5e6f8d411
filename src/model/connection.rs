//! The HTTP client of a model's server: certificates, proxies, no redirects.
//!
//! Made when the first request is sent: reading the system's certificates takes milliseconds, and where the planner answers
//! nothing is sent. A file of authorities is read before, so that what is wrong with it is said at the start.

use std::fs;

use reqwest::{Certificate, redirect::Policy};

use super::{Failure, ModelSettings, Trouble, client::chain};
use crate::problem::Problem;

/// Returns the authorities that are trusted beside the system's.
///
/// # Errors
/// Returns what is wrong with their file.
pub(super) fn authorities(settings: &ModelSettings) -> Result<Vec<Certificate>, Problem> {
    let Some(path) = &settings.ca_file else { return Ok(Vec::new()) };
    let wrong = |error: &dyn std::fmt::Display| {
        Problem::configuration(format!("the CA file {} cannot be used: {error}", path.display()))
    };
    let pem = fs::read(path).map_err(|error| wrong(&error))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| wrong(&chain(&error)))?;
    if certificates.is_empty() {
        return Err(wrong(&"it holds no certificate in PEM form"));
    }
    Ok(certificates)
}

/// Returns a client that has not connected yet.
///
/// # Errors
/// Returns that there is nobody to trust.
pub(super) fn connection(settings: &ModelSettings, authorities: &[Certificate]) -> Result<reqwest::Client, Failure> {
    let mut builder = reqwest::Client::builder()
        // The key would go along.
        .redirect(Policy::none())
        .connect_timeout(settings.timeouts.connect)
        .user_agent(concat!("todo-agent/", env!("CARGO_PKG_VERSION")))
        .referer(false);
    if settings.base_url.scheme() == "http" {
        // A server without TLS needs no authorities, and a small container may have none.
        builder = builder.tls_certs_only([]);
    } else {
        builder = builder.tls_certs_merge(authorities.iter().cloned());
    }
    if settings.is_here() {
        // No proxy leads to this machine.
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| {
        let message = format!("there is no way to connect to a model: {}", chain(&error));
        Failure::lasting(Trouble::Configuration, message)
            .hint("install the system's CA certificates, or name a file with ca_file in [model] of config.toml")
    })
}

//! Image references: read, checked, and given another tag.
//!
//! Source of the form: github.com/distribution/reference (`[domain/]path[:tag][@digest]`).

use std::sync::LazyLock;

use regex::Regex;
use todo_agent_core::ToolError;

use crate::words;

static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let part = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*";
    let domain = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::[0-9]+)?|\[[0-9a-fA-F:]+\](?::[0-9]+)?)";
    let tag = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
    let digest = r"[A-Za-z][A-Za-z0-9]*(?:[+._-][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
    Regex::new(&format!(r"^(?:{domain}/)?{part}(?:/{part})*(?::{tag})?(?:@{digest})?$")).ok()
});

/// A word that is a version and no image: `v1.1.0`, `1.25-alpine`, `latest`.
static TAG: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:v?[0-9]+(?:\.[0-9]+)*(?:[-+_.][A-Za-z0-9_.-]+)?|latest|stable|edge|main)$").ok());

/// Returns the image that is meant: the given one, or the present one with another tag.
pub(crate) fn meant(given: &str, present: &str) -> Result<String, ToolError> {
    let given = given.trim();
    let tag = given.strip_prefix(':').unwrap_or(given);
    let is_tag = given.starts_with(':') || TAG.as_ref().is_some_and(|tag| tag.is_match(given));
    if is_tag && !present.is_empty() {
        return check(&format!("{}:{tag}", repository(present)));
    }
    check(given)
}

/// Returns the image if it can be one.
pub(crate) fn check(image: &str) -> Result<String, ToolError> {
    let fits = image.len() <= 512 && REFERENCE.as_ref().is_some_and(|reference| reference.is_match(image));
    if fits {
        return Ok(image.to_owned());
    }
    let error = ToolError::arguments(format!("image \"{}\" is not an image reference", words::shown(image)));
    Err(if image.contains("://") {
        error.hint("leave out the scheme: registry.example.com/team/app:1.2")
    } else if image.chars().any(char::is_uppercase) && check(&image.to_lowercase()).is_ok() {
        error.hint(format!("repositories are in lower case: {}", image.to_lowercase()))
    } else {
        error.hint("it looks like app:1.2 or registry.example.com/team/app:1.2")
    })
}

/// Returns the image without tag and digest.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        // The port of a registry is no tag.
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

/// Returns what the image is called by: `registry.io/team/app:1` is `app`.
pub(crate) fn short_name(image: &str) -> &str {
    repository(image).rsplit('/').next().unwrap_or(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_alone_is_a_new_tag_of_the_same_image() {
        assert_eq!(meant("v1.1.0", "todo-chatbot-backend:v1").unwrap(), "todo-chatbot-backend:v1.1.0");
        assert_eq!(meant("2", "registry.io:5000/team/app").unwrap(), "registry.io:5000/team/app:2");
        assert_eq!(meant(":dev", "app:1@sha256:0123456789abcdef0123456789abcdef").unwrap(), "app:dev");
        assert_eq!(meant("latest", "a/b:1").unwrap(), "a/b:latest");
        assert_eq!(meant("nginx:1.27", "app:1").unwrap(), "nginx:1.27");
        assert_eq!(meant("nginx", "app:1").unwrap(), "nginx");
    }

    #[test]
    fn what_no_registry_would_serve_is_refused() {
        assert_eq!(
            check("https://x/y").unwrap_err().hints(),
            ["leave out the scheme: registry.example.com/team/app:1.2"]
        );
        assert_eq!(check("Nginx:1").unwrap_err().hints(), ["repositories are in lower case: nginx:1"]);
        for image in ["", "a b", "-x", "app:", "app@sha256:1", "a//b", "app:v1;rm", "../app"] {
            assert!(check(image).is_err(), "{image}");
        }
    }

    #[test]
    fn an_image_is_called_by_its_last_part() {
        assert_eq!(short_name("registry.io:5000/team/app:1@sha256:00"), "app");
    }
}

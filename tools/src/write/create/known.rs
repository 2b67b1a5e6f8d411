//! Software that people name instead of an image: which image is meant, and what it needs.
//!
//! Few on purpose. An image that is not here is asked for, never invented.

/// What a well-known program needs.
pub(super) struct Software {
    name: &'static str,
    pub(super) image: &'static str,
    pub(super) port: u16,
    /// The user that the image is made for.
    pub(super) user: u32,
    /// Where it keeps its data.
    pub(super) data: Option<&'static str>,
}

/// Source: the images' documentation on Docker Hub.
const KNOWN: &[Software] = &[
    Software { name: "redis", image: "redis:7-alpine", port: 6379, user: 999, data: Some("/data") },
    Software { name: "valkey", image: "valkey/valkey:8-alpine", port: 6379, user: 999, data: Some("/data") },
    Software { name: "memcached", image: "memcached:1.6-alpine", port: 11211, user: 11211, data: None },
    Software { name: "nginx", image: "nginxinc/nginx-unprivileged:1.27-alpine", port: 8080, user: 101, data: None },
];

/// Returns what is known of a program by its name or its image's short name.
pub(super) fn of(name: &str) -> Option<&'static Software> {
    let name = name.to_ascii_lowercase();
    KNOWN.iter().find(|software| name == software.name || (software.name == "nginx" && name == "nginx-unprivileged"))
}

//! The agent: sentences, people, terminals and files. It knows Kubernetes only through `tools`, `core`
//! and `cluster`.

pub mod ui;

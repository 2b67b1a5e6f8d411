//! The worlds that ship inside the program.

/// The names of the shipped worlds.
pub const BUILTIN: &[&str] = &["todo", "todo-broken", "empty", "hpa", "stuck"];

/// Returns the text of a shipped world.
pub(super) fn text(name: &str) -> Option<&'static str> {
    Some(match name {
        "todo" => include_str!("../../worlds/todo.yaml"),
        "todo-broken" => include_str!("../../worlds/todo-broken.yaml"),
        "empty" => include_str!("../../worlds/empty.yaml"),
        "hpa" => include_str!("../../worlds/hpa.yaml"),
        "stuck" => include_str!("../../worlds/stuck.yaml"),
        _ => return None,
    })
}

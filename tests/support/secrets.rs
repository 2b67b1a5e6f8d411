//! The values of every Secret in the worlds of these tests: nothing that the program shows, keeps or sends to a model holds
//! one, plain or in base64.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD as BASE64};

/// The values.
pub(crate) const VALUES: [&str; 5] = [
    "postgresql://todo:sandbox@db.example.com:5432/todo",
    "sandbox-sandbox-sandbox-sandbox-01",
    "sandbox-no-real-key",
    "canary-of-the-password",
    "canary-of-the-token",
];

/// Returns the value that a text holds, and how it holds it.
pub(crate) fn leaked(text: &str) -> Option<(&'static str, String)> {
    VALUES.into_iter().find_map(|value| {
        let form = forms(value).into_iter().find(|form| text.contains(form))?;
        Some((value, form))
    })
}

/// Checks every file below a folder.
#[track_caller]
pub(crate) fn check(folder: &Path) {
    for (path, text) in kept(folder) {
        assert_eq!(leaked(&text), None, "a Secret's value is kept in {}", path.display());
    }
}

/// Returns every file below a folder with its text.
pub(crate) fn kept(folder: &Path) -> Vec<(PathBuf, String)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let below = |entry: fs::DirEntry| {
        if entry.file_type().unwrap().is_dir() {
            return kept(&entry.path());
        }
        let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
        vec![(entry.path(), text)]
    };
    entries.map(Result::unwrap).flat_map(below).collect()
}

/// Returns a text as it may stand somewhere: plain, or in base64 wherever it begins in what is encoded.
pub(crate) fn forms(canary: &str) -> Vec<String> {
    let mut forms = vec![canary.to_owned()];
    for lead in 0..3 {
        let bytes = [vec![b' '; lead], canary.as_bytes().to_vec()].concat();
        let encoded = BASE64.encode(&bytes);
        // What depends on the neighbours is cut off at both ends.
        let start = (lead * 8).div_ceil(6);
        let end = bytes.len() * 8 / 6;
        if end > start + 6 {
            forms.push(encoded[start..end].to_owned());
        }
    }
    forms
}

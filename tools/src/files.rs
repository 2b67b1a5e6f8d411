//! Files of the person's own: only regular files below the working directory, of a bounded size, never where credentials
//! are kept.
//!
//! A tool is called by whoever has read a cluster's texts; what it may read here must not depend on what they say.

use std::{
    fs, io,
    path::{Component, Path},
};

use todo_agent_core::ToolError;

use crate::words;

/// Folders in which programs keep credentials.
const CREDENTIALS: [&str; 8] = [".kube", ".ssh", ".aws", ".azure", ".gnupg", ".docker", ".config", ".minikube"];

/// Reads a text file below the working directory, at most this many bytes.
///
/// # Errors
/// Returns what is wrong with the name or the file.
pub(crate) fn read(name: &str, most: u64) -> Result<String, ToolError> {
    let base = std::env::current_dir()
        .map_err(|error| ToolError::state(format!("the working directory cannot be used: {error}")))?;
    read_below(&base, name, most)
}

fn read_below(base: &Path, name: &str, most: u64) -> Result<String, ToolError> {
    let shown = words::shown(name);
    let refuse = |why: &str| Err(ToolError::arguments(format!("file \"{shown}\" {why}")));
    if name.trim().is_empty() {
        return Err(ToolError::arguments("file is empty"));
    }
    let unreadable = |error: &io::Error| {
        let error = ToolError::arguments(format!("file \"{shown}\" cannot be read: {}", reason(error)));
        error.hint("name a file below the working directory")
    };
    let base = base.canonicalize().map_err(|error| unreadable(&error))?;
    // Links are followed before it is judged where the file is.
    let path = base.join(name).canonicalize().map_err(|error| unreadable(&error))?;
    let Ok(below) = path.strip_prefix(&base) else {
        return refuse("is not below the working directory")
            .map_err(|error: ToolError| error.hint("start todo-agent in the folder of the file, or copy it there"));
    };
    let keeps = |part: Component<'_>| CREDENTIALS.iter().any(|folder| part.as_os_str() == *folder);
    if below.components().any(keeps) {
        return refuse("is where credentials are kept; it is not read");
    }
    let about = fs::metadata(&path).map_err(|error| unreadable(&error))?;
    if !about.is_file() {
        return refuse("is not a regular file");
    }
    if about.len() > most {
        return refuse(&format!("has {} bytes; at most {most} are read", about.len()));
    }
    let bytes = fs::read(&path).map_err(|error| unreadable(&error))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => refuse(&format!("is not UTF-8 text, from byte {}", error.utf8_error().valid_up_to() + 1)),
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "you may not read it".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_below_the_folder_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().join("work");
        fs::create_dir_all(base.join(".kube")).unwrap();
        fs::create_dir(base.join("deploy")).unwrap();
        for (name, content) in [("deploy/.env", "A=1\n"), (".kube/config", "x"), ("long", "xxxxxxxxxxx")] {
            fs::write(base.join(name), content).unwrap();
        }
        fs::write(base.join("binary"), b"A=\xff").unwrap();
        fs::write(folder.path().join("outside"), "A=1").unwrap();
        std::os::unix::fs::symlink(folder.path().join("outside"), base.join("link")).unwrap();
        std::os::unix::fs::symlink(base.join("deploy/.env"), base.join("inside")).unwrap();
        let read = |name: &str| read_below(&base, name, 10).map_err(|error| error.to_string());
        assert_eq!(read("deploy/.env").unwrap(), "A=1\n");
        assert_eq!(read(base.join("deploy/.env").to_str().unwrap()).unwrap(), "A=1\n");
        assert_eq!(read("inside").unwrap(), "A=1\n");
        for (name, why) in [
            ("../outside", "is not below the working directory"),
            ("link", "is not below the working directory"),
            ("/etc/passwd", "is not below the working directory"),
            (".kube/config", "is where credentials are kept"),
            ("deploy", "is not a regular file"),
            ("long", "has 11 bytes"),
            ("binary", "is not UTF-8 text, from byte 3"),
            ("none", "cannot be read: it does not exist"),
        ] {
            assert!(read(name).unwrap_err().contains(why), "{name}: {:?}", read(name));
        }
        assert_eq!(read(" ").unwrap_err(), "file is empty");
    }
}

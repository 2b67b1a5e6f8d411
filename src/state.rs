//! The program's own files: where they are, that nobody else can read them, and the key of all digests.
//!
//! `$TODO_AGENT_STATE`, else `$XDG_STATE_HOME/todo-agent`, else `~/.local/state/todo-agent`; directories
//! 0700, files 0600. Where nothing can be written, reads of a cluster go on and changes are impossible.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::problem::Problem;

/// The state directory, known to be writable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDirectory {
    root: PathBuf,
}

/// How the process's environment variables are read; tests give their own.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Returns the process's own environment variable, unless it is empty.
pub fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns where the state directory is or would be; `None` where neither of the variables nor a home
/// directory is set.
pub fn state_path(environment: Environment<'_>) -> Option<PathBuf> {
    environment("TODO_AGENT_STATE")
        .map(PathBuf::from)
        .or_else(|| xdg(environment, "XDG_STATE_HOME", ".local/state").map(|path| path.join("todo-agent")))
}

/// Returns an XDG base directory. A relative value is invalid and ignored, as the specification says.
pub(crate) fn xdg(environment: Environment<'_>, variable: &str, below_home: &str) -> Option<PathBuf> {
    environment(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| environment("HOME").map(|home| PathBuf::from(home).join(below_home)))
}

impl StateDirectory {
    /// Opens the state directory of this person, creating it where it is missing.
    ///
    /// # Errors
    /// Returns why nothing can be kept there.
    pub fn open(environment: Environment<'_>) -> Result<Self, Problem> {
        let root = state_path(environment).ok_or_else(|| {
            Problem::state("there is no place for the program's files: neither HOME nor TODO_AGENT_STATE is set")
        })?;
        Self::at(root)
    }

    /// Opens a state directory at this path, creating it where it is missing.
    ///
    /// # Errors
    /// Returns why nothing can be kept there.
    pub fn at(root: PathBuf) -> Result<Self, Problem> {
        let problem = |error: io::Error| {
            Problem::state(format!("the state directory {} cannot be used: {error}", root.display()))
                .hint("choose another one with TODO_AGENT_STATE; without it nothing can be changed, only read")
        };
        create_directory(&root).map_err(problem)?;
        // Existing is not enough: a mounted or foreign directory may refuse new files.
        let probe = root.join(format!(".probe-{}", std::process::id()));
        private(&probe).and_then(|_| fs::remove_file(&probe)).map_err(problem)?;
        Ok(Self { root })
    }

    /// Returns the directory's path.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Returns a directory below this one, creating it where it is missing.
    ///
    /// # Errors
    /// Returns why it cannot be created.
    pub fn directory(&self, name: &str) -> Result<PathBuf, Problem> {
        let path = self.root.join(name);
        create_directory(&path)
            .map_err(|error| Problem::state(format!("{} cannot be created: {error}", path.display())))?;
        Ok(path)
    }

    /// Returns the key of all digests: 32 random bytes, made once for this directory.
    ///
    /// # Errors
    /// Returns why it can be neither read nor made.
    pub fn digest_key(&self) -> Result<[u8; 32], Problem> {
        let path = self.root.join("digest.key");
        let problem = |error: io::Error| Problem::state(format!("the digest key {}: {error}", path.display()));
        if !path.try_exists().map_err(problem)? {
            let mut key = [0; 32];
            fill_random(&mut key)?;
            // Of two processes that start at once one makes the link, and both read that one's key.
            match write_new(&path, &key) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(problem(error)),
                _ => {}
            }
        }
        let bytes = fs::read(&path).map_err(problem)?;
        <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| {
            Problem::state(format!("the digest key {} has {} bytes, not 32", path.display(), bytes.len()))
                .hint("remove it; plans made with it must then be made again")
        })
    }
}

/// Fills a buffer with random bytes from the operating system.
///
/// # Errors
/// Returns why there are none.
pub fn fill_random(buffer: &mut [u8]) -> Result<(), Problem> {
    getrandom::fill(buffer).map_err(|error| Problem::state(format!("the system gives no random bytes: {error}")))
}

/// Returns a short random word of lower-case letters and digits without look-alikes, for ids.
///
/// # Errors
/// Returns why there are no random bytes.
pub fn random_word(length: usize) -> Result<String, Problem> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";
    let mut bytes = vec![0; length];
    fill_random(&mut bytes)?;
    Ok(bytes.into_iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

/// Opens a new file that only this person can read and write.
pub(crate) fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    restrict(&mut options);
    options.open(path)
}

/// Opens a new file that the umask decides about.
fn public(path: &Path) -> io::Result<File> {
    File::create_new(path)
}

/// Opens a file for appending that only this person can read and write, creating it where it is missing.
pub(crate) fn private_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).read(true).append(true);
    restrict(&mut options);
    options.open(path)
}

/// Replaces a file's content in one step, so that a reader sees the old or the new one, never half of it.
///
/// # Errors
/// Returns why it cannot be written; the old content is then untouched.
pub fn write_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    with_temporary(path, content, private, |temporary| fs::rename(temporary, path))
}

/// As [`write_atomically`], for a file that is for others to read.
///
/// # Errors
/// Returns why it cannot be written; the old content is then untouched.
pub fn publish_atomically(path: &Path, content: &[u8]) -> io::Result<()> {
    with_temporary(path, content, public, |temporary| fs::rename(temporary, path))
}

/// Finds out whether a file could be replaced, and leaves nothing.
///
/// # Errors
/// Returns why it could not.
pub fn try_publishing(path: &Path) -> io::Result<()> {
    with_temporary(path, &[], public, |temporary| fs::remove_file(temporary))
}

/// Writes a file that must not exist yet, whole or not at all.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    with_temporary(path, content, private, |temporary| {
        let linked = fs::hard_link(temporary, path);
        let _ = fs::remove_file(temporary);
        linked
    })
}

fn with_temporary(
    path: &Path,
    content: &[u8],
    open: impl FnOnce(&Path) -> io::Result<File>,
    finish: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let word = random_word(8).map_err(|problem| io::Error::other(problem.message))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{word}"));
    let written = open(&temporary).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    let finished = written.and_then(|()| finish(&temporary));
    if finished.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    finished
}

fn create_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(unix)]
fn restrict(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

#[cfg(not(unix))]
fn restrict(_options: &mut OpenOptions) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    }

    #[test]
    fn where_the_state_is_kept() {
        type Variables = [(&'static str, &'static str)];
        let table: &[(&Variables, Option<&str>)] = &[
            (&[("HOME", "/home/ana")], Some("/home/ana/.local/state/todo-agent")),
            (&[("HOME", "/home/ana"), ("XDG_STATE_HOME", "/state")], Some("/state/todo-agent")),
            (&[("HOME", "/home/ana"), ("XDG_STATE_HOME", "state")], Some("/home/ana/.local/state/todo-agent")),
            (&[("HOME", "/home/ana"), ("TODO_AGENT_STATE", "/elsewhere")], Some("/elsewhere")),
            (&[], None),
        ];
        for (pairs, path) in table {
            assert_eq!(state_path(&from(pairs)), path.map(PathBuf::from), "{pairs:?}");
        }
    }

    #[test]
    fn the_digest_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::at(folder.path().join("new/state")).unwrap();
        let key = state.digest_key().unwrap();
        assert_ne!(key, [0; 32]);
        assert_eq!(state.digest_key().unwrap(), key);
        let other = StateDirectory::at(folder.path().join("other")).unwrap();
        assert_ne!(other.digest_key().unwrap(), key);
    }

    #[test]
    fn a_damaged_digest_key_is_refused_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::at(folder.path().to_owned()).unwrap();
        fs::write(folder.path().join("digest.key"), b"short").unwrap();
        assert!(state.digest_key().unwrap_err().message.ends_with("has 5 bytes, not 32"));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_what_is_kept() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::at(folder.path().join("state")).unwrap();
        state.digest_key().unwrap();
        write_atomically(&state.directory("plans").unwrap().join("p-1"), b"{}").unwrap();
        let mode = |path: &str| fs::metadata(state.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(""), mode("plans")), (0o700, 0o700));
        assert_eq!((mode("digest.key"), mode("plans/p-1")), (0o600, 0o600));
    }

    #[test]
    fn a_place_that_is_no_directory_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let problem = StateDirectory::at(file.join("state")).unwrap_err();
        assert!(problem.message.starts_with("the state directory"), "{problem}");
        assert!(problem.hints[0].contains("TODO_AGENT_STATE"));
    }

    #[test]
    fn replacing_a_file_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

//! Where keys come from, and that none is shown.

use std::fs;

use super::*;
use crate::model::preset::find;

fn looked_up(source: &KeySource) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let environment = |name: &str| match name {
        "HOME" => Some("/nobody-lives-here".into()),
        "KEY" => Some(" canary-key \n".into()),
        "BROKEN" => Some("canary key".into()),
        _ => None,
    };
    let key = runtime.block_on(source.look_up(&environment));
    key.map(|key| key.0).map_err(|failure| {
        assert_eq!(failure.error.trouble, Trouble::Configuration);
        failure.error.message
    })
}

fn command(words: &[&str]) -> KeySource {
    KeySource::Command(words.iter().map(ToString::to_string).collect())
}

#[test]
fn a_key_from_a_variable() {
    assert_eq!(looked_up(&KeySource::Variable("KEY".into())).unwrap(), "canary-key");
    assert_eq!(
        looked_up(&KeySource::Variable("NONE".into())).unwrap_err(),
        "the environment variable NONE, which should hold the key, is not set"
    );
    assert_eq!(
        looked_up(&KeySource::Variable("BROKEN".into())).unwrap_err(),
        "the key from environment variable BROKEN has characters that no key has"
    );
}

#[test]
fn a_key_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let file = KeySource::File(path.clone());
    assert!(looked_up(&file).unwrap_err().contains("cannot be read: No such file"));
    fs::write(&path, "canary-key\n").unwrap();
    assert_eq!(looked_up(&file).unwrap(), "canary-key");
    for (content, wrong) in [("\n", "is empty"), ("one\ntwo\n", "has more than one line")] {
        fs::write(&path, content).unwrap();
        assert!(looked_up(&file).unwrap_err().ends_with(wrong), "{content:?}");
    }
    assert!(looked_up(&KeySource::File(folder.path().to_owned())).unwrap_err().ends_with("is not a file"));
    let below_home = looked_up(&KeySource::File("~/key".into())).unwrap_err();
    assert!(below_home.starts_with("the key file /nobody-lives-here/key cannot be read"), "{below_home}");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_worth_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile::NamedTempFile::new().unwrap();
    let source = KeySource::File(file.path().to_owned());
    let warning = || source.warning(&|_| None);
    assert_eq!(warning(), None);
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(warning().unwrap().ends_with("chmod 600 makes it private"));
}

#[test]
fn a_key_from_a_command() {
    assert_eq!(looked_up(&command(&["printf", " canary-key\\n"])).unwrap(), "canary-key");
    assert!(
        looked_up(&command(&["no-such-program"]))
            .unwrap_err()
            .starts_with("the key command no-such-program cannot be started: ")
    );
    assert_eq!(
        looked_up(&command(&["sh", "-c", "echo canary-key; echo 'not logged in' >&2; exit 3"])).unwrap_err(),
        "the key command sh failed (exit status: 3): not logged in"
    );
    assert_eq!(looked_up(&command(&["true"])).unwrap_err(), "the key from command true is empty");
}

#[test]
fn the_variables_of_a_provider_are_looked_at_in_order() {
    let gemini = find("gemini").unwrap();
    let from = |pairs: &[(&str, &str)]| {
        let environment = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
        from_variables(gemini, &environment).map(|key| key.unwrap().0).map_err(|failure| failure.error)
    };
    assert_eq!(from(&[("GOOGLE_API_KEY", "b"), ("GEMINI_API_KEY", "a")]).unwrap(), "a");
    assert_eq!(from(&[("GOOGLE_API_KEY", "b")]).unwrap(), "b");
    assert_eq!(from(&[("GOOGLE_API_KEY", "b"), ("TODO_AGENT_API_KEY", "c")]).unwrap(), "c");
    let error = from(&[]).unwrap_err();
    assert_eq!(error.message, "gemini needs a key, and GEMINI_API_KEY is not set");
    assert_eq!(error.hints.len(), 2);
    assert_eq!(from_variables(find("ollama").unwrap(), &|_| None), Ok(None));
}

#[test]
fn a_key_is_never_shown() {
    let key = Key::read("canary-key").unwrap();
    assert_eq!(format!("{key:?}"), "Key(…)");
    assert_eq!(format!("{:?}", key.header("Bearer ").unwrap()), "Sensitive");
    assert_eq!(key.hidden_in("Incorrect API key provided: canary-key."), "Incorrect API key provided: ‹key›.");
}

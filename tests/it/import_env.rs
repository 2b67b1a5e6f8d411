//! A `.env` file becomes a Secret and a ConfigMap; what is secret in it is seen by nobody.

use insta::assert_snapshot;

use crate::support::{TestEnvironment, evidence};

const FILE: &str = "\u{feff}# of the backend\r\nexport PORT=8000\r\nDB_PASSWORD='correct horse battery'\r\n\
    PEM=\"-----BEGIN X-----\nabc\n-----END X-----\"\r\nPORT=8001\r\nURL=http://${HOST}/\r\n";

#[test]
fn a_file_is_imported_and_its_secrets_are_seen_by_nobody() {
    let environment = TestEnvironment::new();
    environment.write("work/.env", FILE);
    let call = ["call", "import_env", r#"{"file": ".env", "name": "backend-env", "secret": ["DB_PASSWORD", "PEM"]}"#];
    let output = environment.run(["--sandbox", "--yes"].into_iter().chain(call));
    assert_snapshot!(output, @"");
    let mut kept = environment.sessions() + &output.stdout + &output.stderr;
    kept += &environment.journal().iter().map(ToString::to_string).collect::<String>();
    for part in ["correct horse", "Y29ycmVjdCBob3JzZ", "BEGIN X"] {
        assert!(!kept.contains(part), "{part}:\n{kept}");
    }
    // It did arrive.
    let sent = environment.requests().into_iter().find(|request| evidence::is_write(request)).unwrap();
    assert_eq!(sent["body"]["stringData"]["DB_PASSWORD"], "correct horse battery");
}

#[test]
fn what_cannot_be_imported_is_explained_and_nothing_is_sent() {
    let environment = TestEnvironment::new();
    environment.write("work/bad.env", "A=1\nB=\"never closed\n");
    environment.write("work/empty.env", "# nothing\n");
    environment.write("secret-outside", "A=1\n");
    let import = |file: &str| {
        let args = format!(r#"{{"file": "{file}"}}"#);
        environment.run(["--sandbox", "--yes", "call", "import_env", &args])
    };
    assert_snapshot!(import("bad.env"), @"");
    assert_snapshot!(import("empty.env"), @"");
    assert_snapshot!(import("../secret-outside"), @"");
    assert_snapshot!(import("none.env"), @"");
    assert!(!environment.requests().iter().any(evidence::is_write));
}

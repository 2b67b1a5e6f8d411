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
    assert_snapshot!(output, @r#"
    exit 0
    --- stdout
    ✓ ok: create secret/backend-env with 2 keys
      made
    ✓ ok: create configmap/backend-env with 2 keys
      made
    undo: todo-agent undo c-change  (delete secret/backend-env, delete configmap/backend-env)
    Changes in this turn:
    - create secret/backend-env with 2 keys: done (c-change)
    - create configmap/backend-env with 2 keys: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo
      risk       medium (the highest of all steps)

    1. create secret/backend-env with 2 keys
       action     create Secret backend-env in namespace todo (v1)
       object     as the server would keep it:
         + apiVersion: v1
         + kind: Secret
         + metadata:
         +   labels:
         +     app.kubernetes.io/managed-by: todo-agent
         +   name: backend-env
         +   namespace: todo
         + stringData:
         +   DB_PASSWORD: <set>
         +   PEM: <set>
       risk       medium
       proof      checked by the server (dry run)
       note       into the Secret go DB_PASSWORD, PEM; their values are not shown

    when the steps above have settled (phase 2):
    2. create configmap/backend-env with 2 keys
       action     create ConfigMap backend-env in namespace todo (v1)
       object     as the server would keep it:
         + apiVersion: v1
         + data:
         +   PORT: "8001"
         +   URL: http://${HOST}/
         + kind: ConfigMap
         + metadata:
         +   labels:
         +     app.kubernetes.io/managed-by: todo-agent
         +   name: backend-env
         +   namespace: todo
       risk       medium
       proof      checked by the server (dry run)
       note       into the ConfigMap go PORT, URL; everybody who reads the namespace reads them
       note       PORT comes more than once; the last value counts
       note       URL refers to other variables, which is kept as it is written

    undo       delete secret/backend-env, delete configmap/backend-env
    same as    kubectl create secret generic backend-env --from-env-file=.env -n todo
    same as    kubectl create configmap backend-env --from-env-file=.env -n todo
    approved by --yes
    this sandbox is discarded, and the way back with it; todo-agent sandbox serve keeps one
    "#);
    let mut kept = environment.sessions() + &output.stdout + &output.stderr;
    kept += &environment.journal().iter().map(ToString::to_string).collect::<String>();
    for part in ["correct horse", "Y29ycmVjdCBob3JzZ", "BEGIN X"] {
        assert!(!kept.contains(part), "{part}:\n{kept}");
    }
    // It did arrive.
    let sent = environment.requests().into_iter().find(evidence::is_write).unwrap();
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
    assert_snapshot!(import("bad.env"), @r"
    exit 2
    --- stderr
    error: bad.env:2: the quote is never closed
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    assert_snapshot!(import("empty.env"), @r#"
    exit 2
    --- stderr
    error: file "empty.env" holds no variables
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
    assert_snapshot!(import("../secret-outside"), @r#"
    exit 2
    --- stderr
    error: file "../secret-outside" is not below the working directory
    hint: start todo-agent in the folder of the file, or copy it there
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
    assert_snapshot!(import("none.env"), @r#"
    exit 2
    --- stderr
    error: file "none.env" cannot be read: it does not exist
    hint: name a file below the working directory
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
    assert!(!environment.requests().iter().any(evidence::is_write));
}

//! Keys on the wire: which header, when they are looked up, and that no error shows one.

use crate::{
    asking::{ask, client_at, client_with, request, shown},
    support::model::{FakeModel, Reply},
};

#[test]
fn azure_has_its_own_address_and_header() {
    let model = FakeModel::start([Reply::text("ready")]).anywhere().canary("canary-key-123");
    let table = "provider = \"azure\"\nmodel = \"prod\"\nkey = { command = [\"printf\", \"canary-key-123\"] }\n\
                 headers = { x-team = \"shop\" }";
    let client = client_at(&model.url().replace("/v1", ""), table);
    assert_eq!(ask(&client, &request("x")).1.unwrap().text, "ready");
    let heard = model.heard().remove(0);
    assert_eq!(heard.target, "POST /openai/deployments/prod/chat/completions?api-version=2024-10-21");
    assert_eq!(heard.header("api-key"), Some("canary-key-123"));
    assert_eq!((heard.header("authorization"), heard.header("x-team")), (None, Some("shop")));
}

#[test]
fn a_key_that_a_program_gives_out_is_asked_for_again_once_it_has_expired() {
    let folder = tempfile::tempdir().unwrap();
    let count = folder.path().join("count");
    let script = format!("echo x >> {0}; echo key-$(wc -l < {0})", count.display());
    let table = format!("key = {{ command = [\"sh\", \"-c\", {script:?}] }}");
    let expired = || Reply::error(401, "invalid_api_key", "the token has expired");
    let model = FakeModel::start([Reply::text("one"), expired(), Reply::text("two"), expired(), expired()]).anywhere();
    let client = client_with(&model, &table);
    for word in ["one", "two"] {
        assert_eq!(ask(&client, &request("x")).1.unwrap().text, word);
    }
    assert!(ask(&client, &request("x")).1.is_err(), "it is not asked for ever");
    let keys: Vec<String> =
        model.heard().iter().filter_map(|heard| heard.header("authorization").map(str::to_owned)).collect();
    assert_eq!(keys, ["Bearer key-1", "Bearer key-1", "Bearer key-2", "Bearer key-2", "Bearer key-3"]);
}

#[test]
fn a_key_that_cannot_be_had_is_an_error_and_no_request() {
    let model = FakeModel::start([]).anywhere();
    let client = client_with(&model, "key = { command = [\"false\"] }");
    let error = ask(&client, &request("x")).1.unwrap_err();
    assert_eq!(shown(&error), "Configuration: the key command false failed (exit status: 1)");
    assert_eq!(model.heard().len(), 0);
}

#[test]
fn secret_headers_and_keys_that_a_server_echoes_are_hidden() {
    let words = "bad key canary-key-123, bad header canary-header-456";
    let table = "key = { command = [\"printf\", \"canary-key-123\"] }\nheaders = { x-token = \"canary-header-456\" }";
    for reply in [Reply::error(400, "bad", words), Reply::raw(format!("data: {{\"error\": {words:?}}}\n\n"))] {
        let model = FakeModel::answering(move |_, _| reply.clone()).anywhere();
        let (deltas, end) = ask(&client_with(&model, table), &request("x"));
        let all = format!("{deltas:?} {end:?}");
        assert!(all.contains("bad key ‹key›, bad header ‹header›"), "{all}");
        assert!(!all.contains("canary"), "{all}");
    }
}

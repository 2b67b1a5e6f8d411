//! How servers say no, and what is made of it.

use serde_json::json;

use super::*;

fn judged(status: Option<u16>, error: &Value) -> (Trouble, Again) {
    let complaint = Complaint::read(error).unwrap_or_else(|| Complaint::of(error));
    let failure = Complaint { status: status.or(complaint.status), ..complaint }.failure();
    (failure.error.trouble, failure.again)
}

#[test]
fn every_way_to_say_that_a_conversation_is_too_long() {
    for (status, message) in [
        (
            400,
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 131072 tokens.",
        ),
        (400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
        (400, "the request exceeds the available context size, try increasing it"),
        (400, "prompt is too long: 210000 tokens > 200000 maximum"),
        (400, "Input is too long for requested model."),
        (413, "Request too large for model `llama-3.1-8b-instant` in organization"),
        (500, "requested tokens exceed context window of 2048"),
        (422, "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"),
    ] {
        let judged = judged(Some(status), &json!({"error": {"message": message}}));
        assert_eq!(judged, (Trouble::TooLong, Again::No), "{message}");
    }
    let by_code = json!({"error": {"message": "no", "code": "context_length_exceeded"}});
    assert_eq!(judged(None, &by_code).0, Trouble::TooLong);
}

#[test]
fn what_may_pass_is_told_from_what_will_not() {
    let plain = json!({"error": {"message": "no"}});
    for (status, expected) in [
        (400, (Trouble::Refused, Again::No)),
        (401, (Trouble::Key, Again::No)),
        (402, (Trouble::Quota, Again::No)),
        (403, (Trouble::Key, Again::No)),
        (404, (Trouble::Unknown, Again::No)),
        (408, (Trouble::Timeout, Again::Later)),
        (409, (Trouble::Unreachable, Again::Later)),
        (422, (Trouble::Refused, Again::No)),
        (429, (Trouble::Quota, Again::Later)),
        (500, (Trouble::Unreachable, Again::Later)),
        (501, (Trouble::Refused, Again::No)),
        (503, (Trouble::Unreachable, Again::Later)),
        (529, (Trouble::Unreachable, Again::Later)),
    ] {
        assert_eq!(judged(Some(status), &plain), expected, "{status}");
    }
}

#[test]
fn a_code_in_the_body_counts_where_there_is_no_status() {
    for (error, expected) in [
        (json!({"error": {"code": 429, "message": "slow down"}}), (Trouble::Quota, Again::Later)),
        (json!({"error": {"code": "502", "message": "bad gateway"}}), (Trouble::Unreachable, Again::Later)),
        (json!({"error": {"type": "rate_limit_error", "message": "x"}}), (Trouble::Quota, Again::Later)),
        (json!({"error": {"type": "insufficient_quota", "message": "x"}}), (Trouble::Quota, Again::No)),
        (json!({"error": {"type": "invalid_request_error", "message": "x"}}), (Trouble::Refused, Again::No)),
        (json!({"error": {"code": "model_not_found", "message": "x"}}), (Trouble::Unknown, Again::No)),
        (json!({"error": {"type": "overloaded_error", "message": "x"}}), (Trouble::Unreachable, Again::Later)),
        (json!({"error": "the model runner has unexpectedly stopped"}), (Trouble::Unreachable, Again::Later)),
        (
            json!({"error": {"code": 429, "message": "x", "details": [{"@type": "RetryInfo", "retryDelay": "37s"}]}}),
            (Trouble::Quota, Again::After(Duration::from_secs(37))),
        ),
    ] {
        assert_eq!(judged(None, &error), expected, "{error}");
    }
}

#[test]
fn what_is_no_complaint() {
    for value in [
        json!({"error": null, "choices": []}),
        json!({"error": "", "choices": []}),
        json!({"error": {}, "choices": []}),
        json!({"choices": [], "detail": "x"}),
        json!({"object": "chat.completion.chunk"}),
        json!([]),
        json!("error"),
    ] {
        assert_eq!(Complaint::read(&value), None, "{value}");
    }
}

#[test]
fn the_words_of_a_server_are_found_where_it_keeps_them() {
    for (value, message) in [
        (json!({"error": {"message": "no  such\nthing."}}), "no such thing"),
        (json!({"error": "no such thing"}), "no such thing"),
        (json!([{"error": {"message": "no such thing"}}]), "no such thing"),
        (json!({"object": "error", "message": "no such thing"}), "no such thing"),
        (json!({"type": "error", "error": {"type": "x", "message": "no such thing"}}), "no such thing"),
        (json!({"detail": "no such thing"}), "no such thing"),
        (json!({"detail": [{"msg": "no such thing", "loc": ["body"]}]}), "no such thing"),
        (
            json!({"error": {"message": "Provider returned error", "metadata": {"raw": "no such thing"}}}),
            "Provider returned error: no such thing",
        ),
        (json!({"error": {"reason": 7}}), "{\"reason\":7}"),
        (json!({"error": {"message": "red \u{1b}[31m"}}), "red \\u{1b}[31m"),
    ] {
        assert_eq!(Complaint::read(&value).unwrap().message, message, "{value}");
    }
    let long = Complaint::of(&json!("x".repeat(100_000)));
    assert!(long.message.len() <= MOST_SHOWN, "{}", long.message.len());
}

#[test]
fn a_body_is_described_not_repeated() {
    assert_eq!(described("<html><head><title>404\nNot Found</title>"), "a web page titled \"404 Not Found\"");
    assert_eq!(described("  <!doctype html><p>x"), "a web page");
    assert_eq!(described("ünïcödé ".repeat(20).as_str()).chars().next(), Some('"'));
    assert_eq!(described("\n"), "nothing");
}

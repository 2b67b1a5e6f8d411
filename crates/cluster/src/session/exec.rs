//! A command in a container: what it prints, and how it ends.
//!
//! The last message of the error channel is a `Status` that tells the end. Without it nobody knows.
//! Source: `v4StatusDecoder` in k8s.io/client-go/tools/remotecommand.

use std::time::Duration;

use bytes::BytesMut;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::Channels;

const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;

/// The most bytes kept of each stream, from its start.
const LARGEST_STREAM: usize = 1024 * 1024;

/// How a command went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) end: End,
    pub(crate) stdout: BytesMut,
    pub(crate) stderr: BytesMut,
    /// Whether it printed more than is kept.
    pub(crate) cut: bool,
}

/// How a command ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with this exit status.
    Exited(i64),
    /// It was never begun, for this reason.
    NotBegun(String),
    /// Nobody was told.
    Unknown(String),
}

/// Follows a command to its end, or to where the person or the time ends it. Closing the session does not end the
/// command: what runs in the container goes on.
pub(crate) async fn follow<S: AsyncRead + AsyncWrite + Unpin>(
    channels: &mut Channels<S>,
    limit: Duration,
    cancel: &CancellationToken,
) -> Ran {
    let mut ran = Ran {
        end: End::Unknown("the connection ended before the command said how it went".to_owned()),
        stdout: BytesMut::new(),
        stderr: BytesMut::new(),
        cut: false,
    };
    let goes_on = "; it may still run in the container";
    let interrupted = async {
        tokio::select! {
            () = cancel.cancelled() => format!("interrupted before it ended{goes_on}"),
            () = tokio::time::sleep(limit) => format!("it did not end within {} s{goes_on}", limit.as_secs()),
        }
    };
    let mut interrupted = std::pin::pin!(interrupted);
    loop {
        let message = tokio::select! {
            biased;
            message = channels.receive() => message,
            why = &mut interrupted => {
                ran.end = End::Unknown(why);
                break;
            }
        };
        match message {
            Ok(Some((STDOUT, data))) => ran.cut |= keep(&mut ran.stdout, &data),
            Ok(Some((STDERR, data))) => ran.cut |= keep(&mut ran.stderr, &data),
            Ok(Some((ERROR, data))) if !data.is_empty() => {
                ran.end = end(&data);
                break;
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                ran.end = End::Unknown(format!("the connection broke before the command said how it went: {error}"));
                break;
            }
        }
    }
    channels.close().await;
    ran
}

/// Keeps what there is room for, and returns whether something was left out.
fn keep(stream: &mut BytesMut, data: &[u8]) -> bool {
    let room = LARGEST_STREAM.saturating_sub(stream.len());
    stream.extend_from_slice(&data[..data.len().min(room)]);
    data.len() > room
}

fn end(status: &[u8]) -> End {
    let Ok(status) = serde_json::from_slice::<Value>(status) else {
        return End::Unknown("the server told the end in a way that cannot be read".to_owned());
    };
    if status["status"] == "Success" {
        return End::Exited(0);
    }
    let causes = status["details"]["causes"].as_array().into_iter().flatten();
    let code = causes.filter(|cause| cause["reason"] == "ExitCode").find_map(|cause| cause["message"].as_str());
    match code.and_then(|code| code.parse().ok()) {
        Some(code) if status["reason"] == "NonZeroExitCode" => End::Exited(code),
        _ => End::NotBegun(status["message"].as_str().unwrap_or("no reason given").trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::testing::{Server, session};

    async fn ran(said: impl AsyncFnOnce(&mut Server)) -> Ran {
        let (mut channels, mut server) = session().await;
        said(&mut server).await;
        drop(server);
        follow(&mut channels, Duration::from_mins(1), &CancellationToken::new()).await
    }

    #[tokio::test]
    async fn a_command_is_followed_to_its_end() {
        let ran = ran(async |server| {
            server.say(STDOUT, b"").await;
            server.say(STDOUT, b"one\n").await;
            server.say(STDERR, b"oh\n").await;
            server.say(STDOUT, b"two\n").await;
            server.say(ERROR, br#"{"metadata":{},"status":"Success"}"#).await;
        })
        .await;
        assert_eq!((ran.end, &ran.stdout[..], &ran.stderr[..]), (End::Exited(0), &b"one\ntwo\n"[..], &b"oh\n"[..]));
    }

    #[tokio::test]
    async fn how_it_ended_is_told_apart() {
        let ended = async |status: &'static str| {
            let said = async move |server: &mut Server| server.say(ERROR, status.as_bytes()).await;
            ran(said).await.end
        };
        let code = r#"{"status":"Failure","reason":"NonZeroExitCode","message":"command terminated",
            "details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#;
        assert_eq!(ended(code).await, End::Exited(3));
        let missing = r#"{"status":"Failure","reason":"InternalError","message":"no such file"}"#;
        assert_eq!(ended(missing).await, End::NotBegun("no such file".to_owned()));
        assert!(matches!(ended("{").await, End::Unknown(_)));
    }

    #[tokio::test]
    async fn without_a_status_nobody_knows_the_end() {
        let ran = ran(async |server| server.say(STDOUT, b"half").await).await;
        assert!(matches!(ran.end, End::Unknown(_)), "{ran:?}");
        assert_eq!(&ran.stdout[..], b"half");
    }

    #[tokio::test]
    async fn who_interrupts_is_told_that_it_may_go_on() {
        let (mut channels, server) = session().await;
        let cancel = CancellationToken::new();
        cancel.cancel();
        let ran = follow(&mut channels, Duration::from_mins(1), &cancel).await;
        assert_eq!(ran.end, End::Unknown("interrupted before it ended; it may still run in the container".to_owned()));
        drop(server);
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_does_not_end_is_left_to_itself() {
        let (mut channels, server) = session().await;
        let ran = follow(&mut channels, Duration::from_mins(1), &CancellationToken::new()).await;
        let why = "it did not end within 60 s; it may still run in the container";
        assert_eq!(ran.end, End::Unknown(why.to_owned()));
        drop(server);
    }

    #[tokio::test]
    async fn a_flood_is_cut() {
        let ran = ran(async |server| {
            for _ in 0..3 {
                server.say(STDOUT, &vec![b'x'; 200_000]).await;
            }
        });
        let mut whole = BytesMut::new();
        assert!(!keep(&mut whole, &vec![b'x'; LARGEST_STREAM]));
        assert!(keep(&mut whole, b"y"));
        assert_eq!(whole.len(), LARGEST_STREAM);
        assert_eq!(ran.await.stdout.len(), 600_000);
    }
}

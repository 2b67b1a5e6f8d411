//! A model's server on a free loopback port that says what a test's script says, byte for byte, and looks at every request
//! it gets: a request that breaks a rule (`rules`) fails the test when the server is dropped.
//!
//! `reply` makes the answers. A reply is sent piece by piece, each piece flushed, with gates in between where a test wants to
//! look at what happened so far.

mod reply;
mod rules;

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

pub(crate) use reply::Reply;
use reply::{Piece, Sending};

/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// A model's server.
pub(crate) struct FakeModel {
    port: u16,
    shared: Arc<Shared>,
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// For example `POST /v1/chat/completions`.
    pub(crate) target: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Heard {
    /// Returns a header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn is_conversation(&self) -> bool {
        let path = self.target.split('?').next().unwrap_or_default();
        path.starts_with("POST") && path.ends_with("/chat/completions")
    }
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    script: Script,
    models: Value,
    /// What other addresses answer, by the end of their path.
    beside: Vec<(String, Value)>,
    heard: Vec<Heard>,
    /// How many pieces behind gates may be sent.
    open_gates: usize,
    /// How many gates were reached.
    reached_gates: usize,
    /// Whether a reply has come to where it says nothing more.
    is_silent: bool,
    rules: rules::Rules,
    violations: Vec<String>,
    is_over: bool,
}

type Answer = dyn Fn(&Value, usize) -> Reply + Send + Sync;

enum Script {
    /// Each request gets the next one.
    Replies(std::vec::IntoIter<Reply>),
    /// Each request is answered by what it says; the number counts from 0.
    By(Arc<Answer>),
}

impl FakeModel {
    /// Starts a model that gives these replies, one for each request.
    pub(crate) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Vec<Reply> = replies.into_iter().collect();
        Self::with(Script::Replies(replies.into_iter()))
    }

    /// Starts a model that answers by what it is asked: for one that obeys what it reads.
    pub(crate) fn answering(answer: impl Fn(&Value, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(Script::By(Arc::new(answer)))
    }

    fn with(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = State {
            script,
            models: json!({"object": "list", "data": [{"id": "fake", "object": "model"}]}),
            beside: Vec::new(),
            heard: Vec::new(),
            open_gates: 0,
            reached_gates: 0,
            is_silent: false,
            rules: rules::Rules::default(),
            violations: Vec::new(),
            is_over: false,
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&serving);
                if shared.lock().is_over {
                    return;
                }
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, shared }
    }

    /// Sets the context and namespace that the system's message must name; the sandbox and its namespace otherwise.
    pub(crate) fn at(self, context: &str, namespace: &str) -> Self {
        self.shared.lock().rules.place = Some((context.to_owned(), namespace.to_owned()));
        self
    }

    /// Takes system messages that name no place.
    pub(crate) fn anywhere(self) -> Self {
        self.shared.lock().rules.place = None;
        self
    }

    /// Adds a text that no request may hold, plain or in base64.
    pub(crate) fn canary(self, text: &str) -> Self {
        self.shared.lock().rules.canaries.push(text.to_owned());
        self
    }

    /// Sets what `GET /models` answers.
    pub(crate) fn models(self, names: &[&str]) -> Self {
        let data: Vec<Value> = names.iter().map(|name| json!({"id": name, "object": "model"})).collect();
        self.shared.lock().models = json!({"object": "list", "data": data});
        self
    }

    /// Sets what an address beside the interface answers, named by the end of its path.
    pub(crate) fn beside(self, path: &str, body: Value) -> Self {
        self.shared.lock().beside.push((path.to_owned(), body));
        self
    }

    /// Returns the base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Returns the bodies of the conversations so far.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.heard().into_iter().filter(Heard::is_conversation).map(|heard| heard.body).collect()
    }

    /// Returns every request so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.shared.lock().heard.clone()
    }

    /// Lets the next piece behind a gate go.
    pub(crate) fn open_gate(&self) {
        self.shared.lock().open_gates += 1;
        self.shared.changed.notify_all();
    }

    /// Waits until so many gates were reached in all.
    #[track_caller]
    pub(crate) fn wait_for_gate(&self, count: usize) {
        let state = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(state, PATIENCE, |state| state.reached_gates < count);
        let (state, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(state);
        assert!(!outcome.timed_out(), "gate {count} was not reached");
    }

    /// Waits until so many conversations were asked for.
    #[track_caller]
    pub(crate) fn wait_for_requests(&self, count: usize) {
        let state = self.shared.lock();
        let waited = self.shared.changed.wait_timeout_while(state, PATIENCE, |state| state.heard.len() < count);
        let (state, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(state);
        assert!(!outcome.timed_out(), "request {count} did not come");
    }

    /// Returns whether a reply has come to where it says nothing more.
    pub(crate) fn is_silent(&self) -> bool {
        self.shared.lock().is_silent
    }

    /// Returns the rules that were broken so far and forgets them: for tests of the rules themselves.
    pub(crate) fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().violations)
    }
}

impl Drop for FakeModel {
    fn drop(&mut self) {
        let violations = {
            let mut state = self.shared.lock();
            state.is_over = true;
            std::mem::take(&mut state.violations)
        };
        self.shared.changed.notify_all();
        // Wakes the thread that accepts.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if !thread::panicking() {
            assert!(violations.is_empty(), "the model got requests that break its rules:\n{}", violations.join("\n"));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits at a gate; returns whether to go on.
    fn pass_gate(&self) -> bool {
        let mut state = self.lock();
        state.reached_gates += 1;
        self.changed.notify_all();
        let waited = self.changed.wait_while(state, |state| state.open_gates == 0 && !state.is_over);
        state = waited.unwrap_or_else(PoisonError::into_inner);
        state.open_gates = state.open_gates.saturating_sub(1);
        !state.is_over
    }

    /// Waits until the test is over.
    fn hang(&self) {
        let mut state = self.lock();
        state.is_silent = true;
        drop(self.changed.wait_while(state, |state| !state.is_over));
    }

    fn take_up(&self, heard: Heard) -> Sending {
        let mut state = self.lock();
        let number = state.heard.iter().filter(|known| known.is_conversation()).count();
        let (target, is_conversation) = (heard.target.clone(), heard.is_conversation());
        let body = heard.body.clone();
        state.heard.push(heard);
        self.changed.notify_all();
        if target.starts_with("GET") && target.ends_with("/models") {
            return Reply::json(200, &state.models).sending(number);
        }
        if let Some((_, body)) = state.beside.iter().find(|(path, _)| target.ends_with(path.as_str())) {
            return Reply::json(200, body).sending(number);
        }
        if !is_conversation {
            return Reply::json(404, &json!({"error": {"message": format!("no such address: {target}")}}))
                .sending(number);
        }
        let broken = state.rules.broken_by(&body);
        state.violations.extend(broken.into_iter().map(|broken| format!("request {}: {broken}", number + 1)));
        let answer = match &mut state.script {
            Script::By(answer) => Arc::clone(answer),
            Script::Replies(replies) => {
                let reply = replies.next();
                let reply = reply.unwrap_or_else(|| {
                    state.violations.push(format!("request {}: the script has no reply for it", number + 1));
                    Reply::json(400, &json!({"error": {"message": "the test's script is over"}}))
                });
                return reply.sending(number);
            }
        };
        drop(state);
        answer(&body, number).sending(number)
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    // A client that goes away while it is answered is its own affair.
    let Some(heard) = read_request(&stream) else { return };
    let sending = shared.take_up(heard);
    drop(answer(stream, sending, shared));
}

fn answer(mut stream: TcpStream, sending: Sending, shared: &Shared) -> io::Result<()> {
    let Sending { status, headers, pieces } = sending;
    let mut head = format!("HTTP/1.1 {status} Scripted\r\nconnection: close\r\ntransfer-encoding: chunked\r\n");
    for (name, value) in headers {
        head = format!("{head}{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    let mut head = Some(head);
    for piece in pieces {
        match piece {
            Piece::Gate if !shared.pass_gate() => return Ok(()),
            Piece::Gate => {}
            Piece::Hang => {
                shared.hang();
                return Ok(());
            }
            Piece::Cut => return Ok(()),
            Piece::Head => stream.write_all(head.take().unwrap_or_default().as_bytes())?,
            Piece::Bytes(bytes) if bytes.is_empty() => {}
            Piece::Bytes(bytes) => {
                stream.write_all(head.take().unwrap_or_default().as_bytes())?;
                stream.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
                stream.write_all(&bytes)?;
                stream.write_all(b"\r\n")?;
                stream.flush()?;
            }
        }
    }
    stream.write_all(head.take().unwrap_or_default().as_bytes())?;
    stream.write_all(b"0\r\n\r\n")
}

/// Reads one request with its body.
fn read_request(stream: &TcpStream) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body)));
    let mut words = first.split_whitespace();
    Some(Heard { target: format!("{} {}", words.next()?, words.next()?), headers, body })
}

//! Stands between the program and a cluster, and decides per request what becomes of it. The program speaks
//! to it without TLS; it speaks to the cluster as the cluster wants.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use super::{hostile::listen, http::Access};

/// How long a test waits for a request that must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// It is passed on, and so is the answer.
    Pass,
    /// It never arrives, and no answer comes.
    Hold,
    /// It waits for [`Proxy::go_on`] and is then passed on.
    PassWhenTold,
    /// It arrives and is answered, but the answer never comes back.
    HoldAnswer,
    /// It arrives and is answered, but the connection breaks before the answer comes back.
    CutAnswer,
    /// It arrives and is answered, but the connection breaks in the middle of the answer's body.
    HalveAnswer,
    /// It waits, is passed on, and its answer waits as long again.
    Delay(Duration),
    /// It never arrives; a status of this code and reason is the answer, to be tried again in a second.
    Refuse(u16, &'static str),
    /// It arrives and is carried out, but a status of this code and reason is the answer.
    CarryOutAndSay(u16, &'static str),
}

/// Returns whether a request changes something for good.
pub(crate) fn is_the_write(request: &str) -> bool {
    request.starts_with("PATCH ") && !request.contains("dryRun")
}

/// Returns a reaction that stops the program after its preview, when it looks at the Deployment `backend` for the
/// last time before it sends.
pub(crate) fn at_the_last_look() -> impl Fn(&str) -> Reaction + Send + Sync + 'static {
    let stages = Stages::default();
    move |request| {
        let read = request.starts_with("GET ") && request.contains("/deployments/backend");
        if request.contains("dryRun") {
            stages.advance(0, 1);
        } else if read && stages.advance(1, 2) {
            return Reaction::PassWhenTold;
        }
        Reaction::Pass
    }
}

/// How far the requests have come, where what becomes of one hangs on those before it.
#[derive(Default)]
pub(crate) struct Stages(AtomicUsize);

impl Stages {
    /// Goes on if this stage is the present one, and returns whether it was.
    pub(crate) fn advance(&self, from: usize, to: usize) -> bool {
        self.0.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// A proxy on a loopback port.
pub(crate) struct Proxy {
    port: u16,
    token: String,
    namespace: String,
    stopped: Mutex<mpsc::Receiver<String>>,
    /// How many requests are under way, watches left out.
    under_way: Arc<AtomicUsize>,
    told: mpsc::Sender<()>,
}

impl Proxy {
    /// Starts a proxy; `react` sees each request as `METHOD /path?query`.
    pub(crate) fn before(
        access: &Access,
        namespace: &str,
        react: impl Fn(&str) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        let (sender, stopped) = mpsc::channel();
        let (access, sender) = (access.clone(), Arc::new(Mutex::new(sender)));
        let (token, namespace) = (access.token.clone(), namespace.to_owned());
        let (told, go_on) = mpsc::channel();
        let go_on = Mutex::new(go_on);
        let under_way = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&under_way);
        let port = listen(move |stream| {
            let seen = |request: &str, reaction: Reaction| {
                let _ = sender.lock().unwrap().send(request.to_owned());
                if reaction == Reaction::PassWhenTold {
                    let _ = go_on.lock().unwrap().recv_timeout(PATIENCE);
                }
            };
            // Either side may go away at any time; that ends this connection only.
            let _ = exchange(stream, &access, &react, seen, &count);
        });
        Self { port, token, namespace, stopped: Mutex::new(stopped), under_way, told }
    }

    /// Returns a kubeconfig whose only context goes through the proxy.
    pub(crate) fn kubeconfig(&self) -> String {
        let server = format!("http://127.0.0.1:{}", self.port);
        super::hostile::kubeconfig(&server, "")
            .replace("not-a-secret", &self.token)
            .replace("user: test}", &format!("user: test, namespace: {}}}", self.namespace))
    }

    /// Waits until a request was not passed as usual, and returns it. One that was to be answered has been.
    pub(crate) fn stopped(&self) -> String {
        self.stopped.lock().unwrap().recv_timeout(PATIENCE).expect("the request comes")
    }

    /// Waits until every request that came has reached its end.
    pub(crate) fn settle(&self) {
        // One that has just come is counted a moment later.
        thread::sleep(Duration::from_millis(50));
        while self.under_way.load(Ordering::SeqCst) > 0 {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Lets the request pass that waits for it.
    pub(crate) fn go_on(&self) {
        self.told.send(()).unwrap();
    }
}

fn exchange(
    mut client: TcpStream,
    access: &Access,
    react: &impl Fn(&str) -> Reaction,
    stopped: impl Fn(&str, Reaction),
    under_way: &Arc<AtomicUsize>,
) -> io::Result<()> {
    let request = read_request(&mut client)?;
    let _counted = Counted::new(under_way, &request);
    let head = String::from_utf8_lossy(&request);
    let words: Vec<&str> = head.split_whitespace().take(2).collect();
    let line = words.join(" ");
    let reaction = react(&line);
    match reaction {
        Reaction::Hold => {
            stopped(&line, reaction);
            return wait_for_the_end(&mut client);
        }
        Reaction::Refuse(code, reason) => {
            client.write_all(refusal(code, reason).as_bytes())?;
            return client.shutdown(Shutdown::Write);
        }
        Reaction::PassWhenTold => stopped(&line, reaction),
        Reaction::Delay(time) => thread::sleep(time),
        _ => {}
    }
    let mut server = access.connect()?;
    server.write_all(&request)?;
    server.flush()?;
    match reaction {
        Reaction::Hold | Reaction::Refuse(..) => Ok(()),
        Reaction::Pass | Reaction::PassWhenTold => pass_on(&mut server, &mut client),
        Reaction::Delay(time) => {
            thread::sleep(time);
            pass_on(&mut server, &mut client)
        }
        Reaction::HoldAnswer => {
            // The first byte of the answer shows that the server has done its part.
            server.read_exact(&mut [0])?;
            stopped(&line, reaction);
            wait_for_the_end(&mut client)
        }
        Reaction::CutAnswer => {
            server.read_exact(&mut [0])?;
            stopped(&line, reaction);
            client.shutdown(Shutdown::Both)
        }
        Reaction::HalveAnswer => {
            let answer = read_all(&mut server);
            let body = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(0, |at| at + 4);
            client.write_all(&answer[..body + (answer.len() - body) / 2])?;
            stopped(&line, reaction);
            client.shutdown(Shutdown::Both)
        }
        Reaction::CarryOutAndSay(code, reason) => {
            read_all(&mut server);
            stopped(&line, reaction);
            client.write_all(refusal(code, reason).as_bytes())?;
            client.shutdown(Shutdown::Write)
        }
    }
}

/// A request that is under way, while this lives.
struct Counted(Option<Arc<AtomicUsize>>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>, request: &[u8]) -> Self {
        // A watch goes on for minutes and changes nothing.
        let is_watch = request.windows(10).any(|bytes| bytes == b"watch=true");
        let count = (!is_watch).then(|| Arc::clone(count));
        if let Some(count) = &count {
            count.fetch_add(1, Ordering::SeqCst);
        }
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(count) = &self.0 {
            count.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

fn pass_on(server: &mut impl Read, client: &mut TcpStream) -> io::Result<()> {
    let mut chunk = [0; 16 * 1024];
    while let Ok(count @ 1..) = server.read(&mut chunk) {
        client.write_all(&chunk[..count])?;
    }
    client.shutdown(Shutdown::Write)
}

/// Reads to the end, which may come without TLS's own goodbye.
fn read_all(server: &mut impl Read) -> Vec<u8> {
    let mut answer = Vec::new();
    let _ = server.read_to_end(&mut answer);
    answer
}

/// Returns the answer of a server that is too busy or failing.
fn refusal(code: u16, reason: &str) -> String {
    super::hostile::status(code, reason, "the proxy of the test says so").replacen("\r\n", "\r\nretry-after: 1\r\n", 1)
}

fn wait_for_the_end(client: &mut TcpStream) -> io::Result<()> {
    while client.read(&mut [0; 1024])? > 0 {}
    Ok(())
}

/// Reads one request; asks for the connection to be closed after its answer, so that each has its own.
fn read_request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    client.read_exact(&mut body)?;
    let mut request = text.trim_end_matches("\r\n").to_owned().into_bytes();
    request.extend_from_slice(b"\r\nconnection: close\r\n\r\n");
    request.extend_from_slice(&body);
    Ok(request)
}

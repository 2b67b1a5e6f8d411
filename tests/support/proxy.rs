//! Stands between the program and a served sandbox, and decides per request what becomes of it. The program
//! speaks to it without TLS; it speaks to the sandbox as the sandbox wants.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use super::{Served, hostile::listen, http::Access};

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
}

/// A proxy on a loopback port.
pub(crate) struct Proxy {
    port: u16,
    token: String,
    stopped: Mutex<mpsc::Receiver<String>>,
    told: mpsc::Sender<()>,
}

impl Proxy {
    /// Starts a proxy; `react` sees each request as `METHOD /path?query`.
    pub(crate) fn before(served: &Served, react: impl Fn(&str) -> Reaction + Send + Sync + 'static) -> Self {
        let (sender, stopped) = mpsc::channel();
        let (access, sender) = (served.access.clone(), Arc::new(Mutex::new(sender)));
        let token = access.token.clone();
        let (told, go_on) = mpsc::channel();
        let go_on = Mutex::new(go_on);
        let port = listen(move |stream| {
            let seen = |request: &str, reaction: Reaction| {
                let _ = sender.lock().unwrap().send(request.to_owned());
                if reaction == Reaction::PassWhenTold {
                    let _ = go_on.lock().unwrap().recv_timeout(PATIENCE);
                }
            };
            // Either side may go away at any time; that ends this connection only.
            let _ = exchange(stream, &access, &react, seen);
        });
        Self { port, token, stopped: Mutex::new(stopped), told }
    }

    /// Returns a kubeconfig whose only context goes through the proxy.
    pub(crate) fn kubeconfig(&self) -> String {
        let server = format!("http://127.0.0.1:{}", self.port);
        super::hostile::kubeconfig(&server, "")
            .replace("not-a-secret", &self.token)
            .replace("user: test}", "user: test, namespace: todo}")
    }

    /// Waits until a request was not passed as usual, and returns it. One that was to be answered has been.
    pub(crate) fn stopped(&self) -> String {
        self.stopped.lock().unwrap().recv_timeout(PATIENCE).expect("the request comes")
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
) -> io::Result<()> {
    let request = read_request(&mut client)?;
    let head = String::from_utf8_lossy(&request);
    let words: Vec<&str> = head.split_whitespace().take(2).collect();
    let line = words.join(" ");
    let reaction = react(&line);
    match reaction {
        Reaction::Hold => {
            stopped(&line, reaction);
            return wait_for_the_end(&mut client);
        }
        Reaction::PassWhenTold => stopped(&line, reaction),
        Reaction::Pass | Reaction::HoldAnswer | Reaction::CutAnswer => {}
    }
    let mut server = access.connect()?;
    server.write_all(&request)?;
    server.flush()?;
    if matches!(reaction, Reaction::Pass | Reaction::PassWhenTold) {
        let mut chunk = [0; 16 * 1024];
        while let Ok(count @ 1..) = server.read(&mut chunk) {
            client.write_all(&chunk[..count])?;
        }
        return client.shutdown(Shutdown::Write);
    }
    // The first byte of the answer shows that the server has done its part.
    server.read_exact(&mut [0])?;
    stopped(&line, reaction);
    match reaction {
        Reaction::HoldAnswer => wait_for_the_end(&mut client),
        _ => client.shutdown(Shutdown::Both),
    }
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

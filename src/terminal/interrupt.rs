//! Ctrl-C while a turn runs, as something to wait for.
//!
//! At the prompt and at a question Ctrl-C is a key and never arrives here; a SIGINT from elsewhere is the
//! line editor's at the prompt, which ignores it, and the approver's at a question, which stops the turn.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Where interruptions come from.
pub trait Interrupts {
    /// Waits for the next one.
    fn next(&mut self) -> impl Future<Output = ()>;
    /// Forgets those that came before now.
    fn forget_earlier(&mut self);
}

/// The process's own SIGINT.
#[derive(Debug)]
pub struct SignalInterrupts {
    signal: Signal,
}

impl SignalInterrupts {
    /// Starts listening; from now on SIGINT no longer ends the process by itself.
    ///
    /// # Errors
    /// Returns an error where the signal cannot be taken over.
    pub fn listen() -> io::Result<Self> {
        Ok(Self { signal: signal(SignalKind::interrupt())? })
    }
}

impl Interrupts for SignalInterrupts {
    async fn next(&mut self) {
        if self.signal.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    fn forget_earlier(&mut self) {
        while let Some(Some(())) = futures::FutureExt::now_or_never(self.signal.recv()) {}
    }
}

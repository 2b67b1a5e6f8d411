//! A person at a terminal: the program runs in a pseudo-terminal of its own, which is its controlling one.
//!
//! What the person types is sent only after what it answers was seen, so nothing here depends on time.

use rexpect::{
    process::WaitStatus,
    reader::Options,
    session::{PtySession, spawn_with_options},
};

use super::{Output, TestEnvironment};

/// How long the program may take to show the next thing, in milliseconds; reached only when it never comes.
const PATIENCE: u64 = 60_000;

/// The program, running in a terminal.
pub(crate) struct Terminal {
    session: PtySession,
    screen: String,
    replaced: Vec<(String, String)>,
}

impl Terminal {
    /// Starts the program in a terminal.
    pub(crate) fn start<'a>(environment: &TestEnvironment, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let command = environment.command_at_terminal(arguments);
        let options = Options::new().timeout_ms(Some(PATIENCE)).strip_ansi_escape_codes(true);
        let session = spawn_with_options(command, options).unwrap();
        Self { session, screen: String::new(), replaced: environment.replaced() }
    }

    /// Waits until these words are on the screen, and returns what came before them.
    #[track_caller]
    pub(crate) fn see(&mut self, words: &str) -> String {
        // The library takes each byte for a character.
        let as_bytes: String = words.bytes().map(char::from).collect();
        match self.session.exp_string(&as_bytes) {
            Ok(before) => {
                let before = decoded(&before);
                self.screen.push_str(&before);
                self.screen.push_str(words);
                before
            }
            Err(error) => panic!("{words:?} never came: {error}\nbefore it:\n{}", self.screen),
        }
    }

    /// Types a line and presses Enter.
    pub(crate) fn type_line(&mut self, line: &str) {
        self.send(&format!("{line}\r"));
    }

    /// Pastes text, as terminals mark it.
    pub(crate) fn paste(&mut self, text: &str) {
        self.send(&format!("\u{1b}[200~{text}\u{1b}[201~"));
    }

    /// Presses Ctrl-C.
    pub(crate) fn press_ctrl_c(&mut self) {
        self.send("\u{3}");
    }

    fn send(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
    }

    /// Waits for the end; the screen is the output.
    #[track_caller]
    pub(crate) fn end(mut self) -> Output {
        match self.session.exp_eof() {
            Ok(rest) => self.screen.push_str(&decoded(&rest)),
            Err(error) => panic!("the program does not end: {error}\nbefore that:\n{}", self.screen),
        }
        let code = match self.session.process().wait().unwrap() {
            WaitStatus::Exited(_, code) => Some(code),
            _ => None,
        };
        let stdout = self.screen.replace('\r', "");
        Output { code, stdout, stderr: String::new(), replaced: self.replaced }
    }
}

/// Returns the text whose bytes were taken for characters.
fn decoded(bytes: &str) -> String {
    let bytes: Vec<u8> = bytes.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

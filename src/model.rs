//! A language model as the agent knows it: a request goes out, deltas come back, the last one is the whole reply.
//!
//! Nothing in here knows tools, clusters or people. What goes out is [`Redacted`]; what comes back is untrusted text
//! until whoever asked has redacted and checked it.

use futures::stream::BoxStream;
use serde_json::{Map, Value};
use todo_agent_core::Redacted;
use todo_agent_tools::ToolSpec;

mod asking;
mod calls;

mod client;
mod connection;
mod error;
mod extra;
mod failure;
mod key;
pub mod preset;
mod request;
mod retry;
pub mod settings;
mod sse;
pub mod text_protocol;
mod thinking;
pub mod wire;

pub use client::{Client, connect};
pub(crate) use client::{Listed, instead_of};
pub use error::{ModelError, Trouble};
pub use failure::{Again, Failure};
pub use settings::{ModelSettings, Prices};

/// Anything that answers a conversation: a server, or a test's script.
pub trait Model: Send + Sync {
    /// Returns what is said to a person about which model this is, for example `gpt-5 at api.openai.com`.
    fn describe(&self) -> String;

    /// Asks. The stream ends with one [`Delta::End`] or one error; without either it was cut off, which is an error,
    /// too. Dropping the stream ends the request.
    fn stream<'a>(&'a self, request: &'a Request) -> BoxStream<'a, Result<Delta, ModelError>>;
}

/// A whole conversation, asked to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The conversation, oldest first, the system's message in front.
    pub messages: Vec<Message>,
    /// The tools that may be called; empty where the model is to answer in words.
    pub tools: Vec<ToolSpec>,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// What the program says about itself, its rules and where it stands.
    System(Redacted<String>),
    /// What the person says.
    User(Redacted<String>),
    /// What the model said before.
    Assistant(Said),
    /// The result of one call.
    Tool {
        /// The call's id.
        call_id: String,
        /// The tool's name, which the text protocol shows.
        tool: String,
        /// What came of it.
        text: Redacted<String>,
    },
}

/// What a model said, as it is kept and sent back.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The words for the person; empty where it only called tools.
    pub text: Redacted<String>,
    /// Its reasoning, where the server gave it apart; sent back only where the preset says so.
    pub reasoning: Redacted<String>,
    /// The calls, in order.
    pub calls: Vec<SaidCall>,
    /// Fields of the message that are unknown here and must be echoed.
    pub extra: Map<String, Value>,
}

/// One call, as it is kept and sent back.
#[derive(Debug, Clone, PartialEq)]
pub struct SaidCall {
    /// The call's id, unique in the conversation.
    pub id: String,
    /// The tool's name as the model wrote it.
    pub name: String,
    /// The arguments as JSON text as the model wrote them, redacted.
    pub arguments: Redacted<String>,
    /// Fields of the call that are unknown here and must be echoed, such as Gemini's thought signature.
    pub extra: Map<String, Value>,
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    /// More words for the person.
    Text(String),
    /// More reasoning.
    Reasoning(String),
    /// The model has begun to write a call of this tool.
    Calling(String),
    /// The request is sent again after a while, since the server was busy or out of reach.
    Retrying {
        /// Why, in a few words.
        why: String,
        /// After how many seconds.
        seconds: u64,
    },
    /// The end, with everything that was said.
    End(Reply),
}

/// A whole answer as the model gave it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// The words for the person.
    pub text: String,
    /// The reasoning.
    pub reasoning: String,
    /// The calls, in order; every one has an id.
    pub calls: Vec<ReplyCall>,
    /// Unknown fields of the message.
    pub extra: Map<String, Value>,
    /// Why it ended.
    pub finish: Finish,
    /// What it cost, where the server says so.
    pub usage: Option<Usage>,
}

/// One call as the model wrote it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReplyCall {
    /// The call's id.
    pub id: String,
    /// The tool's name, which may not exist.
    pub name: String,
    /// The arguments, which may not be JSON.
    pub arguments: String,
    /// Unknown fields of the call.
    pub extra: Map<String, Value>,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model was done, or wants its calls run; also where the server gives no reason or an unknown one.
    #[default]
    Stop,
    /// The answer was cut at its greatest length.
    Length,
    /// The server or the model refused to answer.
    Refused,
}

/// Tokens of one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Usage {
    /// Tokens of the request.
    pub input: u64,
    /// Those of them that the server had cached.
    pub cached: u64,
    /// Tokens of the answer, reasoning included.
    pub output: u64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input += other.input;
        self.cached += other.cached;
        self.output += other.output;
    }
}

//! A model's words on their way to a screen: given out as they come, never with a secret that only becomes
//! recognisable later. The work is the redactor's, which alone makes what may be shown.

pub use todo_agent_core::StreamingRedaction;

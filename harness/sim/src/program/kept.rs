//! What is kept of a program in a case, beside the frames that it sends.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::quantity::Micros;
use serde_json::value::RawValue;

use super::tail::Tail;

/// The most that is kept of `log` and `state` in one case, in bytes.
const MOST: usize = 16 << 20;

/// Shared by a program at work and the bench that it works in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Account>>);

/// What is known of it.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// what was not asked for yet, one JSON object a line
    lines: String,
    /// bytes of this case until now
    bytes: usize,
    /// objects that were left out
    left_out: u64,
    state: String,
    /// who it says it is, and the hashes of what it is made of
    pub(crate) identity: Option<String>,
    /// it counts its state of charge from what it believes itself
    pub(crate) cannot_set_soc: bool,
    /// what was done before the case, in words
    pub(crate) note: Option<String>,
    /// what it stored at the end of the last case of this bench
    pub(crate) memory: Option<String>,
}

impl Kept {
    /// The account, for a moment.
    pub(crate) fn open(&self) -> MutexGuard<'_, Account> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// A case begins; what was stored in the one before is still known.
    pub(crate) fn begin(&mut self) {
        *self = Self { memory: self.memory.take(), ..Self::default() };
    }

    /// What it said since this was asked last, one JSON object a line.
    pub(crate) fn take(&mut self) -> String {
        core::mem::take(&mut self.lines)
    }

    pub(super) fn log(&mut self, at: Micros, text: &str) {
        self.line(&format!("{{\"t\":{},\"log\":{}}}\n", at.0, quoted(text)));
    }

    /// Its inner state, where it is another one than before.
    pub(super) fn state(&mut self, at: Micros, state: &RawValue) {
        if self.state != state.get() {
            state.get().clone_into(&mut self.state);
            self.line(&format!("{{\"t\":{},\"state\":{}}}\n", at.0, state.get()));
        }
    }

    /// The end of a program: what it wrote on standard error, how it ended.
    pub(super) fn end(&mut self, at: Micros, tail: &mut Tail, ended: &str) {
        let (first, dropped, last) = tail.parts();
        let left_out = self.left_out;
        if left_out > 0 {
            self.lines += &format!("{{\"t\":{},\"left_out\":{left_out}}}\n", at.0);
        }
        let (first, last) = (quoted(&first), quoted(&last));
        self.lines += &format!(
            "{{\"t\":{},\"ended\":{},\"stderr\":{{\"first\":{first},\"dropped_bytes\":{dropped},\"last\":{last}}}}}\n",
            at.0,
            quoted(ended)
        );
    }

    pub(crate) fn line(&mut self, line: &str) {
        if self.bytes + line.len() > MOST {
            self.left_out += 1;
        } else {
            self.bytes += line.len();
            self.lines += line;
        }
    }
}

/// A text as JSON has it.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

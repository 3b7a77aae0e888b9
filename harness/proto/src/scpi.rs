//! The text of programmable supplies on a serial line: SCPI-99 over IEEE 488.2, and the older serial languages that
//! are like it. Command lines are built from [`Template`]s with typed values, replies are read into quantities.
//!
//! Which words a supply knows is in its profile, `rigs/psu/*.yaml`; none is here.

mod alarm;
mod dialect;
mod identity;
mod lines;
mod queue;
mod reply;
mod template;

pub use alarm::Alarm;
pub use dialect::{Dialect, Does, HeaderSet, Numbers};
pub use identity::{Field, Identity};
pub use lines::{Chaff, Ending, LONGEST_LINE, Lines, Overlong, Terminator};
pub use queue::QueuedError;
pub use reply::{Reply, ReplyError, Units};
pub use template::{Arguments, CommandError, Slot, Template, TemplateError, Word, WordError};

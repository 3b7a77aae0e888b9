//! What a run leaves behind: the run folder with raw evidence and conclusions, `verdicts.json`, JUnit,
//! the HTML report and the table on the terminal.
//!
//! Start at [`run::Run`], the result of a run, and [`folder::RunFolder`], where it is kept; [`replay::Replay`] reads it
//! back, to be judged again; [`matrix`] is what many runs say of the judge.

pub mod bundle;
pub mod can_log;
pub mod certificate;
pub mod compare;
pub mod conclusions;
pub mod events;
pub mod folder;
pub mod gaps;
pub mod golden;
pub mod gx_csv;
pub mod history;
pub mod html;
pub mod inputs;
pub mod json;
pub mod junit;
pub mod manifest;
pub mod mark;
pub mod matrix;
pub mod psu_log;
pub mod raw;
pub mod replay;
pub mod run;
pub mod snapshot;
mod stamp;
pub mod summary_md;
mod tape;
pub mod terminal;
pub mod text;
pub mod words;

//! What a run leaves: raw evidence as it comes in, conclusions at the end, all of it in one folder or one signed file;
//! and how it is judged again from that alone.
//!
//! Start at [`run::Run`], the result of a run, and [`folder::RunFolder`], where it is kept; [`replay::Replay`] reads it
//! back, [`again::again`] judges what it finds.

pub mod added;
pub mod again;
pub mod against;
pub mod bundle;
pub mod bytes_csv;
pub mod can_log;
pub mod certificate;
pub mod conclusion;
pub mod conclusions;
pub mod events;
pub mod export;
pub mod finding;
pub mod folder;
pub mod gaps;
pub mod guard;
pub mod inner;
pub mod inputs;
pub mod manifest;
pub mod mark;
pub mod merged;
pub mod meta;
pub mod names;
pub mod obstacles;
pub mod plan;
pub mod raw;
pub mod replay;
pub mod run;
pub mod said;
pub mod samples_csv;
mod stamp;
pub mod standard;
mod tape;
pub mod text;
pub mod thin;
pub mod vrm;
pub mod words;

//! What ends a run before it has a result.

use evidence::conclusions::FolderError;
use files::InputError;

/// Why a run, or a matrix of them, has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that was named is not there, or not what it must be.
    #[error(transparent)]
    Input(#[from] InputError),
    /// What was read cannot be run, or is no result of a run.
    #[error("{0}")]
    Refused(String),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Nobody else may have the rig, and its supply a guard.
    #[cfg(unix)]
    #[error(transparent)]
    Guard(#[from] lab::guard::GuardError),
    /// Evidence could not be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The system does not do what a run needs.
    #[error("cannot {what}: {source}")]
    System {
        /// what it does not do
        what: String,
        /// what it says
        source: std::io::Error,
    },
    /// The rig is not known to be off, and more went wrong.
    #[error("{why}\n{then}")]
    NotOff {
        /// why it is not known
        why: String,
        /// what went wrong then
        then: Box<Error>,
    },
}

impl Error {
    /// The system does not do `what`.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }
}

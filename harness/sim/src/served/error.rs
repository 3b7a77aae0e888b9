//! Why a rig is not served.

use std::io;
use std::path::PathBuf;

use engine::yaml::YamlError;
use lab::can::CanError;
use plant::management::ManagementError;

/// Why a rig is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// its file does not say how
    #[error("the file of the battery `{0}` does not say how a simulated rig plays it (`simulated:`)")]
    NotSimulated(String),
    /// what manages its cells does not start
    #[error("the battery does not start: {0}")]
    Battery(#[from] ManagementError),
    /// it is a rig of instruments
    #[error(
        "`{0}` is not a simulated rig: its instruments are there already; serve one with `plant:`, such as `--rig simulated`"
    )]
    Real(String),
    /// there is no simulated supply that speaks so
    #[error(
        "the profile `{0}` does not say how a simulated supply answers (`simulated:`): say it there, or serve another"
    )]
    NoDialect(String),
    /// what one of the files says makes no world
    #[error(transparent)]
    File(#[from] YamlError),
    /// the CAN interface
    #[error(transparent)]
    Can(#[from] CanError),
    /// the system refused
    #[error("cannot serve {what}: {source}{remedy}", remedy = remedy(source))]
    System {
        /// what was to be served
        what: String,
        /// what the system said
        source: io::Error,
    },
    /// something of the user stands where a name was to be put
    #[error("{} is not what `busbar serve` puts there; choose another folder with --at", .0.display())]
    Occupied(PathBuf),
    /// another rig is served there
    #[error(
        "another `busbar serve` serves its rig in {}; end it (its process is in addresses.json there), or choose another \
         folder with --at",
        .0.display()
    )]
    InUse(PathBuf),
}

fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::AddrInUse => {
            "; another `busbar serve` may run: end it, or choose other ports (0 takes a free one)"
        }
        io::ErrorKind::PermissionDenied => "; choose a folder of your own with --at, and ports above 1023",
        io::ErrorKind::AlreadyExists
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::NotFound
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::StorageFull => "; choose a folder that can be written with --at",
        _ => "",
    }
}

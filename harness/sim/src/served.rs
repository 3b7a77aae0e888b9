//! What a rig has, simulated and served as other processes see the real thing: [`ServedRig`] is all of it.

mod adapter;
mod bus;
mod error;
mod folder;
pub mod gx;
mod operator;
mod pace;
pub mod psu;
pub mod pty;
mod socketcand;
mod start;
mod witness;

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

pub use error::ServeError;
pub use start::{Addresses, CanWires, Options, PsuWire, ServedRig, default_folder};

/// What only means that it is too early is no error of a wire.
fn again(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// An instrument that is being served; no more when this is dropped.
#[derive(Debug)]
pub struct Served<A> {
    address: A,
    /// closed to end the thread
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl<A> Served<A> {
    /// Serves in a thread of its own until the stream that it is given can be read.
    fn start(address: A, name: &str, serve: impl FnOnce(UnixStream) + Send + 'static) -> io::Result<Self> {
        let (stop, stopped) = UnixStream::pair()?;
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || serve(stopped))?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl<A> Drop for Served<A> {
    fn drop(&mut self) {
        drop(self.stop.take());
        // It has nothing left to say; a panic in it was shown where it happened.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Served<SocketAddr> {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Served<PathBuf> {
    /// The device to open.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.address
    }
}

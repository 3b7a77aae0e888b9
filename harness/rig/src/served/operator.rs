//! Whoever does what no wire carries, as a port: initial conditions, loads, mains, faults. Requests go to the world.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::Served;
use super::pace::Shared;
use crate::operator::{Lines, Reply, Request, line};

/// A client that does not take its answer within this is left: others wait, and so does the end of all.
const TAKEN_WITHIN: Duration = Duration::from_secs(1);

/// Listens; port 0 takes a free one. One client after the other is served: two would spoil each other's test.
///
/// # Errors
/// When the address is taken.
pub(crate) fn on_tcp(address: SocketAddr, shared: Shared) -> io::Result<Served<SocketAddr>> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    Served::start(address, "served operator", move |stopped| {
        while comes(&stopped, &listener) {
            if let Ok((stream, _)) = listener.accept() {
                // A client that breaks off has ended its own test; the world goes on.
                let _ = serve(&stream, &shared, &stopped);
            }
        }
    })
}

/// Waits until something comes, or all ends.
fn comes(stopped: &UnixStream, wire: &impl AsFd) -> bool {
    loop {
        let mut fds = [PollFd::new(stopped, PollFlags::IN), PollFd::new(wire, PollFlags::IN)];
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => {}
            done => return done.is_ok() && fds[0].revents().is_empty(),
        }
    }
}

fn serve(mut stream: &TcpStream, shared: &Shared, stopped: &UnixStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(TAKEN_WITHIN))?;
    let (mut lines, mut buffer) = (Lines::default(), [0; 1024]);
    while comes(stopped, stream) {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            many => lines.push(&buffer[..many]),
        }
        loop {
            match lines.take() {
                Ok(Some(request)) => stream.write_all(line(&answer(&request, shared)).as_bytes())?,
                Ok(None) => break,
                // It is told, and the connection ends: where its next line begins is not known.
                Err(error) => {
                    return stream.write_all(line(&Reply::Refused(error.to_string())).as_bytes());
                }
            }
        }
    }
    Ok(())
}

fn answer(request: &Request, shared: &Shared) -> Reply {
    let mut world = shared.now();
    match request {
        Request::Prepare(start) => {
            if let Err(why) = world.possible(start) {
                return Reply::Refused(why);
            }
            world.prepare(start);
        }
        Request::Apply(stimulus) => {
            if let Err(error) = world.apply(stimulus) {
                return Reply::Refused(error.to_string());
            }
        }
        Request::Ask(prompt) => return Reply::Refused(format!("nobody here to answer: {prompt}")),
        Request::Finish => world.rest(),
    }
    Reply::Done
}

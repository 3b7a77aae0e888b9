//! Whoever does what no wire carries, as a port: initial conditions, loads, mains, faults. Requests go to the world.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::Served;
use super::pace::Shared;
use lab::operator::{Lines, Reply, Request, line};

/// A client that does not take its answer within this is left: others wait, and so does the end of all.
const TAKEN_WITHIN: Duration = Duration::from_secs(1);

/// Clients beyond this displace the one that said nothing for the longest time.
const MOST_CLIENTS: usize = 16;

/// Listens; port 0 takes a free one. Several clients are served, so that one who is silent keeps nobody out; two who
/// speak spoil each other's test.
///
/// # Errors
/// When the address is taken.
pub(crate) fn on_tcp(address: SocketAddr, shared: Shared) -> io::Result<Served<SocketAddr>> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Served::start(address, "served operator", move |stopped| serve(&listener, &shared, &stopped))
}

fn serve(listener: &TcpListener, shared: &Shared, stopped: &UnixStream) {
    // Who spoke last is last.
    let mut clients: Vec<Client> = Vec::new();
    loop {
        let own = [PollFd::new(stopped, PollFlags::IN), PollFd::new(listener, PollFlags::IN)];
        let of_clients = clients.iter().map(|client| PollFd::new(&client.stream, PollFlags::IN));
        let mut fds: Vec<_> = own.into_iter().chain(of_clients).collect();
        match poll(&mut fds, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return,
            Ok(_) => {}
        }
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        if ready[0] {
            return;
        }
        if let Some(speaks) = ready[2..].iter().position(|&ready| ready) {
            let mut client = clients.remove(speaks);
            // A client that breaks off has ended its own test; the world goes on.
            if client.serve(shared).is_ok_and(|stays| stays) {
                clients.push(client);
            }
        }
        if ready[1]
            && let Ok((stream, _)) = listener.accept()
            && let Ok(client) = Client::new(stream)
        {
            if clients.len() == MOST_CLIENTS {
                clients.remove(0);
            }
            clients.push(client);
        }
    }
}

/// One connection.
struct Client {
    stream: TcpStream,
    lines: Lines,
}

impl Client {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(TAKEN_WITHIN))?;
        Ok(Self { stream, lines: Lines::default() })
    }

    /// Answers what was sent; whether more may come.
    fn serve(&mut self, shared: &Shared) -> io::Result<bool> {
        let mut buffer = [0; 1024];
        match self.stream.read(&mut buffer)? {
            0 => return Ok(false),
            many => self.lines.push(&buffer[..many]),
        }
        loop {
            match self.lines.take() {
                Ok(Some(request)) => self.stream.write_all(line(&answer(&request, shared)).as_bytes())?,
                Ok(None) => return Ok(true),
                // It is told, and the connection ends: where its next line begins is not known.
                Err(error) => {
                    self.stream.write_all(line(&Reply::Refused(error.to_string())).as_bytes())?;
                    return Ok(false);
                }
            }
        }
    }
}

fn answer(request: &Request, shared: &Shared) -> Reply {
    let mut world = shared.now();
    match request {
        Request::Prepare(start) => {
            if let Err(why) = world.possible(start) {
                return Reply::Refused(why);
            }
            if let Err(error) = world.prepare(start) {
                return Reply::Refused(error.to_string());
            }
        }
        Request::Apply(stimulus) => {
            if let Err(error) = world.apply(stimulus) {
                return Reply::Refused(error.to_string());
            }
        }
        Request::Ask(prompt) => return Reply::Refused(format!("nobody here to answer: {prompt}")),
        Request::Finish => {
            if let Err(error) = world.rest() {
                return Reply::Refused(error.to_string());
            }
        }
    }
    Reply::Done
}

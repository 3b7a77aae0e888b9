//! Connections that do not wait for ever: one that asks nothing, or takes nothing of what it was sent, is closed, and so many may be
//! open at once that files of the runs can still be opened.

use core::pin::{Pin, pin};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::future::Future as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// So many connections may be open. A process may open 1024 files by default.
const CONNECTIONS: usize = 256;

/// How long a connection may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// from its beginning to the first byte of an answer, whatever comes in meanwhile
    pub(crate) to_ask: Duration,
    /// without anything that is read or taken; a viewer is sent something more often
    pub(crate) idle: Duration,
}

/// Accepts connections that are [`Connection`]s.
#[derive(Debug)]
pub(crate) struct Patient {
    listener: TcpListener,
    patience: Patience,
    places: Arc<Semaphore>,
}

impl Patient {
    pub(crate) fn new(listener: TcpListener, patience: Patience) -> Self {
        Self { listener, patience, places: Arc::new(Semaphore::new(CONNECTIONS)) }
    }
}

impl Listener for Patient {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let place = self.places.clone().acquire_owned().await.expect("it is never closed");
        // What fails to be accepted is tried again there.
        let (stream, from) = Listener::accept(&mut self.listener).await;
        let ends = Box::pin(sleep(self.patience.to_ask));
        (Connection { stream, ends, idle: self.patience.idle, answered: false, _place: place }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends by itself where nothing goes on.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    ends: Pin<Box<Sleep>>,
    idle: Duration,
    /// an answer has begun
    answered: bool,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// Something was read or taken.
    fn goes_on(&mut self) {
        if self.answered {
            self.ends.as_mut().reset(Instant::now() + self.idle);
        }
    }

    /// Nothing was: whether it has taken too long.
    fn waits<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        ready!(self.ends.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match pin!(&mut self.stream).poll_read(context, buffer) {
            // Byte by byte nobody gets more time to ask.
            Poll::Ready(_) if !self.answered && self.ends.is_elapsed() => self.waits(context),
            Poll::Ready(done) => {
                self.goes_on();
                Poll::Ready(done)
            }
            Poll::Pending => self.waits(context),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match pin!(&mut self.stream).poll_write(context, bytes) {
            Poll::Ready(done) => {
                self.answered = true;
                self.goes_on();
                Poll::Ready(done)
            }
            Poll::Pending => self.waits(context),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream as Client;

    const SHORT: Patience = Patience { to_ask: Duration::from_millis(300), idle: Duration::from_millis(300) };

    /// Serves a short text, and one that never ends.
    fn served() -> SocketAddr {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let at = listener.local_addr().expect("it is bound");
        let endless = || async {
            let parts = futures_util::stream::repeat_with(|| Ok::<_, io::Error>(vec![b'x'; 1 << 16]));
            Body::from_stream(parts)
        };
        let router = Router::new().route("/", get(|| async { "short" })).route("/endless", get(endless));
        std::thread::spawn(move || {
            runtime.block_on(async { axum::serve(Patient::new(listener, SHORT), router).await })
        });
        at
    }

    fn client(at: SocketAddr) -> Client {
        let client = Client::connect(at).expect("it listens");
        client.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
        client
    }

    /// How it ends: nothing more comes, within the ten seconds of a test.
    fn ends(mut client: Client) -> Vec<u8> {
        let mut all = Vec::new();
        match client.read_to_end(&mut all) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}"),
        }
        all
    }

    #[test]
    fn who_asks_nothing_is_closed() {
        ends(client(served()));
    }

    #[test]
    fn who_asks_byte_by_byte_is_closed() {
        let at = served();
        let mut slow = client(at);
        for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" {
            if slow.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!ends(slow).starts_with(b"HTTP/1.1 200"));
    }

    #[test]
    fn who_asks_is_answered_and_then_closed() {
        let mut quick = client(served());
        quick.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it listens");
        let said = String::from_utf8(ends(quick)).expect("text");
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("short"), "{said}");
    }

    /// Its place is free again: what it did not take is dropped.
    #[test]
    fn who_takes_nothing_is_closed() {
        let mut deaf = client(served());
        deaf.write_all(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it listens");
        std::thread::sleep(Duration::from_secs(2));
        // What the kernel holds comes, and then the end.
        assert!(ends(deaf).len() < 64 << 20);
    }
}

//! A wire of TCP that is cut and comes back.

use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A way to a peer.
pub(super) struct Wire {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    cut: bool,
    open: Vec<TcpStream>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    pub(super) fn to(peer: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        // It ends with the process of the test.
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let mut state = lock(&shared);
                if state.cut {
                    continue;
                }
                let server = TcpStream::connect(peer).expect("it is served");
                let ends = [&client, &server].map(|end| end.try_clone().expect("a handle"));
                state.open.extend(ends);
                carry(&client, &server);
                carry(&server, &client);
            }
        });
        Self { address, state }
    }

    pub(super) fn cut(&self) {
        let mut state = lock(&self.state);
        state.cut = true;
        for end in state.open.drain(..) {
            // It may be closed already.
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn mend(&self) {
        lock(&self.state).cut = false;
    }
}

fn carry(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
    to.set_nodelay(true).expect("a socket");
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}

//! The CAN bus of the world on wires: adapters on pseudo-terminals, clients over TCP, an interface of the kernel. Whatever
//! one of them says, battery, GX and all others hear.
//!
//! Two threads are the heart of a served rig. One lets the world go on, once in a [`TICK`]; it waits for a battery that is a
//! program. The other carries frames and never waits for the world, so that a program that joins the bus in the middle of
//! its turn is answered.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use plant::bus::Heard;
use proto::frame::Frame;
use proto::quantity::Micros;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::adapter::Adapter;
use super::pace::{OnBus, Shared};
use super::socketcand::Gateway;
use lab::can::{CanPort, Kind, RunClock};

/// How often the world goes on: a frame is late by this at most.
const TICK: Micros = Micros::from_millis(1);

/// Frames that wait for the world at most.
const ROOM: usize = 1024;

/// Everyone on the bus who is not of the world.
pub(crate) struct Nodes {
    /// an interface of the kernel, or any other port
    pub(crate) interface: Option<Box<dyn CanPort>>,
    /// on a pseudo-terminal each
    pub(crate) adapters: Vec<Adapter>,
    /// over TCP
    pub(crate) gateway: Option<Gateway>,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Interface,
    /// by its place
    Adapter(usize),
    /// by its number
    Client(u64),
}

/// Carries frames between the world and all nodes until it is told to stop.
///
/// Returns why it ended early: a port was lost.
fn serve(nodes: &mut Nodes, shared: &Shared, clock: RunClock, stop: &AtomicBool) -> Result<(), String> {
    let mut said: Vec<(Node, Frame)> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let (mut heard, mut of_nodes) = (Vec::new(), Vec::new());
        if let Some(mut world) = shared.glance() {
            heard = world.take_heard();
            let state = world.world().bus();
            nodes.adapters.iter_mut().for_each(|adapter| adapter.state(state));
            of_nodes.extend(said.drain(..).filter_map(|(node, frame)| Some((node, world.hear(frame)?))));
        }
        for on_bus in &heard {
            nodes.tell(None, on_bus)?;
        }
        for (node, heard) in of_nodes {
            nodes.tell(Some(node), &(clock.now(), heard))?;
        }
        nodes.flush()?;
        said.extend(nodes.listen(clock)?);
        // While the world waits nobody acknowledges, and controllers hold so much at most.
        said.truncate(ROOM);
    }
    Ok(())
}

impl Nodes {
    /// Tells what was on the bus to everyone but who said it. Error frames of the world stay there for an interface of the
    /// kernel: a real controller tells its own.
    fn tell(&mut self, said_by: Option<Node>, on_bus: &OnBus) -> Result<(), String> {
        if let (Some(port), Heard::Frame(frame)) = (&mut self.interface, on_bus.1)
            && said_by != Some(Node::Interface)
        {
            port.send(&frame).map_err(|error| error.to_string())?;
        }
        for (place, adapter) in self.adapters.iter_mut().enumerate() {
            if said_by != Some(Node::Adapter(place)) {
                adapter.hear(on_bus);
            }
        }
        for client in self.gateway.iter_mut().flat_map(Gateway::clients) {
            if said_by != Some(Node::Client(client.number())) {
                client.hear(on_bus);
            }
        }
        Ok(())
    }

    /// Hands over what waits.
    fn flush(&mut self) -> Result<(), String> {
        self.adapters.iter_mut().try_for_each(Adapter::flush).map_err(|error| lost(&error))?;
        self.gateway.iter_mut().for_each(Gateway::flush);
        Ok(())
    }

    /// What nodes say, after a tick at the latest.
    fn listen(&mut self, clock: RunClock) -> Result<Vec<(Node, Frame)>, String> {
        let mut said = Vec::new();
        if let Some(port) = &mut self.interface {
            let until = clock.now() + TICK;
            while let Some(received) = port.next(until).map_err(|error| error.to_string())? {
                if let Kind::Data(frame) = received.kind {
                    said.push((Node::Interface, frame));
                }
            }
        }
        // An interface has waited already.
        let wait = if self.interface.is_some() { Micros::ZERO } else { TICK };
        let ends = self.adapters.iter().map(Adapter::end).chain(self.gateway.iter().flat_map(Gateway::ends));
        let mut fds: Vec<_> = ends.map(|end| PollFd::from_borrowed_fd(end, PollFlags::IN)).collect();
        match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: (wait.0 * 1000) as _ })) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(said),
            Ok(_) => {}
            Err(error) => return Err(lost(&error.into())),
        }
        for (place, adapter) in self.adapters.iter_mut().enumerate() {
            let frames = adapter.read().map_err(|error| lost(&error))?;
            said.extend(frames.into_iter().map(|frame| (Node::Adapter(place), frame)));
        }
        if let Some(gateway) = &mut self.gateway {
            said.extend(gateway.read().into_iter().map(|(number, frame)| (Node::Client(number), frame)));
        }
        Ok(said)
    }
}

fn lost(error: &io::Error) -> String {
    format!("the pseudo-terminal of CAN: {error}")
}

/// The threads that let the world go on and serve its bus; ended when this is dropped.
pub(crate) struct Serving {
    stop: Arc<AtomicBool>,
    world: Option<std::thread::JoinHandle<()>>,
    thread: Option<std::thread::JoinHandle<Result<(), String>>>,
}

impl Serving {
    pub(crate) fn start(mut nodes: Nodes, shared: Shared, clock: RunClock) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, world, ended) = (stop.clone(), shared.clone(), stop.clone());
        let world = std::thread::Builder::new().name("served world".to_owned()).spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                drop(world.now());
                std::thread::sleep(Duration::from_micros(TICK.0));
            }
        })?;
        let thread = std::thread::Builder::new()
            .name("served bus".to_owned())
            .spawn(move || serve(&mut nodes, &shared, clock, &stopped))?;
        Ok(Self { stop, world: Some(world), thread: Some(thread) })
    }

    /// Why it ended by itself, if it did.
    pub(crate) fn lost(&mut self) -> Option<String> {
        let ended = self.thread.take_if(|thread| thread.is_finished())?.join();
        Some(ended.map_or_else(|_| "the bus panicked".to_owned(), |end| end.err().unwrap_or_default()))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A panic was shown where it happened.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Some(world) = self.world.take() {
            let _ = world.join();
        }
    }
}

//! The guard listens: a heartbeat is noted, bytes for the supply go straight on, everything else is an order.

use std::io::{BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::kept::Kept;
use super::pen::{Pen, RunTime};
use super::words::{Ask, Tell, next_line};

/// The way to the harness.
#[derive(Clone)]
pub(super) struct Mouth(pub(super) Arc<Mutex<UnixStream>>);

impl Mouth {
    pub(super) fn tell(&self, tell: &Tell) {
        // A harness that is gone is noticed where it is listened to.
        let _ = lock(&self.0).write_all(tell.line().as_bytes());
    }

    /// The same where this thread may be the one that is telling something.
    pub(super) fn try_tell(&self, tell: &Tell) {
        if let Ok(mut socket) = self.0.try_lock() {
            let _ = socket.write_all(tell.line().as_bytes());
        }
    }

    /// Does something that may take long, and shows meanwhile that this process does not stand still.
    pub(super) fn beating<T>(&self, what: impl FnOnce() -> T) -> T {
        let (busy, mouth) = (Arc::new(()), self.clone());
        let still = Arc::downgrade(&busy);
        // Without a thread for it the harness takes this guard for dead, and nothing is switched on.
        let _ = std::thread::Builder::new().name("beats".to_owned()).spawn(move || {
            while still.upgrade().is_some() {
                mouth.tell(&Tell::Beat);
                std::thread::sleep(super::BEAT);
            }
        });
        what()
    }
}

/// The way to the supply, for whoever is first: the harness through the ears, or output off.
pub(super) struct Line {
    pub(super) writer: Mutex<Option<Box<dyn Write + Send>>>,
    pub(super) off: Vec<u8>,
    pub(super) pen: Pen,
    /// when the harness was heard last
    pub(super) heard: Mutex<Instant>,
}

impl Line {
    /// Output off, past everything; nothing of the harness comes after it.
    pub(super) fn cut(&self) {
        if let Some(mut writer) = lock(&self.writer).take() {
            // The orderly way follows and tells what is wrong.
            let _ = writer.write_all(&self.off);
            self.pen.sent(&self.off);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the ears cannot do by themselves.
pub(super) enum Order {
    Open,
    Close,
    Keep(Kept),
    PutBack,
    End,
    Failed(String),
    HungUp(&'static str),
}

pub(super) fn listen(mut lines: BufReader<UnixStream>, line: &Line, mouth: &Mouth, orders: &Sender<Order>) {
    let why = loop {
        let Ok(Some(said)) = next_line(&mut lines) else { break "the harness is gone" };
        let order = match Ask::parse(&said) {
            Some(Ask::Beat) => {
                *lock(&line.heard) = Instant::now();
                mouth.tell(&Tell::Beat);
                continue;
            }
            Some(Ask::Write(bytes)) => {
                match lock(&line.writer).as_mut().map(|writer| writer.write_all(&bytes)) {
                    Some(Err(error)) => Order::Failed(error.to_string()),
                    Some(Ok(())) => {
                        line.pen.sent(&bytes);
                        continue;
                    }
                    None => continue,
                }
            }
            Some(Ask::Record(file)) => {
                line.pen.to(file);
                continue;
            }
            Some(Ask::Note(what)) => {
                line.pen.note(&what);
                continue;
            }
            Some(Ask::Time(at, speed)) => {
                line.pen.time(RunTime { since: Instant::now(), at, speed });
                continue;
            }
            Some(Ask::Open) => Order::Open,
            Some(Ask::Close) => Order::Close,
            Some(Ask::Keep(unit, first, cells)) => Order::Keep(Kept { unit, first, cells }),
            Some(Ask::PutBack) => Order::PutBack,
            Some(Ask::End) => Order::End,
            Some(Ask::Hello(_)) | None => break "the harness said something that makes no sense",
        };
        if orders.send(order).is_err() {
            return;
        }
    };
    line.cut();
    let _ = orders.send(Order::HungUp(why));
}

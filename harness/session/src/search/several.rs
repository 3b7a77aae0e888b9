//! Several things at once, on threads.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::Error;

/// Does so many things, `jobs` at once, until somebody wants it to end. What comes of each is handed over as soon as it is done, with
/// its number, on the thread that asked; what was cut short is not.
///
/// # Errors
/// The first error of `done`: then no more are begun.
pub(super) fn several<T: Send>(
    many: usize,
    (jobs, stop): (usize, &AtomicBool),
    work: impl Fn(usize) -> T + Sync,
    mut done: impl FnMut(usize, T) -> Result<(), Error>,
) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    let run = |sender: mpsc::Sender<(usize, T)>| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= many {
                return;
            }
            let result = work(number);
            if stop.load(Ordering::Relaxed) || sender.send((number, result)).is_err() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, many.max(1)) {
            let (sender, run) = (sender.clone(), &run);
            scope.spawn(move || run(sender));
        }
        drop(sender);
        for (number, result) in results {
            done(number, result)?;
        }
        Ok(())
    })
}

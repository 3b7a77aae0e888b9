//! A thread that owns something slow and does one job after the other with it.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::JoinHandle;

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// The thread; it ends after the jobs it has when this is dropped.
#[derive(Debug)]
pub(super) struct Worker<T> {
    jobs: Option<Sender<Job<T>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Worker<T> {
    pub(super) fn start(name: &str, mut owned: T) -> io::Result<Self> {
        let (jobs, taken) = channel::<Job<T>>();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || taken.into_iter().for_each(|job| job(&mut owned)))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Has a job done some time.
    pub(super) fn tell(&self, job: impl FnOnce(&mut T) + Send + 'static) {
        if let Some(jobs) = &self.jobs {
            // A thread that is gone has panicked, and said so.
            let _ = jobs.send(Box::new(job));
        }
    }

    /// Has a job done; its answer comes some time, or never where the job panicked.
    pub(super) fn ask<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Receiver<R> {
        let (answer, answered) = sync_channel(1);
        self.tell(move |owned| {
            let _ = answer.send(job(owned));
        });
        answered
    }
}

impl<T> Worker<T> {
    /// Lets the thread go on by itself with what it is doing, and does not wait for its end.
    pub(super) fn leave(mut self) {
        self.thread = None;
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

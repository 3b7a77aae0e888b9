//! Looks now and then whether a lease is still ours, in a thread of its own: a command that hangs keeps no interlock waiting.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;

use super::{Answer, Engine};

/// A lease that is looked at until this is dropped.
pub(crate) struct Watch {
    /// closed when nobody wants to know any more
    ends: Option<Sender<()>>,
    /// ends the command that is running
    ended: Arc<AtomicBool>,
    looks: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to look, after `every` of the rig file for the first time; `lost` is told why it is not ours any more.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub(crate) fn start(engine: Engine, lost: impl FnOnce(String) + Send + 'static) -> io::Result<Self> {
        // Its commands are ended with it, and nobody else's.
        let ended = Arc::<AtomicBool>::default();
        let engine = Engine { ended: ended.clone(), ..engine };
        let (sender, ends) = channel::<()>();
        let looks = std::thread::Builder::new().name("lease".to_owned()).spawn(move || {
            let mut before = None;
            while ends.recv_timeout(engine.every()) == Err(RecvTimeoutError::Timeout) {
                if let Some(why) = judged(engine.check(), &mut before) {
                    return lost(format!("lease: the rig is not ours any more: {why}"));
                }
            }
        });
        Ok(Self { ends: Some(sender), ended, looks: Some(looks?) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ends = None;
        self.ended.store(true, Ordering::Relaxed);
        // A panic has been told.
        let _ = self.looks.take().map(JoinHandle::join);
    }
}

/// Whether this answer says that the lease is lost, after what the one before said. An engine that says that it is not ours
/// is believed; one that says nothing is asked once more, for a network may lose an answer.
fn judged(answer: Answer, before: &mut Option<String>) -> Option<String> {
    match (answer, before.take()) {
        (Answer::Ours, _) => None,
        (Answer::NotOurs(why), _) => Some(why),
        (Answer::Unknown(why), Some(_)) => Some(format!("nobody could say so twice in a row: {why}")),
        (Answer::Unknown(why), None) => {
            *before = Some(why);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(answers: &[Answer]) -> Option<usize> {
        let mut before = None;
        answers.iter().position(|answer| judged(answer.clone(), &mut before).is_some())
    }

    #[test]
    fn one_answer_that_is_lost_is_no_loss_and_two_are() {
        let (ours, other) = (Answer::Ours, Answer::NotOurs("anna has it".to_owned()));
        let unknown = Answer::Unknown("no route to host".to_owned());
        let nobody_says = unknown.clone();
        assert_eq!(said(&[ours.clone(), nobody_says.clone(), ours.clone(), nobody_says.clone()]), None);
        assert_eq!(said(&[ours.clone(), nobody_says.clone(), nobody_says]), Some(2));
        assert_eq!(said(&[ours.clone(), other.clone()]), Some(1), "whoever says so is believed");
        assert_eq!(said(&[unknown, other]), Some(1));
        assert_eq!(said(&[ours]), None);
    }
}

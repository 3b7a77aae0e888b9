//! A rig that an engine hands out: the holder of its lock on this machine acquires it, and releases it before the lock.

use std::io;
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};

use super::{Lease, LeaseError, Plan, Record};
use crate::lease::{Answer, Engine, Refusal, Watch};

/// What the engine of a shared rig gave. It stands in the lock file: who dies with it leaves it to the next on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Given {
    /// the rig, as its file calls it
    rig: String,
    /// the name under which it was given
    name: String,
}

/// What was given to whoever had this rig before, and has not been given back.
pub(super) fn of(records: &[Record], rig: &str) -> Option<Given> {
    records.iter().filter_map(|record| record.lease.clone()).find(|given| given.rig == rig)
}

/// Everybody is being told that a rig is quarantined.
#[derive(Debug)]
pub(super) struct Marking(Option<JoinHandle<()>>);

impl Marking {
    pub(super) fn wait(&mut self) {
        // A panic has been told.
        let _ = self.0.take().map(JoinHandle::join);
    }
}

/// Gives back what a process that is no more has left, of a quarantined rig that a person has looked at: what stays, and what
/// is to be told.
pub(super) fn given_back(given: Option<Given>, plan: Option<&Plan>) -> (Option<Given>, Option<String>) {
    let (Some(given), Some(plan)) = (given, plan) else { return (None, None) };
    let engine = Engine::of(plan, &given.rig, &given.name);
    match engine.give_back(true) {
        Ok(()) => (None, Some("the lease of the rig was given back".to_owned())),
        Err((true, why)) => {
            (None, Some(format!("the lease of the rig was not given back, it is not ours: {why}")))
        }
        Err((false, why)) => {
            (Some(given), Some(format!("the lease of the rig could not be given back: {why}")))
        }
    }
}

impl Lease {
    /// Whoever hands this rig out, where several people share it.
    pub(super) fn handed_out_by(&mut self, plan: Option<&Plan>) {
        let (Some(plan), Some(holder)) = (plan, &self.record.holder) else { return };
        let name = self
            .record
            .lease
            .as_ref()
            .map_or_else(|| Engine::new_name(&holder.user), |given| given.name.clone());
        self.engine = Some(Engine::of(plan, &holder.rig, &name));
    }

    /// The name under which the rig was given, of one that is handed out.
    fn given(&self) -> Option<&str> {
        self.record.lease.as_ref().map(|given| given.name.as_str())
    }

    /// Asks whoever hands the rig out for it, unless somebody who died on this machine had it and it is still ours. Nothing of
    /// the rig was touched yet.
    pub(in crate::guard) fn ask_for(&mut self) -> Result<(), Refusal> {
        let Some(engine) = &self.engine else { return Ok(()) };
        let written = |error: LeaseError| Refusal::Cannot(error.to_string());
        if self.record.lease.is_some() {
            match engine.check_twice() {
                Answer::Ours => return Ok(()),
                Answer::Unknown(why) => return Err(Refusal::NotGiven(why)),
                Answer::NotOurs(_) => {}
            }
            // Under a name of its own: whoever has it now may have read that one.
            self.record.lease = None;
            let plan = engine.plan().clone();
            self.handed_out_by(Some(&plan));
        }
        let Some((engine, holder)) = self.engine.clone().zip(self.record.holder.clone()) else {
            return Ok(());
        };
        // On the disk before it is asked for: this process may die meanwhile.
        self.record.lease = Some(Given { rig: holder.rig, name: engine.name().to_owned() });
        self.write().map_err(written)?;
        engine.acquire().inspect_err(|_| {
            self.record.lease = None;
            // Where it cannot be written, the next one asks whether it is ours.
            let _ = self.write();
        })
    }

    /// Begins to look whether a rig that was given is still ours; `lost` is told once it is not.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub(in crate::guard) fn watched(
        &self,
        lost: impl FnOnce(String) + Send + 'static,
    ) -> io::Result<Option<Watch>> {
        let engine = self.given().and_then(|_| self.engine.clone());
        engine.map(|engine| Watch::start(engine, lost)).transpose()
    }

    /// Nothing was touched: whoever comes next finds the rig as it was.
    pub(in crate::guard) fn leave(self) {
        if self.before.is_none() {
            // Where it cannot be written, the next run looks at the output.
            let _ = self.free(None);
        }
    }

    /// Gives the rig back to whoever handed it out, once. The caller has seen that the output is off.
    ///
    /// Nothing where nobody hands it out; else what came of it, in words.
    pub(in crate::guard) fn give_back(&mut self) -> Option<Result<String, String>> {
        self.marking.iter_mut().for_each(Marking::wait);
        let marked = self.record.quarantine.is_some();
        let name = self.given()?.to_owned();
        let engine = self.engine.take()?;
        let done = engine.give_back(marked);
        if !matches!(done, Err((false, _))) {
            self.record.lease = None;
        }
        Some(match done {
            Ok(()) => Ok(format!("the lease `{name}` of the rig was given back")),
            Err((true, why)) => {
                Err(format!("the lease `{name}` was not given back, it is not ours any more: {why}"))
            }
            Err((false, why)) => Err(format!(
                "the lease `{name}` could not be given back: {why}; the output is off; the next run on this machine asks again, \
                 or give it back by hand"
            )),
        })
    }

    /// Begins to tell everybody that the rig is quarantined.
    pub(super) fn mark(&self) -> Option<Marking> {
        self.given()?;
        let engine = self.engine.clone()?;
        let marking = std::thread::Builder::new().name("mark".to_owned()).spawn(move || engine.mark());
        // Without a thread nobody is told; the rig is not given back either way.
        Some(Marking(marking.ok()))
    }
}

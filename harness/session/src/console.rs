//! Whoever watches a run: what it is told, what it decides.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use engine::bench::Status;
use evidence::run::CaseResult;
use lab::operator::Terminal;
use proto::quantity::Micros;

/// Where a run says how it stands.
pub trait Console: Send + Sync {
    /// What whoever watches must know.
    fn warn(&self, what: &str);

    /// What whoever watches may like to know.
    fn tell(&self, what: &str);

    /// So many cases are about to run.
    fn progress(&self, cases: usize) -> Box<dyn Progress>;

    /// What is set once somebody wants a run to end. The case that runs is ended then, which switches everything off.
    ///
    /// # Errors
    /// When the system does not tell of it.
    fn stop(&self) -> io::Result<Arc<AtomicBool>>;

    /// A person who does by hand what no wire carries, and has so long for it.
    ///
    /// # Errors
    /// When nobody can be asked.
    fn operator(&self, within: Micros) -> io::Result<Terminal>;
}

/// Where the cases of a run stand.
pub trait Progress {
    /// A step of a case began. Whoever looks at interlocks calls this, and never waits here.
    fn step(&self, case: &str, at: Micros, step: &str);

    /// Where a case stands, once a second of the rig. Nor does this wait.
    fn stands(&self, case: &str, status: &Status<'_>);

    /// A case is done.
    fn done(&self, case: &CaseResult);

    /// All are.
    fn finish(&self);
}

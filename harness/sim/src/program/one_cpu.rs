//! Harness and program on one CPU. They wait for each other in turn, so a second CPU has nothing to do: it falls asleep
//! between two lines, and to wake it takes several times as long as a turn. A program that works for long in its turns
//! may have threads for more than one CPU, and is let go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::process::Process;

/// So many turns decide whether a program works for long in them.
const TURNS: u32 = 32;
/// So much time for one turn, on the clock of the wall, is long: what it takes to wake a CPU is a few percent of it.
const LONG: Duration = Duration::from_millis(1);

/// Whether a program and the harness are kept together, known to all benches that play it.
#[derive(Debug, Clone, Default)]
pub(super) struct Together {
    /// it was let go in a case before
    apart: Arc<AtomicBool>,
}

impl Together {
    /// A CPU for this thread and for what it starts; nothing where the program was let go before, where there is only one,
    /// or where the system does not do so.
    pub(super) fn take(&self) -> Option<Share> {
        if self.apart.load(Ordering::Relaxed) {
            return None;
        }
        let cpu = OneCpu::take()?;
        Some(Share { cpu, together: self.clone(), turns: 0, took: Duration::ZERO })
    }
}

/// Harness and program are on one CPU until this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    cpu: OneCpu,
    together: Together,
    /// turns since it was last looked at, and how long they took
    turns: u32,
    took: Duration,
}

impl Share {
    /// A turn took so long; whether it is better to let the program go.
    pub(super) fn is_in_the_way(&mut self, took: Duration) -> bool {
        self.turns += 1;
        self.took += took;
        if self.turns < TURNS {
            return false;
        }
        let long = self.took > TURNS * LONG;
        (self.turns, self.took) = (0, Duration::ZERO);
        long
    }

    /// Gives the CPUs back, to the program as well, for this case and those that come.
    pub(super) fn let_go(self, process: &Process) {
        self.together.apart.store(true, Ordering::Relaxed);
        self.cpu.let_go(process);
    }
}

#[cfg(target_os = "linux")]
use linux::OneCpu;

/// Other systems leave every thread where it is.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
enum OneCpu {}

#[cfg(not(target_os = "linux"))]
impl OneCpu {
    fn take() -> Option<Self> {
        None
    }

    fn let_go(self, _: &Process) {}
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use rustix::process::Pid;
    use rustix::thread::{CpuSet, gettid, sched_getaffinity, sched_getcpu, sched_setaffinity};

    use super::Process;

    /// How many threads of this process have taken each CPU.
    static TAKEN: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

    fn taken() -> MutexGuard<'static, BTreeMap<usize, usize>> {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread that took it stays on one CPU, with every process that it starts, until this is dropped.
    #[derive(Debug)]
    pub(super) struct OneCpu {
        cpu: usize,
        /// a bench may be dropped by another thread than that which took it
        thread: Pid,
        /// where it might run before
        before: CpuSet,
    }

    impl OneCpu {
        /// Takes a CPU for this thread, of those that it may run on one that the fewest threads of this process have taken.
        pub(super) fn take() -> Option<Self> {
            let thread = gettid();
            let before = sched_getaffinity(Some(thread)).ok()?;
            let may: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&cpu| before.is_set(cpu)).collect();
            if may.len() < 2 {
                return None;
            }
            let mut taken = taken();
            // Where the system has put this thread, another process is the least in the way.
            let here = sched_getcpu();
            let users = |cpu: usize| taken.get(&cpu).copied().unwrap_or(0);
            let cpu = may.into_iter().min_by_key(|&cpu| (users(cpu), cpu != here))?;
            let mut only = CpuSet::new();
            only.set(cpu);
            sched_setaffinity(Some(thread), &only).ok()?;
            *taken.entry(cpu).or_default() += 1;
            Some(Self { cpu, thread, before })
        }

        /// Gives the CPUs back, and to every thread of this program.
        pub(super) fn let_go(self, process: &Process) {
            for pid in process.all() {
                let threads = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero()));
                let threads = threads.into_iter().flatten().flatten();
                let threads = threads.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
                for thread in threads.filter_map(Pid::from_raw) {
                    // It may have ended by itself.
                    let _ = sched_setaffinity(Some(thread), &self.before);
                }
            }
        }
    }

    impl Drop for OneCpu {
        fn drop(&mut self) {
            // A thread that has ended needs no CPU.
            let _ = sched_setaffinity(Some(self.thread), &self.before);
            taken().entry(self.cpu).and_modify(|users| *users -= 1);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// Held by a test: threads of others that have taken a CPU would be counted.
        static ALONE: Mutex<()> = Mutex::new(());

        fn alone() -> MutexGuard<'static, ()> {
            ALONE.lock().unwrap_or_else(PoisonError::into_inner)
        }

        fn may() -> Vec<usize> {
            let set = sched_getaffinity(None).expect("of this thread");
            (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()
        }

        /// What this thread starts is kept there too; afterwards both go where they might before.
        #[test]
        fn a_thread_stays_on_one_cpu_of_those_it_may_run_on_and_gets_the_others_back() {
            let _alone = alone();
            let before = may();
            let taken = OneCpu::take();
            assert_eq!(taken.is_some(), before.len() > 1);
            if let Some(taken) = taken {
                assert_eq!(may(), [taken.cpu]);
                assert!(before.contains(&taken.cpu));
                assert_eq!(std::thread::spawn(may).join().expect("it ends"), [taken.cpu]);
                // One that is there already has nothing to choose from.
                assert!(OneCpu::take().is_none());
            }
            assert_eq!(may(), before);
        }

        /// The bench of a case may be dropped elsewhere.
        #[test]
        fn whoever_drops_it_gives_back_the_cpus_of_the_thread_that_took_it() {
            let _alone = alone();
            let before = may();
            let taken = OneCpu::take();
            std::thread::spawn(|| drop(taken)).join().expect("it ends");
            assert_eq!(may(), before);
        }

        #[test]
        fn two_threads_take_two_cpus() {
            let _alone = alone();
            if may().len() < 2 {
                return;
            }
            let both = std::sync::Barrier::new(2);
            let one = || {
                let taken = OneCpu::take();
                both.wait();
                taken.map(|taken| taken.cpu)
            };
            let [first, second] = std::thread::scope(|scope| {
                [scope.spawn(one), scope.spawn(one)].map(|thread| thread.join().expect("it ends"))
            });
            assert_ne!(first, second);
        }
    }
}

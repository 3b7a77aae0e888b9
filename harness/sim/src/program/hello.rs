//! Whether a program has ever said hello. One that has not will not say it to the next case either, and each would wait for
//! it as long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is known of it, by all benches that play the program.
#[derive(Debug, Clone, Default)]
pub(super) struct Hello(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
enum Known {
    /// nobody has started it yet
    #[default]
    Nothing,
    Said,
    /// it was started and did not say it, for this reason
    Missing(String),
}

impl Hello {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It said hello: whatever goes wrong later is of one case.
    pub(super) fn said(&self) {
        *self.known() = Known::Said;
    }

    /// It did not, for this reason.
    pub(super) fn missing(&self, why: &str) {
        let mut known = self.known();
        if matches!(*known, Known::Nothing) {
            *known = Known::Missing(why.to_owned());
        }
    }

    /// Why it is not asked again, where it has been asked and has never answered.
    pub(super) fn never_said(&self) -> Option<String> {
        match &*self.known() {
            Known::Missing(why) => Some(why.clone()),
            Known::Nothing | Known::Said => None,
        }
    }

    /// It is asked again as if for the first time.
    pub(super) fn forget(&self) {
        *self.known() = Known::Nothing;
    }
}

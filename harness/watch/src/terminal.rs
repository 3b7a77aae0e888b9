//! The view on a terminal: one run in full, or a wall of several.

mod draw;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use tokio::sync::watch;

use crate::page::Shown;

pub use draw::{draw, lines};

/// How often it is drawn anew.
const OFTEN: Duration = Duration::from_millis(250);

/// What is looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// the run that is chosen, among those that are watched
    pub chosen: usize,
    /// that run in full, where several are watched
    pub in_full: bool,
    /// so many lines of its lists are passed over
    pub down: u16,
}

impl Look {
    /// After a key, with so many runs; nothing where it ends the view.
    #[must_use]
    fn after(mut self, key: KeyCode, runs: usize) -> Option<Self> {
        let is_wall = runs > 1 && !self.in_full;
        match key {
            KeyCode::Char('q') => return None,
            KeyCode::Esc if !self.in_full => return None,
            KeyCode::Esc | KeyCode::Backspace => self = Self { in_full: false, down: 0, ..self },
            KeyCode::Enter if is_wall => self.in_full = true,
            KeyCode::Down | KeyCode::Char('j') if is_wall => self.chosen = (self.chosen + 1).min(runs - 1),
            KeyCode::Up | KeyCode::Char('k') if is_wall => self.chosen = self.chosen.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.down = self.down.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.down = self.down.saturating_sub(1),
            _ => {}
        }
        Some(self)
    }
}

/// Shows what is watched until a key ends it, or `stop` is set.
///
/// # Errors
/// When the terminal fails, or nobody looks at the runs any more.
pub fn show(shown: &watch::Receiver<Arc<Shown>>, stop: &AtomicBool) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let mut look = Look::default();
    let done = loop {
        if stop.load(Ordering::Relaxed) {
            break Ok(());
        }
        if shown.has_changed().is_err() {
            break Err(io::Error::other("the thread that reads the runs has ended"));
        }
        let now = shown.borrow().clone();
        if let Err(error) = terminal.draw(|frame| draw(frame, &now.views, look)) {
            break Err(error);
        }
        match event::poll(OFTEN) {
            Ok(false) => continue,
            Ok(true) => {}
            Err(error) => break Err(error),
        }
        match event::read() {
            Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => {
                let ends = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
                match look.after(key.code, now.views.len()) {
                    Some(next) if !ends => look = next,
                    _ => break Ok(()),
                }
            }
            Ok(_) => {}
            Err(error) => break Err(error),
        }
    };
    ratatui::restore();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_move_within_what_there_is() {
        let of = |keys: &[KeyCode], runs| {
            keys.iter().try_fold(Look::default(), |look, key| look.after(*key, runs))
        };
        use KeyCode::{Down, Enter, Esc, Up};
        assert_eq!(of(&[Down, Down, Down], 2), Some(Look { chosen: 1, ..Look::default() }));
        assert_eq!(of(&[Up], 2), Some(Look::default()));
        assert_eq!(of(&[Down, Enter, Down], 3), Some(Look { chosen: 1, in_full: true, down: 1 }));
        assert_eq!(of(&[Down, Enter, Down, Esc], 3), Some(Look { chosen: 1, ..Look::default() }));
        assert_eq!(of(&[Esc], 1), None);
        assert_eq!(of(&[KeyCode::Char('q')], 1), None);
    }
}

//! The guard itself: passes bytes between harness and supply, and switches off when the harness is no more.

use std::io::BufReader;
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proto::quantity::Micros;

use super::again::Again;
use super::ears::{Line, Mouth, Order, listen, lock};
use super::gx;
use super::kept::{Kept, keep};
use super::lease::{Lease, LeaseError, now};
use super::pen::Pen;
use super::post::Post;
use super::words::{Ask, Tell, next_line};
use crate::lease::{Refusal, Watch};
use crate::psu::Link;

/// How long the guard may be deaf to anything but bytes of the supply.
const STEP: Micros = Micros::from_millis(10);
/// How long a harness may take to say who it is.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// A harness that is stopped takes no words; nothing waits for it longer.
const TELL_WITHIN: Duration = Duration::from_millis(50);
/// A harness waits so long for a supply that is not known to be off …
const TOGETHER: Duration = Duration::from_secs(30);
/// … and its guard alone for so long: time to put a plug back.
const GIVE_UP: Duration = Duration::from_secs(600);

/// How long a guard that was told to end by a signal waits for the end of its harness.
const OUTLAST: Duration = Duration::from_secs(30);

/// Guards until the harness has done or is no more, and everything is off.
pub fn stand(post: Post, socket: UnixStream) {
    let Ok(ears) = socket.try_clone() else { return };
    // Both are only refused for a time of zero.
    let _ = socket.set_write_timeout(Some(TELL_WITHIN));
    let _ = ears.set_read_timeout(Some(HELLO_WITHIN));
    let mouth = Mouth(Arc::new(Mutex::new(socket)));
    let mut lines = BufReader::new(ears);
    let first = next_line(&mut lines).ok().flatten();
    let Some(Ask::Hello(holder)) = first.and_then(|line| Ask::parse(&line)) else { return };
    mouth.tell(&Tell::Here(std::process::id()));
    let mut lease = match mouth.beating(|| Lease::take(&post.live, *holder)) {
        Ok(lease) => lease,
        Err(LeaseError::Busy(holder)) => return mouth.tell(&Tell::Busy(holder.to_string())),
        Err(error) => return mouth.tell(&Tell::Refused(error.to_string())),
    };
    // Before anything is touched: until then the rig is whose its engine says.
    if let Err(refusal) = mouth.beating(|| lease.ask_for()) {
        lease.leave();
        return mouth.tell(&match refusal {
            Refusal::NotGiven(why) => Tell::NotGiven(why),
            Refusal::Cannot(why) => {
                Tell::Refused(format!("the rig cannot be asked for: {why}; nothing was opened"))
            }
        });
    }
    let mut found = Vec::new();
    if let Some(before) = lease.before().cloned() {
        // Whoever had it is dead, and so is its guard: the output is unknown.
        let off = mouth.beating(|| post.found_and_off());
        if let Ok(Some((true, _))) = off {
            let what = format!(
                "the output of the supply was on; it was switched off, and that was read back. Who left it on: {before}"
            );
            found.push(what);
        }
        if let Err(why) = off {
            let what = format!("{before} died with its guard, and its supply is not known to be off: {why}");
            // Told either way.
            let _ = lease.quarantine(&what);
            return mouth.tell(&Tell::Refused(LeaseError::Quarantined(what).to_string()));
        }
    }
    // With the supply off: the GX as somebody left it who could not put it back any more.
    if let (Some(place), false) = (&post.live.gx, lease.left().is_empty()) {
        let mut left = lease.left().to_vec();
        let what = mouth.beating(|| gx::put_back(place, &mut left));
        // Where it cannot be written, the next one does it again.
        let _ = lease.leaves(&left);
        let what = format!("a run before this one died: {what}");
        if !left.is_empty() {
            let what = format!("{what}; then `busbar doctor --rig … --clear`");
            // Its supply is off: somebody else may have it.
            mouth.beating(|| lease.give_back());
            return mouth.tell(&Tell::Refused(what));
        }
        found.push(what);
    }
    if !found.is_empty() {
        mouth.tell(&Tell::Found(found.join("; ")));
    }
    let line = Arc::new(Line {
        writer: Mutex::default(),
        off: post.off_line(),
        pen: Pen::new(),
        heard: Mutex::new(Instant::now()),
    });
    let (sender, orders) = channel();
    let _ = lines.get_ref().set_read_timeout(None);
    let (theirs, answers) = (line.clone(), mouth.clone());
    let listening = std::thread::Builder::new()
        .name("ears".to_owned())
        .spawn(move || listen(lines, &theirs, &answers, &sender));
    let teller = mouth.clone();
    let watch = lease.watched(move |why| teller.tell(&Tell::Lost(why)));
    let watch = listening.and(watch);
    if let Err(error) = &watch {
        mouth.beating(|| lease.give_back());
        return mouth
            .tell(&Tell::Refused(format!("the guard has no thread to listen or look with: {error}")));
    }
    mouth.tell(&Tell::Ready(std::process::id()));
    tell_of_panics(&mouth);
    let watch = watch.ok().flatten();
    Warden { post, lease, watch, line, mouth, orders, link: None, energised: false, lost: None }.run();
}

/// A guard that panics says so before it ends.
fn tell_of_panics(mouth: &Mouth) {
    // A test has threads of its own, and a hook for all of them.
    if cfg!(test) {
        return;
    }
    let (mouth, told) = (mouth.clone(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        mouth.try_tell(&Tell::Fails(panic.to_string()));
        told(panic);
    }));
}

struct Warden {
    post: Post,
    lease: Lease,
    /// looks whether the rig is still ours
    watch: Option<Watch>,
    line: Arc<Line>,
    mouth: Mouth,
    orders: Receiver<Order>,
    link: Option<Box<dyn Link>>,
    /// whether the supply may be on
    energised: bool,
    /// the port is gone, and the supply may be on
    lost: Option<Again>,
}

impl Warden {
    fn run(mut self) {
        loop {
            if self.post.stop.load(Ordering::Relaxed) {
                return self.finish(Some("the guard was told to end by a signal".to_owned()));
            }
            let silent = lock(&self.line.heard).elapsed();
            if self.energised && silent > self.limit() {
                let silent = silent.as_secs_f64();
                return self.finish(Some(format!("no heartbeat of the harness for {silent:.2} s")));
            }
            if self.lost.as_ref().is_some_and(Again::is_due) {
                self.seek();
            }
            let wait = if self.link.is_some() { Duration::ZERO } else { Duration::from_micros(STEP.0) };
            match self.orders.recv_timeout(wait) {
                Ok(Order::HungUp(why)) => return self.finish(Some(why.to_owned())),
                Err(RecvTimeoutError::Disconnected) => {
                    return self.finish(Some("its ears are gone".to_owned()));
                }
                Ok(Order::End) => return self.finish(None),
                Ok(Order::Open) => self.open(),
                Ok(Order::Close) => self.close(),
                Ok(Order::Keep(kept)) => self.keep(kept),
                Ok(Order::PutBack) => self.forget(),
                Ok(Order::Failed(why)) => self.lose(&why),
                Err(RecvTimeoutError::Timeout) => self.hear(),
            }
        }
    }

    /// On the disk before the harness writes to the GX: both may die.
    fn keep(&mut self, kept: Kept) {
        self.note(&format!("found on the GX, and put back at the end: {kept}"));
        let mut left = self.lease.left().to_vec();
        keep(&mut left, kept);
        // Where it cannot be written, this process still knows.
        let _ = self.lease.leaves(&left);
        self.mouth.tell(&Tell::Kept);
    }

    fn forget(&mut self) {
        // The next one writes back what is there already.
        let _ = self.lease.leaves(&[]);
    }

    fn limit(&self) -> Duration {
        self.post
            .live
            .psu
            .as_ref()
            .map_or(Duration::MAX, |place| Duration::from_micros(place.heartbeat_within.0))
    }

    /// Passes on what the supply says.
    fn hear(&mut self) {
        let Some(link) = &mut self.link else { return };
        let mut buffer = [0; 1024];
        match link.read(&mut buffer, link.now() + STEP) {
            Ok(0) => {}
            Ok(many) => {
                self.mouth.tell(&Tell::Read(buffer[..many].to_vec()));
                self.line.pen.received(&buffer[..many]);
            }
            Err(error) => self.lose(&error.to_string()),
        }
    }

    fn lose(&mut self, why: &str) {
        lock(&self.line.writer).take();
        self.link = None;
        // The case is over with it, whatever the harness does: what may be on goes off as soon as it can be reached.
        self.lost = self.energised.then(Again::now);
        self.mouth.tell(&Tell::Gone(why.to_owned()));
    }

    /// Tries to reach a supply that was lost, and switches it off.
    fn seek(&mut self) {
        let Some(mut again) = self.lost.take() else { return };
        match self.post.confirm_off(None, &self.line.pen) {
            Ok(_) => {
                self.energised = false;
                let gone = again.since.elapsed().as_secs_f64();
                self.note(&format!("the supply was out of reach: output off read back {gone:.2} s later"));
            }
            Err(_) => {
                again.failed();
                self.lost = Some(again);
            }
        }
    }

    fn open(&mut self) {
        lock(&self.line.writer).take();
        // Closed first: a port opens once.
        let had = self.link.take().is_some();
        // One that was lost, or not seen to be off, is switched off before anything else is said to it.
        if self.energised
            && !had
            && let Err(why) = self.post.confirm_off(None, &self.line.pen)
        {
            self.lost.get_or_insert_with(Again::now);
            return self.mouth.tell(&Tell::Closed(why));
        }
        self.lost = None;
        let opened = self.post.connect().and_then(|link| {
            let writer = link.second_writer();
            Ok((link, writer.ok_or("the port cannot be written to past its reader")?))
        });
        match opened {
            Ok((link, writer)) => {
                self.energised = true;
                self.link = Some(link);
                *lock(&self.line.writer) = Some(writer);
                self.mouth.tell(&Tell::Opened);
            }
            Err(why) => {
                self.lost = self.energised.then(Again::now);
                self.mouth.tell(&Tell::Closed(why));
            }
        }
    }

    /// The harness has done for now: that it is off is seen, not believed.
    fn close(&mut self) {
        self.line.cut();
        if !self.energised {
            return;
        }
        match self.post.confirm_off(self.link.take(), &self.line.pen) {
            Ok(_) => (self.energised, self.lost) = (false, None),
            Err(why) => {
                self.lost.get_or_insert_with(Again::now);
                self.note(&format!("at the end of a case: {why}"));
            }
        }
    }

    /// Off, confirmed, written down; then the rig is free. A harness that still lives, and does not beat any more, must
    /// not take this guard for dead meanwhile.
    fn finish(self, why: Option<String>) {
        let mouth = self.mouth.clone();
        mouth.beating(|| self.off_for_good(why));
    }

    fn off_for_good(mut self, why: Option<String>) {
        self.line.cut();
        if let Some(why) = &why {
            self.mouth.tell(&Tell::Off(why.clone()));
        }
        let began = Instant::now();
        // Since when it could not be confirmed, and whether the harness was let go meanwhile.
        let (mut failed, mut alone) = (None::<Again>, false);
        loop {
            // A supply that is known to be off is left alone.
            let off = if self.energised {
                self.post.confirm_off(self.link.take(), &self.line.pen)
            } else {
                Ok(None)
            };
            self.put_back();
            match (off, &mut failed) {
                (Ok(done), failed) => {
                    let why = why.or_else(|| failed.map(|_| "it could not be confirmed at first".to_owned()));
                    let last = why.filter(|_| self.energised).map(|why| {
                        let volts = done.and_then(|(_, done)| done.safe_at).unwrap_or_default();
                        let took = began.elapsed().as_secs_f64();
                        format!("{why}: output off read back after {took:.2} s, {volts} at the terminals")
                    });
                    if let Some(last) = &last {
                        self.note(last);
                    }
                    self.line.pen.done();
                    if last.is_some() && failed.is_none() {
                        self.mouth.tell(&Tell::Safe);
                        self.outlast();
                        // The harness may have sealed its evidence.
                        self.line.pen.beside();
                    }
                    self.give_back();
                    // Where it cannot be written, the next run looks again.
                    let _ = self.lease.free(last.map(|last| format!("{}: {last}", now())));
                    return self.mouth.tell(&Tell::Safe);
                }
                (Err(what), None) => {
                    let why = why.as_deref().unwrap_or("at the end of the run");
                    let what = format!("{why}: the supply is not known to be off: {what}");
                    self.note(&what);
                    self.line.pen.done();
                    let _ = self.lease.quarantine_and_try(&what, GIVE_UP);
                    self.mouth.tell(&Tell::Trying(what));
                    failed = Some(Again::now());
                }
                (Err(what), Some(again)) => {
                    again.failed();
                    if !alone && began.elapsed() > TOGETHER {
                        alone = true;
                        // The harness seals its evidence now: what comes of it stands beside that.
                        self.line.pen.beside();
                        let (pid, more) = (std::process::id(), GIVE_UP.as_secs() / 60);
                        self.mouth.tell(&Tell::Unsafe(format!(
                            "SWITCH IT OFF BY HAND: the supply is not known to be off after {} s: {what}; its guard \
                             (process {pid}) goes on alone for {more} min, what comes of it stands in guard.log of the run, \
                             and the rig is quarantined until then",
                            TOGETHER.as_secs()
                        )));
                    } else if began.elapsed() > GIVE_UP {
                        let what = format!("given up after {} min: {what}", GIVE_UP.as_secs() / 60);
                        self.note(&what);
                        self.line.pen.done();
                        let _ = self.lease.quarantine(&what);
                        return;
                    }
                }
            }
            failed.iter().for_each(Again::sleep);
        }
    }

    /// Off was read back: whoever hands the rig out has it again.
    fn give_back(&mut self) {
        self.watch = None;
        let Some(done) = self.lease.give_back() else { return };
        let (Ok(told) | Err(told)) = &done;
        self.note(told);
        self.line.pen.done();
        if let Err(why) = done {
            self.mouth.tell(&Tell::NotReturned(why));
        }
    }

    /// Once, after what is energised: the GX as the harness found it. A harness that lives has done that by itself.
    fn put_back(&mut self) {
        // What was said before it fell silent.
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Keep(kept) => self.keep(kept),
                Order::PutBack => self.forget(),
                _ => {}
            }
        }
        if let (Some(place), false) = (&self.post.live.gx, self.lease.left().is_empty()) {
            let mut left = self.lease.left().to_vec();
            let what = gx::put_back(place, &mut left);
            self.note(&what);
            // What could not be put back is left to whoever comes next.
            let _ = self.lease.leaves(&left);
        }
    }

    /// Holds the rig until the harness is gone. One that was stopped may go on, and then puts loads, mains and operator
    /// back: nobody else may be at it by then.
    fn outlast(&self) {
        let mut told = None;
        loop {
            match self.orders.recv_timeout(super::BEAT) {
                Ok(Order::HungUp(_)) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            }
            if self.post.stop.load(Ordering::Relaxed) {
                let since = *told.get_or_insert_with(Instant::now);
                if since.elapsed() > OUTLAST {
                    return;
                }
            }
        }
    }

    /// Into the evidence of the run, as a comment. Where the folder is gone, the lease says it.
    fn note(&self, what: &str) {
        self.line.pen.note(&format!("guard: {what}"));
    }
}

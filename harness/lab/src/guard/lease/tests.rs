use super::*;

fn take(folder: &Path, names: &[&str]) -> Result<Lease, LeaseError> {
    let things: Vec<_> = names.iter().map(|name| of(name, None)).collect();
    Lease::take_in(folder.to_owned(), &things, Holder::this("lab"))
}

fn of(name: &str, device: Option<&str>) -> Thing {
    Thing { file: name.to_owned(), device: device.map(str::to_owned), is_gx: name == "gx" }
}

#[test]
fn one_run_per_rig_and_the_second_is_told_who_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = take(folder.path(), &["can", "psu"]).expect("it is free");
    assert_eq!(first.before(), None);
    // Another rig that shares only the supply; what it took before is given back.
    let error = take(folder.path(), &["gx", "psu"]).expect_err("the supply is taken").to_string();
    assert!(error.contains(&format!("process {} of", std::process::id())), "{error}");
    assert!(error.contains("--wait"), "{error}");
    take(folder.path(), &["gx"]).expect("only the supply was taken").free(None).expect("written");
    first.free(None).expect("written");
    assert_eq!(take(folder.path(), &["gx", "psu"]).expect("free again").before(), None);
}

#[test]
fn a_holder_that_dies_leaves_its_name_and_not_its_lock() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(take(folder.path(), &["psu"]).expect("it is free"));
    let second = take(folder.path(), &["psu"]).expect("the lock is free");
    assert_eq!(second.before().map(|holder| holder.pid), Some(std::process::id()));
    drop(second);
    // Half a record is a dead holder's too.
    std::fs::write(folder.path().join("psu"), "{\"hold").expect("written");
    assert!(take(folder.path(), &["psu"]).expect("free").before().is_some());
}

#[test]
fn a_quarantine_outlives_its_process_until_somebody_clears_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut lease = take(folder.path(), &["can", "psu"]).expect("it is free");
    lease.quarantine("the supply does not answer").expect("written");
    let refused = || take(folder.path(), &["gx", "psu"]).expect_err("refused").to_string();
    assert!(refused().contains("the supply does not answer"), "while it is held: {}", refused());
    drop(lease);
    assert!(refused().contains("busbar doctor --rig … --clear"), "{}", refused());
    let things = ["can", "psu"].map(|name| of(name, None));
    let why = clear_in(folder.path().to_owned(), &things, None)
        .expect("nobody has it")
        .expect("it was quarantined");
    assert!(why.starts_with("the supply does not answer ("), "{why}");
    take(folder.path(), &["can", "psu"]).expect("cleared");
}

/// What registers of a GX held stands in the file of that GX until somebody has written it back, whatever else becomes of
/// the rig: its holder dies, it is quarantined and cleared, another supply stands beside it.
#[test]
fn what_is_left_of_a_gx_is_left_for_whoever_comes_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let left = [Kept { unit: 100, first: 2707, cells: vec![0] }];
    let mut lease = take(folder.path(), &["gx", "psu"]).expect("it is free");
    assert!(lease.left().is_empty());
    lease.leaves(&left).expect("written");
    drop(lease);
    assert!(take(folder.path(), &["other-gx", "psu"]).expect("free").left().is_empty(), "another GX");
    let mut lease = take(folder.path(), &["gx", "other-psu"]).expect("free");
    assert_eq!(lease.left(), left, "another supply");
    lease.quarantine("it does not answer").expect("written");
    drop(lease);
    clear_in(folder.path().to_owned(), &[of("gx", None)], None).expect("nobody has it");
    let lease = take(folder.path(), &["gx"]).expect("cleared");
    assert_eq!(lease.left(), left);
    lease.free(None).expect("written");
    let mut lease = take(folder.path(), &["gx"]).expect("free");
    assert_eq!(lease.left(), left, "an orderly end that could not put it back");
    lease.leaves(&[]).expect("written");
    drop(lease);
    assert!(take(folder.path(), &["gx"]).expect("free").left().is_empty());
}

/// Whoever is told to clear it while the guard has it would be told that again.
#[test]
fn a_guard_that_still_tries_is_told_with_its_process_and_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let things = [of("psu", None)];
    let clear = || clear_in(folder.path().to_owned(), &things, None);
    let mut lease = take(folder.path(), &["psu"]).expect("it is free");
    lease.quarantine_and_try("the plug is out", Duration::from_secs(600)).expect("written");
    let told = clear().expect_err("its guard has it").to_string();
    let guard = format!("its guard (process {}, until 20", std::process::id());
    assert!(told.contains("the plug is out") && told.contains(&guard), "{told}");
    assert!(!told.contains("--clear"), "{told}");
    drop(lease);
    assert!(clear().expect("the guard gave up").is_some());
}

/// The name of a pseudo-terminal comes again; what became of the one before is not held against it.
#[test]
fn a_quarantine_is_of_one_terminal_and_not_of_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let take = |device| Lease::take_in(folder.path().to_owned(), &[of("psu", device)], Holder::this("lab"));
    let mut lease = take(Some("1.5")).expect("it is free");
    lease.quarantine("it does not answer").expect("written");
    // As long as somebody has it, the name counts.
    assert!(take(Some("2.5")).is_err());
    drop(lease);
    assert!(matches!(take(Some("1.5")), Err(LeaseError::Quarantined(_))));
    assert!(matches!(take(None), Err(LeaseError::Quarantined(_))));
    let another = take(Some("2.5")).expect("another terminal");
    assert_eq!(another.before(), None);
}

#[test]
fn a_terminal_is_told_from_the_next_of_its_name_and_stays_itself() {
    use std::io::Read as _;
    let pty = sim::served::pty::Pty::open().expect("a terminal");
    let before = device(&pty.path).expect("it is one");
    let (mut end, mut master) = (File::options().write(true).open(&pty.path).expect("open"), pty.master);
    end.write_all(b"*IDN?\n").expect("taken");
    master.read_exact(&mut [0; 6]).expect("it comes");
    assert_eq!(device(&pty.path).as_ref(), Some(&before));
    drop((end, master, pty.held));
    std::thread::sleep(Duration::from_millis(20));
    // The system gives the number that is free, unless another test was quicker.
    let next = sim::served::pty::Pty::open().expect("a terminal");
    assert_ne!(device(&next.path), Some(before));
    assert_eq!(device(Path::new("/dev/null")), None);
}

/// The clock on the wall may say anything: nothing of a lease is compared with it.
#[rstest::rstest]
#[case("1970-01-01T00:00:00Z")]
#[case("2199-12-31T23:59:59Z")]
fn a_lease_goes_by_locks_and_not_by_the_time_of_day(#[case] since: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let holder = Holder { since: since.to_owned(), ..Holder::this("lab") };
    let first = Lease::take_in(folder.path().to_owned(), &[of("psu", None)], holder).expect("free");
    let refused = take(folder.path(), &["psu"]).expect_err("it is held").to_string();
    assert!(refused.contains(since), "{refused}");
    drop(first);
    let second = take(folder.path(), &["psu"]).expect("its holder is dead");
    assert_eq!(second.before().map(|holder| holder.since.as_str()), Some(since));
}

fn named(live: &Live) -> Vec<String> {
    things(live).into_iter().map(|thing| thing.file).collect()
}

fn lab(changes: &[(&str, &str)]) -> Live {
    let file = include_str!("../../../../../rigs/lab-example.yaml");
    let file = changes.iter().fold(file.to_owned(), |file, (good, other)| {
        assert!(file.contains(good), "{good} stands in the file");
        file.replace(good, other)
    });
    files::RigFile::parse("lab", &file).expect("a good rig").live.expect("it is real")
}

/// Two files that call one instrument by different names mean one instrument.
#[test]
fn an_instrument_is_known_by_what_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let pty = sim::served::pty::Pty::open().expect("a terminal");
    let link = folder.path().join("psu");
    std::os::unix::fs::symlink(&pty.path, &link).expect("a link");
    let serial = "/dev/serial/by-id/usb-EA_PSI_9200-70_1234567890-if00";
    let by_name = named(&lab(&[(serial, pty.path.to_str().expect("a plain path"))]));
    let by_link = named(&lab(&[(serial, link.to_str().expect("a plain path"))]));
    assert_eq!(by_name, by_link);
    assert!(by_name.iter().any(|name| name.starts_with("device-")), "{by_name:?}");
    // An adapter that is not there yet is known by its own name.
    assert!(named(&lab(&[])).iter().any(|name| name.contains("EA-PSI-9200-70")));
    let gx = |address| named(&lab(&[("192.168.1.20:502", address)]));
    assert_eq!(gx("127.0.0.1"), gx("127.0.0.1:502"));
    assert_eq!(gx("localhost:1502"), gx("127.0.0.1:1502"));
    assert_eq!(gx("\"[::ffff:127.0.0.1]:502\""), gx("127.0.0.1"));
    assert_ne!(gx("127.0.0.1:1502"), gx("127.0.0.1"));
    assert!(gx("127.0.0.1").contains(&"192.168.1.30-502-unit-1-coil-1.lease".to_owned()));
}

/// The folder is that of all users, and so are its files, whatever the mask of the one who made them.
#[test]
fn whoever_comes_second_may_see_who_was_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("locks");
    shared_folder(&path).expect("made");
    shared_folder(&path).expect("it is there");
    let mode = |path: &Path| path.metadata().expect("it is there").mode() & 0o7777;
    assert_eq!(mode(&path), 0o1777);
    let first = take(&path, &["psu"]).expect("it is free");
    assert_eq!(mode(&path.join("psu")), 0o666);
    assert!(matches!(take(&path, &["psu"]), Err(LeaseError::Busy(_))));
    // Somebody cleans up: the next one does not take a file that nobody sees any more.
    drop(first);
    let held = open(&path.join("psu")).expect("it is there");
    std::fs::remove_file(path.join("psu")).expect("removed");
    held.try_lock().expect("it is free");
    let next = take(&path, &["psu"]).expect("a new file");
    drop(held);
    assert!(matches!(take(&path, &["psu"]), Err(LeaseError::Busy(_))));
    drop(next);
    // Neither a link to somewhere else nor a folder of one user.
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), path.join("can")).expect("a link");
    std::fs::write(folder.path().join("elsewhere"), "").expect("written");
    assert!(matches!(take(&path, &["can"]), Err(LeaseError::System { .. })));
    std::fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("ours");
    assert!(shared_folder(&path).is_err());
}

use super::*;

fn take(folder: &Path, names: &[&str]) -> Result<Lease, LeaseError> {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    Lease::take_in(folder.to_owned(), &names, Holder::this("lab"))
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
    let names = ["can", "psu"].map(str::to_owned);
    let why = clear_in(folder.path().to_owned(), &names).expect("nobody has it").expect("it was quarantined");
    assert!(why.starts_with("the supply does not answer ("), "{why}");
    take(folder.path(), &["can", "psu"]).expect("cleared");
}

//! Loads and mains switched by coil and by relay of the GX, and a person at a terminal who does the rest.

use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use judge::verdict::Outcome;
use lab::operator::Terminal;
use proto::quantity::Micros;
use rstest::rstest;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::bench::Bench;

/// What was switched, in order: which of coil and relay, and whether on.
type Switched = Arc<Mutex<Vec<(&'static str, bool)>>>;

/// One message of Modbus-TCP.
fn message(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; 6];
    stream.read_exact(&mut bytes)?;
    bytes.resize(6 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]])), 0);
    stream.read_exact(&mut bytes[6..])?;
    Ok(bytes)
}

/// Coils behind functions 1 and 5; where it sticks, it acknowledges and stays off.
fn relay_board(sticks: bool, seen: Switched) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        let mut on = false;
        for mut stream in listener.incoming().flatten() {
            while let Ok(mut bytes) = message(&mut stream) {
                if bytes[7] == 5 {
                    on = bytes[10] == 0xFF && !sticks;
                    seen.lock().expect("alive").push(("coil", on));
                } else {
                    bytes[5] = 4;
                    bytes.truncate(8);
                    bytes.extend([1, u8::from(on)]);
                }
                let _ = stream.write_all(&bytes);
            }
        }
    });
    address
}

/// A GX whose relay 2 (register 807) is there; everything else is that of another one.
fn with_relay(gx: SocketAddr, seen: Switched) -> SocketAddr {
    let relay = Arc::new(Mutex::new(0));
    before(gx, move |bytes| {
        let of_relay = bytes[8..10] == 807_u16.to_be_bytes();
        match bytes[7] {
            6 | 16 if of_relay => {
                let value = bytes[bytes.len() - 1];
                *relay.lock().expect("alive") = value;
                seen.lock().expect("alive").push(("relay", value == 1));
                if bytes[7] == 16 {
                    bytes.truncate(12);
                    bytes[5] = 6;
                }
            }
            3 if of_relay => {
                bytes.truncate(8);
                bytes[5] = 5;
                bytes.extend([2, 0, *relay.lock().expect("alive")]);
            }
            _ => return false,
        }
        true
    })
}

/// A GX over whose set-point something outside holds another (register 2716, 32 bits); else that of another one.
pub(super) fn overridden(gx: SocketAddr, watts: u16) -> SocketAddr {
    before(gx, move |bytes| {
        let is_it = bytes[7] == 3 && bytes[8..10] == 2716_u16.to_be_bytes();
        if is_it {
            let [high, low] = watts.to_be_bytes();
            bytes.truncate(8);
            bytes[5] = 7;
            bytes.extend([4, 0, 0, high, low]);
        }
        is_it
    })
}

/// Stands before a GX: a request that `answers` turns into its answer does not reach that GX.
fn before(gx: SocketAddr, answers: impl Fn(&mut Vec<u8>) -> bool + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for mut near in listener.incoming().flatten() {
            let answers = answers.clone();
            let mut far = TcpStream::connect(gx).expect("it is served");
            std::thread::spawn(move || {
                while let Ok(mut bytes) = message(&mut near) {
                    if !answers(&mut bytes) {
                        if far.write_all(&bytes).is_err() {
                            return;
                        }
                        let Ok(answer) = message(&mut far) else { return };
                        bytes = answer;
                    }
                    if near.write_all(&bytes).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

const LOAD_AND_NIGHT: &str =
    "- ac-load: 1 kW\n      - hold: 20 s\n      - grid: off\n      - hold: 20 s\n      - mark: over";

/// The case ends with the load on and the mains cut: the bench puts both back.
#[test]
fn coil_and_relay_switch_and_are_put_back() {
    let mut bench = Bench::new();
    let seen = Switched::default();
    let board = relay_board(false, seen.clone());
    bench.gx = super::proxy::Tcp::to(with_relay(bench.gx.address(), seen.clone()));
    bench.switches = format!(
        "{{ ac-load: [ {{ power: 1 kW, by: {{ coil: {{ address: \"{board}\", unit: 1, number: 3 }} }} }} ], grid-cut: {{ gx-relay: 2 }} }}"
    );
    let (attempt, _) = bench.run(LOAD_AND_NIGHT, |_, _| {});
    assert!(!attempt.reason.contains("failed"), "{}", attempt.reason);
    let of = |what: &str| {
        let all = seen.lock().expect("alive");
        all.iter().filter(|(name, _)| *name == what).map(|(_, on)| *on).collect::<Vec<_>>()
    };
    assert_eq!(of("coil"), [false, true, false], "prepared, switched, put back");
    assert_eq!(of("relay"), [false, true, false], "prepared, switched, put back");
    assert!(!bench.supply_is_on());
}

/// What does not switch is no load: the case is not decided, and the message says what to look at.
#[rstest]
#[case::coil_that_sticks(
    "coil: { address: \"{board}\", unit: 1, number: 3 }",
    "was switched on and reads back off"
)]
#[case::board_that_is_not_there(
    "coil: { address: \"127.0.0.1:1\", unit: 1, number: 3 }",
    "127.0.0.1:1: no connection"
)]
#[case::relay_with_a_function("gx-relay: 1", "is the function of this relay set to Manual on the GX?")]
fn a_switch_that_does_not_switch_ends_the_case(#[case] by: &str, #[case] says: &str) {
    let mut bench = Bench::new();
    let by = by.replace("{board}", &relay_board(true, Switched::default()).to_string());
    bench.switches = format!("{{ ac-load: [ {{ power: 1 kW, by: {{ {by} }} }} ] }}");
    let (attempt, _) = bench.run("- ac-load: 1 kW\n      - hold: 2 min", |_, _| {});
    assert_eq!(attempt.outcome, Outcome::Inconclusive, "{}", attempt.reason);
    assert!(attempt.reason.contains(says), "{}", attempt.reason);
    assert!(!bench.supply_is_on());
}

/// A terminal at which somebody answers the questions one after the other, and then none any more; what was shown.
fn person(within: Micros, mut answers: Vec<&'static str>) -> (Terminal, Arc<Mutex<String>>) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&master).expect("granted");
    unlockpt(&master).expect("unlocked");
    let path = ptsname(&master, Vec::new()).expect("a name").to_string_lossy().into_owned();
    let open = || File::options().read(true).write(true).open(&path).expect("it opens");
    let terminal =
        Terminal::new(Box::new(open()), Box::new(BufReader::new(open())), within).expect("a thread");
    let (shown, all) = (Arc::new(Mutex::new(String::new())), Arc::new(Mutex::new(String::new())));
    let told = shown.clone();
    std::thread::spawn(move || {
        let (mut master, mut buffer) = (File::from(master), [0; 1024]);
        answers.reverse();
        while let Ok(many @ 1..) = master.read(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..many]).into_owned();
            told.lock().expect("alive").push_str(&text);
            let mut unanswered = all.lock().expect("alive");
            unanswered.push_str(&text);
            if unanswered.contains("Done? y or n") && unanswered.trim_end().ends_with(':') {
                unanswered.clear();
                std::thread::sleep(Duration::from_millis(50));
                if let Some(answer) = answers.pop() {
                    let _ = master.write_all(answer.as_bytes());
                }
            }
        }
    });
    (terminal, shown)
}

#[rstest]
#[case::who_does_it(vec!["y\n", "y\n", "yes\n"], "")]
#[case::who_cannot(vec!["y\n", "n\n", "y\n"], "cannot do it: Reset the battery")]
#[case::who_cannot_prepare(vec!["n\n", "y\n"], "the case is not prepared: the operator cannot do it")]
#[case::who_is_away(vec!["y\n"], "did not answer within")]
fn a_person_is_asked(#[case] answers: Vec<&'static str>, #[case] says: &str) {
    let bench = Bench::new();
    let prepared = answers[0] == "y\n";
    let (terminal, shown) = person(Micros::from_secs(3), answers);
    *bench.person.lock().expect("alive") = Some((terminal, "3 s"));
    let (attempt, _) = bench.run("- prompt: Reset the battery by its button.\n      - hold: 10 s", |_, _| {});
    let shown = shown.lock().expect("alive").clone();
    assert!(shown.contains("Prepare the case: battery at 60"), "{shown}");
    assert_eq!(shown.contains("Reset the battery by its button."), prepared, "{shown}");
    if says.is_empty() {
        assert!(
            !attempt.reason.contains("failed") && shown.contains("The case is over"),
            "{}",
            attempt.reason
        );
    } else {
        assert_eq!(attempt.outcome, Outcome::Inconclusive, "{}", attempt.reason);
        assert!(attempt.reason.contains(says), "{}", attempt.reason);
    }
    assert!(!bench.supply_is_on());
}

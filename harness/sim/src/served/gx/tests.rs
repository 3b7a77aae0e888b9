//! Bytes against bytes, over a real socket.

use std::net::Ipv4Addr;
use std::time::Duration;

use rstest::rstest;

use super::*;

/// Cells 256 to 259 of unit 225, and silence from 9999 on.
#[derive(Debug)]
struct Few([u16; 4]);

impl Few {
    fn cells(&mut self, unit: u8, address: u16, count: usize) -> Option<Result<&mut [u16], Exception>> {
        if address >= 9999 {
            return None;
        }
        if unit != 225 {
            return Some(Err(Exception::NoProduct));
        }
        let first = usize::from(address.wrapping_sub(256));
        Some(self.0.get_mut(first..first + count).ok_or(Exception::Address))
    }
}

impl Registers for Few {
    fn read(&mut self, unit: u8, _: u8, address: u16, count: u16) -> Option<Result<Vec<u16>, Exception>> {
        Some(self.cells(unit, address, count.into())?.map(|cells| cells.to_vec()))
    }

    fn write(&mut self, unit: u8, _: u8, address: u16, values: &[u16]) -> Option<Result<(), Exception>> {
        Some(self.cells(unit, address, values.len())?.map(|cells| cells.copy_from_slice(values)))
    }
}

/// Who connects and says nothing keeps nobody out.
#[test]
fn idle_clients_give_way() {
    let served = served();
    let mut first = client(&served);
    // Cell 258.
    let read = request(&[3, 1, 2, 0, 1]);
    let expected = [0x12, 0x34, 0, 0, 0, 5, 225, 3, 2, 0, 7];
    let idle: Vec<TcpStream> = (0..2 * MOST_CLIENTS)
        .map(|_| {
            let idle = client(&served);
            ask(&mut first, &read, &expected);
            idle
        })
        .collect();
    ask(&mut client(&served), &read, &expected);
    drop(idle);
}

fn served() -> Served<SocketAddr> {
    on_tcp(Few([0x0102, 0x0304, 7, 8]), (Ipv4Addr::LOCALHOST, 0).into()).expect("a free port")
}

fn client(served: &Served<SocketAddr>) -> TcpStream {
    let stream = TcpStream::connect(served.address()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    stream.set_nodelay(true).expect("set");
    stream
}

/// A request of transaction 0x1234, with the length that it has.
fn request(pdu: &[u8]) -> Vec<u8> {
    [&[0x12, 0x34, 0, 0, 0, pdu.len() as u8 + 1, 225], pdu].concat()
}

fn ask(stream: &mut TcpStream, bytes: &[u8], expected: &[u8]) {
    stream.write_all(bytes).expect("taken");
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer).expect("as many bytes as expected");
    assert_eq!(answer, expected);
}

#[rstest]
#[case::holding(&[3, 1, 0, 0, 2], &[3, 4, 1, 2, 3, 4])]
#[case::input(&[4, 1, 2, 0, 1], &[4, 2, 0, 7])]
#[case::one(&[6, 1, 2, 0, 9], &[6, 1, 2, 0, 9])]
#[case::several(&[16, 1, 2, 0, 2, 4, 0, 9, 0, 8], &[16, 1, 2, 0, 2])]
#[case::not_mapped(&[3, 1, 3, 0, 2], &[0x83, 2])]
#[case::write_of_what_is_not_mapped(&[6, 0, 0, 0, 9], &[0x86, 2])]
#[case::too_short(&[3, 1, 0, 0], &[0x83, 3])]
#[case::too_long(&[4, 1, 0, 0, 1, 0], &[0x84, 3])]
#[case::a_byte_count_that_does_not_fit(&[16, 1, 2, 0, 2, 2, 0, 9], &[0x90, 3])]
#[case::fewer_bytes_than_counted(&[16, 1, 2, 0, 2, 4, 0, 9, 0], &[0x90, 3])]
#[case::a_count_beyond_a_byte(&[16, 1, 2, 0, 130, 4, 0, 9, 0, 9], &[0x90, 3])]
#[case::nothing(&[3, 1, 0, 0, 0], &[0x83, 3])]
#[case::more_than_an_answer_carries(&[3, 1, 0, 0, 126], &[0x83, 3])]
#[case::coils(&[1, 0, 0, 0, 1], &[0x81, 1])]
#[case::mask_write(&[22, 1, 0, 0, 1, 0, 1], &[0x96, 1])]
#[case::no_function(&[0], &[0x80, 1])]
#[case::an_answer(&[0x83, 2], &[0x83, 1])]
fn answers(#[case] pdu: &[u8], #[case] expected: &[u8]) {
    let served = served();
    ask(&mut client(&served), &request(pdu), &request(expected));
}

#[test]
fn another_unit_is_answered_as_that_unit() {
    let expected = [0, 1, 0, 0, 0, 3, 100, 0x83, 10];
    ask(&mut client(&served()), &[0, 1, 0, 0, 0, 6, 100, 3, 1, 0, 0, 1], &expected);
}

#[rstest]
#[case::another_protocol(&[0, 1, 0, 1, 0, 6, 225, 3, 1, 0, 0, 1])]
#[case::no_function(&[0, 1, 0, 0, 0, 1, 225])]
#[case::longer_than_any_request(&[0, 1, 0, 0, 0, 255, 225])]
#[case::words(b"GET / HTTP/1.1\r\n\r\n")]
fn what_is_no_modbus_ends_the_connection_and_no_other(#[case] bytes: &[u8]) {
    let served = served();
    let (mut good, mut bad) = (client(&served), client(&served));
    bad.write_all(bytes).expect("taken");
    // Closed with bytes unread, it may also be reset.
    assert_eq!(bad.read(&mut [0; 8]).unwrap_or(0), 0);
    ask(&mut good, &request(&[4, 1, 2, 0, 1]), &request(&[4, 2, 0, 7]));
}

#[test]
fn requests_in_pieces_and_requests_in_one() {
    let served = served();
    let mut stream = client(&served);
    let (whole, answer) = (request(&[3, 1, 0, 0, 2]), request(&[3, 4, 1, 2, 3, 4]));
    for byte in &whole[..whole.len() - 1] {
        stream.write_all(&[*byte]).expect("taken");
    }
    ask(&mut stream, &whole[whole.len() - 1..], &answer);
    ask(&mut stream, &whole.repeat(300), &answer.repeat(300));
}

#[test]
fn silence_is_no_answer_and_the_next_request_has_one() {
    let served = served();
    let mut stream = client(&served);
    stream.write_all(&request(&[3, 0x27, 0x0F, 0, 1])).expect("taken");
    ask(&mut stream, &request(&[4, 1, 2, 0, 1]), &request(&[4, 2, 0, 7]));
}

#[test]
fn many_clients_at_once_and_one_that_does_not_listen() {
    let served = served();
    let mut deaf = client(&served);
    deaf.set_nonblocking(true).expect("set");
    // Until neither end takes more: it asks and never reads.
    while deaf.write(&request(&[3, 1, 0, 0, 4]).repeat(100)).is_ok() {}
    let mut streams: Vec<TcpStream> = (0..20).map(|_| client(&served)).collect();
    for stream in &mut streams {
        ask(stream, &request(&[4, 1, 2, 0, 1]), &request(&[4, 2, 0, 7]));
    }
    drop(streams);
    ask(&mut client(&served), &request(&[4, 1, 2, 0, 1]), &request(&[4, 2, 0, 7]));
}

#[test]
fn a_port_that_is_taken_is_an_error_and_a_dropped_one_is_free() {
    let served = served();
    let address = served.address();
    assert_eq!(on_tcp(Few([0; 4]), address).expect_err("taken").kind(), ErrorKind::AddrInUse);
    drop(served);
    assert!(TcpStream::connect(address).is_err());
}

//! One trace in all forms: one answer. Each form is written here as its program writes it, in hundredths of a second, which
//! every form with times can say.

use std::fmt::Write as _;
use std::io::Cursor;

use lint::Whole;
use lint::input::Log;
use lint::judged::{Conditions, judge};
use rstest::rstest;
use serde_json::Value;

/// A frame: hundredths of a second since midnight of a day, identifier, data.
struct Frame {
    at: u64,
    id: u16,
    data: Vec<u8>,
}

const LOG: &str = include_str!("../../cli/tests/logs/simulated-reference-full.log");
/// Midnight of 2023-11-15 UTC, in seconds.
const DAY: u64 = 1_700_006_400;

fn frames() -> Vec<Frame> {
    let mut found = Vec::new();
    for line in LOG.lines().filter(|line| line.starts_with('(')) {
        let mut words = line.split(' ');
        let (time, frame) = (words.next().expect("a time"), words.nth(1).expect("a frame"));
        let (seconds, micros) = time.trim_matches(['(', ')']).split_once('.').expect("a point");
        let (id, data) = frame.split_once('#').expect("an identifier");
        let number = |text: &str| text.parse::<u64>().expect("digits");
        found.push(Frame {
            at: number(seconds) * 100 + number(micros) / 10_000,
            id: u16::from_str_radix(id, 16).expect("hexadecimal"),
            data: (0..data.len() / 2)
                .map(|n| u8::from_str_radix(&data[2 * n..2 * n + 2], 16).expect("hexadecimal"))
                .collect(),
        });
    }
    let began = found.first().expect("frames").at;
    // From ten o'clock on.
    found.iter_mut().for_each(|frame| frame.at = frame.at - began + 36_000 * 100);
    found
}

fn hex(data: &[u8], between: &str) -> String {
    data.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(between)
}

/// `10:00:00.01`, with zeros up to so many digits.
fn clock(at: u64, digits: usize) -> String {
    let (seconds, hundredths) = (at / 100, at % 100);
    let fraction: String = format!("{hundredths:02}00000000").chars().take(digits).collect();
    format!("{:02}:{:02}:{:02}.{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Seconds since 1970, and since the log began.
fn epoch(at: u64) -> String {
    format!("{}.{:02}0000", DAY + at / 100, at % 100)
}

fn since(at: u64) -> String {
    let at = at - 36_000 * 100;
    format!("{}.{:02}0000", at / 100, at % 100)
}

fn millis(at: u64) -> u64 {
    (at - 36_000 * 100) * 10
}

type Write = fn(u64, u16, &[u8]) -> String;

fn written(head: &str, line: Write) -> String {
    let mut out = head.to_owned();
    for Frame { at, id, data } in frames() {
        let _ = writeln!(out, "{}", line(at, id, &data));
    }
    out
}

const CANDUMP: Write = |at, id, data| format!("({}) can0 {id:03X}#{}", epoch(at), hex(data, ""));

const NO_TIMES: Write = |_, id, data| format!("can0 {id:03X}#{}", hex(data, ""));

/// What is said of a log, without what is of the form: names, the numbers of lines, the clock.
fn said(text: Vec<u8>) -> Value {
    let log = Log::of("log".to_owned(), Box::new(Cursor::new(text))).expect("a log");
    let conditions = Conditions { battery: None, cells: None, certifying: false, strict: false };
    let (all, error) = judge(log, &conditions);
    assert!(error.is_none(), "{error:?}");
    let mut json: Value =
        serde_json::from_str(&lint::json::file(&all, &[], &conditions, Whole::of(&all, false)))
            .expect("JSON");
    let log = &mut json["logs"][0];
    for place in ["interface", "next"] {
        log[place].take();
    }
    for place in ["format", "times", "began"] {
        log["source"][place].take();
    }
    for verdict in log["verdicts"].as_array_mut().expect("verdicts") {
        verdict["evidence"]
            .as_array_mut()
            .expect("evidence")
            .iter_mut()
            .for_each(|fact| _ = fact["line"].take());
    }
    json
}

fn check(text: Vec<u8>, as_candump: &str) {
    let (found, expected) = (said(text), said(as_candump.as_bytes().to_vec()));
    assert!(expected["logs"][0]["verdicts"].as_array().is_some_and(|all| all.len() > 30));
    for (found, expected) in [(&found["logs"][0]["verdicts"], &expected["logs"][0]["verdicts"])] {
        for (n, expected) in expected.as_array().into_iter().flatten().enumerate() {
            assert_eq!(&found[n], expected);
        }
    }
    assert_eq!(found, expected);
}

#[rstest]
#[case::candump_ta("", |at: u64, id: u16, data: &[u8]| format!(" ({})  can0  {id:03X}   [{}]  {}", epoch(at), data.len(), hex(data, " ")))]
#[case::candump_ta_date("", |at: u64, id: u16, data: &[u8]| format!(" (2023-11-15 {})  can0  {id:03X}   [{}]  {}", clock(at, 6), data.len(), hex(data, " ")))]
#[case::candump_tz("", |at: u64, id: u16, data: &[u8]| format!(" ({:0>10})  can0  {id:03X}   [{}]  {}   '........'", since(at), data.len(), hex(data, " ")))]
#[case::candump_x("", |at: u64, id: u16, data: &[u8]| format!(" ({})  can0  RX - -  {id:03X}   [{}]  {}", epoch(at), data.len(), hex(data, " ")))]
#[case::candump_swapped("", |at: u64, id: u16, data: &[u8]| format!(" ({})  can0  {id:03X}   [{}]  {}", epoch(at), data.len(), {
    let mut data = data.to_vec();
    data.reverse();
    hex(&data, "`")
}))]
#[case::candump_coloured("", |at: u64, id: u16, data: &[u8]| format!("\u{1B}[31m ({})  can0  {id:03X}   [{}]  {}\u{1B}[0m", epoch(at), data.len(), hex(data, " ")))]
#[case::mail("", |at: u64, id: u16, data: &[u8]| format!("> ({}) can0 {id:03X}#{}", epoch(at), hex(data, "")))]
#[case::markdown("", |at: u64, id: u16, data: &[u8]| format!("    ({}) can0 {id:03X}#{}", epoch(at), hex(data, "")))]
#[case::battery_emulator("", |at: u64, id: u16, data: &[u8]| format!("({}) RX0 {id:03X} [{}] {}", since(at), data.len(), hex(data, " ")))]
#[case::asc("date Wed Nov 15 10:00:00.000 2023\nbase hex  timestamps absolute\n", |at: u64, id: u16, data: &[u8]| format!("   {} 1  {id:X}             Rx   d {} {}", since(at), data.len(), hex(data, " ")))]
#[case::trc_1_1(";$FILEVERSION=1.1\n;$STARTTIME=45245.4166666667\n;\n", |at: u64, id: u16, data: &[u8]| format!("{:6}) {:10}.0  Rx         {id:04X}  {}  {}", 1, millis(at), data.len(), hex(data, " ")))]
#[case::trc_1_3(";$FILEVERSION=1.3\n;$STARTTIME=45245.4166666667\n;\n", |at: u64, id: u16, data: &[u8]| format!("{:6}) {:10}.000 1  Rx        {id:04X} -  {}    {}", 1, millis(at), data.len(), hex(data, " ")))]
#[case::trc_2_0(";$FILEVERSION=2.0\n;$STARTTIME=45245.4166666667\n;$COLUMNS=N,O,T,I,d,l,D\n;\n", |at: u64, id: u16, data: &[u8]| format!("{:7} {:10}.000 DT     {id:04X} Rx {}  {}", 1, millis(at), data.len(), hex(data, " ")))]
#[case::trc_2_1(";$FILEVERSION=2.1\n;$STARTTIME=45245.4166666667\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n;\n", |at: u64, id: u16, data: &[u8]| format!("{:7} {:10}.000 DT 1      {id:04X} Rx -  {}    {}", 1, millis(at), data.len(), hex(data, " ")))]
#[case::savvycan("Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n", |at: u64, id: u16, data: &[u8]| format!("{},{id:08X},false,Rx,0,{},{},", millis(at) * 1000, data.len(), hex(data, ",")))]
#[case::zcanpro("序号,传输方向,时间标识,名称,帧ID,帧格式,帧类型,数据长度,数据(HEX)\n", |at: u64, id: u16, data: &[u8]| format!("0,接收,{},,0x{id:03X},数据帧,标准帧,{},{}", since(at), data.len(), hex(data, " ")))]
#[case::python_can("", |at: u64, id: u16, data: &[u8]| format!("Timestamp: {:>17}        ID:     {id:04x}    S Rx                DL:  {}    {}     Channel: can0", epoch(at), data.len(), hex(data, " ")))]
#[case::busmaster("***BUSMASTER Ver 3.2.2***\n***START DATE AND TIME 15:11:2023 10:00:00:000***\n", |at: u64, id: u16, data: &[u8]| format!("{}:{} Rx 1 0x{id:03X} s {} {} ", &clock(at, 4)[..8], &clock(at, 4)[9..], data.len(), hex(data, " ")))]
#[case::kvaser("Chn Identifier Flg   DLC  D0...1...2...3...4...5...6..D7       Time     Dir\n", |at: u64, id: u16, data: &[u8]| format!(" 0    {id:08X}         {}  {}       {} R", data.len(), hex(data, "  "), since(at)))]
#[case::crtd("", |at: u64, id: u16, data: &[u8]| format!("{} 1R11 {id:03X} {}", epoch(at), hex(data, " ")))]
#[case::opendtu("", |at: u64, id: u16, data: &[u8]| format!("{} > [Pylontech] Received CAN message: 0x{id:04X} - {}", clock(at, 3), hex(data, " ")))]
#[case::esphome("", |at: u64, id: u16, data: &[u8]| format!("[{}][I][canbus:332]: send can_id: 0x{id:x} hex: {}", clock(at, 3), data.iter().map(|byte| format!("{byte:x} ")).collect::<String>()))]
#[case::bms_to_inverter("", |at: u64, id: u16, data: &[u8]| format!("2023-11-15 {} | DEBUG | Thread-3   | ocol.can.JavaCANPort:113   | CAN frame sending: Buffer (HEX): [0x{:02X}, 0x{:02X}, 0x00, 0x00, 0x{:02X}, 0x00, 0x00, 0x00, 0x{}{}]", clock(at, 3), id & 0xFF, id >> 8, data.len(), hex(data, ", 0x"), ", 0x00".repeat(8 - data.len())))]
#[case::dbus_serialbattery("", |at: u64, id: u16, data: &[u8]| format!("2023-11-15 {} DEBUG:SerialBattery:[can0] Received: ID=0x{id:x}, Daten=bytearray(b'{}')", clock(at, 9), data.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>()))]
#[case::json("", |at: u64, id: u16, data: &[u8]| format!("{{\"timestamp\": {}, \"id\": {id}, \"dlc\": {}, \"data\": {data:?}}}", epoch(at), data.len()))]
#[case::node("", |at: u64, id: u16, data: &[u8]| format!("{{\n  ts_sec: {},\n  ts_usec: {},\n  ext: false,\n  id: {id},\n  data: <Buffer {}>\n}}", DAY + at / 100, at % 100 * 10_000, hex(data, " ").to_lowercase()))]
#[case::esphome_canbus("", |at: u64, id: u16, data: &[u8]| format!("[{}][D][canbus:070]: received can message std can_id=0x{id:x} size={}{}", clock(at, 3), data.len(), data.iter().enumerate().map(|(n, byte)| format!("\n[{}][V][canbus:085]:   can_message.data[{n}]={byte:02x}", clock(at, 3))).collect::<String>()))]
#[case::kvaser_csv("Time,Channel,ID,Flags,DLC,Data0,Data1,Data2,Data3,Data4,Data5,Data6,Data7,Counter\n", |at: u64, id: u16, data: &[u8]| format!("{},1,{id},0,{},{}{}1", since(at), data.len(), data.iter().map(|byte| format!("{byte},")).collect::<String>(), ",".repeat(8 - data.len())))]
#[case::kvaser_decimal("Chn Identifier Flg   DLC  D0...1...2...3...4...5...6..D7       Time     Dir\n", |at: u64, id: u16, data: &[u8]| format!(" 0    {id:8}         {}  {}       {} R", data.len(), data.iter().map(|byte| format!("{byte:3} ")).collect::<String>(), since(at)))]
#[case::kvaser_memorator("   Time   Chan   Identifier Flags        DLC  Data                                           Counter\n====\n", |at: u64, id: u16, data: &[u8]| format!("   {}  1        {id:03X}              {}  {}         {}", since(at), data.len(), hex(data, " "), at % 300))]
#[case::ixxat("\"Time\",\"Identifier (hex)\",\"Format\",\"Flags\",\"Data (hex)\"\n", |at: u64, id: u16, data: &[u8]| format!("\"{}\",\"{id:X}\",\"Std\",\"\",\"{}\"", since(at), hex(data, " ")))]
#[case::tshark("frame.time_epoch,can.id,can.len,data.data\n", |at: u64, id: u16, data: &[u8]| format!("{},{id},{},{}", epoch(at), data.len(), hex(data, "").to_lowercase()))]
#[case::vehicle_spy("Line,Abs Time(Sec),Rel Time (Sec),Status,Er,Tx,Description,Network,Node,Arb ID,Remote,Xtd,B1,B2,B3,B4,B5,B6,B7,B8,Value\n", |at: u64, id: u16, data: &[u8]| format!("1,{},0,67108864,F,F,HS CAN ${id:X},HS CAN,,{id:X},F,F,{}{},", since(at), hex(data, ","), ",".repeat(8 - data.len())))]
#[case::cabana("time,addr,bus,data\n", |at: u64, id: u16, data: &[u8]| format!("{},{id},0,{}", since(at), hex(data, "")))]
#[case::cl2000("# Logger type: CL2000\nTimestamp;Type;ID;Length;Data\n", |at: u64, id: u16, data: &[u8]| format!("15T{};0;{id:x};{};{}", clock(at, 3).replace([':', '.'], ""), data.len(), hex(data, "").to_lowercase()))]
#[case::microchip("//----\nMicrochip Technology Inc.\n", |at: u64, id: u16, data: &[u8]| format!("{};RX;0x{id:08X};{};0x{};", millis(at), data.len(), hex(data, ";0x")))]
#[case::socketcand("", |at: u64, id: u16, data: &[u8]| format!("< frame {id:03X} {} {} >", epoch(at), hex(data, "")))]
#[case::car_bus_analyzer("@ TEXT @ 2 @ 64 @\n", |at: u64, id: u16, data: &[u8]| format!("{}\t1\t0004\t{id:03X}\t{}\t{}\t00000000\t\t", since(at).replace('.', ","), data.len(), hex(data, " ")))]
#[case::tai64n("", |at: u64, id: u16, data: &[u8]| format!("@40000000{:08x}{:08x}   can0  {id:03X}   [{}]  {}", DAY + at / 100 + 10, at % 100 * 10_000_000, data.len(), hex(data, " ")))]
#[case::a_clock_before_it("", |at: u64, id: u16, data: &[u8]| format!("2023-11-15T{}Z   can0  {id:03X}   [{}]  {}", clock(at, 3), data.len(), hex(data, " ")))]
#[case::grep("", |at: u64, id: u16, data: &[u8]| format!("can.log:7:({}) can0 {id:03X}#{}", epoch(at), hex(data, "")))]
#[case::asc_with_commas("date Mi Nov 15 10:00:00.000 2023\nbase hex  timestamps absolute\n", |at: u64, id: u16, data: &[u8]| format!("   {} 1  {id:X}             Rx   d {} {}", since(at).replace('.', ","), data.len(), hex(data, " ")))]
#[case::without_a_header("", |at: u64, id: u16, data: &[u8]| format!("{},{id:08X},false,Rx,0,{},{},", millis(at) * 1000, data.len(), hex(data, ",")))]
#[case::slcan("", |at: u64, id: u16, data: &[u8]| format!("t{id:03X}{}{}{:04X}\r", data.len(), hex(data, ""), millis(at) % 60_000))]
fn with_times(#[case] head: &str, #[case] line: Write) {
    check(written(head, line).into_bytes(), &written("", CANDUMP));
}

#[rstest]
#[case::candump("", |_: u64, id: u16, data: &[u8]| format!("  can0  {id:03X}   [{}]  {}", data.len(), hex(data, " ")))]
#[case::prompt("root@einstein:~# candump can0\n", |_: u64, id: u16, data: &[u8]| format!("  can0  {id:03X}   [{}]  {}", data.len(), hex(data, " ")))]
#[case::p_5_1("interface = can0, family = 29, type = 3, proto = 1\n", |_: u64, id: u16, data: &[u8]| format!("<0x{id:03x}> [{}] {}", data.len(), hex(data, " ").to_lowercase()))]
#[case::mcp_can("", |_: u64, id: u16, data: &[u8]| format!("Standard ID: 0x{id:03X}       DLC: {}  Data: 0x{}", data.len(), hex(data, " 0x")))]
#[case::buffers("", |_: u64, id: u16, data: &[u8]| format!("ID: {id:X} Buffer: {}", data.iter().map(|byte| format!("{byte:X} ")).collect::<String>()))]
#[case::mcp2515("", |_: u64, id: u16, data: &[u8]| format!("{id:x} {} {}", data.len(), data.iter().map(|byte| format!("{byte:x} ")).collect::<String>()))]
#[case::cansniffer("", |_: u64, id: u16, data: &[u8]| format!("00999 | {id:03X} | {}", hex(data, " ")))]
#[case::slcan("", |_: u64, id: u16, data: &[u8]| format!("t{id:03X}{}{}\r", data.len(), hex(data, "")))]
#[case::milliseconds_that_nobody_names("", |at: u64, id: u16, data: &[u8]| format!("{} {id:03X} {} {}", millis(at), data.len(), hex(data, " ")))]
#[case::source_text("", |_: u64, id: u16, data: &[u8]| format!("{{ 0x{id:03X}, {}, {{ 0x{} }} }},", data.len(), hex(data, ", 0x")))]
#[case::esphome_pretty("", |_: u64, id: u16, data: &[u8]| format!("[10:00:00][D][can:101]: CAN frame 0x{id:03X}: {} ({})", hex(data, "."), data.len()))]
#[case::a_length_in_brackets("", |at: u64, id: u16, data: &[u8]| format!("[{}] RX 0x{id:X} ({}): {}", millis(at), data.len(), hex(data, " ")))]
#[case::console("", |_: u64, id: u16, data: &[u8]| format!("I (12) twai: rx id 0x{id:03X} len {} data {}", data.len(), hex(data, " ")))]
fn without_times(#[case] head: &str, #[case] line: Write) {
    check(written(head, line).into_bytes(), &written("", NO_TIMES));
}

/// docs/lint.md names every form.
#[test]
fn the_documentation_names_every_form() {
    let page = include_str!("../../../docs/lint.md");
    let table = page.split("## Forms").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a table");
    let missing: Vec<&str> =
        proto::log::Format::all().map(|form| form.name()).filter(|name| !table.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A capture of Wireshark: a header, then a record for each frame.
#[test]
fn as_wireshark_saves_it() {
    let mut capture = vec![0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0];
    [0_u32, 0, 262_144, 227].iter().for_each(|word| capture.extend(word.to_le_bytes()));
    for Frame { at, id, data } in frames() {
        let length = 8 + data.len() as u32;
        let head = [(DAY + at / 100) as u32, (at % 100 * 10_000) as u32, length, length];
        head.iter().for_each(|word| capture.extend(word.to_le_bytes()));
        capture.extend(u32::from(id).to_be_bytes());
        capture.extend([data.len() as u8, 0, 0, 0]);
        capture.extend(data);
    }
    check(capture, &written("", CANDUMP));
}

#[test]
fn as_power_shell_and_gzip_leave_it() {
    let text = written("", CANDUMP);
    let utf_16 = [vec![0xFF, 0xFE], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat();
    check(utf_16, &text);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, text.as_bytes()).expect("into memory");
    check(packed.finish().expect("into memory"), &text);
}

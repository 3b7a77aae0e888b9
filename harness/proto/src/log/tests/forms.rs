//! Lines of programs that are rows of tables, and consoles that nobody knows. Sources: `grammar.rs`; lines of SavvyCAN,
//! ZCANPRO and CANalyst as these programs save them.

use super::*;
use crate::bus::{ErrorFrame, ErrorKind};

/// The example of a row is read as what the row says, by that row.
#[test]
fn every_row_reads_its_example() {
    for (row, grammar) in GRAMMARS.iter().enumerate() {
        let format = Format::Printed(row as u8);
        let mut reader = Reader::new(format);
        let item = reader.line(1, grammar.example.as_bytes());
        let Item::Frame(entry) = item else { panic!("{}: {item:?}", grammar.name) };
        assert_eq!(entry.content, limits(), "{}", grammar.name);
        let (entries, reader) = read(&format!("{}\n{}\n", grammar.example, grammar.example));
        assert_eq!((reader.format(), entries.len()), (format, 2), "{}", grammar.name);
    }
}

#[rstest]
#[case::trc_1_0("     1)      1841 0351  8 48 02 00 05 00 05 AE 01", "PCAN trace", Some(1_841_000))]
#[case::trc_1_1(
    "     2)      1059.9  Rx         0351  8  48 02 00 05 00 05 AE 01 ",
    "PCAN trace",
    Some(1_059_900)
)]
#[case::trc_1_2(
    "     2)      1059.900 1  Rx        0351  8  48 02 00 05 00 05 AE 01",
    "PCAN trace",
    Some(1_059_900)
)]
#[case::trc_1_3(
    "     2)      1059.900 1  Rx        0351 -  8    48 02 00 05 00 05 AE 01",
    "PCAN trace",
    Some(1_059_900)
)]
#[case::trc_2_0(
    "      2      1059.900 DT     0351 Rx 8  48 02 00 05 00 05 AE 01 ",
    "PCAN trace",
    Some(1_059_900)
)]
#[case::trc_2_1(
    "      2      1059.900 DT 1      0351 Rx -  8    48 02 00 05 00 05 AE 01 ",
    "PCAN trace",
    Some(1_059_900)
)]
#[case::python_can_repr(
    "can.Message(timestamp=1.5, arbitration_id=0x351, is_extended_id=False, channel='can0', dlc=8, data=[0x48, 0x2, 0x0, 0x5, 0x0, 0x5, 0xae, 0x1])",
    "python-can print",
    Some(1_500_000)
)]
#[case::crtd("1.500000 R11 351 48 02 00 05 00 05 AE 01", "CRTD", Some(1_500_000))]
#[case::savvycan(
    "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n610138,00000351,false,Rx,0,8,48,02,00,05,00,05,AE,01,",
    "CSV with a header",
    Some(610_138)
)]
#[case::zcanpro(
    "序号,传输方向,时间标识,名称,帧ID,帧格式,帧类型,数据长度,数据(HEX)\n0,接收,10:20:30.123,,0x351,数据帧,标准帧,8,48 02 00 05 00 05 AE 01",
    "CSV with a header",
    Some(37_230_123_000)
)]
#[case::canalyst(
    "序号,系统时间,时间标识,CAN通道,传输方向,ID号,帧类型,帧格式,长度,数据\n00000000,=\"10:18:19.123\",=\"0x00AB12\",ch1,接收,=\"0x0351\",数据帧,标准帧,0x08,x| 48 02 00 05 00 05 AE 01",
    "CSV with a header",
    Some(37_099_123_000)
)]
#[case::semicolons(
    "Timestamp;Type;ID;Data\n1.5;0;351;480200050005ae01",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::kvaser_csv(
    "Time,Channel,ID,Flags,DLC,Data0,Data1,Data2,Data3,Data4,Data5,Data6,Data7,Counter\n1.5,1,351,0,8,48,02,00,05,00,05,AE,01,",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::ixxat(
    "\"Time\",\"Identifier (hex)\",\"Format\",\"Flags\",\"Data (hex)\"\n\"1.5\",\"351\",\"Std\",\"\",\"48 02 00 05 00 05 AE 01\"",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::tshark(
    "frame.time_epoch,can.id,can.len,data.data\n1.500000000,849,8,480200050005ae01",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::tshark_quoted(
    "\"frame.time_relative\"\t\"can.id\"\t\"data\"\n\"1.5\"\t\"0x00000351\"\t\"48:02:00:05:00:05:ae:01\"",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::vehicle_spy(
    "Line,Abs Time(Sec),Rel Time (Sec),Status,Er,Tx,Description,Network,Node,Arb ID,Remote,Xtd,B1,B2,B3,B4,B5,B6,B7,B8,Value\n\
     1,1.5,0,67108864,F,F,HS CAN $351,HS CAN,,351,F,F,48,02,00,05,00,05,AE,01,",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::a_spreadsheet_with_commas(
    "Zeit;ID;DLC;Daten\n1,5;0x351;8;48 02 00 05 00 05 AE 01",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::canalyst_in_english(
    "Index,System Time,Time Stamp,Channel,Direction,Frame ID,Type,Format,DLC,Data\n\
     0,10:18:19.123,0x00AB12,ch1,Receive,0x0351,Data Frame,Standard Frame,0x08,x| 48 02 00 05 00 05 AE 01 ",
    "CSV with a header",
    Some(37_099_123_000)
)]
#[case::css_electronics(
    "TimestampEpoch;BusChannel;ID;IDE;DLC;DataLength;Dir;EDL;BRS;DataBytes\n1.5;1;351;0;8;8;0;0;0;480200050005AE01",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::a_system_log(
    "May  1 10:00:00 einstein candump[123]:   can0  351   [8]  48 02 00 05 00 05 AE 01",
    "candump screen",
    None
)]
#[case::a_journal(
    "2023-05-01T10:00:00+0000 cerbo candump[123]: (1.500000) can0 351#480200050005AE01",
    "candump log",
    Some(1_500_000)
)]
#[case::slcan("t3518480200050005AE01\r\n", "SLCAN dump", None)]
#[case::slcan_cr("t305003E8\rt3518480200050005AE0103F2\rt305003F2\r", "SLCAN dump", Some(10_000))]
#[case::esphome_coloured(
    "\u{1B}[0;36m[20:05:00.610][D][canbus:033]: send can_id: 0x351 hex: 48 2 0 5 0 5 ae 1\u{1B}[0m",
    "ESPHome console",
    Some(72_300_610_000)
)]
#[case::esphome_whole_seconds(
    "[20:05:00][I][canbus:332]: send can_id: 0x351 hex: 48 2 0 5 0 5 ae 1",
    "ESPHome console",
    None
)]
#[case::bare_candump("351#480200050005AE01", "candump log without times", None)]
#[case::list("0x351: 48 02 00 05 00 05 AE 01", "list of frames", None)]
#[case::kvaser_decimal(
    " 0         849         8   72   2   0   5   0   5 174   1       1.500000 R",
    "Kvaser CanKing log",
    Some(1_500_000)
)]
#[case::kvaser_csv_decimal(
    "Time,Channel,ID,Flags,DLC,Data0,Data1,Data2,Data3,Data4,Data5,Data6,Data7,Counter\n1.5,1,849,0,8,72,2,0,5,0,5,174,1,7",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::json(
    r#"{"timestamp": 1.5, "id": 849, "dlc": 8, "data": [72, 2, 0, 5, 0, 5, 174, 1]}"#,
    "frames as named values",
    Some(1_500_000)
)]
#[case::json_in_milliseconds(
    r#"{"id":"0x351","data":"480200050005AE01","ts":1700006400500}"#,
    "frames as named values",
    Some(1_700_006_400_500_000)
)]
#[case::node(
    "{ ts_sec: 1, ts_usec: 500000, id: 849, data: <Buffer 48 02 00 05 00 05 ae 01> }",
    "frames as named values",
    Some(1_500_000)
)]
#[case::node_over_several_lines(
    "{\n  ts_sec: 1,\n  ts_usec: 500000,\n  ext: false,\n  id: 849,\n  data: <Buffer 48 02 00 05 00 05 ae 01>\n}",
    "frames as named values",
    Some(1_500_000)
)]
#[case::esphome_canbus(
    "[20:05:00.610][D][canbus:070]: received can message std can_id=0x305 size=0\n\
     [20:05:00.610][D][canbus:070]: received can message std can_id=0x351 size=8\n\
     [20:05:00.611][V][canbus:085]:   can_message.data[0]=48\n[20:05:00.611][V][canbus:085]:   can_message.data[1]=02\n\
     [20:05:00.611][V][canbus:085]:   can_message.data[2]=00\n[20:05:00.611][V][canbus:085]:   can_message.data[3]=05\n\
     [20:05:00.611][V][canbus:085]:   can_message.data[4]=00\n[20:05:00.611][V][canbus:085]:   can_message.data[5]=05\n\
     [20:05:00.611][V][canbus:085]:   can_message.data[6]=ae\n[20:05:00.611][V][canbus:085]:   can_message.data[7]=01\n",
    "frames as named values",
    Some(72_300_610_000)
)]
#[case::flags_between(
    "CanFrame(ID=351, FD=false, EXT=false, RTR=false, dataLength=8, data=[48, 02, 00, 05, 00, 05, AE, 01])",
    "frames as named values",
    None
)]
#[case::any_console(
    "I (12345) can: id 0x351 len 8 data 48 02 00 05 00 05 ae 01\nI (12346) can: id 0x305 len 0 x\nI (12346) can: id 0x305 len 1 data 00",
    "console of an unknown program",
    None
)]
#[case::any_console_hex(
    "[12:00:00.100] TX> CANID=0x351 DLC=8 DATA=[0x48,0x02,0x00,0x05,0x00,0x05,0xAE,0x01]\nCANID=0x351 DLC=1 DATA=[0x48]\n",
    "frames as named values",
    Some(43_200_100_000)
)]
#[case::a_bare_length(
    "10:00:00.500 Rx 0x351 8 48 02 00 05 00 05 AE 01\n10:00:00.600 Rx 0x305 1 00",
    "console of an unknown program",
    Some(36_000_500_000)
)]
#[case::microchip(
    "//---------------\nMicrochip Technology Inc.\n//---------------\n1500;RX;0x00000351;8;0x48;0x02;0x00;0x05;0x00;0x05;0xAE;0x01;",
    "Microchip CAN BUS Analyzer log",
    Some(1_500_000)
)]
#[case::microchip_in_seconds(
    "0.5;RX;0x351;8;0x48;0x02;0x00;0x05;0x00;0x05;0xAE;0x01\n0.6;RX;0x305;1;0x00",
    "Microchip CAN BUS Analyzer log",
    Some(500_000)
)]
#[case::cabana("time,addr,bus,data\n1.500000.0,849,0,480200050005AE01", "CSV with a header", Some(1_500_000))]
#[case::css_electronics_cl2000(
    "# Logger type: CL2000\n# Time format: 4\nTimestamp;Type;ID;Length;Data\n15T100000500;0;351;8;480200050005ae01",
    "CSV with a header",
    Some(36_000_500_000)
)]
#[case::ixxat_with_its_head(
    "ASCII Trace IXXAT\nDate: 15:11:2023\n\"Bus\",\"No\",\"Time\",\"State\",\"ID (hex)\",\"DLC\",\"Data (hex)\",\"ASCII\"\n\
     \"USB-to-CAN V2\",\"1,000\",\"0:0:1.500\",\"  \",\"351\",\"8\",\"48 02 00 05 00 05 AE 01\",\"H.......\"",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::asammdf(
    "timestamps,CAN_DataFrame.CAN_DataFrame.BusChannel,CAN_DataFrame.CAN_DataFrame.ID,CAN_DataFrame.CAN_DataFrame.IDE,CAN_DataFrame.CAN_DataFrame.DataLength,CAN_DataFrame.CAN_DataFrame.DataBytes\n\
     1.5,1,849,0,8,[ 72   2   0   5   0   5 174   1]",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::a_list_between_quotes(
    "time,id,data\n1.5,0x351,\"[0x48, 0x02, 0x00, 0x05, 0x00, 0x05, 0xAE, 0x01]\"",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::one_number_for_all_bytes(
    "Timestamp,Type,ID,Data Length,Data\n1.5,Standard,0x351,8,0x480200050005AE01",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::zcanpro_in_english(
    "No.,Direction,Time Stamp,Name,Frame ID,Format,Type,DLC,Data (HEX)\n\
     0,Receive,1.500000,,0x351,Data frame,Standard frame,8,48 02 00 05 00 05 AE 01",
    "CSV with a header",
    Some(1_500_000)
)]
#[case::the_second_part_of_a_table(
    "610138,00000351,false,Rx,0,8,48,02,00,05,00,05,AE,01,\n610139,00000305,false,Rx,0,1,00,",
    "CSV with a header",
    Some(610_138)
)]
#[case::crtd_of_a_second_bus(
    "1.000000 CXX OVMS\n1.000000 2CBC 500000\n1.500000 2R11 351 48 02 00 05 00 05 AE 01",
    "CRTD",
    Some(1_500_000)
)]
#[case::asc_with_commas(
    "date Mi Nov 15 10:00:00.000 2023\nbase hex  timestamps absolute\n   0,000000 Start of measurement\n   1,500000 1  351             Rx   d 8 48 02 00 05 00 05 AE 01",
    "Vector ASC",
    Some(1_500_000)
)]
#[case::socketcand("< hi >\n< frame 351 1.500000 48 02 00 05 00 05 AE 01 >", "socketcand", Some(1_500_000))]
#[case::grep("can.log:12:(1.500000) can0 351#480200050005AE01", "candump log", Some(1_500_000))]
#[case::numbered_lines("    12\t(1.500000) can0 351#480200050005AE01", "candump log", Some(1_500_000))]
#[case::a_journal_of_another_program(
    "2023-11-15T10:00:00+0000 venus bash[123]: (1.500000)  can0  351   [8]  48 02 00 05 00 05 AE 01",
    "candump screen",
    Some(1_500_000)
)]
#[case::tabs("(1.500000)\tcan0\t351#480200050005AE01", "candump log", Some(1_500_000))]
#[case::multilog(
    "@4000000065549e1a1dcd6500   can0  351   [8]  48 02 00 05 00 05 AE 01",
    "candump behind a clock",
    Some(1_700_044_304_500_000)
)]
#[case::a_clock_with_a_zone(
    "2023-11-15T10:00:00.500+01:00 can0  351   [8]  48 02 00 05 00 05 AE 01",
    "candump behind a clock",
    Some(1_700_042_400_500_000)
)]
#[case::ts(
    "Nov 15 10:00:00.500000   can0  351   [8]  48 02 00 05 00 05 AE 01",
    "candump behind a clock",
    Some(36_000_500_000)
)]
#[case::milliseconds_that_nobody_names("1500 351 8 48 02 00 05 00 05 AE 01", "list of frames", None)]
#[case::padded_identifiers("1.500 00000351 8 48 02 00 05 00 05 AE 01", "list of frames", Some(1_500_000))]
#[case::a_length_in_brackets(
    "[10] RX 0x351 (8): 48 02 00 05 00 05 AE 01\n[20] RX 0x305 (1): 00",
    "console of an unknown program",
    None
)]
#[case::source_text(
    "{ 0x351, 8, { 0x48, 0x02, 0x00, 0x05, 0x00, 0x05, 0xAE, 0x01 } },\n{ 0x305, 1, { 0x00 } },",
    "console of an unknown program",
    None
)]
#[case::pretty_bytes_of_esphome(
    "[10:00:00][D][can:101]: Received CAN frame ID 0x351: 48.02.00.05.00.05.AE.01 (8)\n[10:00:00][D][can:101]: Received CAN frame ID 0x379: 18.01 (2)",
    "console of an unknown program",
    None
)]
#[case::json_with_a_line_for_each_byte(
    "{\n  \"timestamp\": 1.5,\n  \"canid\": 849,\n  \"dlc\": 8,\n  \"data\": [\n    72,\n    2,\n    0,\n    5,\n    0,\n    5,\n    174,\n    1\n  ]\n},",
    "frames as named values",
    Some(1_500_000)
)]
#[case::cansniffer(
    "00|ms  | ID  | data ...     < can0 # l=20 h=100 t=500 slots=2 >\n00999 | 351 | 48 02 00 05 00 05 AE 01 H.......",
    "cansniffer screen",
    None
)]
#[case::cansniffer_with_29_bits("00999|---- 351|48 02 00 05 00 05 AE 01 H.......", "cansniffer screen", None)]
#[case::cansniffer_before_2020("0.999870  351  48 02 00 05 00 05 AE 01 H.......", "cansniffer screen", None)]
#[case::dbus_serialbattery(
    "DEBUG:SerialBattery:[can0] Received: ID=0x35e, Daten=bytearray(b\"BUS'\\\\\\t\\x00\")\nDEBUG:SerialBattery:[can0] Received: ID=0x351, Daten=bytearray(b'H\\x02\\x00\\x05\\x00\\x05\\xae\\x01')",
    "dbus-serialbattery log",
    None
)]
#[case::markdown("    (1.500000) can0 351#480200050005AE01", "candump log", Some(1_500_000))]
#[case::mail("> (1.500000) can0 351#480200050005AE01", "candump log", Some(1_500_000))]
#[case::web("```\n(1.500000) can0 351#480200050005AE01\n```", "candump log", Some(1_500_000))]
#[case::terminal(
    "root@einstein:~# candump -L can0\n(1.500000) can0 351#480200050005AE01",
    "candump log",
    Some(1_500_000)
)]
fn limits_in_other_forms(#[case] log: &str, #[case] form: &str, #[case] us: Option<u64>) {
    let mut reader = sniff(log.as_bytes(), true).expect("a log").expect("a whole head");
    assert_eq!(reader.format().name(), form);
    let lines = log.as_bytes().split(|&b| b == reader.line_end()).collect::<Vec<_>>();
    let entries: Vec<Entry> = lines
        .into_iter()
        .zip(1..)
        .filter_map(|(line, n)| match reader.line(n, line) {
            Item::Frame(entry) => Some(entry),
            _ => None,
        })
        .collect();
    let entry = entries.iter().find(|entry| entry.content == limits()).expect("0x351");
    match us {
        Some(us) => assert_eq!(entry.at, Micros(us)),
        None => assert_eq!(reader.time_kind(), TimeKind::Synthetic),
    }
}

/// The header of Chinese programs in the encoding of Chinese Windows.
#[test]
fn a_header_in_gbk() {
    let mut log = b"\xD0\xF2\xBA\xC5,\xB4\xAB\xCA\xE4\xB7\xBD\xCF\xF2,\xCA\xB1\xBC\xE4\xB1\xEA\xCA\xB6,\xC3\xFB\xB3\xC6,\xD6\xA1ID,\xD6\xA1\xB8\xF1\xCA\xBD,\xD6\xA1\xC0\xE0\xD0\xCD,\xCA\xFD\xBE\xDD\xB3\xA4\xB6\xC8,\xCA\xFD\xBE\xDD(HEX)\r\n".to_vec();
    log.extend(b"0,\xBD\xD3\xCA\xD5,1.5,,0x351,\xCA\xFD\xBE\xDD\xD6\xA1,\xB1\xEA\xD7\xBC\xD6\xA1,8,48 02 00 05 00 05 AE 01\r\n");
    let mut reader = sniff(&log, true).expect("a log").expect("a whole head");
    let items: Vec<Item> =
        log.split(|&b| b == b'\n').zip(1..).map(|(line, n)| reader.line(n, line)).collect();
    let Item::Frame(entry) = items[1] else { panic!("{items:?}") };
    assert_eq!(
        (entry.content, entry.at, entry.direction),
        (limits(), Micros(1_500_000), Some(Direction::Received))
    );
}

#[rstest]
#[case::trc("     1)       10.0  Rx     18FF50E5  8  48 02 00 05 00 05 AE 01\n", 0x18FF_50E5)]
#[case::trc_padded("     1)       10.0  Rx     00000351  8  48 02 00 05 00 05 AE 01\n", 0x351)]
#[case::savvycan("Time Stamp,ID,Extended,Dir,Bus,LEN,D1\n610138,00000351,true,Rx,0,1,48\n", 0x351)]
#[case::mcp_can("Extended ID: 0x18FF50E5  DLC: 1  Data: 0x48\n", 0x18FF_50E5)]
#[case::kvaser(" 0    00000351 X       1  48       3.123450 R\n", 0x351)]
fn identifiers_of_29_bits(#[case] log: &str, #[case] id: u32) {
    let (entries, _) = read(log);
    let Content::Data(frame) = entries[0].content else { panic!("{entries:?}") };
    assert_eq!(frame.id(), CanId::Extended(id));
}

/// A clock on the wall begins anew at midnight; a log goes on.
#[test]
fn a_night_goes_on_over_midnight() {
    let line = |clock: &str| format!("[{clock}][I][canbus:332]: send can_id: 0x305 hex: 0\n");
    let (entries, reader) = read(&(line("23:59:59.900") + &line("00:00:00.900") + &line("00:00:01.900")));
    assert_eq!(reader.report().backwards, 0);
    assert_eq!(entries[2].at.since(entries[0].at), Micros(2_000_000));
}

#[rstest]
#[case::prose("The battery sends 0x351 every second.\nIt is fed up.\n")]
#[case::code("const LIMITS: u16 = 0x351;\nlet data = [0x48, 0x02];\n")]
#[case::numbers("time,voltage,current\n1.0,52.1,10\n2.0,52.2,11\n")]
#[case::registers("0x100 reset\n0x104 status\n")]
#[case::packets_without_data(
    "\"1\",\"0.5\",\"\",\"\",\"CAN\",\"32\",\"ID: 849 (0x00000351), Length: 8\"\n\"2\",\"0.6\",\"\",\"\",\"CAN\",\"32\",\"ID: 773 (0x00000305), Length: 8\"\n"
)]
fn what_is_no_log_stays_none(#[case] text: &str) {
    assert!(
        sniff(text.as_bytes(), true).is_err(),
        "{:?}",
        sniff(text.as_bytes(), true).map(|r| r.map(|r| r.format()))
    );
}

/// Lines of *PEAK CAN TRC File Format*: states of the controller, and frames that broke off.
#[rstest]
#[case::v1_0_state("     3)      1843 FFFFFFFF 4 00 00 00 08 -- -- -- -- BUSHEAVY", ErrorKind::Warning)]
#[case::v1_0_error("     2)      1842 0008 4 ERROR 00 19 08 08", ErrorKind::Ack)]
#[case::v1_1_state("     3)      1059.9  Warng  FFFFFFFF  4  00 00 00 10 BUSOFF", ErrorKind::BusOff)]
#[case::v1_1_error("     4)      1061.9  Error      0008  4  00 19 08 08", ErrorKind::Ack)]
#[case::v2_0_error("      6   1334.522 ER Rx 04 00 02 00 00", ErrorKind::BusError)]
#[case::v2_0_state("      7   1334.531 ST Rx 00 04 00 00", ErrorKind::Passive)]
#[case::v2_1_error("      6   1334.222 ER 1         - Rx -  5    08 00 19 00 00", ErrorKind::Ack)]
#[case::v2_1_state("      8   1334.225 ST 1         - Rx -  4    00 00 00 08", ErrorKind::Warning)]
fn errors_of_peak(#[case] line: &str, #[case] kind: ErrorKind) {
    let Item::Frame(entry) = Reader::new(Format::TRACE).line(2, line.as_bytes()) else { panic!("{line}") };
    let error = ErrorFrame::of(&entry.content).expect("an error frame");
    assert!(error.kinds().any(|said| said == kind), "{error:?}");
}

/// Words for an error of other programs: python-can, CANalyzer.
#[rstest]
#[case(
    "Timestamp: 12.500000    ID: 0351    S Rx                DL:  8    48 02 00 05 00 05 ae 01\n\
     Timestamp: 12.600000    ID: 00000000    X Rx E              DL:  0\n",
    ErrorKind::Unspecified
)]
#[case("date x\n 0.1 1  351  Rx   d 1 48\n 0.2 1  ErrorFrame\n", ErrorKind::Unspecified)]
#[case("date x\n 0.1 1  351  Rx   d 1 48\n 0.2 CAN 1 Status:chip status error passive\n", ErrorKind::Passive)]
#[case(
    "date x\n 0.1 1  351  Rx   d 1 48\n 0.2 CAN 1 Status:chip status busoff - TxErr: 255 RxErr: 0\n",
    ErrorKind::BusOff
)]
fn errors_of_others(#[case] log: &str, #[case] kind: ErrorKind) {
    let (entries, _) = read(log);
    assert_eq!(entries.len(), 2, "{entries:?}");
    let error = ErrorFrame::of(&entries[1].content).expect("an error frame");
    assert_eq!(error.kinds().collect::<Vec<_>>(), [kind]);
}

/// CAN FD frames of PEAK's trace, with an interface and without.
#[rstest]
#[case("      1      1059.900 FB 1      0351 Rx -  9    00 11 22 33 44 55 66 77 88 99 AA BB", 1)]
#[case("      1      1059.900 FD     0351 Rx 12  00 11 22 33 44 55 66 77 88 99 AA BB", 0)]
fn flexible_frames_of_peak(#[case] line: &str, #[case] flags: u8) {
    let Item::Frame(entry) = Reader::new(Format::TRACE).line(2, line.as_bytes()) else { panic!("{line}") };
    let data: Vec<u8> = (0..12).map(|n| n * 0x11).collect();
    assert_eq!(entry.content, fd(CanId::Standard(0x351), flags, &data));
}

/// Two buses in one table are two.
#[test]
fn a_table_tells_its_buses_apart() {
    let (entries, reader) = read(
        "Time Stamp,ID,Extended,Dir,Bus,LEN,D1\n10,00000351,false,Rx,0,1,48\n20,00000351,false,Rx,1,1,48\n",
    );
    assert_eq!((entries[0].interface, entries[1].interface), (0, 1));
    assert_eq!(reader.interfaces().collect::<Vec<_>>(), ["0", "1"]);
}

#[rstest]
#[case("      8   1334.643 EC Rx 02 02")]
#[case("      7   1334.224 EV 1 User-defined event for bus 1")]
fn events_of_peak_are_no_frames(#[case] line: &str) {
    assert_eq!(Reader::new(Format::TRACE).line(2, line.as_bytes()), Item::Nothing);
}

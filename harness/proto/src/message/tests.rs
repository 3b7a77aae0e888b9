//! Byte strings against values. Sources: frames published for real batteries, named at each case, and the examples
//! of the document itself (P 5.1). "dfch" is the README of dfch/BydCanProtocol, "syssi" issue 3 of
//! syssi/esphome-virtual-can-bms, "Boehm" the README of AndreasBoehm/PytesCANProtocol, "setfire" the Pylontech v1.2
//! versus v1.3 article of setfirelabs.com, "pavlov" the sample log of vladyspavlov/dbus-deye-battery, "drurew" the
//! protocol notes of drurew/samsung-sdi-victron-integration.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::quantity::{AmpHours, Amps, Celsius, Volts, WattHours};

fn frame(text: &str) -> Frame {
    let (id, data) = text.split_once('#').expect("id#data");
    let bytes: Vec<u8> = (0..data.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&data[i..i + 2], 16).expect("hexadecimal"))
        .collect();
    Frame::standard(u16::from_str_radix(id, 16).expect("hexadecimal"), &bytes)
}

/// What a generic printer shows of a frame.
fn shown(text: &str) -> Vec<String> {
    fields(&frame(text)).map(|field| field.to_string()).collect()
}

/// Frames of 0x351 to 0x379 as a printer shows them. A decoded frame sent again is the same up to the last field.
#[rstest]
#[case::byd_lvs_premium_dfch("351#480200050005AE01", &["58.4 V", "128.0 A", "128.0 A", "43.0 V"])]
#[case::samsung_elpm482_drurew("351#2A02D601D601C001", &["55.4 V", "47.0 A", "47.0 A", "44.8 V"])]
#[case::seplos_syssi("351#4302E8039E07D001", &["57.9 V", "100.0 A", "195.0 A", "46.4 V"])]
#[case::document_5_1("351#45024C044C040000", &["58.1 V", "110.0 A", "110.0 A", "0.0 V"])]
#[case::deye_pavlov("351#48020000FC08E001", &["58.4 V", "0.0 A", "230.0 A", "48.0 V"])]
#[case::pylontech_us5000_setfire("351#1402C012C012C201", &["53.2 V", "480.0 A", "480.0 A", "45.0 V"])]
#[case::six_bytes("351#480200050005", &["58.4 V", "128.0 A", "128.0 A"])]
#[case::half_a_field("351#4802000500", &["58.4 V", "128.0 A"])]
#[case::empty("351#", &[])]
#[case::document_5_1("355#5900640000000000", &["89 %", "100 %", "0.00 %"])]
#[case::seplos_syssi("355#3C00640084170000", &["60 %", "100 %", "60.20 %"])]
#[case::pylontech_v1_2_setfire("355#58005E00", &["88 %", "94 %"])]
#[case::pylontech_v1_3_setfire("355#540060000000", &["84 %", "96 %", "0.00 %"])]
#[case::byd_lvs_premium_dfch("356#BE14F9FF8C000000", &["53.10 V", "-0.7 A", "14.0 °C"])]
#[case::document_5_1("356#3116CE003E010000", &["56.81 V", "20.6 A", "31.8 °C"])]
#[case::document_5_1("356#3116D1003E010000", &["56.81 V", "20.9 A", "31.8 °C"])]
#[case::seplos_with_bytes_behind_syssi("356#6114D3FEEB001A00", &["52.17 V", "-30.1 A", "23.5 °C"])]
#[case::pytes_boehm("356#8E14F9FFB400", &["52.62 V", "-0.7 A", "18.0 °C"])]
#[case::pylontech_v1_2_setfire("356#7A13F2FE6B01", &["49.86 V", "-27.0 A", "36.3 °C"])]
#[case::byd_lvs_premium_dfch("35E#4259440000000000", &["BYD"])]
#[case::pytes_boehm("35E#5059544553", &["PYTES"])]
#[case::deye_with_binary_tail_pavlov("35E#44593030311CFC08", &[r"DY001\x1c\xfc\x08"])]
#[case::byd_lvs_premium_dfch("35F#4C69011769000000", &["26956", "1.23", "105 Ah"])]
#[case::pylontech_v1_3_setfire("35F#4C4901033C02AA00", &["18764", "1.3", "572 Ah"])]
#[case::seplos_syssi("35F#0000100430010000", &["0", "16.4", "304 Ah"])]
#[case::pytes_reversed_firmware_boehm("35F#01006E013200", &["1", "110.1", "50 Ah"])]
#[case::capacity_unused("35F#0100010000000000", &["1", "1.0", "not supported (0x0)"])]
#[case::byd_lvs_premium_dfch("360#0000000000000000", &["no"])]
#[case::pytes_boehm("360#00", &["no"])]
#[case::forced("360#FF", &["yes"])]
#[case::any_other_value_does_not_force("360#FE", &["no"])]
#[case::byd_while_it_starts_dfch("372#0200020001000000", &["2", "2", "1", "0"])]
#[case::pytes_boehm("372#0200010001000200", &["2", "1", "1", "2"])]
#[case::contactor_only("372#0100FFFFFFFF0000", &["1", "not supported (0xFFFF)", "not supported (0xFFFF)", "0"])]
#[case::byd_lvs_premium_dfch("373#EA0C010D1F012201", &["3.306 V", "3.329 V", "13.85 °C", "16.85 °C"])]
#[case::seplos_syssi("373#B90CC20C27012801", &["3.257 V", "3.266 V", "21.85 °C", "22.85 °C"])]
#[case::without_temperatures("373#EA0C010D", &["3.306 V", "3.329 V"])]
#[case::byd_lvs_premium_dfch("374#3200000000000000", &["2"])]
#[case::pytes_boehm("376#3032303000000000", &["0200"])]
#[case::byd_lvs_premium_dfch("378#400800002B070000", &["211200 Wh", "183500 Wh"])]
#[case::seplos_syssi("378#690F00006B0E0000", &["394500 Wh", "369100 Wh"])]
#[case::counter_at_its_end("378#FFFFFFFF00000000", &["429496729500 Wh", "0 Wh"])]
#[case::byd_lvs_premium_dfch("379#9C00000000000000", &["156 Ah"])]
#[case::pytes_boehm("379#6400", &["100 Ah"])]
#[case::byd_lvs_premium_dfch("382#5052454D49554D00", &["PREMIUM"])]
#[case::gx_p_3("305#0000000000000000", &["0000000000000000"])]
#[case::gx_p_3("307#1234567856494300", &["1234567856494300"])]
#[case::lg_vendor_id("354#04C0001F03000000", &[])]
fn decodes(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(shown(text), expected);
    let Some(message) = Message::decode(&frame(text)) else {
        assert!(expected.is_empty(), "only an identifier outside the table shows nothing");
        return;
    };
    let again = message.encode();
    assert_eq!(Message::decode(&again), Some(message), "sent again as {again}");
    assert!(text.starts_with(&again.to_string()) || again.data().is_empty(), "{text} sent again as {again}");
    assert!(message.fields().map(|f| f.to_string()).eq(expected.iter().copied()));
}

#[rstest]
#[case::byd_reserved_bits_set_dfch("35A#AAAAAAAAAAAAAAAA", Pair::Ok, Pair::Ok, 0xA000_0000_A800_0000)]
#[case::seplos_syssi("35A#AAAAAA02AAAAAA02", Pair::Ok, Pair::NotSupported0, 0)]
#[case::document_5_1("35A#0000000000000000", Pair::NotSupported0, Pair::NotSupported0, 0)]
#[case::ones("35A#FFFFFFFFFFFFFFFF", Pair::NotSupported3, Pair::NotSupported3, 0xF000_0000_FC00_0000)]
#[case::all_active("35A#5555550155555505", Pair::Active, Pair::Active, 0)]
#[case::cut_off("35A#AAAAAA02AAAAAA", Pair::Ok, Pair::NotSupported0, 0)]
fn pairs(#[case] text: &str, #[case] every: Pair, #[case] status: Pair, #[case] reserved: u64) {
    let Some(Message::Alarms(alarms)) = Message::decode(&frame(text)) else { panic!("0x35A") };
    for kind in AlarmKind::ALL {
        assert_eq!(alarms.alarm(kind), every, "{kind} alarm");
        if kind != AlarmKind::CellImbalance || alarms.raw().len() == 8 {
            assert_eq!(alarms.warning(kind), every, "{kind} warning");
        }
    }
    assert_eq!((alarms.system_status(), alarms.reserved()), (status, reserved));
    assert_eq!(alarms.any_alarm(), every == Pair::Active);
    assert_eq!(alarms.any_warning(), every == Pair::Active);
    assert_eq!(alarms.any_supported(), every.is_supported());
    assert_eq!(alarms.active_alarms().count(), if every == Pair::Active { 13 } else { 0 });
    assert_eq!(alarms.active_warnings().count(), if every == Pair::Active { 13 } else { 0 });
}

/// Places of P 2 §0x35A, byte and value of the byte when that pair alone is active.
#[rstest]
#[case(AlarmKind::General, 0, 0x01)]
#[case(AlarmKind::HighVoltage, 0, 0x04)]
#[case(AlarmKind::LowVoltage, 0, 0x10)]
#[case(AlarmKind::HighTemperature, 0, 0x40)]
#[case(AlarmKind::LowTemperature, 1, 0x01)]
#[case(AlarmKind::HighTemperatureCharge, 1, 0x04)]
#[case(AlarmKind::LowTemperatureCharge, 1, 0x10)]
#[case(AlarmKind::HighCurrent, 1, 0x40)]
#[case(AlarmKind::HighChargeCurrent, 2, 0x01)]
#[case(AlarmKind::Contactor, 2, 0x04)]
#[case(AlarmKind::ShortCircuit, 2, 0x10)]
#[case(AlarmKind::BmsInternal, 2, 0x40)]
#[case(AlarmKind::CellImbalance, 3, 0x01)]
fn places_of_alarms(#[case] kind: AlarmKind, #[case] byte: usize, #[case] value: u8) {
    let alarm = Alarms::NONE_SUPPORTED.with_alarm(kind, Pair::Active);
    let warning = Alarms::NONE_SUPPORTED.with_warning(kind, Pair::Active);
    let only = |at: usize| core::array::from_fn::<u8, 8, _>(|i| if i == at { value } else { 0 });
    assert_eq!(alarm.raw(), only(byte));
    assert_eq!(warning.raw(), only(byte + 4));
    assert!(alarm.any_alarm() && !alarm.any_warning() && alarm.active_alarms().eq([kind]));
    assert!(warning.any_warning() && !warning.any_alarm() && warning.active_warnings().eq([kind]));
    assert_eq!(Message::Alarms(alarm).fields().filter(|f| f.value == Value::Pair(Pair::Active)).count(), 1);
    let field = Message::Alarms(alarm).fields().find(|f| f.value == Value::Pair(Pair::Active));
    let label = field.expect("one active").spec.label.to_lowercase();
    assert_eq!(label.trim_start_matches("battery "), format!("{kind} alarm").to_lowercase());
}

#[test]
fn all_ok_is_what_a_healthy_seplos_sends() {
    assert_eq!(Message::Alarms(Alarms::ALL_OK).encode(), frame("35A#AAAAAA02AAAAAA02"));
    let closed = Alarms::ALL_OK.with_system_status(Pair::Ok);
    assert_eq!(Message::Alarms(closed).encode(), frame("35A#AAAAAA02AAAAAA0A"));
}

#[rstest]
#[case(Limits::new(Volts(56.44), Amps(-5.0), Amps(1e9), Volts(f64::NAN)).into(), "351#34020000FFFF0000")]
#[case(Limits { discharge_voltage: None, ..Limits::new(Volts(56.8), Amps(100.0), Amps(100.0), Volts::ZERO) }.into(), "351#3802E803E803")]
#[case(StateOfCharge::new(Percent(60.0), Percent(100.0), Percent(60.2)).into(), "355#3C0064008417")]
#[case(Measurements::new(Volts(52.17), Amps(-30.1), Celsius(23.5)).into(), "356#6114D3FEEB00")]
#[case(Measurements::new(Volts(1e6), Amps(-1e6), Celsius(-40.0)).into(), "356#FF7F008070FE")]
#[case(BatteryIdentity::new(26956, Firmware { major: 1, minor: 23 }, AmpHours(105.0)).into(), "35F#4C6901176900")]
#[case(ForceCharge::new(true).into(), "360#FF")]
#[case(ForceCharge::new(false).into(), "360#00")]
#[case(Modules::new(2, 0, 0, 1).into(), "372#0200000000000100")]
#[case(Cells::new(Volts(3.306), Volts(3.329), Celsius(14.0), Celsius(17.0)).into(), "373#EA0C010D1F012201")]
#[case(Energy::new(WattHours(211_249.0), WattHours(183_500.0)).into(), "378#400800002B070000")]
#[case(InstalledCapacity::new(AmpHours(280.0)).into(), "379#1801")]
#[case(Message::KeepAlive(Payload::KEEP_ALIVE), "305#0000000000000000")]
#[case(Message::InverterIdentity(Payload::VICTRON), "307#1234567856494300")]
#[case(Message::Manufacturer(Text8::new("BYD").expect("fits")), "35E#4259440000000000")]
fn encodes_with_rounding_and_saturation(#[case] message: Message, #[case] expected: &str) {
    assert_eq!(message.encode(), frame(expected));
}

#[test]
fn an_absent_field_ends_the_message() {
    let gap = StateOfCharge { soh: None, ..StateOfCharge::new(Percent(50.0), Percent(99.0), Percent(50.0)) };
    assert_eq!(Message::from(gap).encode(), frame("355#3200"));
}

#[rstest]
#[case::unused_as_byd_sends_it("355#4300640000000000", Some(67.0))]
#[case::in_use("355#3C00640084170000", Some(60.2))]
#[case::not_sent("355#58005E00", Some(88.0))]
#[case::empty_battery("355#0000640000000000", Some(0.0))]
#[case::nothing("355#", None)]
fn finest_state_of_charge(#[case] text: &str, #[case] expected: Option<f64>) {
    let Some(Message::StateOfCharge(soc)) = Message::decode(&frame(text)) else { panic!("0x355") };
    assert_eq!(soc.finest_soc(), expected.map(Percent));
}

/// P 2 §0x373: 0x0000 and 0xFFFF mean unsupported; §0x372: 0xFFFF only, no module offline is a fact.
#[test]
fn unsupported_values_have_no_quantity() {
    let Some(Message::Cells(cells)) = Message::decode(&frame("373#0000FFFF0000FFFF")) else {
        panic!("0x373")
    };
    assert_eq!((cells.min_cell(), cells.max_cell()), (None, None));
    assert_eq!((cells.min_temperature(), cells.max_temperature()), (None, None));
    assert_eq!((cells.min_cell, cells.max_cell), (Some(0), Some(0xFFFF)), "the raw value is kept");
    let Some(Message::Modules(modules)) = Message::decode(&frame("372#0000FFFFFFFF0000")) else {
        panic!("0x372")
    };
    assert_eq!((modules.ok(), modules.blocking_charge(), modules.offline()), (Some(0), None, Some(0)));
}

#[rstest]
#[case::zeros("35E#4259440000000000", Some("BYD"), Padding::Zeros, &[])]
#[case::full("35E#5348456E65726779", Some("SHEnergy"), Padding::Full, &[])]
#[case::pylontech_spaces("35E#50594C4F4E202020", Some("PYLON"), Padding::Spaces, &[])]
#[case::pytes_short("35E#5059544553", Some("PYTES"), Padding::Short, &[])]
#[case::deye_binary("35E#44593030311CFC08", None, Padding::Full, &[(5, 0x1C), (6, 0xFC), (7, 0x08)])]
#[case::deye_371("371#0000FC0800000000", Some(""), Padding::Garbage, &[(2, 0xFC), (3, 0x08)])]
#[case::second_half_unused("381#0000000000000000", Some(""), Padding::Zeros, &[])]
fn texts(
    #[case] text: &str,
    #[case] ascii: Option<&str>,
    #[case] padding: Padding,
    #[case] odd: &[(usize, u8)],
) {
    let Some(Value::Text(field)) = fields(&frame(text)).next().map(|f| f.value) else { panic!("a text") };
    assert_eq!((field.as_ascii(), field.padding()), (ascii, padding));
    assert!(field.unprintable().eq(odd.iter().copied()));
}

#[rstest]
#[case("Busbar", Some(("Busbar", "")))]
#[case("CAN-SMARTBMS-BAT", Some(("CAN-SMAR", "TBMS-BAT")))]
#[case("", Some(("", "")))]
#[case("seventeen letters", None)]
#[case("Bät", None)]
#[case("a\nb", None)]
fn text_over_two_messages(#[case] text: &str, #[case] expected: Option<(&str, &str)>) {
    let halves = Text8::pair(text);
    let read = halves.as_ref().map(|(a, b)| (a.as_ascii().expect("ASCII"), b.as_ascii().expect("ASCII")));
    assert_eq!(read, expected);
}

#[test]
fn the_table_is_in_order_and_its_fields_fit() {
    assert!(TABLE.windows(2).all(|w| w[0].id < w[1].id), "binary search needs the order");
    let of = |sender| TABLE.iter().filter(move |m| m.sender == sender).map(|m| m.id);
    assert!(of(Sender::Gx).eq([0x305, 0x307]), "P 3");
    let battery = [0x351, 0x355, 0x356, 0x35A, 0x35E, 0x35F, 0x360].into_iter().chain(0x370..=0x379);
    assert!(of(Sender::Battery).eq(battery.chain(0x380..=0x382)), "P 2");
    for message in TABLE {
        let mut end = 0;
        for field in message.fields {
            let start = 8 * u16::from(field.byte) + u16::from(field.bit);
            assert_eq!(start, end, "{} {} begins where the field before ends", message.name, field.name);
            end = start + u16::from(field.wire.bits());
        }
        assert!(end <= 64 && message.required <= 8);
        assert!(core::ptr::eq(MessageSpec::of(CanId::Standard(message.id)).expect("in the table"), message));
    }
}

/// P 5.1: 29-bit identifiers are never messages of the protocol, not even `00000356`.
#[rstest]
#[case(0x356, "1479016200F00240")]
#[case(0x1510_A8A0, "0000000010050701")]
fn extended_identifiers_decode_to_nothing(#[case] id: u32, #[case] data: &str) {
    let like = frame(&format!("356#{data}"));
    let extended = Frame::new(CanId::Extended(id), like.data()).expect("29 bits");
    assert_eq!(Message::decode(&extended), None);
    assert_eq!(fields(&extended).count(), 0);
}

#[rstest]
#[case(Scale::of(0.1, 0.0), 584, 58.4, 1)]
#[case(Scale::of(0.001, 0.0), 3306, 3.306, 3)]
#[case(Scale::of(100.0, 0.0), 2112, 211_200.0, 0)]
#[case(Scale::of(1.0, 273.15), 0, -273.15, 2)]
fn scales_are_exact(#[case] scale: Scale, #[case] raw: i64, #[case] value: f64, #[case] decimals: usize) {
    assert_eq!(scale.value(raw).to_bits(), value.to_bits());
    assert_eq!((scale.raw(value), scale.decimals()), (raw, decimals));
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let known = (0..TABLE.len()).prop_map(|row| TABLE[row].id);
    (prop_oneof![known, 0..=0x7FFu16], proptest::collection::vec(any::<u8>(), 0..=8))
        .prop_map(|(id, data)| Frame::standard(id, &data))
}

proptest! {
    /// Every frame of every identifier and length: decoding never panics; a message sent again is the same message,
    /// and its bytes are those that were received up to the end of its last whole field.
    #[test]
    fn decode_after_encode_is_identity(frame in any_frame()) {
        let known = MessageSpec::of(frame.id());
        let message = Message::decode(&frame);
        prop_assert_eq!(message.is_some(), known.is_some());
        if let (Some(message), Some(spec)) = (message, known) {
            let again = message.encode();
            prop_assert_eq!(Message::decode(&again), Some(message));
            prop_assert_eq!(again.id(), frame.id());
            prop_assert!(frame.data().starts_with(again.data()));
            prop_assert!(core::ptr::eq(message.spec(), spec));
            prop_assert!(!spec.is_complete(&frame) || spec.is_complete(&again));
            let (direct, through): (Vec<_>, Vec<_>) = (
                fields(&frame).map(|f| (f.spec.name, f.to_string())).collect(),
                message.fields().map(|f| (f.spec.name, f.to_string())).collect(),
            );
            prop_assert_eq!(direct, through);
        }
    }

    /// Quantities that the wire can carry come back within half a step.
    #[test]
    fn quantities_survive(cvl in 0.0..6553.0f64, current in -3276.0..3276.0f64, celsius in -40.0..90.0f64) {
        let limits = Limits::new(Volts(cvl), Amps(current.abs()), Amps(1.0), Volts(2.0));
        let read = limits.cvl().expect("sent");
        prop_assert!((read - Volts(cvl)).abs() <= Volts(0.050_001));
        let measured = Measurements::new(Volts(50.0), Amps(current), Celsius(celsius));
        prop_assert!((measured.current().expect("sent") - Amps(current)).abs() <= Amps(0.050_001));
        let cells = Cells::new(Volts(3.3), Volts(3.4), Celsius(celsius), Celsius(celsius));
        prop_assert!((cells.min_temperature().expect("sent") - Celsius(celsius)).abs() <= Celsius(0.500_001));
    }
}

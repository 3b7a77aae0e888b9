//! The table of measured quantities. Ranges are those of a battery system on 12 to 48 V and of the wire (P 2).

use super::row::{Block, Kind, Lane, Row, Sense, amp_hours, amps, celsius, kbit_s, percent, volts, watts};
use super::{Instrument, channels};
use crate::message::id;
use Kind::{Count, Flag, Mask, State, Text};

/// What cells have.
const CELL: Kind = volts(0.0, 5.0);
/// What batteries and the DC bus of a system have.
const SYSTEM: Kind = volts(0.0, 100.0);
/// A signed current on the wire of 0x356.
const CURRENT: Kind = amps(-3276.0, 3276.0);
/// A limit of current in 0x351.
const LIMIT: Kind = amps(0.0, 6553.0);
const POWER: Kind = watts(0.0, 100_000.0);
const EXCHANGED: Kind = watts(-100_000.0, 100_000.0);
const SHARE: Kind = percent(0.0, 100.0);
/// What thermistors read at their ends lies within.
const TEMPERATURE: Kind = celsius(-100.0, 250.0);
const CAPACITY: Kind = amp_hours(0.0, 65_535.0);

channels! {
    /// charge voltage limit
    Cvl: Row::battery("battery.cvl", "CVL", SYSTEM, id::LIMITS).asked("cvl", "CVL").lane(Lane::Voltage, "CVL");
    /// charge current limit
    Ccl: Row::battery("battery.ccl", "CCL", LIMIT, id::LIMITS).asked("ccl", "CCL").lane(Lane::Current, "CCL").limit();
    /// discharge current limit
    Dcl: Row::battery("battery.dcl", "DCL", LIMIT, id::LIMITS).asked("dcl", "DCL");
    /// state of charge, in high resolution where that is sent
    Soc: Row::battery("battery.soc", "the state of charge", SHARE, id::STATE_OF_CHARGE)
        .sensed(Sense::Charge).asked("soc", "SoC").lane(Lane::Charge, "SoC");
    /// state of health
    Soh: Row::battery("battery.soh", "the state of health", SHARE, id::STATE_OF_CHARGE);
    /// voltage of the battery as it measures it
    PackVoltage: Row::battery("battery.voltage", "the battery voltage", SYSTEM, id::MEASUREMENTS)
        .sensed(Sense::Voltage).asked("voltage", "pack voltage").lane(Lane::Voltage, "Battery");
    /// current of the battery, positive when it charges
    PackCurrent: Row::battery("battery.current", "the battery current", CURRENT, id::MEASUREMENTS)
        .sensed(Sense::Current).asked("current", "battery current").lane(Lane::Current, "Battery");
    /// temperature of the battery
    Temperature: Row::battery("battery.temperature", "the battery temperature", TEMPERATURE, id::MEASUREMENTS)
        .sensed(Sense::Temperature);
    /// voltage of the highest cell
    MaxCell: Row::battery("battery.highest-cell", "the highest cell", CELL, id::CELLS)
        .sensed(Sense::Cells).asked("cell-max", "highest cell").lane(Lane::Cells, "Highest cell");
    /// voltage of the lowest cell
    MinCell: Row::battery("battery.lowest-cell", "the lowest cell", CELL, id::CELLS)
        .sensed(Sense::Cells).asked("cell-min", "lowest cell").lane(Lane::Cells, "Lowest cell");
    /// temperature of the hottest cell
    MaxCellTemperature: Row::battery("battery.hottest-cell", "the hottest cell", TEMPERATURE, id::CELLS)
        .sensed(Sense::Temperature);
    /// temperature of the coldest cell
    MinCellTemperature: Row::battery("battery.coldest-cell", "the coldest cell", TEMPERATURE, id::CELLS)
        .sensed(Sense::Temperature);
    /// system status: whether the main switch is closed
    Online: Row::battery("battery.online", "the system status", Flag, id::ALARMS);
    /// active alarms
    Alarms: Row::battery("battery.alarms", "the alarms", Mask, id::ALARMS);
    /// active warnings
    Warnings: Row::battery("battery.warnings", "the warnings", Mask, id::ALARMS);
    /// online capacity
    Capacity: Row::battery("battery.capacity", "the online capacity", CAPACITY, id::BATTERY_IDENTITY);
    /// modules that are OK
    ModulesOnline: Row::battery("battery.modules-online", "the modules online", Count, id::MODULES);
    /// modules offline
    ModulesOffline: Row::battery("battery.modules-offline", "the modules offline", Count, id::MODULES);
    /// modules blocking charge
    ModulesBlockingCharge: Row::battery("battery.modules-blocking-charge", "the modules blocking charge", Count, id::MODULES);
    /// modules blocking discharge
    ModulesBlockingDischarge:
        Row::battery("battery.modules-blocking-discharge", "the modules blocking discharge", Count, id::MODULES);
    /// which cell is the lowest
    MinCellId: Row::battery("battery.lowest-cell-name", "the name of the lowest cell", Text, id::MIN_CELL_VOLTAGE_ID);
    /// which cell is the highest
    MaxCellId: Row::battery("battery.highest-cell-name", "the name of the highest cell", Text, id::MAX_CELL_VOLTAGE_ID);
    /// which cell is the coldest
    ColdestCellId:
        Row::battery("battery.coldest-cell-name", "the name of the coldest cell", Text, id::MIN_CELL_TEMPERATURE_ID);
    /// which cell is the hottest
    HottestCellId:
        Row::battery("battery.hottest-cell-name", "the name of the hottest cell", Text, id::MAX_CELL_TEMPERATURE_ID);

    /// whether the battery's own unit answers: the GX has not lost it
    GxBattery: Row::gx("gx.battery.found", "the battery on the GX", Flag, Block::Battery);
    /// battery voltage as the GX shows it
    GxPackVoltage: Row::gx("gx.battery.voltage", "the battery voltage on the GX", SYSTEM, Block::Battery)
        .column("battery_voltage_V").repeats(Channel::PackVoltage);
    /// battery current as the GX shows it, positive when it charges
    GxPackCurrent: Row::gx("gx.battery.current", "the battery current on the GX", CURRENT, Block::Battery)
        .column("battery_current_A").repeats(Channel::PackCurrent);
    /// battery temperature as the GX shows it
    GxTemperature: Row::gx("gx.battery.temperature", "the battery temperature on the GX", TEMPERATURE, Block::Battery)
        .column("battery_temperature_C").repeats(Channel::Temperature);
    /// state of charge as the GX shows it
    GxSoc: Row::gx("gx.battery.soc", "the state of charge on the GX", SHARE, Block::Battery)
        .column("battery_soc_pct").repeats(Channel::Soc);
    /// state of health as the GX shows it
    GxSoh: Row::gx("gx.battery.soh", "the state of health on the GX", SHARE, Block::Battery)
        .column("battery_soh_pct").repeats(Channel::Soh);
    /// CVL as the GX shows it
    GxCvl: Row::gx("gx.battery.cvl", "CVL on the GX", SYSTEM, Block::Battery)
        .column("battery_cvl_V").repeats(Channel::Cvl);
    /// CCL as the GX shows it
    GxCcl: Row::gx("gx.battery.ccl", "CCL on the GX", LIMIT, Block::Battery)
        .column("battery_ccl_A").repeats(Channel::Ccl);
    /// DCL as the GX shows it
    GxDcl: Row::gx("gx.battery.dcl", "DCL on the GX", LIMIT, Block::Battery)
        .column("battery_dcl_A").repeats(Channel::Dcl);
    /// online capacity as the GX shows it
    GxCapacity: Row::gx("gx.battery.capacity", "the online capacity on the GX", CAPACITY, Block::Battery)
        .column("battery_capacity_Ah").repeats(Channel::Capacity);
    /// lowest cell as the GX shows it
    GxMinCell: Row::gx("gx.battery.lowest-cell", "the lowest cell on the GX", CELL, Block::Battery)
        .column("battery_min_cell_V").repeats(Channel::MinCell);
    /// highest cell as the GX shows it
    GxMaxCell: Row::gx("gx.battery.highest-cell", "the highest cell on the GX", CELL, Block::Battery)
        .column("battery_max_cell_V").repeats(Channel::MaxCell);
    /// alarms that the GX shows
    GxAlarms: Row::gx("gx.battery.alarms", "the alarms on the GX", Mask, Block::Battery)
        .column("battery_alarms").repeats(Channel::Alarms);
    /// DC voltage at the inverter: the DC bus
    BusVoltage: Row::gx("inverter.dc-voltage", "the DC bus", SYSTEM, Block::Inverter)
        .column("inverter_dc_voltage_V").asked("bus", "DC bus").lane(Lane::Voltage, "DC bus");
    /// DC current of the inverter, positive when it charges
    InverterCurrent: Row::gx("inverter.dc-current", "the inverter's DC current", CURRENT, Block::Inverter)
        .column("inverter_dc_current_A");
    /// limit of the AC input current
    InputCurrentLimit: Row::gx("inverter.input-current-limit", "the input current limit", amps(0.0, 1000.0), Block::Inverter)
        .column("inverter_input_limit_A");
    /// whether the inverter runs
    InverterRunning: Row::gx("inverter.running", "the inverter", Flag, Block::Inverter)
        .column("inverter_running").asked("inverter", "inverter");
    /// AC output power of the inverter, the loads on it
    AcOut: Row::gx("inverter.ac-output", "the AC output power", EXCHANGED, Block::Inverter).column("inverter_ac_out_W");
    /// AC input power of the inverter, negative when it feeds in
    AcIn: Row::gx("inverter.ac-input", "the AC input power", EXCHANGED, Block::Inverter).column("inverter_ac_in_W");
    /// what inverter and solar charger give to the battery together, positive when they charge it
    BusCurrent: Row::gx("bus.current", "the current of inverter and solar charger", CURRENT, Block::Inverter);
    /// voltage at the battery terminals of the solar charger
    SolarVoltage: Row::gx("solar.battery-voltage", "the solar charger's voltage", SYSTEM, Block::Solar)
        .column("solar_battery_voltage_V");
    /// what the solar charger gives to the DC bus
    SolarCurrent: Row::gx("solar.battery-current", "the solar charger's current", CURRENT, Block::Solar)
        .column("solar_battery_current_A");
    /// power that the solar charger takes from PV
    PvPower: Row::gx("solar.pv-power", "the PV power", POWER, Block::Solar)
        .column("solar_pv_power_W").asked("pv-power", "PV power").lane(Lane::Power, "PV");
    /// voltage at the PV terminals of the solar charger
    PvVoltage: Row::gx("solar.pv-voltage", "the PV voltage", volts(0.0, 1000.0), Block::Solar).column("solar_pv_voltage_V");
    /// what the tracker of the solar charger does: 0 off, 1 held back by a limit, 2 tracking, 255 not available
    Tracker: Row::gx("solar.tracker", "the mode of the tracker", State, Block::Solar).column("solar_tracker");
    /// grid power, negative when it exports
    GridPower: Row::gx("grid.power", "the grid power", EXCHANGED, Block::System)
        .column("grid_W").asked("grid-power", "grid power").lane(Lane::Power, "Grid");
    /// whether the AC input is connected
    GridConnected: Row::gx("grid.connected", "the state of the AC input", Flag, Block::System)
        .column("grid_connected").asked("grid", "grid");
    /// power of the AC loads
    AcLoads: Row::gx("loads.power", "the AC loads", EXCHANGED, Block::System)
        .column("ac_loads_W").lane(Lane::Power, "AC load");
    /// whether any unit of the GX answers
    GxAnswers: Row::gx("gx.answer", "an answer of the GX", Flag, Block::System);
    /// whether excess DC-coupled PV is fed in
    FeedIn: Row::gx("grid.feed-in", "the feed-in setting", Flag, Block::System).column("feed_in");
    /// coldest cell as the GX shows it
    GxMinCellTemperature: Row::gx("gx.battery.coldest-cell", "the coldest cell on the GX", TEMPERATURE, Block::Battery)
        .column("battery_min_cell_temperature_C").repeats(Channel::MinCellTemperature);
    /// hottest cell as the GX shows it
    GxMaxCellTemperature: Row::gx("gx.battery.hottest-cell", "the hottest cell on the GX", TEMPERATURE, Block::Battery)
        .column("battery_max_cell_temperature_C").repeats(Channel::MaxCellTemperature);
    /// which cell is the lowest, as the GX shows it
    GxMinCellId: Row::gx("gx.battery.lowest-cell-name", "the name of the lowest cell on the GX", Text, Block::Battery)
        .column("battery_min_cell_id").repeats(Channel::MinCellId);
    /// which cell is the highest, as the GX shows it
    GxMaxCellId: Row::gx("gx.battery.highest-cell-name", "the name of the highest cell on the GX", Text, Block::Battery)
        .column("battery_max_cell_id").repeats(Channel::MaxCellId);
    /// which cell is the coldest, as the GX shows it
    GxColdestCellId: Row::gx("gx.battery.coldest-cell-name", "the name of the coldest cell on the GX", Text, Block::Battery)
        .column("battery_coldest_cell_id").repeats(Channel::ColdestCellId);
    /// which cell is the hottest, as the GX shows it
    GxHottestCellId: Row::gx("gx.battery.hottest-cell-name", "the name of the hottest cell on the GX", Text, Block::Battery)
        .column("battery_hottest_cell_id").repeats(Channel::HottestCellId);
    /// modules offline, as the GX counts them
    GxModulesOffline: Row::gx("gx.battery.modules-offline", "the modules offline on the GX", Count, Block::Battery)
        .column("battery_modules_offline").repeats(Channel::ModulesOffline);
    /// modules online, as the GX counts them
    GxModulesOnline: Row::gx("gx.battery.modules-online", "the modules online on the GX", Count, Block::Battery)
        .column("battery_modules_online").repeats(Channel::ModulesOnline);
    /// modules blocking charge, as the GX counts them
    GxModulesBlockingCharge:
        Row::gx("gx.battery.modules-blocking-charge", "the modules blocking charge on the GX", Count, Block::Battery)
        .column("battery_modules_blocking_charge").repeats(Channel::ModulesBlockingCharge);
    /// modules blocking discharge, as the GX counts them
    GxModulesBlockingDischarge:
        Row::gx("gx.battery.modules-blocking-discharge", "the modules blocking discharge on the GX", Count, Block::Battery)
        .column("battery_modules_blocking_discharge").repeats(Channel::ModulesBlockingDischarge);
    /// warnings that the GX shows
    GxWarnings: Row::gx("gx.battery.warnings", "the warnings on the GX", Mask, Block::Battery)
        .column("battery_warnings").repeats(Channel::Warnings);

    /// whether the output of the supply is on
    SupplyOutput: Row::supply("supply.output", "the output of the supply", Flag).column("output");
    /// voltage at the terminals of the supply
    SupplyVoltage: Row::supply("supply.voltage", "the voltage of the supply", volts(0.0, 1500.0)).column("voltage_V");
    /// current that the supply gives
    SupplyCurrent: Row::supply("supply.current", "the current of the supply", amps(-1000.0, 1000.0)).column("current_A");
    /// power that the supply would give if the charger took it all: nothing while its output is off
    PvAvailable: Row::supply("supply.available", "the available PV power", POWER)
        .column("available_W").lane(Lane::Power, "PV available").limit();
    /// power that the supply gives: its voltage × its current
    PsuPower: Row::supply("supply.power", "the power of the supply", EXCHANGED);

    /// voltage of the battery as a shunt beside it measures it
    ShuntVoltage: Row::witness("shunt.voltage", "the voltage of the shunt", SYSTEM, Instrument::Shunt)
        .asked("shunt-voltage", "shunt voltage").lane(Lane::Voltage, "Shunt");
    /// current of the battery as a shunt beside it measures it, positive when it charges
    ShuntCurrent: Row::witness("shunt.current", "the current of the shunt", amps(-10_000.0, 10_000.0), Instrument::Shunt)
        .asked("shunt-current", "shunt current").lane(Lane::Current, "Shunt");
    /// power into the battery as a shunt measures it
    ShuntPower: Row::witness("shunt.power", "the power of the shunt", watts(-1e6, 1e6), Instrument::Shunt);
    /// charge since the battery was full as a shunt counts it, negative when it was drawn
    ShuntConsumed: Row::witness("shunt.consumed", "the charge that the shunt counted", amp_hours(-100_000.0, 100_000.0), Instrument::Shunt);
    /// state of charge as a shunt counts it: as good as the settings of that shunt
    ShuntSoc: Row::witness("shunt.soc", "the state of charge of the shunt", SHARE, Instrument::Shunt);
    /// temperature of the battery at the sensor of a shunt
    ShuntTemperature: Row::witness("shunt.temperature", "the temperature of the shunt", TEMPERATURE, Instrument::Shunt);

    /// voltage at the battery terminals of a charger, as it says itself
    ChargerVoltage: Row::witness("charger.voltage", "the voltage of the charger", SYSTEM, Instrument::Charger)
        .asked("charger-voltage", "charger voltage").lane(Lane::Voltage, "Charger");
    /// current that a charger gives, as it says itself; negative where its load output takes more
    ChargerCurrent: Row::witness("charger.current", "the current of the charger", amps(-1000.0, 1000.0), Instrument::Charger)
        .asked("charger-current", "charger current");
    /// power that a solar charger takes from PV, as it says itself
    ChargerPvPower: Row::witness("charger.pv-power", "the PV power of the charger", POWER, Instrument::Charger);
    /// voltage at the PV terminals of a solar charger, as it says itself
    ChargerPvVoltage: Row::witness("charger.pv-voltage", "the PV voltage of the charger", volts(0.0, 1000.0), Instrument::Charger);
    /// what a charger does, by the codes of its protocol: 3 bulk, 4 absorption, 5 float, 252 controlled by a GX
    ChargerState: Row::witness("charger.state", "the state of the charger", State, Instrument::Charger);
    /// what the tracker of a solar charger does: 0 off, 1 held back by a limit, 2 tracking
    ChargerTracker: Row::witness("charger.tracker", "the tracker of the charger", State, Instrument::Charger);
    /// error of a charger, by the codes of its protocol: 0 none, 67 BMS lost
    ChargerError: Row::witness("charger.error", "the error of the charger", State, Instrument::Charger);
    /// why a charger is off, one bit each: bit 6 because of the BMS
    ChargerOffReason: Row::witness("charger.off-reason", "why the charger is off", State, Instrument::Charger);
    /// charge voltage that the GX set at a charger, as the charger says
    ChargerVoltageLimit: Row::witness("charger.voltage-limit", "the voltage that was set at the charger", SYSTEM, Instrument::Charger).limit();
    /// charge current limit that the GX set at a charger, as the charger says
    ChargerCurrentLimit: Row::witness("charger.current-limit", "the current limit that was set at the charger", LIMIT, Instrument::Charger).limit();
    /// how the GX controls a charger, one bit each: 0 networked, 1 algorithm, 2 voltage, 3 BMS
    ChargerNetworkMode: Row::witness("charger.network-mode", "how the charger is controlled", State, Instrument::Charger);

    /// DC voltage of an inverter, as it says itself
    ConverterVoltage: Row::witness("converter.dc-voltage", "the DC voltage of the converter", SYSTEM, Instrument::Converter)
        .lane(Lane::Voltage, "Converter");
    /// DC current of an inverter, as it says itself, positive when it charges
    ConverterCurrent: Row::witness("converter.dc-current", "the DC current of the converter", CURRENT, Instrument::Converter);
    /// AC output voltage of an inverter, as it says itself
    ConverterAcOutVoltage: Row::witness("converter.ac-output-voltage", "the AC output voltage of the converter", volts(0.0, 600.0), Instrument::Converter);
    /// AC output current of an inverter, as it says itself
    ConverterAcOutCurrent: Row::witness("converter.ac-output-current", "the AC output current of the converter", amps(-1000.0, 1000.0), Instrument::Converter);
    /// AC output power of an inverter, as it says itself
    ConverterAcOut: Row::witness("converter.ac-output", "the AC output power of the converter", EXCHANGED, Instrument::Converter);
    /// AC input power of an inverter/charger, as it says itself, negative when it feeds in
    ConverterAcIn: Row::witness("converter.ac-input", "the AC input power of the converter", EXCHANGED, Instrument::Converter);
    /// what an inverter does, by the codes of its protocol: 0 off, 2 fault, 9 inverting
    ConverterState: Row::witness("converter.state", "the state of the converter", State, Instrument::Converter);
    /// why an inverter alarms, one bit each: bit 0 low battery voltage, bit 8 overload
    ConverterAlarms: Row::witness("converter.alarms", "the alarms of the converter", State, Instrument::Converter);

    /// bit rate of the CAN interface
    BitRate: Row::interface("can.bit-rate", "the bit rate", kbit_s(0.0, 10_000.0))
        .column("bit_rate_kbit_s");
    /// state of the CAN interface: 0 error-active, 1 error-warning, 2 error-passive, 3 bus-off
    BusState: Row::interface("can.state", "the state of the CAN interface", State).column("state");
}

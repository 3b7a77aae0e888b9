//! The registers. Rows: address, name, kind × scale (raw = value × scale), unit, `W` where writable, what it holds.

use super::{Block, Kind, Product, Register};
use crate::channel::Channel;
use crate::message::{AlarmKind, Scale};

macro_rules! registers {
    ($( $(#[$doc:meta])* $module:ident $Product:ident {
        $( $address:literal $NAME:ident $Kind:ident * $scale:literal $unit:literal $($W:ident)?, $label:literal; )+
    } )+) => {
        $(
            $(#[$doc])*
            pub mod $module {
                use super::{Kind, Product, Register, Scale};
                $(
                    #[doc = concat!(stringify!($address), ": ", $label, ".")]
                    pub const $NAME: Register = Register {
                        product: Product::$Product,
                        address: $address,
                        label: $label,
                        kind: Kind::$Kind,
                        scale: Scale::of(1.0 / $scale as f64, 0.0),
                        unit: $unit,
                        writable: writable!($($W)?),
                    };
                )+
            }
        )+

        /// Every register, product by product.
        pub static REGISTERS: &[Register] = &[ $( $( $module::$NAME, )+ )+ ];
    };
}

macro_rules! writable {
    () => {
        false
    };
    (W) => {
        true
    };
}

registers! {
    /// The CAN-bus battery. Alarms: 0 none, 2 alarm; from 326 on also 1 warning.
    battery Battery {
        256 POWER_32 I32 * 1 "W", "power, positive when charging";
        258 POWER I16 * 1 "W", "power, positive when charging";
        259 VOLTAGE U16 * 100 "V", "voltage";
        261 CURRENT I16 * 10 "A", "current, positive when charging";
        262 TEMPERATURE I16 * 10 "°C", "temperature";
        266 SOC U16 * 10 "%", "state of charge";
        267 ALARM_GENERAL U16 * 1 "", "general alarm";
        268 ALARM_LOW_VOLTAGE U16 * 1 "", "low voltage alarm";
        269 ALARM_HIGH_VOLTAGE U16 * 1 "", "high voltage alarm";
        272 ALARM_LOW_SOC U16 * 1 "", "low state of charge alarm";
        273 ALARM_LOW_TEMPERATURE U16 * 1 "", "low temperature alarm";
        274 ALARM_HIGH_TEMPERATURE U16 * 1 "", "high temperature alarm";
        279 ALARM_HIGH_INTERNAL_TEMPERATURE U16 * 1 "", "high internal temperature alarm";
        301 ENERGY_OUT U16 * 10 "kWh", "energy discharged";
        302 ENERGY_IN U16 * 10 "kWh", "energy charged";
        304 SOH U16 * 10 "%", "state of health";
        305 CVL U16 * 10 "V", "charge voltage limit";
        306 LOW_VOLTAGE U16 * 10 "V", "low voltage limit, not used by the GX";
        307 CCL U16 * 10 "A", "charge current limit";
        308 DCL U16 * 10 "A", "discharge current limit";
        309 CAPACITY U16 * 10 "Ah", "capacity";
        318 MIN_CELL_TEMPERATURE I16 * 10 "°C", "lowest cell temperature";
        319 MAX_CELL_TEMPERATURE I16 * 10 "°C", "highest cell temperature";
        320 ALARM_HIGH_CHARGE_CURRENT U16 * 1 "", "high charge current alarm";
        321 ALARM_HIGH_DISCHARGE_CURRENT U16 * 1 "", "high discharge current alarm";
        322 ALARM_CELL_IMBALANCE U16 * 1 "", "cell imbalance alarm";
        323 ALARM_INTERNAL_FAILURE U16 * 1 "", "internal failure";
        324 ALARM_HIGH_CHARGE_TEMPERATURE U16 * 1 "", "high charge temperature alarm";
        325 ALARM_LOW_CHARGE_TEMPERATURE U16 * 1 "", "low charge temperature alarm";
        326 ALARM_LOW_CELL_VOLTAGE U16 * 1 "", "low cell voltage alarm";
        327 ALARM_BMS_CABLE U16 * 1 "", "BMS cable alarm";
        328 ALARM_CONTACTOR U16 * 1 "", "contactor alarm";
        329 ALARM_HIGH_CURRENT U16 * 1 "", "high current alarm";
        1290 MIN_CELL_VOLTAGE U16 * 100 "V", "lowest cell voltage";
        1291 MAX_CELL_VOLTAGE U16 * 100 "V", "highest cell voltage";
        1297 CHARGE_ALLOWED U16 * 1 "", "charge allowed; 0 also of a battery that does not say";
        1298 DISCHARGE_ALLOWED U16 * 1 "", "discharge allowed; 0 also of a battery that does not say";
        1302 MODULES_OFFLINE U16 * 1 "", "modules offline";
        1303 MODULES_ONLINE U16 * 1 "", "modules online";
        1304 MODULES_BLOCKING_CHARGE U16 * 1 "", "modules blocking charge";
        1305 MODULES_BLOCKING_DISCHARGE U16 * 1 "", "modules blocking discharge";
        1306 MIN_VOLTAGE_CELL_ID Text4 * 1 "", "cell with the lowest voltage";
        1310 MAX_VOLTAGE_CELL_ID Text4 * 1 "", "cell with the highest voltage";
        1314 MIN_TEMPERATURE_CELL_ID Text4 * 1 "", "coldest cell";
        1318 MAX_TEMPERATURE_CELL_ID Text4 * 1 "", "hottest cell";
    }

    /// The system as a whole. Without a BMS the battery values are those of the inverter, so they prove no BMS.
    system System {
        800 SERIAL Text6 * 1 "", "serial number of the GX";
        806 RELAY_1 U16 * 1 "" W, "relay 1: 0 open, 1 closed";
        807 RELAY_2 U16 * 1 "" W, "relay 2: 0 open, 1 closed";
        817 AC_LOADS_L1 U16 * 1 "W", "AC loads on L1";
        818 AC_LOADS_L2 U16 * 1 "W", "AC loads on L2";
        819 AC_LOADS_L3 U16 * 1 "W", "AC loads on L3";
        820 GRID_L1 I16 * 1 "W", "grid power on L1, negative when exporting";
        821 GRID_L2 I16 * 1 "W", "grid power on L2, negative when exporting";
        822 GRID_L3 I16 * 1 "W", "grid power on L3, negative when exporting";
        826 ACTIVE_INPUT I16 * 1 "", "AC input: 0 not available, 1 grid, 2 generator, 3 shore, 240 not connected";
        834 FIRMWARE U32 * 1 "", "firmware of the GX: version in the high cell, number of a beta in the low one, digits as hexadecimal ones";
        840 BATTERY_VOLTAGE U16 * 10 "V", "battery voltage";
        841 BATTERY_CURRENT I16 * 10 "A", "battery current";
        842 BATTERY_POWER I16 * 1 "W", "battery power";
        843 BATTERY_SOC U16 * 1 "%", "battery state of charge";
        844 BATTERY_STATE U16 * 1 "", "battery: 0 idle, 1 charging, 2 discharging";
        850 PV_POWER U16 * 1 "W", "DC-coupled PV power";
        902 AC_LOADS_L1_32 U32 * 1 "W", "AC loads on L1";
        904 AC_LOADS_L2_32 U32 * 1 "W", "AC loads on L2";
        906 AC_LOADS_L3_32 U32 * 1 "W", "AC loads on L3";
        908 GRID_L1_32 I32 * 1 "W", "grid power on L1, negative when exporting";
        910 GRID_L2_32 I32 * 1 "W", "grid power on L2, negative when exporting";
        912 GRID_L3_32 I32 * 1 "W", "grid power on L3, negative when exporting";
    }

    /// Inverter/charger on VE.Bus.
    inverter Inverter {
        3 AC_IN_VOLTAGE U16 * 10 "V", "AC input voltage";
        12 AC_IN_POWER I16 * 0.1 "W", "AC input power, negative when feeding in";
        15 AC_OUT_VOLTAGE U16 * 10 "V", "AC output voltage";
        22 INPUT_CURRENT_LIMIT I16 * 10 "A" W, "AC input current limit";
        23 AC_OUT_POWER I16 * 0.1 "W", "AC output power";
        26 DC_VOLTAGE U16 * 100 "V", "DC voltage";
        27 DC_CURRENT I16 * 10 "A", "DC current, positive when charging";
        31 STATE U16 * 1 "", "state: 0 off, 1 low power, 2 fault, 3 bulk to 7 equalise, 8 passthru, 9 inverting, 10 assist, 11 supply, 252 external";
        32 ERROR U16 * 1 "", "VE.Bus error";
        33 MODE U16 * 1 "" W, "mode: 1 charger only, 2 inverter only, 3 on, 4 off";
        34 ALARM_HIGH_TEMPERATURE U16 * 1 "", "high temperature: 1 warning, 2 alarm";
        35 ALARM_LOW_BATTERY U16 * 1 "", "low battery: 1 warning, 2 alarm";
        36 ALARM_OVERLOAD U16 * 1 "", "overload: 1 warning, 2 alarm";
        37 SETPOINT I16 * 1 "W" W, "ESS power setpoint on L1";
        38 DISABLE_CHARGE U16 * 1 "" W, "charge disabled";
        39 DISABLE_FEED_IN U16 * 1 "" W, "feed-in disabled";
        57 BMS_ALLOWS_CHARGE U16 * 1 "", "BMS allows charge";
        58 BMS_ALLOWS_DISCHARGE U16 * 1 "", "BMS allows discharge";
        59 BMS_EXPECTED U16 * 1 "", "BMS expected";
        60 BMS_ERROR U16 * 1 "", "BMS error";
        64 ALARM_GRID_LOST U16 * 1 "", "grid lost: 2 alarm";
        65 NO_OVERVOLTAGE_FEED_IN U16 * 1 "" W, "DC over-voltage is not fed in";
        66 MAX_FEED_IN U16 * 0.01 "W" W, "feed-in limit on L1";
        95 CHARGE_STATE U16 * 1 "", "charge: 1 bulk, 2 absorption, 3 float, 4 storage";
        96 SETPOINT_32 I32 * 1 "W" W, "ESS power setpoint on L1";
    }

    /// Solar charger.
    solar Solar {
        771 BATTERY_VOLTAGE U16 * 100 "V", "battery voltage";
        772 BATTERY_CURRENT I16 * 10 "A", "battery current";
        774 MODE U16 * 1 "" W, "mode: 1 on, 4 off";
        775 STATE U16 * 1 "", "state: 0 off, 2 fault, 3 bulk, 4 absorption, 5 float, 6 storage, 7 equalise, 252 external";
        776 PV_VOLTAGE U16 * 100 "V", "PV voltage";
        777 PV_CURRENT I16 * 10 "A", "PV current";
        784 YIELD_TODAY U16 * 10 "kWh", "yield today";
        788 ERROR U16 * 1 "", "error code";
        789 PV_POWER U16 * 10 "W", "PV power; wraps above 6553 W";
        791 TRACKER U16 * 1 "", "tracker: 0 off, 1 limited, 2 tracking, 255 not available";
        792 PV_POWER_32 U32 * 1 "W", "PV power";
    }

    /// Grid meter.
    grid Grid {
        2600 POWER_L1 I16 * 1 "W", "power on L1, negative when exporting";
        2601 POWER_L2 I16 * 1 "W", "power on L2, negative when exporting";
        2602 POWER_L3 I16 * 1 "W", "power on L3, negative when exporting";
        2616 VOLTAGE_L1 U16 * 10 "V", "voltage on L1";
        2617 CURRENT_L1 I16 * 10 "A", "current on L1";
        2634 ENERGY_FROM_GRID U32 * 100 "kWh", "energy from the grid";
        2636 ENERGY_TO_GRID U32 * 100 "kWh", "energy to the grid";
        2638 POWER_L1_32 I32 * 1 "W", "power on L1, negative when exporting";
        2640 POWER_L2_32 I32 * 1 "W", "power on L2, negative when exporting";
        2642 POWER_L3_32 I32 * 1 "W", "power on L3, negative when exporting";
    }

    /// Settings of ESS and DVCC.
    ess Ess {
        2700 GRID_SETPOINT I16 * 1 "W" W, "grid setpoint";
        2704 MAX_DISCHARGE I16 * 0.1 "W" W, "discharge limit, -1 off";
        2705 USER_CHARGE_CURRENT I16 * 1 "A" W, "user's charge current limit, -1 off";
        2706 MAX_FEED_IN I16 * 0.01 "W" W, "feed-in limit";
        2707 FEED_IN_EXCESS U16 * 1 "" W, "feed in excess DC-coupled PV";
        2708 PREVENT_AC_FEED_IN U16 * 1 "" W, "AC-coupled PV is not fed in";
        2709 FEED_IN_LIMITED U16 * 1 "", "feed-in limit active";
        2710 USER_CHARGE_VOLTAGE U16 * 10 "V" W, "user's charge voltage limit, 0 off";
        2716 SETPOINT_OVERRIDE I32 * 1 "W" W, "grid setpoint of whoever controls from outside, before that of 2700; 0 also where nobody does";
        2900 STATE U16 * 1 "" W, "ESS state";
        2901 MIN_SOC U16 * 10 "%" W, "minimum state of charge";
        2902 MODE U16 * 1 "" W, "ESS: 1 with phase compensation, 2 without, 3 off or external control";
    }
}

/// What to read in order to have every register: each block lies within one run of mapped or reserved cells.
pub static BLOCKS: &[Block] = &[
    Block { product: Product::Battery, first: 256, count: 71 },
    Block { product: Product::Battery, first: 327, count: 3 },
    Block { product: Product::Battery, first: 1290, count: 32 },
    Block { product: Product::System, first: 800, count: 114 },
    Block { product: Product::Inverter, first: 3, count: 95 },
    Block { product: Product::Solar, first: 771, count: 23 },
    Block { product: Product::Grid, first: 2600, count: 44 },
    Block { product: Product::Ess, first: 2700, count: 11 },
    Block { product: Product::Ess, first: 2716, count: 2 },
    Block { product: Product::Ess, first: 2900, count: 3 },
];

/// Where each alarm of 0x35A is to be looked for. Short circuit has no register. The CAN driver of the GX is not
/// public: that "high current" is the discharge current follows from the screens of P 6.1, picture 5, which show a
/// charge and a discharge current alarm and no third one.
pub static ALARMS: &[(AlarmKind, Register)] = &[
    (AlarmKind::General, battery::ALARM_GENERAL),
    (AlarmKind::HighVoltage, battery::ALARM_HIGH_VOLTAGE),
    (AlarmKind::LowVoltage, battery::ALARM_LOW_VOLTAGE),
    (AlarmKind::HighTemperature, battery::ALARM_HIGH_TEMPERATURE),
    (AlarmKind::LowTemperature, battery::ALARM_LOW_TEMPERATURE),
    (AlarmKind::HighTemperatureCharge, battery::ALARM_HIGH_CHARGE_TEMPERATURE),
    (AlarmKind::LowTemperatureCharge, battery::ALARM_LOW_CHARGE_TEMPERATURE),
    (AlarmKind::HighCurrent, battery::ALARM_HIGH_DISCHARGE_CURRENT),
    (AlarmKind::HighChargeCurrent, battery::ALARM_HIGH_CHARGE_CURRENT),
    (AlarmKind::Contactor, battery::ALARM_CONTACTOR),
    (AlarmKind::BmsInternal, battery::ALARM_INTERNAL_FAILURE),
    (AlarmKind::CellImbalance, battery::ALARM_CELL_IMBALANCE),
];

/// Which register holds a quantity as it is. The others (alarms, warnings, states, powers of two registers) are made of
/// registers when answers are decoded.
pub static TOLD: &[(Channel, Register)] = &[
    (Channel::GxPackVoltage, battery::VOLTAGE),
    (Channel::GxPackCurrent, battery::CURRENT),
    (Channel::GxTemperature, battery::TEMPERATURE),
    (Channel::GxSoc, battery::SOC),
    (Channel::GxSoh, battery::SOH),
    (Channel::GxCvl, battery::CVL),
    (Channel::GxCcl, battery::CCL),
    (Channel::GxDcl, battery::DCL),
    (Channel::GxCapacity, battery::CAPACITY),
    (Channel::GxMinCell, battery::MIN_CELL_VOLTAGE),
    (Channel::GxMaxCell, battery::MAX_CELL_VOLTAGE),
    (Channel::GxMinCellTemperature, battery::MIN_CELL_TEMPERATURE),
    (Channel::GxMaxCellTemperature, battery::MAX_CELL_TEMPERATURE),
    (Channel::GxMinCellId, battery::MIN_VOLTAGE_CELL_ID),
    (Channel::GxMaxCellId, battery::MAX_VOLTAGE_CELL_ID),
    (Channel::GxColdestCellId, battery::MIN_TEMPERATURE_CELL_ID),
    (Channel::GxHottestCellId, battery::MAX_TEMPERATURE_CELL_ID),
    (Channel::GxModulesOffline, battery::MODULES_OFFLINE),
    (Channel::GxModulesOnline, battery::MODULES_ONLINE),
    (Channel::GxModulesBlockingCharge, battery::MODULES_BLOCKING_CHARGE),
    (Channel::GxModulesBlockingDischarge, battery::MODULES_BLOCKING_DISCHARGE),
    (Channel::BusVoltage, inverter::DC_VOLTAGE),
    (Channel::InverterCurrent, inverter::DC_CURRENT),
    (Channel::InputCurrentLimit, inverter::INPUT_CURRENT_LIMIT),
    (Channel::AcOut, inverter::AC_OUT_POWER),
    (Channel::AcIn, inverter::AC_IN_POWER),
    (Channel::SolarVoltage, solar::BATTERY_VOLTAGE),
    (Channel::SolarCurrent, solar::BATTERY_CURRENT),
    (Channel::PvVoltage, solar::PV_VOLTAGE),
    (Channel::Tracker, solar::TRACKER),
    (Channel::GridPower, system::GRID_L1_32),
    (Channel::AcLoads, system::AC_LOADS_L1_32),
];

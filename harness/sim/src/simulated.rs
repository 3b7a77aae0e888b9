//! How the simulated rig plays a battery, `simulated:` of a battery file: the one place that knows which kinds of
//! management there are.

#[cfg(unix)]
use std::sync::MutexGuard;

use engine::yaml::YamlError;
use files::{BatteryFile, Expectation, Section};
use plant::bms::{BmsParams, BmsSheet, ParamsError};
use plant::management::{Design, Installed, Management, ManagementError};
use plant::sensors::SensorParams;
#[cfg(unix)]
use proto::quantity::BitRate;
use proto::quantity::{Amps, Volts};
use schemars::JsonSchema;

use crate::derived;
#[cfg(unix)]
use crate::program::{self, Account, Program};

/// What manages the cells of a simulated battery.
#[derive(Debug, Clone)]
pub enum Simulated {
    /// a model, put together from the parts of the file
    Model(Box<BmsParams>),
    /// a program in lockstep with the world
    #[cfg(unix)]
    Program(Box<Program>),
}

/// The same as a file has it.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Simulated")]
#[expect(
    dead_code,
    reason = "a schema for editors: each kind is read as what it is, so that its errors are its own"
)]
pub(crate) enum Sheet {
    Model(Box<BmsSheet>),
    #[cfg(unix)]
    Program(program::Sheet),
}

impl Simulated {
    /// Reads that key of a battery file; nothing where it is absent.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn read(battery: &BatteryFile) -> Result<Option<Self>, YamlError> {
        let Some(section) = &battery.simulated else { return Ok(None) };
        #[cfg(unix)]
        if section.has("program") {
            return Ok(Some(Self::Program(Box::new(Program::read(section, battery)?))));
        }
        agrees(section, battery)?;
        let section = &match battery.chemistry {
            Some(chemistry) => {
                section.filled(&derived::text(battery, chemistry), "declared", &["strategy"])?
            }
            None => section.clone(),
        };
        let model = BmsParams::try_from(section.read::<BmsSheet>()?);
        let model = model.map_err(|error| section.refuse(&place(section, &error), error.to_string(), ""))?;
        Ok(Some(Self::Model(Box::new(model))))
    }

    /// The same on a bus of this bit rate.
    #[cfg(unix)]
    pub(crate) fn on(mut self, bit_rate: BitRate) -> Self {
        if let Self::Program(program) = &mut self {
            // Whole bit/s: a rig file says kbit/s.
            program.on((bit_rate.0 * 1000.0) as u32);
        }
        self
    }

    /// The same for one bench in virtual time: where it is a program, with an account of its own.
    #[cfg(unix)]
    pub(crate) fn apart(mut self) -> Self {
        if let Self::Program(program) = &mut self {
            program.apart();
        }
        self
    }

    #[cfg(unix)]
    fn program(&self) -> Option<&Program> {
        if let Self::Program(program) = self { Some(program) } else { None }
    }

    /// What is known of the program, where it is one.
    #[cfg(unix)]
    pub(crate) fn account(&self) -> Option<MutexGuard<'_, Account>> {
        self.program().map(Program::account)
    }

    /// Why it is not started again, where it is a program that was started and has never said hello.
    #[cfg(unix)]
    pub(crate) fn never_said_hello(&self) -> Option<String> {
        self.program()?.never_said_hello()
    }

    /// Starts it again, where it is a program, whether it has ever said hello or not.
    #[cfg(unix)]
    pub(crate) fn anew(&self) {
        self.program().into_iter().for_each(Program::anew);
    }

    /// Whether it is a program that counts its state of charge from what it believes itself.
    pub(crate) fn cannot_set_soc(&self) -> bool {
        #[cfg(unix)]
        return self.account().is_some_and(|account| account.cannot_set_soc);
        #[cfg(not(unix))]
        false
    }

    fn design(&self) -> &dyn Design {
        match self {
            Self::Model(params) => params.as_ref(),
            #[cfg(unix)]
            Self::Program(program) => program.as_ref(),
        }
    }
}

impl Design for Simulated {
    fn sensors(&self) -> &SensorParams {
        self.design().sensors()
    }

    fn modules(&self) -> usize {
        self.design().modules()
    }

    fn start(&self, battery: &Installed) -> Result<Box<dyn Management>, ManagementError> {
        self.design().start(battery)
    }
}

/// Holds what `simulated` says against what is declared. A battery that is expected to fail may be wrong just there.
fn agrees(section: &Section, battery: &BatteryFile) -> Result<(), YamlError> {
    if battery.expect != Expectation::Pass {
        return Ok(());
    }
    let declared = &battery.declared;
    let amps = |key| section.value(key).map(|Amps(a)| a);
    let volts = |key| section.value(key).map(|Volts(v)| v);
    let (charge, discharge) = (declared.max_charge_current.0, declared.max_discharge_current.0);
    let (over, under) = (declared.cell_over_voltage.0, declared.cell_under_voltage.0);
    // Key, the declared key that bounds it, what is said and declared, on which side.
    let bounds = [
        ("limits.charge", "max-charge-current", amps("limits.charge"), charge, "A", "most"),
        ("limits.discharge", "max-discharge-current", amps("limits.discharge"), discharge, "A", "most"),
        ("protection.over-voltage", "cell-over-voltage", volts("protection.over-voltage"), over, "V", "most"),
        (
            "protection.under-voltage",
            "cell-under-voltage",
            volts("protection.under-voltage"),
            under,
            "V",
            "least",
        ),
    ];
    let contradiction = bounds.into_iter().find_map(|(key, of, said, bound, unit, side)| {
        let said = said?;
        let beyond = if side == "most" { said - bound } else { bound - said };
        (beyond > EQUAL).then_some((key, of, said, bound, unit, side))
    });
    let Some((key, of, said, bound, unit, side)) = contradiction else { return Ok(()) };
    let line = section.line_of(&format!("declared.{of}"));
    Err(section.refuse(
        key,
        format!("`simulated.{key}` is {said} {unit}, and {line} declares {bound} {unit} (`{of}`)"),
        format!("{bound} {unit} at {side}, or another `{of}`; a battery that is wrong there is expected to fail (`expect:`)"),
    ))
}

/// Decimals of a file that are the same number.
const EQUAL: f64 = 1e-6;

/// Where the key stands that an error names: what belongs to a strategy lies deeper than the other parts, below its name
/// or beside it.
fn place(section: &Section, error: &ParamsError) -> String {
    let (key, strategy) = (error.key(), "strategy");
    let deeper = section.keys_of(strategy).into_iter().map(|name| format!("{strategy}.{name}.{key}"));
    [key.to_owned(), format!("{strategy}.{key}")]
        .into_iter()
        .chain(deeper)
        .find(|path| section.has(path))
        .unwrap_or_else(|| "faults".to_owned())
}

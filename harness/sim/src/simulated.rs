//! How the simulated rig plays a battery, `simulated:` of a battery file: the one place that knows which kinds of
//! management there are.

#[cfg(unix)]
use std::sync::MutexGuard;

use engine::yaml::YamlError;
use files::{BatteryFile, Section};
use plant::bms::{BmsParams, BmsSheet, ParamsError};
use plant::management::{Design, Installed, Management, ManagementError};
use plant::sensors::SensorParams;
#[cfg(unix)]
use proto::quantity::BitRate;
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
        let section = &match battery.chemistry {
            Some(chemistry) => {
                let text = derived::text(battery, chemistry);
                section.over("what is declared", &text, &["strategy"])?
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

    /// The same with an account of its own, where it is a program.
    #[cfg(unix)]
    pub(crate) fn apart(mut self) -> Self {
        if let Self::Program(program) = &mut self {
            program.apart();
        }
        self
    }

    /// What is known of the program, where it is one.
    #[cfg(unix)]
    pub(crate) fn account(&self) -> Option<MutexGuard<'_, Account>> {
        match self {
            Self::Model(_) => None,
            Self::Program(program) => Some(program.account()),
        }
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

    fn start(&self, battery: &Installed) -> Result<Box<dyn Management>, ManagementError> {
        self.design().start(battery)
    }
}

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

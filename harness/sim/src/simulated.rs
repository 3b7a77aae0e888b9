//! How the simulated rig plays a battery, `simulated:` of a battery file: the one place that knows which kinds of
//! management there are.

use engine::yaml::YamlError;
use files::{BatteryFile, Section};
use plant::bms::{BmsParams, BmsSheet, ParamsError};
use plant::management::{Design, Installed, Management, ManagementError};
use plant::sensors::SensorParams;

use crate::derived;

/// What manages the cells of a simulated battery.
#[derive(Debug, Clone, PartialEq)]
pub enum Simulated {
    /// a model, put together from the parts of the file
    Model(Box<BmsParams>),
}

/// The same as a file has it.
pub(crate) type Sheet = BmsSheet;

impl Simulated {
    /// Reads that key of a battery file; nothing where it is absent.
    ///
    /// # Errors
    /// With file, line, column and what was expected.
    pub fn read(battery: &BatteryFile) -> Result<Option<Self>, YamlError> {
        let Some(section) = &battery.simulated else { return Ok(None) };
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

    fn design(&self) -> &dyn Design {
        match self {
            Self::Model(params) => params.as_ref(),
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

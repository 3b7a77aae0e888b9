//! How the simulated rig plays a battery, `simulated:` of a battery file: the one place that knows which kinds of
//! management there are.

use engine::yaml::{Layers, YamlError};
use plant::bms::{BmsParams, BmsSheet, ParamsError};
use plant::management::{Design, Installed, Management, ManagementError};
use plant::sensors::SensorParams;
use serde::Deserialize;
use serde::de::DeserializeOwned;

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
    pub(crate) fn read(layers: &Layers) -> Result<Option<Self>, YamlError> {
        let Some(sheet) = part::<BmsSheet>(layers)? else { return Ok(None) };
        let model = BmsParams::try_from(sheet);
        let model = model.map_err(|error| layers.refuse(&place(layers, &error), error.to_string(), ""))?;
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

/// A battery file of which only this key counts.
#[derive(Deserialize)]
struct Part<T> {
    simulated: Option<T>,
}

fn part<T: DeserializeOwned>(layers: &Layers) -> Result<Option<T>, YamlError> {
    Ok(layers.read::<Part<T>>()?.simulated)
}

/// Where the key stands that an error names: what belongs to a strategy lies deeper than the other parts, below its name
/// or beside it.
fn place(layers: &Layers, error: &ParamsError) -> String {
    let (key, strategy) = (error.key(), "simulated.strategy");
    let deeper = layers.keys_of(strategy).map(|name| format!("{strategy}.{name}.{key}"));
    [format!("simulated.{key}"), format!("{strategy}.{key}")]
        .into_iter()
        .chain(deeper)
        .find(|path| layers.has(path))
        .unwrap_or_else(|| "simulated.faults".to_owned())
}

//! What somebody who looked says of a GX: no register tells it.

use judge::site::GxSetup;
use proto::gx::Forced;
use schemars::JsonSchema;
use serde::Deserialize;

/// How the GX is set: menu Settings, DVCC.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GxStated {
    /// distributed voltage and current control; `on` before a control test
    pub dvcc: OnOff,
    /// shared voltage sense; `off` before a control test, or `forced-on`, with `product-id`, where the GX does that for this
    /// battery whatever its menu says
    pub svs: Svs,
    /// the product id that the GX gave the battery, as D-Bus and MQTT tell it, such as 0xB038
    pub product_id: Option<u16>,
    /// who looked, and when
    pub confirmed_by: String,
}

impl GxStated {
    /// What stands in the example of a rig file, to be replaced: nobody has looked.
    pub(super) const NOBODY: &str = "name, date";

    /// What the judge must know of it; nothing where nobody has looked.
    pub(super) fn setup(&self) -> Option<GxSetup> {
        (self.confirmed_by != Self::NOBODY).then(|| GxSetup {
            dvcc: self.dvcc == OnOff::On,
            svs: self.svs != Svs::Off,
            forced_for: self.forced_for(),
            confirmed_by: self.confirmed_by.clone(),
        })
    }

    /// What is wrong with a sense that is said to be forced on.
    pub(super) fn wrong(&self) -> Option<String> {
        (self.svs == Svs::ForcedOn && self.forced_for().is_none()).then(|| match self.product_id {
            Some(id) => format!("a GX does not force shared voltage sense on for product id 0x{id:04X}"),
            None => "shared voltage sense is forced on for some products only, and none is named".to_owned(),
        })
    }

    /// The product for which the GX forces shared voltage sense on.
    fn forced_for(&self) -> Option<&'static str> {
        let (product, forced) = self.product_id.and_then(Forced::of)?;
        (self.svs == Svs::ForcedOn && forced == Forced::On).then_some(product)
    }
}

/// A switch in the menu of the GX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnOff {
    /// switched on
    On,
    /// switched off
    Off,
}

/// Shared voltage sense in the menu of the GX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Svs {
    /// switched on
    On,
    /// switched off
    Off,
    /// on because the GX forces it for this product
    ForcedOn,
}

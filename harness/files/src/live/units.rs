//! Which unit id of the Modbus gateway is which product.

use proto::gx::Product;
use schemars::JsonSchema;
use serde::Deserialize;

/// Unit ids, as the GX lists them under Settings, Integrations, Modbus TCP server, Available services. What has none is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct UnitIds {
    /// the CAN-bus BMS; 225 where nothing else is said
    pub battery: Option<u8>,
    /// system, settings and ESS; 100 where nothing else is said
    pub system: Option<u8>,
    /// inverter/charger on VE.Bus: 227 on a Cerbo GX, 228 on a MultiPlus-II GX, 246 on a CCGX, 242 on a Venus GX
    pub inverter: Option<u8>,
    /// solar charger: 223, 224, 226 or 229 to 239, by port
    pub solar: Option<u8>,
    /// grid meter
    pub grid: Option<u8>,
}

impl Default for UnitIds {
    fn default() -> Self {
        Self { battery: Some(225), system: Some(100), inverter: None, solar: None, grid: None }
    }
}

impl UnitIds {
    /// The unit id of a product, if it has one.
    #[must_use]
    pub const fn of(&self, product: Product) -> Option<u8> {
        match product {
            Product::Battery => self.battery,
            Product::System | Product::Ess => self.system,
            Product::Inverter => self.inverter,
            Product::Solar => self.solar,
            Product::Grid => self.grid,
        }
    }
}

//! The simulated world: cells, pack and the battery's management system, solar charger, inverter/charger, GX control,
//! mains and loads. It has no clock and does nothing by itself; [`world::World::advance`] carries it through time.

pub mod bms;
pub mod bus;
pub mod dvcc;
pub mod gx;
pub mod instrument;
pub mod ledger;
pub mod management;
pub mod meter;
pub mod params;
pub mod sensors;
pub mod sweep;
pub mod world;

mod ac_pv;
mod battery;
mod contactor;
mod display;
mod faults;
mod inverter;
mod modules;
mod ocv;
mod pack;
mod readings;
pub mod rng;
mod site;
mod solar;
mod supply;
mod wire;

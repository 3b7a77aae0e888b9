//! The wire of a Victron GX system with a CAN-bus battery: frames and messages (*CAN-bus BMS Protocol*,
//! cited as `P`), logs of them, samples of the instruments, and the quantities they carry.

pub mod bus;
pub mod candump;
pub mod channel;
pub mod chemistry;
pub mod chunk;
pub mod dbc;
pub mod digits;
pub mod fault;
pub mod frame;
pub mod gx;
pub mod log;
pub mod message;
pub mod nmea2000;
pub mod quantity;
pub mod rounding;
pub mod samples;
pub mod scpi;
pub mod slcan;
pub mod spoken;
pub mod stimulus;
pub mod text;
pub mod vedirect;

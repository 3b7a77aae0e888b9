//! The simulated GX over Modbus-TCP: requests of a real client, answered from the world as it is now.

use proto::gx::Exception;

use super::{StimulusError, World};
use crate::gx::image::Image;
use crate::gx::{Plant, writes};

impl World {
    /// Answers a request for cells (functions 3 and 4), or not at all while the GX reboots.
    pub fn modbus_read(
        &mut self,
        unit: u8,
        function: u8,
        address: u16,
        count: u16,
    ) -> Option<Result<Vec<u16>, Exception>> {
        Some(self.image()?.read(unit, function, address, count))
    }

    /// Answers a request to write cells (functions 6 and 16), or not at all while the GX reboots. What is acknowledged
    /// is applied after `modbus.write-delay`; a value that the GX refuses is acknowledged too and changes nothing.
    pub fn modbus_write(
        &mut self,
        unit: u8,
        function: u8,
        address: u16,
        values: &[u16],
    ) -> Option<Result<(), Exception>> {
        let answer = self.image()?.write(unit, function, address, values);
        if answer.is_ok() {
            for (&value, register) in values.iter().zip(address..) {
                self.writes.take(self.now, register, value);
            }
        }
        Some(answer)
    }

    /// The gateway as it is now; nothing while the GX reboots.
    pub fn image(&mut self) -> Option<&mut Image> {
        if self.gx.is_down(self.now) {
            return None;
        }
        let said = self.gx();
        let plant = Plant {
            mains: self.site.inverter.mains_voltage(),
            output: self.site.inverter.output_voltage(),
            pv_current: self.site.solar.supply.input_current().0,
        };
        self.gx.show(self.now, &said, &plant, &mut self.image);
        Some(&mut self.image)
    }

    /// A register as a suite writes it.
    pub(super) fn write(&mut self, register: u16, value: u16) -> Result<(), StimulusError> {
        if !writes::is_known(register) {
            return Err(StimulusError::UnknownRegister { register });
        }
        if self.gx.is_down(self.now) {
            return Err(StimulusError::Rebooting);
        }
        self.writes.take(self.now, register, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests;

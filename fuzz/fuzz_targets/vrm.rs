//! Any text as an export of VRM: as it is, and as rows below a head.

#![no_main]

use evidence::vrm::{Cell, Export};
use libfuzzer_sys::fuzz_target;

const HEAD: &[u8] = b"timestamp,Battery Monitor [512],Solar Charger [279]\nEurope/Berlin (+01:00),Voltage,Charge state\n,V,\n";

fn read(text: &[u8]) {
    let Ok(mut export) = Export::new(text) else { return };
    let columns = export.columns().len();
    // A row that cannot be read is followed by the next: there are no more of them than bytes.
    for _ in 0..=text.len() {
        match export.row() {
            Ok(None) => return,
            Ok(Some(row)) => {
                assert_eq!(row.cells.len(), columns);
                for cell in &row.cells {
                    match cell {
                        Cell::Number(number) => assert!(number.is_finite()),
                        Cell::Text(text) => assert!(!text.chars().any(|c| c.is_control())),
                        Cell::Missing => {}
                    }
                }
            }
            Err(error) => assert!(!error.to_string().chars().any(|c| c.is_control() && c != '\n')),
        }
    }
    panic!("it does not end");
}

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    read(&[HEAD, bytes].concat());
});

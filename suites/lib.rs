//! The suites are data; `run.rs` runs them as tests.

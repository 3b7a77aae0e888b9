//! Writes the report of a run with made-up traces, to look at: `cargo run -p report --example sample_report -- FILE [COPIES]`.

#[path = "../tests/sample/mod.rs"]
mod sample;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| "sample-report.html".to_owned());
    let copies = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    std::fs::write(file, report::html::report(&sample::run(copies)))
}

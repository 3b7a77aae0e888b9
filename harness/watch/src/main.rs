//! `busbar-watch`: what `busbar watch` starts.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use ::watch::follow::Follow;
use ::watch::now::Now;
use ::watch::page::{Page, Shown, serve};
use ::watch::terminal;
use ::watch::view::View;
use clap::{Parser, ValueEnum};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Watch runs as they go on, or as they went: on this terminal, and on a page where one is asked for. A run does not know
/// that it is watched
#[derive(Debug, Parser)]
#[command(name = "busbar watch", version, long_about = None)]
struct Cli {
    /// Runs, or folders of runs, of which the latest is watched, also when a newer one begins
    #[arg(default_value = "reports")]
    runs: Vec<PathBuf>,
    /// Serve a page at this address, such as `127.0.0.1:8080`. An address that other machines reach needs a token
    #[arg(long, value_name = "ADDRESS")]
    page: Option<SocketAddr>,
    /// File whose first line is the token of the page: 16 or more letters, digits, `-` and `_`
    #[arg(long, value_name = "FILE", requires = "page")]
    token_file: Option<PathBuf>,
    /// Serve `/metrics` beside the page, as OpenMetrics text
    #[arg(long, requires = "page")]
    metrics: bool,
    /// Print how the runs stand now, and end
    #[arg(long, conflicts_with = "page")]
    once: bool,
    /// How `--once` prints it
    #[arg(long, value_enum, default_value = "text", requires = "once")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// How often files are read.
const OFTEN: Duration = Duration::from_millis(500);
/// A token that can be tried in a lifetime is none.
const SHORTEST: usize = 16;

const USAGE: u8 = 64;
const OPEN: u8 = 2;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(exit);
        }
    };
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err((exit, message)) => {
            let _ = writeln!(std::io::stderr(), "busbar: {}", proto::text::lines(&message));
            ExitCode::from(exit)
        }
    }
}

type Failure = (u8, String);

fn run(cli: &Cli) -> Result<(), Failure> {
    // The usual folder may come later; one that somebody names is there.
    if let Some(missing) = cli.runs.iter().find(|run| run.as_os_str() != "reports" && !run.is_dir()) {
        return Err((USAGE, format!("{} is no folder; name a run, or a folder of runs", missing.display())));
    }
    let mut follows: Vec<Follow> = cli.runs.iter().map(|run| Follow::new(run)).collect();
    if cli.once {
        return once(&mut follows, cli.format);
    }
    let page = cli.page.map(|address| Ok::<_, Failure>((address, page(cli, address)?))).transpose()?;
    if page.is_none() && !std::io::stdout().is_terminal() {
        return Err((USAGE, "standard output is no terminal; use --once, or --page ADDRESS".to_owned()));
    }
    let began = Instant::now();
    let (tell, shown) = watch::channel(Arc::new(Shown::new(look(&mut follows, began))));
    let looks = std::thread::Builder::new().name("look".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(OFTEN);
            // Whoever looked is gone where nobody takes it.
            if tell.send(Arc::new(Shown::new(look(&mut follows, began)))).is_err() {
                break;
            }
        }
    });
    looks.map_err(|error| (OPEN, format!("no thread can be started: {error}")))?;
    let served = page.map(|(address, page)| serves(address, page, shown.clone())).transpose()?;
    match served {
        Some(served) if !std::io::stdout().is_terminal() => {
            served.join().unwrap_or_else(|_| Err((OPEN, "the page ended".to_owned())))
        }
        _ => on(&shown),
    }
}

type Thread = std::thread::JoinHandle<Result<(), Failure>>;

/// Serves the page on a thread of its own.
fn serves(address: SocketAddr, page: Page, shown: watch::Receiver<Arc<Shown>>) -> Result<Thread, Failure> {
    let cannot =
        move |error: std::io::Error| (OPEN, format!("the page cannot be served at {address}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
    let listener = runtime.block_on(TcpListener::bind(address)).map_err(cannot)?;
    let own = listener.local_addr().map_err(cannot)?;
    let _ = writeln!(std::io::stderr(), "busbar: the page is at http://{own}/");
    let thread = std::thread::Builder::new().name("page".to_owned());
    thread.spawn(move || runtime.block_on(serve(listener, page, shown)).map_err(cannot)).map_err(cannot)
}

fn on(shown: &watch::Receiver<Arc<Shown>>) -> Result<(), Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    // A terminal is left as it was found.
    #[cfg(unix)]
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        let asked = signal_hook::flag::register(signal, stop.clone());
        asked.map_err(|error| (OPEN, format!("signals cannot be waited for: {error}")))?;
    }
    terminal::show(shown, &stop)
        .map_err(|error| (OPEN, format!("the terminal cannot be used: {error}; use --once")))
}

fn look(follows: &mut [Follow], began: Instant) -> Vec<View> {
    let now = || Now { wall: SystemTime::now(), passed: began.elapsed() };
    follows.iter_mut().map(|follow| follow.look(now())).collect()
}

fn once(follows: &mut [Follow], format: Format) -> Result<(), Failure> {
    let shown = Shown::new(look(follows, Instant::now()));
    let text = match format {
        Format::Json => format!("{}\n", shown.json()),
        Format::Text => shown.views.iter().map(terminal::lines).collect::<Vec<_>>().join("\n"),
    };
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err((OPEN, format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// What the page is served with.
fn page(cli: &Cli, address: SocketAddr) -> Result<Page, Failure> {
    let token = match &cli.token_file {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .map_err(|error| (USAGE, format!("cannot read {}: {error}", file.display())))?;
            let token = text.lines().next().unwrap_or_default().trim().to_owned();
            let is_token = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if token.len() < SHORTEST || !token.bytes().all(is_token) {
                let wanted = "its first line must be 16 or more letters, digits, `-` and `_`";
                let how = "`head -c 24 /dev/urandom | base64 | tr +/ -_` makes one";
                return Err((USAGE, format!("{} holds no token: {wanted}; {how}", file.display())));
            }
            Some(token)
        }
        None if address.ip().is_loopback() => None,
        None => {
            let what =
                format!("other machines reach {address}, so the page needs a token: --token-file FILE");
            return Err((USAGE, what));
        }
    };
    Ok(Page { token, metrics: cli.metrics })
}

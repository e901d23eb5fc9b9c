//! `lab serve`: the service alone, until Ctrl-C or SIGTERM.

use super::{Service, Settings};
use crate::Failure;
use crate::site::Site;
use crate::subject::{Maker, Spec};
use clap::Args;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What it can be told.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Where to listen; port 0 is one that is free.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// The pool behind it; see `lab list`. By default the first.
    #[arg(long, value_name = "NAME")]
    pub pool: Option<String>,
    /// The most connections.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub max_size: usize,
    /// How many of them are kept ready.
    #[arg(long, default_value_t = 2, value_name = "N")]
    pub kept: usize,
    /// The longest that a request waits for a connection.
    #[arg(long, default_value_t = 2_000, value_name = "MS")]
    pub wait_ms: u64,
    /// Who holds a connection for longer is named on the page.
    #[arg(long, default_value_t = 10_000, value_name = "MS")]
    pub leak_ms: u64,
    /// Let requests wait for as long as they may, instead of turning away at once who would wait in vain.
    #[arg(long)]
    pub no_shedding: bool,
    /// When it is told to end: how long it serves on and says that it is not ready.
    #[arg(long, default_value_t = 1_000, value_name = "MS")]
    pub notice_ms: u64,
    /// And then, how long requests that are under way may take.
    #[arg(long, default_value_t = 30_000, value_name = "MS")]
    pub drain_ms: u64,
}

/// Runs the service on the PostgreSQL that is found or started, until it is told to end.
///
/// # Errors
///
/// There is no database, or no such pool; it cannot listen there; or not all was done in time at the end.
pub async fn serve(args: ServeArgs, makers: &[Arc<dyn Maker>]) -> Result<bool, Failure> {
    // Before anything that takes its time: whoever ends it meanwhile means it.
    let mut told = Told::new()?;
    tracing_to_stderr();
    let maker = chosen(args.pool.as_deref(), makers)?;
    let site = Site::find(false).await?;
    let pool = maker.make(&args.spec(&site)).await?;
    let settings = Settings {
        kind: maker.name().to_owned(),
        listen: args.listen,
        wait: Duration::from_millis(args.wait_ms),
    };
    let service = Service::start(pool, settings).await?;
    let backend = site.backend();
    say(&format!(
        "{} {}, {}; {} with {} connections.",
        backend.kind,
        backend.version,
        backend.origin,
        maker.name(),
        args.max_size
    ));
    say(&format!("Listening on {}", service.url()));
    say("  /query?ms=50   /debug/pool   /metrics   /ready   /live; Ctrl-C ends it.");
    told.ending().await;
    eprintln!(
        "Ending: not ready any more, and whoever is here is served. Once more ends it at once."
    );
    let notice = Duration::from_millis(args.notice_ms);
    let within = Duration::from_millis(args.drain_ms);
    tokio::select! {
        ended = service.shut_down(notice, within) => ended?,
        () = told.ending() => return Err("told twice to end: whoever was here was cut off".into()),
    }
    eprintln!("Ended; every connection is back.");
    Ok(true)
}

/// A reader that has gone is no reason to panic.
fn say(line: &str) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}

impl ServeArgs {
    fn spec(&self, site: &Site) -> Spec {
        Spec {
            target: site.target(),
            name: "lab-serve".to_owned(),
            max_size: self.max_size,
            kept: self.kept.min(self.max_size),
            wait: Duration::from_millis(self.wait_ms),
            leak_threshold: Some(Duration::from_millis(self.leak_ms)),
            careful: false,
            shed: !self.no_shedding,
        }
    }
}

fn chosen<'a>(
    name: Option<&str>,
    makers: &'a [Arc<dyn Maker>],
) -> Result<&'a Arc<dyn Maker>, Failure> {
    let Some(name) = name else {
        return makers.first().ok_or_else(|| "there is no pool here".into());
    };
    let found = makers.iter().find(|maker| maker.name() == name);
    found.ok_or_else(|| format!("there is no pool {name:?} here; `lab list` lists them").into())
}

/// What goes wrong while it serves.
fn tracing_to_stderr() {
    let warnings = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN);
    // There may be one already: then that one is told.
    let _ = warnings.with_writer(std::io::stderr).try_init();
}

/// Ctrl-C and SIGTERM. Listens from the moment when it is made.
#[cfg(unix)]
struct Told {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Told {
    fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// It was told so, since it was asked last.
    async fn ending(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Told;

#[cfg(not(unix))]
impl Told {
    fn new() -> Result<Self, Failure> {
        Ok(Self)
    }

    async fn ending(&mut self) {
        // An error is as good as being told: nobody could tell us any more.
        let _ = tokio::signal::ctrl_c().await;
    }
}

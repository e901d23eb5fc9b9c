//! An HTTP service over a pool, as small as one can be that goes under in good order.
//!
//! ```text
//! GET /query?ms=50&within_ms=500   takes a connection, works with it for so long, gives it back   query.rs
//!       200 served │ 503 with Retry-After: no connection in time │ 502 the database failed        answer.rs, pace.rs
//! GET /live         the process runs
//! GET /ready        it takes requests: not while it shuts down, not while the pool can serve nobody
//! GET /metrics      for Prometheus                                                              metrics.rs
//! GET /debug/pool   what the pool looks like, as JSON, or to a browser as a page that draws it   debug.rs
//!
//! shut down: /ready says no → (a while for those who look there) → no new connections, and the pool is drained:
//!            who is being served, or stands in line, still is
//! ```
//!
//! It works with every [`Subject`], and turns away as that pool can: at once by one that sheds, by a time-out else.
//! That no request is ever without an end is the pool's business, on purpose: no other bound stands behind the pool's.

mod answer;
mod command;
mod debug;
mod metrics;
mod pace;
mod query;
mod ready;
mod tally;

pub use answer::Body;
pub use command::{ServeArgs, serve};
pub use query::Served;

use crate::Failure;
use crate::subject::Subject;
use axum::Router;
use axum::routing::get;
use millpond::observe::{Observe, Pools};
use pace::Pace;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tally::Tally;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How a service goes about it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What kind of pool it is, for the page.
    pub kind: String,
    /// Where it listens: a port of 0 is one that is free.
    pub listen: SocketAddr,
    /// The longest that a request waits for a connection. Its own `within_ms` may be shorter.
    pub wait: Duration,
}

/// A service that listens.
///
/// Dropped, it takes no more connections, and leaves its pool as it is.
#[derive(Debug)]
pub struct Service {
    desk: Arc<Desk>,
    address: SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<io::Result<()>>,
}

/// What its requests share.
#[derive(Debug)]
struct Desk {
    pool: Arc<dyn Subject>,
    settings: Settings,
    pace: Pace,
    tally: Tally,
    metrics: metrics::Metrics,
    listed: Pools,
    name: Option<String>,
    stopping: AtomicBool,
    begun: Instant,
}

impl Service {
    /// Listens, with this pool behind it.
    ///
    /// # Errors
    ///
    /// It cannot listen there: where, and why.
    pub async fn start(pool: Arc<dyn Subject>, settings: Settings) -> Result<Self, Failure> {
        let listen = settings.listen;
        let why = |error| format!("cannot listen on {listen}: {error}");
        let listener = TcpListener::bind(listen).await.map_err(why)?;
        let address = listener.local_addr().map_err(why)?;
        let desk = Arc::new(Desk::new(pool, settings)?);
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let server = axum::serve(listener, routes(Arc::clone(&desk)));
        let server = server.with_graceful_shutdown(stopped).into_future();
        Ok(Self {
            desk,
            address,
            stop,
            server: tokio::spawn(server),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same, as its clients write it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it and its pool in good order. It says at once that it is not ready, and serves on for `notice`, so that who
    /// looks there sends nothing more; then it takes no new connections, and serves whom it has, within `within`.
    ///
    /// # Errors
    ///
    /// Not all of them were done in time, or not everything came back to the pool: who still holds what.
    pub async fn shut_down(mut self, notice: Duration, within: Duration) -> Result<(), Failure> {
        self.desk.stop();
        sleep(notice).await;
        self.stop.cancel();
        let served = timeout(within, &mut self.server);
        let drained = self.desk.pool.drain(within);
        let (served, drained) = tokio::join!(served, drained);
        drained?;
        match served {
            Ok(ended) => Ok(ended??),
            Err(_) => Err(format!("requests are still under way after {within:?}").into()),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.cancel();
        self.server.abort();
    }
}

impl Desk {
    fn new(pool: Arc<dyn Subject>, settings: Settings) -> Result<Self, Failure> {
        let listed = Pools::new();
        let name = pool.list(&listed);
        let metrics = metrics::Metrics::new(&listed, name.is_some())?;
        Ok(Self {
            pool,
            settings,
            pace: Pace::default(),
            tally: Tally::default(),
            metrics,
            listed,
            name,
            stopping: AtomicBool::new(false),
            begun: Instant::now(),
        })
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// The pool as millpond's exporters see it, if they can.
    fn observed(&self) -> Option<Arc<dyn Observe>> {
        self.name.as_ref()?;
        self.listed.all().pop().map(|(_, pool)| pool)
    }

    /// How long until it is the turn of somebody who would come now: at the latest when all have given up who are there.
    fn turn(&self) -> Option<Duration> {
        let look = self.pool.look();
        if look.idle.is_some_and(|idle| idle > 0) {
            return Some(Duration::ZERO);
        }
        let waiting = look.waiting.unwrap_or(0);
        let turn = self.pace.after(waiting.max(self.tally.waiting()) + 1)?;
        Some(turn.min(self.settings.wait))
    }
}

fn routes(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/query", get(query::query))
        .route("/live", get(ready::live))
        .route("/ready", get(ready::ready))
        .route("/metrics", get(metrics::page))
        .route("/debug/pool", get(debug::pool))
        .method_not_allowed_fallback(answer::only_asked)
        .fallback(answer::nothing_here)
        .with_state(desk)
}

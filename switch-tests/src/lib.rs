//! The switch guide, tried: the service in `examples/switch`, which knows deadpool-postgres alone, is built as it
//! is and once for each way that `docs/from-deadpool.md` shows, in the words of that page. Each is started, on a
//! real PostgreSQL, and asked over HTTP.

mod guide;
mod http;
mod lock;
mod row;
mod service;
mod way;

pub use self::http::{Answer, Asked};
pub use self::lock::Lock;
pub use self::row::HeldRow;
pub use self::service::Service;
pub use self::way::Way;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Waits until it is so.
///
/// # Panics
///
/// If it is not within 20 s.
#[track_caller]
pub fn wait_until(what: &str, mut it_is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !it_is_so() {
        assert!(
            begun.elapsed() < PATIENCE,
            "waited {PATIENCE:?} for: {what}"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// The folder of the root `Cargo.toml`.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("a package of a workspace").to_owned()
}

/// The text of a file, by its path from the root.
fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const PATIENCE: Duration = Duration::from_secs(20);

/// What to turn on next, on a service that was switched by the one line.
#[cfg(doctest)]
#[doc = include_str!("../../docs/from-deadpool.md")]
struct FromDeadpool;

/// Both sides of the page, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/from-bb8.md")]
struct FromBb8;

/// Both sides of the page, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/from-mobc.md")]
struct FromMobc;

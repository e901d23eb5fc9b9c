//! The exhaustion lab: drives a connection pool, on a real database, into every known kind of exhaustion, measures
//! what its callers feel, and says pass or fail with figures.
//!
//! ```text
//! cli ─► runner ─► case (cases/) ─► Ground: makes the pools of a case, marks what happens
//!          │                          ├─ Maker, Subject, Lease (subject.rs): a pool, whoever wrote it
//!          │                          ├─ Site (site.rs): the database, and what may be done to it
//!          │                          └─ Recorder (record.rs): samples, marks, what each request came to
//!          └─► Report (data.rs) ─► report.json, report.html, the table
//!
//! service/   an HTTP service over a pool (`lab serve`)      load/   requests by a schedule, and how they fared
//! press.rs   the case of back-pressure for a service of your own (`lab press`)
//! ```
//!
//! A library, so that a program with other pools (`lab/peers`), the tests' broken pools, and a user's own can be driven
//! by the same cases.

pub mod baseline;
pub mod cases;
pub mod chaos;
pub mod cli;
mod compare;
pub mod data;
mod date;
mod elsewhere;
pub mod ground;
pub mod harm;
pub mod load;
mod log;
mod machine;
pub mod pools;
pub mod press;
mod progress;
pub mod punctual;
pub mod record;
pub mod report;
pub mod runner;
mod scratch;
pub mod service;
pub mod simulated;
pub mod site;
pub mod subject;
pub mod tui;

pub use cli::main;
pub use elsewhere::PEERS;

/// What ends a command before its verdict: one line that names the thing and the way out.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

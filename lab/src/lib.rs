//! The exhaustion lab: drives a connection pool, on a real database, into every known kind of exhaustion, measures
//! what its callers feel, and says pass or fail with figures.
//!
//! ```text
//! cli ─► runner ─► case (cases/) ─► Ground: makes the pools of a case, marks what happens
//!          │                          ├─ Maker, Subject, Lease (subject.rs): a pool, whoever wrote it
//!          │                          ├─ Site (site.rs): the database, and what may be done to it
//!          │                          └─ Recorder (record.rs): samples, marks, what each request came to
//!          └─► Report (data.rs) ─► report.json, report.html, the table
//! ```
//!
//! A library, so that a program with other pools (`lab/peers`), the tests' broken pools, and a user's own can be driven
//! by the same cases.

pub mod cases;
pub mod cli;
pub mod data;
pub mod ground;
pub mod pools;
pub mod record;
pub mod report;
pub mod runner;
pub mod site;
pub mod subject;

pub use cli::main;

/// What ends a command before its verdict: one line that names the thing and the way out.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

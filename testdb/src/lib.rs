//! A real PostgreSQL server for everybody: tests, examples, benchmarks.
//!
//! [`Server::shared`] uses the server of `TEST_DATABASE_URL` or `DATABASE_URL`, and where neither is set it starts a
//! private one from the machine's own programs (and fetches those where there are none). [`Server::database`] gives each
//! test a database of its own. A missing PostgreSQL is an error with the ways out, never a silent skip.
//!
//! ```
//! let server = millpond_testdb::Server::shared().unwrap_or_else(|e| panic!("{e}"));
//! let db = server.database()?;
//! assert_eq!(db.query("SELECT 6 * 7")?.as_deref(), Some("42"));
//! let config: tokio_postgres::Config = db.config();
//! # assert_eq!(config.get_dbname(), Some(db.name()));
//! # Ok::<(), millpond_testdb::Error>(())
//! ```
//!
//! A private server is where faults are tried: settings, passwords, restarts, frozen processes.
//!
//! ```
//! use millpond_testdb::{Server, Stop};
//!
//! let server = Server::builder().setting("max_connections", "20").start()?;
//! server.restart(Stop::Immediate)?;
//! assert_eq!(server.query("SHOW max_connections")?.as_deref(), Some("20"));
//! # Ok::<(), millpond_testdb::Error>(())
//! ```
//!
//! All calls block and none needs a runtime; they may be made from inside one. Nothing that was started stays behind: a
//! watchdog, a small shell, stops a private server and removes its files however this process ends. On an external server
//! a [`Database`] is dropped with its value, also by a panic; what a kill leaves there, the next run on the same machine
//! drops, and a run on another machine does so after a day.
//!
//! | Variable | What it does |
//! |---|---|
//! | `TEST_DATABASE_URL`, `DATABASE_URL` | the external server to use; its user must be allowed to create databases |
//! | `PG_BIN` | the directory with the `postgres` and `initdb` of private servers |
//! | `MILLPOND_FETCH_POSTGRES=never` | forbids fetching them, and PgBouncer |
//! | `PGBOUNCER` | the program of a [`PgBouncer`] |
//! | `TMPDIR` | where private servers lie; unset, in memory (`/dev/shm`) if 2 GiB are free there, else in `/tmp` |
//!
//! A private server listens on 127.0.0.1 and on a Unix socket, and lets every user of the machine in without a password
//! (unless [`Builder::password_auth`] demands one): run it only where you trust them. Started by root, it runs as the
//! account `postgres`, else as `nobody`.

mod account;
mod bouncer;
mod builder;
mod client;
mod cluster;
mod database;
mod error;
mod external;
mod fetch;
mod home;
mod leftover;
mod log;
mod package;
mod places;
mod port;
mod postmaster;
mod process;
mod programs;
mod server;
mod settings;
mod standby;
mod template;
mod tool;
mod watchdog;

pub use bouncer::{PgBouncer, PgBouncerBuilder};
pub use builder::Builder;
pub use database::Database;
pub use error::{Error, Result};
pub use postmaster::Stop;
pub use programs::{Programs, Source};
pub use server::Server;
pub use tool::Tool;

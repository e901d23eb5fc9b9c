//! The server of a run, with pgbench's tables.

use crate::job::Job;
use millpond_testdb::{Database, Server};

/// A private server and a database on it.
#[derive(Debug)]
pub(crate) struct Site {
    database: Database,
    // After the database, which is dropped on it.
    server: Server,
}

/// pgbench's, at scale 1.
const TABLES: [&str; 4] = [
    "CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int NOT NULL, filler char(84)) \
     WITH (fillfactor = 100)",
    "INSERT INTO pgbench_accounts SELECT aid, 1, 0, '' FROM generate_series(1, 100000) AS aid",
    "CREATE TABLE pgbench_history \
     (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))",
    "VACUUM ANALYZE pgbench_accounts",
];

/// As many accounts.
pub(super) const ACCOUNTS: u64 = 100_000;

impl Site {
    /// None if no job needs one.
    pub(crate) fn for_jobs(jobs: &[Job]) -> Result<Option<Self>, String> {
        if !jobs.iter().any(|job| job.needs_server()) {
            return Ok(None);
        }
        let failed = |error: millpond_testdb::Error| error.to_string();
        let server = Server::private().map_err(failed)?;
        let database = server.database().map_err(failed)?;
        for sql in TABLES {
            database.query(sql).map_err(failed)?;
        }
        eprintln!("PostgreSQL {}", server.version());
        Ok(Some(Self { database, server }))
    }

    pub(crate) fn url(&self) -> String {
        self.database.url()
    }

    pub(crate) fn version(&self) -> &str {
        self.server.version()
    }
}

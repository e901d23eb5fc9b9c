//! The lab's program for SQLite; `cargo lab run --backend sqlite` builds it.

use millpond_lab_sqlite::DeadpoolSqlite;
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    millpond_lab::main(vec![Arc::new(DeadpoolSqlite)])
}

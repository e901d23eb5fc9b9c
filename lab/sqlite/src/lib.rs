//! A pool of SQLite's connections, for the cases of the lab: the published deadpool-sqlite, which knows nothing of
//! millpond, built on it by a patch.

use async_trait::async_trait;
use deadpool_sqlite::{Config, Manager, Object, Runtime, rusqlite};
use millpond_lab::Failure;
use millpond_lab::pools::{Own, Works};
use millpond_lab::site::Kind;
use millpond_lab::subject::{Maker, Spec, Subject, Target, Work};
use std::sync::Arc;

/// Makes them.
#[derive(Debug)]
pub struct DeadpoolSqlite;

#[async_trait]
impl Maker for DeadpoolSqlite {
    fn name(&self) -> &'static str {
        "deadpool-sqlite"
    }

    fn version(&self) -> String {
        let lock = include_str!("../Cargo.lock");
        let rest = lock.split_once("name = \"deadpool-sqlite\"\nversion = \"");
        let version = rest.and_then(|(_, rest)| rest.split_once('"'));
        format!(
            "{} on millpond {}",
            version.map_or("of an unknown version", |(version, _)| version),
            env!("CARGO_PKG_VERSION")
        )
    }

    fn on(&self) -> Kind {
        Kind::Sqlite
    }

    fn library(&self) -> Option<String> {
        Some(rusqlite::version().to_owned())
    }

    fn built(&self) -> &'static str {
        "deadpool-sqlite's `Config::builder`; that the pool is millpond's shows in `min_idle`, snapshot, health and leaks."
    }

    async fn make(&self, spec: &Spec) -> Result<Arc<dyn Subject>, Failure> {
        let Target::Sqlite(file) = &spec.target else {
            return Err("deadpool-sqlite is for SQLite: say `--backend sqlite`".into());
        };
        let pool = Config::new(file)
            .builder(Runtime::Tokio1)?
            .name(&spec.name)
            .max_size(spec.max_size)
            .min_idle(spec.kept)
            .leak_threshold(spec.leak_threshold)
            .wait_timeout(Some(spec.wait))
            .build_ready()
            .await?;
        Ok(Arc::new(Own::<_, Connections>::new(pool, spec)))
    }
}

/// Work with connections to SQLite, which cannot sleep: whoever holds the connection does.
struct Connections;

#[async_trait]
impl Works<Manager> for Connections {
    async fn work(connection: &mut Object, work: Work) -> Result<(), Failure> {
        let statement = match work {
            Work::Ask | Work::Sleep(_) => "SELECT 1",
            // Its division by zero is NULL.
            Work::Fail => "SELECT * FROM no_such_table",
        };
        let asked = connection.interact(move |connection| connection.execute_batch(statement));
        let answer = asked.await.map_err(|error| error.to_string())?;
        if let Work::Sleep(time) = work {
            tokio::time::sleep(time).await;
        }
        work.judge(answer)
    }
}

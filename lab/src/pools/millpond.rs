//! millpond's pool of PostgreSQL connections, built as its documentation says.

use crate::Failure;
use crate::data;
use crate::subject::{Lease, Look, Maker, Refusal, Spec, Subject, Target, Work};
use async_trait::async_trait;
use millpond::Runtime;
use millpond::managed::{Acquire, Reason, TimeoutType};
use millpond::observe::Level;
use millpond::postgres::tokio_postgres::NoTls;
use millpond::postgres::{Client, Manager, Pool};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// Makes them.
#[derive(Debug)]
pub struct Millpond;

struct Made {
    pool: Pool,
    leak_threshold: Option<Duration>,
}

#[async_trait]
impl Maker for Millpond {
    fn name(&self) -> &'static str {
        "millpond"
    }

    fn version(&self) -> String {
        // All crates of this repository have one version.
        env!("CARGO_PKG_VERSION").to_owned()
    }

    async fn make(&self, spec: &Spec) -> Result<Arc<dyn Subject>, Failure> {
        let Target::Postgres(config) = &spec.target else {
            return Err("this pool is for PostgreSQL".into());
        };
        let mut config = (**config).clone();
        config.application_name(&spec.name);
        let pool = Pool::builder(Manager::new(config, NoTls))
            .name(&spec.name)
            .max_size(spec.max_size)
            .min_idle(spec.kept)
            .leak_threshold(spec.leak_threshold)
            .wait_timeout(Some(spec.wait))
            .runtime(Runtime::Tokio1)
            .build_ready()
            .await?;
        Ok(Arc::new(Made {
            pool,
            leak_threshold: spec.leak_threshold,
        }))
    }
}

#[async_trait]
impl Subject for Made {
    async fn get(
        &self,
        within: Duration,
        caller: &'static Location<'static>,
    ) -> Result<Box<dyn Lease>, Refusal> {
        let how = Acquire::new().deadline(within).on_behalf_of(caller);
        match self.pool.acquire(&how).await {
            Ok(client) => Ok(Box::new(Taken(client))),
            Err(error) => Err(refusal(error)),
        }
    }

    fn look(&self) -> Look {
        let now = self.pool.snapshot();
        Look {
            max: Some(now.max_size),
            size: Some(now.size),
            connecting: Some(now.connecting),
            in_use: Some(now.in_use),
            idle: Some(now.idle),
            waiting: Some(now.waiting),
            health: Some(match self.pool.health().level {
                Level::Healthy => data::Level::Healthy,
                Level::Warning => data::Level::Warning,
                Level::Critical => data::Level::Critical,
            }),
        }
    }

    fn leaks(&self) -> Option<Vec<String>> {
        let threshold = self.leak_threshold?;
        let late = self.pool.checkouts().into_iter();
        let late = late.filter(|checkout| checkout.held >= threshold);
        Some(late.map(|checkout| checkout.to_string()).collect())
    }

    async fn close(&self) {
        self.pool.close();
        self.pool.closed().await;
    }
}

fn refusal(error: millpond::managed::AcquireError<millpond::postgres::Error>) -> Refusal {
    match error.reason() {
        Reason::Timeout(TimeoutType::Wait) => Refusal::TimedOut,
        Reason::Closed => Refusal::Closed,
        _ => Refusal::Failed(error.into()),
    }
}

struct Taken(Client);

#[async_trait]
impl Lease for Taken {
    async fn work(&mut self, work: Work) -> Result<(), Failure> {
        match work {
            Work::Ask => self.0.simple_query("SELECT 1").await.map(drop)?,
            Work::Sleep(time) => {
                let question = format!("SELECT pg_sleep({})", time.as_secs_f64());
                self.0.simple_query(&question).await.map(drop)?;
            }
            Work::Fail => {
                if self.0.simple_query("SELECT 1/0").await.is_ok() {
                    return Err("the server divided by zero".into());
                }
            }
        }
        Ok(())
    }
}

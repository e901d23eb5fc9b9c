//! What the tests stand on: a service over a pool on a real PostgreSQL, one over a pool that says what it is told to, and
//! a client.

use async_trait::async_trait;
use millpond_lab::load::client;
use millpond_lab::pools::Millpond;
use millpond_lab::service::{Service, Settings};
use millpond_lab::subject::{Lease, Look, Maker, Refusal, Spec, Subject, Target};
use millpond_testdb::{Database, Server};
use reqwest::{Client, Response};
use serde_json::Value;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const S: Duration = Duration::from_secs(1);

/// A service, its client, and what is behind it.
pub(crate) struct Stage {
    pub(crate) service: Service,
    pub(crate) pool: Arc<dyn Subject>,
    pub(crate) client: Client,
    // Last: a pool ends before its database.
    _database: Option<Database>,
}

impl Stage {
    /// On millpond, with so many connections, for which a request waits so long.
    pub(crate) async fn new(max_size: usize, wait: Duration) -> Self {
        let database = spawn_blocking(|| {
            let server = Server::shared().expect("a PostgreSQL");
            server.database().expect("a database")
        });
        Self::on(database.await.expect("a database"), max_size, wait).await
    }

    /// The same on this database.
    pub(crate) async fn on(database: Database, max_size: usize, wait: Duration) -> Self {
        let spec = Spec {
            target: Target::Postgres(Box::new(database.config())),
            name: format!("service-{:08x}", fastrand::u32(..)),
            max_size,
            kept: 1,
            wait,
            leak_threshold: Some(60 * S),
            shed: true,
            careful: false,
        };
        let pool = Millpond.make(&spec).await.expect("a pool");
        Self {
            _database: Some(database),
            ..Self::over(pool, wait).await
        }
    }

    pub(crate) async fn over(pool: Arc<dyn Subject>, wait: Duration) -> Self {
        let settings = Settings {
            kind: "a pool".to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            wait,
        };
        let started = Service::start(Arc::clone(&pool), settings).await;
        Self {
            service: started.expect("a service"),
            pool,
            client: client().expect("a client"),
            _database: None,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.service.url())
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        let asked = self.client.get(self.url(path)).send();
        asked.await.expect("an answer")
    }

    /// The status, and the body as JSON.
    pub(crate) async fn json(&self, path: &str) -> (u16, Value) {
        let answer = self.get(path).await;
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }

    /// Asks in the background; the status of the answer.
    pub(crate) fn asks(&self, path: &str) -> tokio::task::JoinHandle<u16> {
        let asked = self.client.get(self.url(path)).send();
        tokio::spawn(async move { asked.await.expect("an answer").status().as_u16() })
    }

    /// Until the pool looks so.
    pub(crate) async fn until(&self, good: impl Fn(&Look) -> bool) {
        until(|| good(&self.pool.look())).await;
    }
}

/// Until it is so, within a time that says that it never will be.
pub(crate) async fn until(good: impl Fn() -> bool) {
    let so = async {
        while !good() {
            sleep(MS).await;
        }
    };
    timeout(60 * S, so).await.expect("it is so at last");
}

/// A pool that has nothing, and says why as it is told to. millpond's exporters cannot look at it.
pub(crate) struct Says(pub(crate) Saying);

/// What it says.
pub(crate) type Saying = fn() -> Refusal;

#[async_trait]
impl Subject for Says {
    async fn get(
        &self,
        _: Duration,
        _: &'static Location<'static>,
    ) -> Result<Box<dyn Lease>, Refusal> {
        Err(self.0())
    }

    fn look(&self) -> Look {
        Look {
            max: Some(4),
            in_use: Some(3),
            waiting: Some(2),
            ..Look::default()
        }
    }

    async fn close(&self) {}
}

//! A plain pool of PostgreSQL connections that recovers from outages, and what it becomes with one defect planted.

use async_trait::async_trait;
use millpond_lab::Failure;
use millpond_lab::subject::{self, Lease, Look, Refusal, Spec, Subject, Target, Work};
use std::collections::VecDeque;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_postgres::{Client, Config, NoTls};

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    Nothing,
    /// It never asks whether a connection is alive, and keeps the dead ones.
    NeverRecovers,
    /// Whoever finds none begins five connects, whatever became of the last ones.
    Storm,
    /// It waits for seconds for each that it asks, and no bound is on all of it.
    WaitsForTheDead,
}

/// Makes pools with this defect.
pub(crate) struct Maker(pub(crate) Defect);

#[async_trait]
impl subject::Maker for Maker {
    fn name(&self) -> &'static str {
        "mortal"
    }

    fn version(&self) -> String {
        format!("{:?}", self.0)
    }

    async fn make(&self, spec: &Spec) -> Result<Arc<dyn Subject>, Failure> {
        let Target::Postgres(config) = &spec.target else {
            return Err("this pool is for PostgreSQL".into());
        };
        let mut config = (**config).clone();
        config.application_name(&spec.name);
        let pool = Pool(Arc::new(Everything {
            config,
            max: spec.max_size,
            places: Arc::new(Semaphore::new(spec.max_size)),
            idle: Mutex::default(),
            live: Arc::default(),
            connects: tokio::sync::Mutex::new(None),
            defect: self.0,
        }));
        for _ in 0..spec.max_size {
            let made = pool.open().await?;
            pool.0.idle.lock().unwrap().push_back(made);
        }
        Ok(Arc::new(pool))
    }
}

#[derive(Clone)]
struct Pool(Arc<Everything>);

struct Everything {
    config: Config,
    max: usize,
    places: Arc<Semaphore>,
    idle: Mutex<VecDeque<Connection>>,
    live: Arc<AtomicUsize>,
    /// One connects at a time, and not before that.
    connects: tokio::sync::Mutex<Option<Instant>>,
    defect: Defect,
}

struct Connection {
    client: Client,
    live: Arc<AtomicUsize>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.live.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    async fn open(&self) -> Result<Connection, Failure> {
        let opened = timeout(TO_CONNECT, self.0.config.connect(NoTls)).await;
        let (client, connection) = opened.map_err(|_| "no answer to a connect")??;
        tokio::spawn(connection);
        self.0.live.fetch_add(1, Ordering::Relaxed);
        Ok(Connection {
            client,
            live: Arc::clone(&self.0.live),
        })
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        if self.0.defect == Defect::Storm {
            for _ in 0..4 {
                let pool = self.clone();
                tokio::spawn(async move { pool.open().await.map(drop) });
            }
            return self.open().await;
        }
        let mut not_before = self.0.connects.lock().await;
        if not_before.is_some_and(|then| Instant::now() < then) {
            return Err("a pause after a failure".into());
        }
        let opened = self.open().await;
        *not_before = opened.is_err().then(|| Instant::now() + PAUSE);
        opened
    }

    /// One that answers, from what lies there; else a new one.
    async fn find(&self) -> Result<Connection, Failure> {
        loop {
            let found = self.0.idle.lock().unwrap().pop_front();
            let Some(found) = found else {
                return self.connect().await;
            };
            if self.0.defect == Defect::NeverRecovers {
                return Ok(found);
            }
            let patience = match self.0.defect {
                // One dead one is enough to outlast a caller's bound: how many lie there is chance.
                Defect::WaitsForTheDead => 8 * TO_ANSWER,
                _ => TO_ANSWER,
            };
            let asked = timeout(patience, found.client.simple_query(""));
            if matches!(asked.await, Ok(Ok(_))) {
                return Ok(found);
            }
            drop(found);
            if self.0.defect != Defect::WaitsForTheDead {
                // All others lay there as long.
                self.0.idle.lock().unwrap().clear();
            }
        }
    }

    async fn take(&self) -> Result<Taken, Refusal> {
        let places = Arc::clone(&self.0.places);
        let place = places.acquire_owned().await.map_err(|_| Refusal::Closed)?;
        let connection = self.find().await.map_err(Refusal::Failed)?;
        Ok(Taken {
            connection: Some(connection),
            is_fit: true,
            pool: self.clone(),
            _place: place,
        })
    }
}

#[async_trait]
impl Subject for Pool {
    async fn get(
        &self,
        within: Duration,
        _: &'static Location<'static>,
    ) -> Result<Box<dyn Lease>, Refusal> {
        let within = match self.0.defect {
            Defect::WaitsForTheDead => Duration::from_secs(60).max(within),
            _ => within,
        };
        match timeout(within, self.take()).await {
            Ok(taken) => Ok(Box::new(taken?)),
            Err(_) => Err(Refusal::TimedOut),
        }
    }

    fn look(&self) -> Look {
        Look {
            max: Some(self.0.max),
            size: Some(self.0.live.load(Ordering::Relaxed)),
            in_use: Some(self.0.max - self.0.places.available_permits()),
            ..Look::default()
        }
    }

    async fn close(&self) {
        self.0.places.close();
        self.0.idle.lock().unwrap().clear();
    }
}

struct Taken {
    connection: Option<Connection>,
    is_fit: bool,
    pool: Pool,
    _place: OwnedSemaphorePermit,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let keeps = self.is_fit || self.pool.0.defect == Defect::NeverRecovers;
        let connection = self.connection.take().filter(|_| keeps);
        self.pool.0.idle.lock().unwrap().extend(connection);
    }
}

#[async_trait]
impl Lease for Taken {
    async fn work(&mut self, work: Work) -> Result<(), Failure> {
        // Who leaves half-way leaves it unfit.
        self.is_fit = false;
        let connection = self.connection.as_ref().expect("held until it is dropped");
        let question = match work {
            Work::Sleep(time) => format!("SELECT pg_sleep({})", time.as_secs_f64()),
            Work::Ask | Work::Fail => "SELECT 1".to_owned(),
        };
        connection.client.simple_query(&question).await?;
        self.is_fit = true;
        Ok(())
    }
}

const TO_CONNECT: Duration = Duration::from_secs(1);
const TO_ANSWER: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(200);

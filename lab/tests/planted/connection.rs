//! A connection, and what can be done with it.

use millpond_lab::Failure;
use millpond_lab::subject::Work;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

/// A connection. Closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Client,
    _driver: JoinHandle<()>,
    state: State,
}

/// What it was last used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Good,
    AtWork,
    Failed,
}

impl Connection {
    pub(crate) async fn open(config: &Config) -> Result<Self, tokio_postgres::Error> {
        let (client, driven) = config.connect(NoTls).await?;
        let driver = tokio::spawn(async move {
            // How it ended is what its client is told too.
            let _ = driven.await;
        });
        Ok(Self {
            client,
            _driver: driver,
            state: State::Good,
        })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// It begins anew, whatever was before.
    pub(crate) fn begin(&mut self) {
        self.state = State::Good;
    }

    pub(crate) async fn work(&mut self, work: Work) -> Result<(), Failure> {
        self.state = State::AtWork;
        let (done, refused) = match work {
            Work::Ask => (self.client.simple_query("SELECT 1").await, false),
            Work::Sleep(time) => {
                let question = format!("SELECT pg_sleep({})", time.as_secs_f64());
                (self.client.simple_query(&question).await, false)
            }
            Work::Fail => (self.client.simple_query("SELECT 1/0").await, true),
        };
        self.state = if done.is_ok() {
            State::Good
        } else {
            State::Failed
        };
        match done {
            Err(error) if !refused || error.as_db_error().is_none() => Err(error.into()),
            Ok(_) if refused => Err("the server divided by zero".into()),
            _ => Ok(()),
        }
    }
}

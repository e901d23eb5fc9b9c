//! The attempts of one `run` or `transaction`: one count, one deadline, one connection after the other.

use super::retry::{Retry, Retrying};
use super::run_error::RunError;
use super::{Class, Client, Object, Pool};
use crate::managed::{Acquire, Manager as _, Reason};
use std::panic::Location;
use tokio::time::{Instant, sleep, timeout_at};

/// Where it stands.
pub(super) struct Course<'p> {
    pool: &'p Pool,
    retry: &'p Retry,
    caller: &'static Location<'static>,
    until: Option<Instant>,
    failed: u32,
}

impl<'p> Course<'p> {
    pub(super) fn begin(
        pool: &'p Pool,
        retry: &'p Retry,
        caller: &'static Location<'static>,
    ) -> Self {
        Self {
            pool,
            retry,
            caller,
            until: retry
                .deadline
                .and_then(|bound| Instant::now().checked_add(bound)),
            failed: 0,
        }
    }

    /// Takes a connection that is alive, as far as is known here.
    pub(super) async fn take(&mut self) -> Result<Client, RunError> {
        loop {
            let error = match self.take_any().await {
                Ok(client) => match self.look_at(client).await {
                    Some(client) => return Ok(client),
                    None => continue,
                },
                Err(error) => error,
            };
            let why = error
                .acquire_error()
                .map(crate::managed::AcquireError::reason);
            let servers = matches!(why, Some(Reason::Backend(_) | Reason::Unavailable { .. }));
            let class = error.class();
            let may = self.retry.connects && servers && class.is_transient();
            let error = self.told(error);
            if !may || !self.again(class).await {
                return Err(error);
            }
        }
    }

    async fn take_any(&self) -> Result<Client, RunError> {
        let how = Acquire::new().on_behalf_of(self.caller);
        let Some(until) = self.until else {
            return self
                .pool
                .acquire(&how)
                .await
                .map_err(RunError::no_connection);
        };
        let bounded = how
            .clone()
            .deadline(until.saturating_duration_since(Instant::now()));
        match self.pool.acquire(&bounded).await {
            Ok(client) => Ok(client),
            // The pool has no timer, but we have: its error would have told more.
            Err(error) if matches!(error.reason(), Reason::NoRuntimeSpecified) => {
                match timeout_at(until, self.pool.acquire(&how)).await {
                    Ok(taken) => taken.map_err(RunError::no_connection),
                    Err(_) => Err(RunError::deadline()),
                }
            }
            Err(error) => Err(RunError::no_connection(error)),
        }
    }

    /// A connection that lay idle may have been ended meanwhile. Before it is used, the task that drives it gets
    /// a chance to read what has arrived: so nothing is sent on it, and another is taken, which costs no attempt.
    /// At the first yield the runtime looks at its sockets, at the second that task runs; where others are before
    /// it, at the third.
    async fn look_at(&mut self, client: Client) -> Option<Client> {
        if Object::metrics(&client).recycle_count == 0 {
            return Some(client);
        }
        for _ in 0..3 {
            if client.has_ended() {
                return None;
            }
            tokio::task::yield_now().await;
        }
        (!client.has_ended()).then_some(client)
    }

    /// What `future` comes to, or `None` when the deadline passes first.
    pub(super) async fn within<F: Future>(&self, future: F) -> Option<F::Output> {
        match self.until {
            Some(until) => timeout_at(until, future).await.ok(),
            None => Some(future.await),
        }
    }

    /// An attempt failed: says whether there is another, and waits until it may begin.
    pub(super) async fn again(&mut self, class: Class) -> bool {
        self.failed += 1;
        let Some(pause) = self.retry.next(self.failed) else {
            return false;
        };
        if self
            .until
            .is_some_and(|until| Instant::now() + pause >= until)
        {
            return false;
        }
        self.retry.told(&Retrying {
            failed: self.failed,
            class,
            pause,
        });
        sleep(pause).await;
        true
    }

    /// An error of the attempt that is under way.
    pub(super) fn told(&self, error: RunError) -> RunError {
        error.after(self.failed + 1, &self.pool.manager().target())
    }
}

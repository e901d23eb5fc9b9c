//! A transaction as a closure: begun, done, committed; rolled back in any other case; and again where that helps.

use super::cause::Cause;
use super::course::Course;
use super::retry::Retry;
use super::run::{Attempt, give_back};
use super::run_error::{RunError, RunFailure};
use super::{Class, Client, Manager, Transaction, commit};
use crate::managed;
use std::panic::Location;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::{Error as PgError, IsolationLevel};

/// What kind of transaction [`Pool::transaction_with`](super::Pool::transaction_with) is, and when it is tried
/// again.
///
/// # Examples
///
/// ```
/// use millpond::postgres::{Retry, TransactionPlan, tokio_postgres::IsolationLevel};
///
/// let plan = TransactionPlan::new()
///     .isolation_level(IsolationLevel::Serializable)
///     .retry(Retry::new().attempts(10));
/// # drop(plan);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TransactionPlan {
    isolation_level: Option<IsolationLevel>,
    read_only: Option<bool>,
    deferrable: Option<bool>,
    strict: bool,
    retry: Retry,
}

impl TransactionPlan {
    /// The server's isolation level, usually read committed; strict; tried again as by [`Retry::new`].
    pub fn new() -> Self {
        Self {
            isolation_level: None,
            read_only: None,
            deferrable: None,
            strict: true,
            retry: Retry::new(),
        }
    }

    /// Sets the isolation level.
    pub fn isolation_level(mut self, isolation_level: IsolationLevel) -> Self {
        self.isolation_level = Some(isolation_level);
        self
    }

    /// Sets whether it only reads.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = Some(read_only);
        self
    }

    /// Sets whether, serializable and read-only, it may wait at its start so as not to fail later.
    pub fn deferrable(mut self, deferrable: bool) -> Self {
        self.deferrable = Some(deferrable);
        self
    }

    /// Whether it is an error if the closure says `Ok` although a statement of it had failed: PostgreSQL answers
    /// the commit of such a transaction by rolling it back, which tokio-postgres takes for success. Asking costs
    /// no round trip: the question travels with the commit. Default: yes.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Sets when it is tried again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    async fn begin<'c>(&self, client: &'c mut Client) -> Result<Transaction<'c>, PgError> {
        let mut begin = client.build_transaction();
        if let Some(level) = self.isolation_level {
            begin = begin.isolation_level(level);
        }
        if let Some(read_only) = self.read_only {
            begin = begin.read_only(read_only);
        }
        if let Some(deferrable) = self.deferrable {
            begin = begin.deferrable(deferrable);
        }
        begin.start().await
    }

    /// Whatever the closure lost with its connection is rolled back, as after a conflict.
    fn again_after_work(&self, class: Option<Class>) -> bool {
        match class {
            Some(Class::Conflict | Class::Lost) => true,
            Some(Class::Busy) => self.retry.busy,
            _ => false,
        }
    }

    fn again_around(&self, error: &RunError) -> bool {
        match error.failure() {
            RunFailure::Begin => error.class() == Class::Lost,
            RunFailure::Commit => matches!(error.class(), Class::Conflict | Class::Lost),
            RunFailure::OutcomeUnknown => self.retry.idempotent,
            _ => false,
        }
    }
}

impl Default for TransactionPlan {
    fn default() -> Self {
        Self::new()
    }
}

impl managed::Pool<Manager> {
    /// Takes a connection, does `work` in a transaction, and commits it; and does all of that again where that
    /// helps: after a conflict (`40001`, `40P01`), and if the connection breaks before `COMMIT` was sent, since
    /// what was done until then is rolled back for certain. `work` must not commit by itself.
    ///
    /// On an error, a panic or a cancel, it is rolled back. What `work` did elsewhere than in this transaction is
    /// its own to undo, and is done again with each attempt: each gets a clone of the closure.
    ///
    /// # Errors
    ///
    /// What `work` fails with, at once where trying again does not help, else when the [attempts](Retry::attempts)
    /// are used up; then it is rolled back before this returns. Else a [`RunError`]: there is no connection, the
    /// transaction cannot begin, the commit is refused or
    /// [turns out to be a rollback](TransactionPlan::strict), the [deadline](Retry::deadline) passes; or its
    /// outcome [is not known](RunError::is_outcome_unknown), because the connection broke after `COMMIT` was sent.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it is rolled back; while it is being committed, nobody knows whether it was.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use millpond::postgres::{Pool, RunError};
    /// # async fn example(pool: &Pool, from: i64, to: i64) -> Result<(), RunError> {
    /// pool.transaction(async |tx| {
    ///     let take = tx.prepare_cached("UPDATE accounts SET sum = sum - 1 WHERE id = $1").await?;
    ///     let give = tx.prepare_cached("UPDATE accounts SET sum = sum + 1 WHERE id = $1").await?;
    ///     tx.execute(&take, &[&from]).await?;
    ///     tx.execute(&give, &[&to]).await?;
    ///     Ok::<_, RunError>(())
    /// })
    /// .await
    /// # }
    /// ```
    ///
    /// The error may be any that can hold a [`RunError`]: one of your own, `anyhow::Error`, or a box.
    ///
    /// ```no_run
    /// # use millpond::postgres::Pool;
    /// type Failure = Box<dyn std::error::Error + Send + Sync>;
    ///
    /// # async fn example(pool: &Pool) -> Result<(), Failure> {
    /// let count: i64 = pool
    ///     .transaction(async |tx| {
    ///         let row = tx.query_one("SELECT count(*) FROM items", &[]).await?;
    ///         Ok::<_, Failure>(row.try_get(0)?)
    ///     })
    ///     .await?;
    /// # drop(count);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn transaction<'f, 'p, T, E, F, K>(
        &'p self,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'p
    where
        for<'t, 'c> F: AsyncFnOnce(&'t mut Transaction<'c>) -> Result<T, E>
            + Attempt<&'t mut Transaction<'c>, Result<T, E>, Future: Send>
            + Clone
            + Send
            + 'f,
        T: Send,
        E: Cause<K> + From<RunError> + Send,
        'f: 'p,
    {
        transact(self, TransactionPlan::new(), Location::caller(), work)
    }

    /// [`transaction`](Self::transaction), of another kind, or tried again in another way.
    ///
    /// # Errors
    ///
    /// As [`transaction`](Self::transaction).
    ///
    /// # Cancel safety
    ///
    /// As [`transaction`](Self::transaction).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use millpond::postgres::{Pool, RunError, TransactionPlan, tokio_postgres::IsolationLevel};
    /// # async fn example(pool: &Pool) -> Result<(), RunError> {
    /// let plan = TransactionPlan::new().isolation_level(IsolationLevel::Serializable);
    /// pool.transaction_with(plan, async |tx| {
    ///     tx.execute("INSERT INTO totals SELECT sum(n) FROM items", &[]).await?;
    ///     Ok::<_, RunError>(())
    /// })
    /// .await
    /// # }
    /// ```
    #[track_caller]
    pub fn transaction_with<'f, 'p, T, E, F, K>(
        &'p self,
        plan: TransactionPlan,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'p
    where
        for<'t, 'c> F: AsyncFnOnce(&'t mut Transaction<'c>) -> Result<T, E>
            + Attempt<&'t mut Transaction<'c>, Result<T, E>, Future: Send>
            + Clone
            + Send
            + 'f,
        T: Send,
        E: Cause<K> + From<RunError> + Send,
        'f: 'p,
    {
        transact(self, plan, Location::caller(), work)
    }
}

#[expect(
    clippy::manual_async_fn,
    reason = "the future of an `async fn` would have to outlive what it returns"
)]
fn transact<'f, 'p, T, E, F, K>(
    pool: &'p super::Pool,
    plan: TransactionPlan,
    caller: &'static Location<'static>,
    work: F,
) -> impl Future<Output = Result<T, E>> + Send + 'p
where
    for<'t, 'c> F: AsyncFnOnce(&'t mut Transaction<'c>) -> Result<T, E>
        + Attempt<&'t mut Transaction<'c>, Result<T, E>, Future: Send>
        + Clone
        + Send
        + 'f,
    T: Send,
    E: Cause<K> + From<RunError> + Send,
    'f: 'p,
{
    async move {
        let work = work;
        let mut course = Course::begin(pool, &plan.retry, caller);
        loop {
            let mut client = course.take().await?;
            let done = attempt(&course, &plan, &mut client, work.clone()).await;
            let (class, again, error) = match done {
                Ok(value) => return Ok(value),
                Err(Failed::Work(error)) => {
                    let class = error.postgres_class();
                    (class, plan.again_after_work(class), error)
                }
                Err(Failed::Around(error)) => {
                    let (class, again) = (error.class(), plan.again_around(&error));
                    let error = course.told(error.on(&client));
                    (Some(class), again, error.into())
                }
            };
            give_back(client, class);
            match class.filter(|_| again) {
                Some(class) if course.again(class).await => {}
                _ => return Err(error),
            }
        }
    }
}

/// How an attempt failed: in the closure, or around it.
enum Failed<E> {
    Work(E),
    Around(RunError),
}

async fn attempt<T, E, F>(
    course: &Course<'_>,
    plan: &TransactionPlan,
    client: &mut Client,
    work: F,
) -> Result<T, Failed<E>>
where
    for<'t, 'c> F: AsyncFnOnce(&'t mut Transaction<'c>) -> Result<T, E>
        + Attempt<&'t mut Transaction<'c>, Result<T, E>, Future: Send>
        + Send,
    T: Send,
    E: Send,
{
    let around = |failure| move |cause| Failed::Around(RunError::server(failure, cause));
    let passed = || Failed::Around(RunError::deadline());
    let begun = course.within(plan.begin(client)).await.ok_or_else(passed)?;
    let mut tx = begun.map_err(around(RunFailure::Begin))?;
    match course.within(work(&mut tx)).await {
        Some(Ok(value)) => match course.within(commit::commit(tx, plan.strict)).await {
            Some(done) => done.map(|()| value).map_err(Failed::Around),
            None => Err(Failed::Around(RunError::outcome_unknown(None))),
        },
        Some(Err(error)) => {
            // If it fails, the connection has, and what was done is rolled back in any case.
            let _ = course.within(timeout(PATIENCE, tx.rollback())).await;
            Err(Failed::Work(error))
        }
        None => Err(passed()),
    }
}

/// How long whoever has failed waits for the rollback, which goes on by itself: as long as anybody wants to know.
const PATIENCE: Duration = Duration::from_secs(1);

//! Doing something with a connection, and again where that helps.

use super::cause::Cause;
use super::course::Course;
use super::retry::Retry;
use super::run_error::RunError;
use super::{Class, Client, Manager, Object};
use crate::managed;
use std::panic::Location;

/// What can be tried several times: an async closure that can be cloned, with what it captured.
///
/// It is there for the bound on the future that such a closure returns, which cannot be written otherwise: that
/// future can be sent to other threads. Nobody has to name or implement it.
pub trait Attempt<Args, Output>:
    AsyncFnOnce(Args) -> Output + FnOnce(Args) -> <Self as Attempt<Args, Output>>::Future
{
    /// One attempt.
    type Future: Future<Output = Output>;
}

impl<F, Args, Fut, Output> Attempt<Args, Output> for F
where
    F: AsyncFnOnce(Args) -> Output + FnOnce(Args) -> Fut,
    Fut: Future<Output = Output>,
{
    type Future = Fut;
}

impl managed::Pool<Manager> {
    /// Takes a connection, does `work` with it, and does it again where that helps: after a conflict (`40001`,
    /// `40P01`), and if the connection turns out to have been ended before anything was sent on it.
    ///
    /// Each statement commits by itself here, so what the ones before the failed one did stays: `work` should be
    /// one statement, or something that does no harm when it is done again. Else it is a
    /// [`transaction`](Self::transaction).
    ///
    /// # Errors
    ///
    /// What `work` fails with, at once where trying again does not help, else when the [attempts](Retry::attempts)
    /// are used up; a [`RunError`] where there is no connection or the [deadline](Retry::deadline) passes.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it stops at the await at which it is. Of a statement that was under way, nobody knows whether it
    /// was done.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use millpond::postgres::{Pool, RunError};
    /// # async fn example(pool: &Pool, id: i64) -> Result<(), RunError> {
    /// let sold = pool
    ///     .run(async |client| {
    ///         let row = client.query_one("SELECT sold FROM items WHERE id = $1", &[&id]).await?;
    ///         Ok::<i64, RunError>(row.get(0))
    ///     })
    ///     .await?;
    /// # drop(sold);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn run<'f, 'p, T, E, F, K>(
        &'p self,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'p
    where
        for<'c> F: AsyncFnOnce(&'c mut Client) -> Result<T, E>
            + Attempt<&'c mut Client, Result<T, E>, Future: Send>
            + Clone
            + Send
            + 'f,
        T: Send,
        E: Cause<K> + From<RunError> + Send,
        'f: 'p,
    {
        run(self, Retry::new(), Location::caller(), work)
    }

    /// [`run`](Self::run), with a choice of how often and after what it tries again.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Cancel safety
    ///
    /// As [`run`](Self::run).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use millpond::postgres::{Pool, Retry, RunError};
    /// # use std::time::Duration;
    /// # async fn example(pool: &Pool, id: i64) -> Result<(), RunError> {
    /// // Marking it twice is as good as marking it once.
    /// let retry = Retry::new().idempotent(true).deadline(Duration::from_secs(2));
    /// pool.run_with(retry, async |client| {
    ///     client.execute("UPDATE items SET seen = true WHERE id = $1", &[&id]).await?;
    ///     Ok::<_, RunError>(())
    /// })
    /// .await
    /// # }
    /// ```
    #[track_caller]
    pub fn run_with<'f, 'p, T, E, F, K>(
        &'p self,
        retry: Retry,
        work: F,
    ) -> impl Future<Output = Result<T, E>> + Send + 'p
    where
        for<'c> F: AsyncFnOnce(&'c mut Client) -> Result<T, E>
            + Attempt<&'c mut Client, Result<T, E>, Future: Send>
            + Clone
            + Send
            + 'f,
        T: Send,
        E: Cause<K> + From<RunError> + Send,
        'f: 'p,
    {
        run(self, retry, Location::caller(), work)
    }
}

#[expect(
    clippy::manual_async_fn,
    reason = "the future of an `async fn` would have to outlive what it returns"
)]
fn run<'f, 'p, T, E, F, K>(
    pool: &'p super::Pool,
    retry: Retry,
    caller: &'static Location<'static>,
    work: F,
) -> impl Future<Output = Result<T, E>> + Send + 'p
where
    for<'c> F: AsyncFnOnce(&'c mut Client) -> Result<T, E>
        + Attempt<&'c mut Client, Result<T, E>, Future: Send>
        + Clone
        + Send
        + 'f,
    T: Send,
    E: Cause<K> + From<RunError> + Send,
    'f: 'p,
{
    async move {
        let work = work;
        let mut course = Course::begin(pool, &retry, caller);
        loop {
            let mut client = course.take().await?;
            let attempt = work.clone();
            let sent = client.sent();
            let error = match course.within(attempt(&mut client)).await {
                Some(Ok(value)) => return Ok(value),
                Some(Err(error)) => error,
                None => return Err(course.told(RunError::deadline().on(&client)).into()),
            };
            let class = error.postgres_class();
            let nothing_sent = sent.is_some() && client.sent() == sent;
            give_back(client, class);
            let may = match class {
                Some(Class::Conflict) => true,
                Some(Class::Lost) => nothing_sent || retry.idempotent,
                Some(Class::Busy) => retry.busy,
                _ => false,
            };
            match class.filter(|_| may) {
                Some(class) if course.again(class).await => {}
                _ => return Err(error),
            }
        }
    }
}

/// Gives a connection back after an error; one that is said to be lost is closed, though it may not know it yet.
pub(super) fn give_back(client: Client, class: Option<Class>) {
    match class {
        Some(Class::Lost) => drop(Object::take(client)),
        _ => drop(client),
    }
}

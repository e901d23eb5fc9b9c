//! The task that drives a connection, and how it ends.
//!
//! A client only queues requests; whoever polls its connection does the work. That is a task of ours, so
//! that we know when and why it ended, and can see to it that it does end: when the client is dropped, the
//! connection sends what was queued, says goodbye to the server and closes. A socket that is stuck, or a
//! query that still runs, gets [`LINGER`] for that, and then the connection is dropped as it is.

use super::chain::Chain;
use crate::engine::sync::{Arc, OnceLock};
use crate::managed::Bell;
use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_postgres::Error as PgError;
use tokio_postgres::error::SqlState;

/// How the connection behind a client ended.
///
/// A client that is dropped lets its connection send what was queued and say goodbye, so that the server
/// logs no "unexpected EOF"; this takes at most 1 s, after which the socket is closed in any case.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ending {
    /// The client was dropped, and said goodbye.
    Orderly,
    /// The server ended it, or the way to it broke: what the server said (57P01 when an administrator
    /// ended it), or an I/O error.
    Failed(PgError),
    /// The client was dropped, and the connection could not say goodbye within 1 s.
    Stuck,
    /// The task that drove it was dropped, as when its runtime shuts down.
    TaskGone,
    /// The task of a [`Connect`](super::Connect) that is not ours ended, and does not say why.
    Unknown,
}

impl Ending {
    /// The SQLSTATE with which the server ended it, where it gave one.
    pub fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Failed(error) => error.code(),
            _ => None,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Orderly => f.write_str("the connection was closed"),
            Self::Failed(error) if error.is_closed() => {
                f.write_str("the server closed the connection without a word")
            }
            Self::Failed(error) => write!(f, "the connection ended: {}", Chain(error)),
            Self::Stuck => f.write_str("the connection was cut: it could not be closed in time"),
            Self::TaskGone => f.write_str(
                "the connection was cut: the task that drove it is gone, as when its runtime shuts down",
            ),
            Self::Unknown => {
                f.write_str("the connection ended: its task is over, and does not say why")
            }
        }
    }
}

/// A client's hold on the task that drives its connection. Dropped after its client, it bounds the end.
#[derive(Debug)]
pub(super) struct Driver {
    end: Arc<End>,
    /// Nothing is ever sent: that it is dropped is the message.
    leave: Option<oneshot::Sender<Infallible>>,
    /// The task, where there is one.
    task: Option<JoinHandle<()>>,
}

impl Driver {
    /// Starts to drive `connection` on `runtime`.
    pub(super) fn start(
        runtime: &Handle,
        connection: impl Future<Output = Ending> + Send + 'static,
    ) -> Self {
        let end = Arc::new(End::default());
        let (leave, left) = oneshot::channel();
        let task = runtime.spawn(drive(connection, left, Record(Arc::clone(&end))));
        Self {
            end,
            leave: Some(leave),
            task: Some(task),
        }
    }

    /// Looks after a task of somebody else's. Outside of a runtime that is not possible: such a task is
    /// left to itself, and ends when the client is dropped.
    pub(super) fn adopt(task: JoinHandle<()>) -> Self {
        match Handle::try_current() {
            Ok(runtime) => Self::start(&runtime, Adopted(task).end()),
            Err(_) => Self {
                end: Arc::new(End::default()),
                leave: None,
                task: None,
            },
        }
    }

    /// How the connection ended, once it has.
    pub(super) fn ending(&self) -> Option<&Ending> {
        self.end.ending.get()
    }

    /// Whom to call when the connection ends while its client is still there.
    pub(super) fn call(&self, bell: Bell) {
        // Once, by the manager that made it.
        let _ = self.end.bell.set(bell);
    }

    /// The client is gone: waits until the connection has ended, at most for [`LINGER`].
    pub(super) async fn end(mut self) {
        drop(self.leave.take());
        if let Some(task) = self.task.take() {
            // A task that was dropped is over as well.
            drop(task.await);
        }
    }
}

/// The task: to the connection's own end, or, when the client is gone, for [`LINGER`] at most.
async fn drive(
    connection: impl Future<Output = Ending>,
    mut left: oneshot::Receiver<Infallible>,
    record: Record,
) {
    let mut connection = pin!(connection);
    let ended = poll_fn(|context| match connection.as_mut().poll(context) {
        Poll::Ready(ending) => Poll::Ready(Some(ending)),
        Poll::Pending => pin!(&mut left).poll(context).map(|_| None),
    });
    match ended.await {
        Some(ending) => {
            record.write(ending);
            // The client may lie idle: it is to go before anybody takes it.
            record.ring();
        }
        None => {
            let ended = tokio::time::timeout(LINGER, connection).await;
            record.write(ended.unwrap_or(Ending::Stuck));
        }
    }
}

/// What the task leaves behind.
#[derive(Debug, Default)]
struct End {
    ending: OnceLock<Ending>,
    bell: OnceLock<Bell>,
}

/// Where the ending is written down: in any case, also when the task is dropped half way.
struct Record(Arc<End>);

impl Record {
    fn write(&self, ending: Ending) {
        // The first one counts; there is no second but the one of `drop`.
        let _ = self.0.ending.set(ending);
    }

    fn ring(&self) {
        if let Some(bell) = self.0.bell.get() {
            bell.ring();
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.write(Ending::TaskGone);
    }
}

/// A task of somebody else's, aborted when we give it up.
struct Adopted(JoinHandle<()>);

impl Adopted {
    async fn end(mut self) -> Ending {
        match (&mut self.0).await {
            Ok(()) => Ending::Unknown,
            Err(_) => Ending::TaskGone,
        }
    }
}

impl Drop for Adopted {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How long a connection may take to end after its client was dropped: many round trips on any network,
/// and short enough that a server which is gone does not pile up tasks and sockets.
const LINGER: Duration = Duration::from_secs(1);

//! Prepares that are seen through although nobody waits for them any more.
//!
//! tokio-postgres chooses the name of a statement when it sends it, and tells it when the server has
//! answered. Whoever drops a prepare in between leaves a statement at the server that nobody can close. So a
//! prepare owns what it works with, the client included, and when its caller goes, it is handed to the
//! runtime of the connection. Its statement is kept, or closed if it is not wanted.
//!
//! ```text
//! caller:   lend the client to a prepare → poll it → done: take the client back
//!                                        → dropped: hand it to the runtime, which polls on
//! owner:    needs `&mut`, as for BEGIN: take the client back from whoever has it, now
//! ```
//!
//! A prepare whose client is taken away is dropped; what it may have left behind is written down
//! (`lost.rs`), as that of a prepare inside a transaction, which borrows the client for itself alone.

use super::BoxFuture;
use super::kept::Cell;
use crate::engine::sync::{Arc, Mutex, OnceLock};
use std::fmt;
use std::future::poll_fn;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio_postgres::{Client as PgClient, Error as PgError, Statement};

/// What comes of a prepare.
pub(super) type Prepared = Result<Arc<Cell<Statement>>, PgError>;

/// A client that can be on loan to prepares.
pub(super) struct Lender {
    client: Arc<PgClient>,
    loans: Mutex<Vec<Arc<Loan>>>,
    /// Where orphans go. Without one there are none: they are dropped.
    runtime: Option<Handle>,
}

impl Lender {
    pub(super) fn new(client: PgClient) -> Self {
        Self {
            client: Arc::new(client),
            loans: Mutex::new(Vec::new()),
            runtime: Handle::try_current().ok(),
        }
    }

    /// Runs what `work` makes of the client. Dropped after it has `begun`, it goes on in the background.
    pub(super) fn see_through<W>(&self, work: W) -> Caller<'_>
    where
        W: FnOnce(Arc<PgClient>, Begun) -> BoxFuture<'static, Prepared>,
    {
        let begun = Begun::default();
        let work = work(Arc::clone(&self.client), begun.clone());
        let loan = Arc::new(Loan {
            work: Mutex::new(Some(work)),
            task: OnceLock::new(),
            begun,
        });
        let mut loans = self.loans.lock();
        loans.retain(|loan| !loan.is_over());
        loans.push(Arc::clone(&loan));
        drop(loans);
        Caller { lender: self, loan }
    }

    /// The client for one alone: whoever has it on loan loses it now.
    pub(super) fn alone(&mut self) -> &mut PgClient {
        self.take_back();
        // A loan has the only other references, and gave its own away with its work.
        Arc::get_mut(&mut self.client).unwrap_or_else(|| unreachable!("a loan was not given back"))
    }

    fn take_back(&mut self) {
        let loans = std::mem::take(&mut *self.loans.lock());
        loans.iter().for_each(|loan| loan.end());
    }
}

impl Deref for Lender {
    type Target = PgClient;

    fn deref(&self) -> &PgClient {
        &self.client
    }
}

impl Drop for Lender {
    /// The connection ends when its client does, and its statements with it.
    fn drop(&mut self) {
        self.take_back();
    }
}

impl fmt::Debug for Lender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

/// Whether a prepare is on its way to the server, and not only waiting for another one.
#[derive(Clone, Default)]
pub(super) struct Begun(Arc<OnceLock<()>>);

impl Begun {
    pub(super) fn mark(&self) {
        // A prepare that found its name taken is sent twice.
        let _ = self.0.set(());
    }

    fn is_marked(&self) -> bool {
        self.0.get().is_some()
    }
}

/// A prepare, as long as it has the client.
struct Loan {
    work: Mutex<Option<BoxFuture<'static, Prepared>>>,
    /// The task that sees it through.
    task: OnceLock<AbortHandle>,
    begun: Begun,
}

impl Loan {
    /// Polls the work; `None` if it is over.
    ///
    /// It is out of its place meanwhile, so that after a panic it is over too; and under the lock, so that
    /// who finds the place empty knows that the client is back.
    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Prepared>> {
        let mut place = self.work.lock();
        let Some(mut work) = place.take() else {
            return Poll::Ready(None);
        };
        match work.as_mut().poll(context) {
            Poll::Ready(prepared) => {
                drop(work);
                Poll::Ready(Some(prepared))
            }
            Poll::Pending => {
                *place = Some(work);
                Poll::Pending
            }
        }
    }

    fn is_over(&self) -> bool {
        self.work.lock().is_none()
    }

    fn end(&self) {
        let work = self.work.lock().take();
        drop(work);
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    /// Leaves the work to a task on `runtime`. If that has shut down, the connection is gone as well.
    fn adopt(self: &Arc<Self>, runtime: &Handle) {
        let loan = Arc::clone(self);
        let task = runtime.spawn(async move { drop(poll_fn(|context| loan.poll(context)).await) });
        let _first_and_only = self.task.set(task.abort_handle());
    }
}

/// Who waits for a prepare. When it goes, the prepare is the runtime's; or over, if nothing was sent yet.
pub(super) struct Caller<'a> {
    lender: &'a Lender,
    loan: Arc<Loan>,
}

impl Future for Caller<'_> {
    type Output = Prepared;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Prepared> {
        // Nobody ends a loan while its caller borrows the lender.
        self.loan.poll(context).map(|prepared| {
            prepared.unwrap_or_else(|| unreachable!("a prepare was polled after its end"))
        })
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        match &self.lender.runtime {
            Some(runtime) if self.loan.begun.is_marked() && !self.loan.is_over() => {
                self.loan.adopt(runtime);
            }
            _ => {
                self.loan.end();
                let mut loans = self.lender.loans.lock();
                loans.retain(|loan| !Arc::ptr_eq(loan, &self.loan));
            }
        }
    }
}

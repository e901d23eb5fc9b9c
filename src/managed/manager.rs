use super::{Bell, Defaults, Metrics, RecycleError};
use crate::observe::CloseReason;
use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

/// Makes objects, and says whether one that lay idle may be handed out again.
///
/// deadpool's trait, with two differences: a manager is `'static`, because a connect may outlive the
/// getter that began it; and there are provided methods beyond deadpool's three, which cost nothing
/// when left alone.
///
/// The pool calls a manager from many tasks at once, and never with a lock held. A panic in any of its
/// methods is the panic of the get (or of the background task) that called it; the pool loses nothing.
///
/// # Examples
///
/// ```
/// use millpond::managed::{Manager, Metrics, RecycleResult};
///
/// struct Numbers;
///
/// impl Manager for Numbers {
///     type Type = u64;
///     type Error = std::convert::Infallible;
///
///     async fn create(&self) -> Result<u64, Self::Error> {
///         Ok(7)
///     }
///
///     async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Self::Error> {
///         Ok(())
///     }
/// }
/// ```
pub trait Manager: Send + Sync + 'static {
    /// What is pooled.
    type Type: Send;
    /// What can go wrong.
    type Error: Send;

    /// Makes an object.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any await, and may go on in a task of its own when its getter was
    /// served by an object that came back meanwhile, or gave up.
    fn create(&self) -> impl Future<Output = Result<Self::Type, Self::Error>> + Send;

    /// Says whether an object may be handed out again, and makes it fit for that.
    ///
    /// # Errors
    ///
    /// With an error the object is destroyed, and its getter goes on with another.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the object is destroyed: nobody knows what state it is in.
    fn recycle(
        &self,
        obj: &mut Self::Type,
        metrics: &Metrics,
    ) -> impl Future<Output = RecycleResult<Self::Error>> + Send;

    /// An object leaves the pool, in whatever way: called once for each, before it is destroyed or given
    /// away.
    fn detach(&self, _obj: &mut Self::Type) {}

    /// Says at the moment of return, without waiting, whether an object is known to be dead. Such a one
    /// is not kept, so that nobody has to find out later.
    fn has_broken(&self, _obj: &mut Self::Type) -> bool {
        false
    }

    /// Told once, when the pool is built: a manager that may hear of the death of an object while that lies idle keeps
    /// the bell, and rings it.
    fn hang(&self, _bell: Bell) {}

    /// Asked at the moment of return, without waiting, of an object that is not [broken](Self::has_broken): is there
    /// something to be done before the next may have it? Then [`tidy`](Self::tidy) does it.
    fn needs_tidying(&self, _obj: &mut Self::Type) -> bool {
        false
    }

    /// Told before [`tidy`](Self::tidy): the line of code at which the object was taken that came back in need of it.
    fn untidy_from(&self, _obj: &mut Self::Type, _taken_at: &'static Location<'static>) {}

    /// Makes an object that came back fit for the next, in the background: neither who gave it back nor a getter waits for
    /// it. Its slot stays taken meanwhile, and counts as in use; who waits in line is served when it is done.
    ///
    /// It runs in a task of its own on Tokio, where the object was given back within it or the pool has made objects
    /// within it before; else in the pool's task ([`watch`](super::Pool::watch)). Where there is neither, the object is
    /// closed.
    ///
    /// # Errors
    ///
    /// With an error, a panic, or after 5 s (where the pool was told its runtime), the object is closed, for
    /// [`CloseReason::Untidy`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, as when its runtime shuts down, the object is closed.
    fn tidy(
        &self,
        _obj: &mut Self::Type,
    ) -> impl Future<Output = RecycleResult<Self::Error>> + Send {
        async { Ok(()) }
    }

    /// Asked when an object that was the pool's is to be closed, after [`detach`](Self::detach): does that take time?
    /// Then [`close`](Self::close) does it. Not asked of one that is taken out alive, nor of a new one that its hooks or
    /// its first proof turned down.
    fn closes_slowly(&self, _obj: &mut Self::Type, _reason: CloseReason) -> bool {
        false
    }

    /// Closes an object in the background, where [`tidy`](Self::tidy) runs too. The room that it leaves is free when this
    /// is over, and not before: at the other side there are never more than `max_size`.
    ///
    /// Bounded by 2 s where the pool was told its runtime.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, as when its runtime shuts down, so is the object, and its room is free.
    fn close(&self, obj: Self::Type) -> impl Future<Output = ()> + Send {
        async move { drop(obj) }
    }

    /// Proves that an object works, where there is time for it: a new one for
    /// [`build_ready`](super::PoolBuilder::build_ready) and [`warm_up`](super::Pool::warm_up), an idle one for
    /// [`keepalive`](super::PoolBuilder::keepalive) and [`suspicion`](super::PoolBuilder::suspicion). The default
    /// asks [`recycle`](Self::recycle).
    ///
    /// # Errors
    ///
    /// Whatever makes the object useless.
    fn probe(
        &self,
        obj: &mut Self::Type,
    ) -> impl Future<Output = RecycleResult<Self::Error>> + Send {
        async move { self.recycle(obj, &Metrics::default()).await }
    }

    /// An error of this manager in words, for the pool's own messages: what a time-out says of the last failed
    /// connect, and what a listener is told. Must not hold a secret. Default: nothing is said.
    fn describe(&self, _error: &Self::Error) -> Option<String> {
        None
    }

    /// What is good for pools of these objects, where their builder is told nothing else. Default: everything off,
    /// as in deadpool.
    fn defaults(&self) -> Defaults {
        Defaults::none()
    }

    /// The error of a get that is refused because making objects has failed too often
    /// ([`PoolBuilder::breaker`](super::PoolBuilder::breaker)), where this manager's error can say so. Default:
    /// it cannot, and [`Pool::get`](super::Pool::get) tells of a time-out of making an object.
    fn unavailable(&self, _why: Option<&str>, _retry_after: Duration) -> Option<Self::Error> {
        None
    }

    /// What objects of this manager are connected to, for messages. Must not hold a secret.
    fn target(&self) -> Cow<'static, str> {
        Cow::Borrowed(std::any::type_name::<Self::Type>())
    }
}

/// What [`Manager::recycle`] says.
pub type RecycleResult<E> = Result<(), RecycleError<E>>;

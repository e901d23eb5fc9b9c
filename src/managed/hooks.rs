//! Hooks: code of yours that runs when an object was made, and before and after one is checked.

use super::slot::Slot;
use super::{Manager, Metrics};
use crate::engine::wake::first_panic;
use crate::observe::CloseReason;
use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// What a hook says. An error destroys the object.
pub type HookResult<E> = Result<(), HookError<E>>;

/// What an asynchronous hook returns.
pub type HookFuture<'a, E> = Pin<Box<dyn Future<Output = HookResult<E>> + Send + 'a>>;

type SyncFn<M> =
    dyn Fn(&mut <M as Manager>::Type, &Metrics) -> HookResult<<M as Manager>::Error> + Sync + Send;

type AsyncFn<M> = dyn for<'a> Fn(&'a mut <M as Manager>::Type, &'a Metrics) -> HookFuture<'a, <M as Manager>::Error>
    + Sync
    + Send;

/// A hook, synchronous or not.
pub enum Hook<M: Manager> {
    /// A plain function.
    Fn(Box<SyncFn<M>>),
    /// A function that returns a future.
    AsyncFn(Box<AsyncFn<M>>),
}

impl<M: Manager> Hook<M> {
    /// A hook from a plain function.
    pub fn sync_fn(
        f: impl Fn(&mut M::Type, &Metrics) -> HookResult<M::Error> + Sync + Send + 'static,
    ) -> Self {
        Self::Fn(Box::new(f))
    }

    /// A hook from a function that returns a boxed future.
    pub fn async_fn(
        f: impl for<'a> Fn(&'a mut M::Type, &'a Metrics) -> HookFuture<'a, M::Error>
        + Sync
        + Send
        + 'static,
    ) -> Self {
        Self::AsyncFn(Box::new(f))
    }
}

impl<M: Manager> fmt::Debug for Hook<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fn(_) => "Fn",
            Self::AsyncFn(_) => "AsyncFn",
        })
    }
}

/// Why a hook turned an object down.
#[derive(Debug)]
pub enum HookError<E> {
    /// A reason in words.
    Message(Cow<'static, str>),
    /// An error of what the object is connected to.
    Backend(E),
}

impl<E> HookError<E> {
    /// A reason in words.
    pub fn message(msg: impl Into<Cow<'static, str>>) -> Self {
        Self::Message(msg.into())
    }
}

impl<E: fmt::Display> fmt::Display for HookError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => f.write_str(message),
            Self::Backend(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for HookError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Message(_) => None,
            Self::Backend(error) => Some(error),
        }
    }
}

type ReturnFn<M> = SyncFn<M>;

type CloseFn<M> = dyn Fn(&mut <M as Manager>::Type, &Metrics, CloseReason) + Sync + Send;

/// The hooks of a pool, in the order in which they were attached.
pub(crate) struct Hooks<M: Manager> {
    pub(crate) on_return: Vec<Box<ReturnFn<M>>>,
    pub(crate) on_close: Vec<Box<CloseFn<M>>>,
    pub(crate) post_create: Vec<Hook<M>>,
    pub(crate) pre_recycle: Vec<Hook<M>>,
    pub(crate) post_recycle: Vec<Hook<M>>,
}

/// Runs `hooks` on a slot's object until one turns it down.
pub(crate) async fn apply<M: Manager>(
    hooks: &[Hook<M>],
    slot: &mut Slot<M>,
) -> HookResult<M::Error> {
    for hook in hooks {
        match hook {
            Hook::Fn(f) => f(&mut slot.object, &slot.metrics)?,
            Hook::AsyncFn(f) => f(&mut slot.object, &slot.metrics).await?,
        }
    }
    Ok(())
}

impl<M: Manager> Hooks<M> {
    /// Says whether an object that comes back is good, as far as the hooks know.
    pub(crate) fn pass_return(&self, object: &mut M::Type, metrics: &Metrics) -> bool {
        let mut hooks = self.on_return.iter();
        hooks.all(|hook| hook(object, metrics).is_ok())
    }

    /// Tells all of an object's end, whatever any of them does. Says what panicked first.
    pub(crate) fn tell_close(
        &self,
        object: &mut M::Type,
        metrics: &Metrics,
        reason: CloseReason,
    ) -> Option<Box<dyn Any + Send>> {
        let hooks = self.on_close.iter();
        hooks.fold(None, |panic, hook| {
            first_panic(panic, || hook(object, metrics, reason))
        })
    }
}

impl<M: Manager> fmt::Debug for Hooks<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("post_create", &self.post_create)
            .field("pre_recycle", &self.pre_recycle)
            .field("post_recycle", &self.post_recycle)
            .field("on_return", &self.on_return.len())
            .field("on_close", &self.on_close.len())
            .finish()
    }
}

impl<M: Manager> Default for Hooks<M> {
    fn default() -> Self {
        Self {
            post_create: Vec::new(),
            pre_recycle: Vec::new(),
            post_recycle: Vec::new(),
            on_return: Vec::new(),
            on_close: Vec::new(),
        }
    }
}

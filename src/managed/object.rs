use super::core::Core;
use super::slot::{Slot, State};
use super::{Manager, Metrics, Pool};
use crate::engine::wake::{first_panic, resume};
use crate::observe::CloseReason;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// An object that was taken from a [`Pool`]; dropped, it goes back.
///
/// Going back never waits, blocks or spawns, and works anywhere: outside a runtime, after its runtime is
/// gone, on another thread, during a panic. The object goes straight to the first getter in line, or lies
/// idle; if the pool was closed or shrunk, or the object [is broken](Manager::has_broken), it is
/// destroyed there and then.
#[must_use]
pub struct Object<M: Manager> {
    /// `None` only while it is being dropped or taken.
    slot: Option<Box<Slot<M>>>,
}

impl<M: Manager> Object<M> {
    #[inline]
    pub(crate) fn new(slot: Box<Slot<M>>) -> Self {
        Self { slot: Some(slot) }
    }

    /// Takes the object out of its pool for good: the pool may make another in its place.
    #[must_use]
    pub fn take(mut this: Self) -> M::Type {
        let mut slot = this
            .slot
            .take()
            .expect("an object has its slot until it is dropped");
        slot.check_in();
        Core::take(slot)
    }

    /// The number of this object within its pool: later made, higher numbered. There may be gaps.
    pub fn id(this: &Self) -> ObjectId {
        ObjectId(this.slot().record.id())
    }

    /// The history of this object.
    pub fn metrics(this: &Self) -> &Metrics {
        &this.slot().metrics
    }

    /// The pool that this object belongs to, unless its last handle is gone.
    pub fn pool(this: &Self) -> Option<Pool<M>> {
        this.slot().core.handle.upgrade().map(Pool::from_handle)
    }

    #[inline]
    fn slot(&self) -> &Slot<M> {
        self.slot
            .as_ref()
            .expect("an object has its slot until it is dropped")
    }

    #[inline]
    fn slot_mut(&mut self) -> &mut Slot<M> {
        self.slot
            .as_mut()
            .expect("an object has its slot until it is dropped")
    }
}

impl<M: Manager> Drop for Object<M> {
    #[inline]
    fn drop(&mut self) {
        let Some(mut slot) = self.slot.take() else {
            return;
        };
        slot.check_in();
        let mut state = State::Broken;
        let panic = first_panic(None, || state = slot.look_over());
        match state {
            State::Fit => Core::keep_or_retire(slot),
            State::Untidy => Core::tidy_or_retire(slot),
            State::Broken => {
                let retire = || Core::retire(slot, CloseReason::Broken);
                resume(first_panic(panic, retire));
            }
        }
    }
}

impl<M: Manager> Deref for Object<M> {
    type Target = M::Type;
    #[inline]
    fn deref(&self) -> &M::Type {
        &self.slot().object
    }
}

impl<M: Manager> DerefMut for Object<M> {
    #[inline]
    fn deref_mut(&mut self) -> &mut M::Type {
        &mut self.slot_mut().object
    }
}

impl<M: Manager> AsRef<M::Type> for Object<M> {
    fn as_ref(&self) -> &M::Type {
        self
    }
}

impl<M: Manager> AsMut<M::Type> for Object<M> {
    fn as_mut(&mut self) -> &mut M::Type {
        self
    }
}

impl<M: Manager> fmt::Debug for Object<M>
where
    M: fmt::Debug,
    M::Type: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("id", &Self::id(self).0)
            .field("object", &self.slot().object)
            .field("metrics", &self.slot().metrics)
            .finish()
    }
}

/// The number of an object within its pool.
#[derive(Copy, Clone, Debug, Hash, Eq, PartialEq, Ord, PartialOrd)]
pub struct ObjectId(usize);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

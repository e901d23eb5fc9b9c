use super::core::{Core, Slot};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};

/// An object that was taken from a pool. Dropped, it goes back, on whatever thread that happens.
///
/// If the pool was closed meanwhile, or its last handle is gone, the object is destroyed instead.
#[must_use]
pub struct Object<T> {
    slot: Option<Box<Slot<T>>>,
}

impl<T> Object<T> {
    #[inline]
    pub(crate) fn new(slot: Box<Slot<T>>) -> Self {
        Self { slot: Some(slot) }
    }

    /// Takes the object out of its pool for good. The room that it leaves goes to the first who waits to
    /// add one. It can be [added](super::Pool::add) again.
    #[must_use]
    pub fn take(mut this: Self) -> T {
        let slot = this
            .slot
            .take()
            .expect("an object has its slot until it is dropped");
        Core::take(*slot)
    }
}

impl<T> Drop for Object<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            Core::give_back(slot);
        }
    }
}

impl<T> Deref for Object<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        let slot = self.slot.as_ref();
        &slot
            .expect("an object has its slot until it is dropped")
            .object
    }
}

impl<T> DerefMut for Object<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        let slot = self.slot.as_mut();
        &mut slot
            .expect("an object has its slot until it is dropped")
            .object
    }
}

impl<T> AsRef<T> for Object<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T> AsMut<T> for Object<T> {
    fn as_mut(&mut self) -> &mut T {
        self
    }
}

/// A panic leaves the pool whole; what is held is as safe as it is alone.
impl<T: UnwindSafe> UnwindSafe for Object<T> {}

/// A panic leaves the pool whole; what is held is as safe as it is alone.
impl<T: RefUnwindSafe> RefUnwindSafe for Object<T> {}

impl<T: fmt::Debug> fmt::Debug for Object<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Object").field(&**self).finish()
    }
}

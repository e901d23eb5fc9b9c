//! What an unmanaged pool shows of itself: its counts. It keeps no figures beside them.

use super::Pool;
use super::core::Core;
use crate::observe::{Kind, Listed, Observe, Snapshot, State};
use std::borrow::Cow;
use std::sync::{Arc, Weak};

impl<T: Send + Sync> Observe for Core<T> {
    fn name(&self) -> Cow<'_, str> {
        std::any::type_name::<T>().into()
    }

    fn kind(&self) -> Kind {
        Kind::Unmanaged
    }

    fn state(&self) -> State {
        if Self::snapshot(self).closed {
            State::Closed
        } else {
            State::Open
        }
    }

    fn snapshot(&self) -> Option<Snapshot> {
        Some(Self::snapshot(self))
    }
}

/// Its name is that of the objects' type; [`Pools::list_as`](crate::observe::Pools::list_as) lists it under
/// another.
impl<T: Send + Sync> Observe for Pool<T> {
    fn name(&self) -> Cow<'_, str> {
        self.core.name()
    }

    fn kind(&self) -> Kind {
        self.core.kind()
    }

    fn state(&self) -> State {
        self.core.state()
    }

    fn snapshot(&self) -> Option<Snapshot> {
        Observe::snapshot(&*self.core)
    }
}

impl<T: Send + Sync + 'static> Listed for Pool<T> {
    fn listed_name(&self) -> Cow<'_, str> {
        self.core.name()
    }

    fn listed(&self) -> Weak<dyn Observe> {
        let weak: Weak<Core<T>> = Arc::downgrade(&self.core);
        weak
    }
}

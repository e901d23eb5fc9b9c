//! A way for objects to tell their pool that they have died, from wherever that is noticed.

use super::Manager;
use super::core::Core;
use super::held::Held;
use super::retain::sweep;
use crate::engine::wake::contain;
use crate::observe::CloseReason;
use std::fmt;
use std::sync::{Arc, Weak};

/// Rung when an object may have died while it lies idle: the pool then looks at once which of its idle objects
/// [are broken](Manager::has_broken), and closes them, so that no getter finds one and spare ones are made in their place.
///
/// From [`Manager::hang`]. It does not keep its pool open, and outlives it: then ringing does nothing.
#[derive(Clone)]
pub struct Bell(Weak<dyn Rung>);

impl Bell {
    pub(crate) fn of<M: Manager>(core: &Arc<Core<M>>) -> Self {
        let core: Arc<dyn Rung> = core.clone();
        Self(Arc::downgrade(&core))
    }

    /// Has the pool look for dead ones among its idle objects, here and now: `has_broken` of each, and what closing
    /// one means. In use, objects are looked at when they come back.
    pub fn ring(&self) {
        if let Some(core) = self.0.upgrade() {
            core.is_rung();
        }
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell").finish_non_exhaustive()
    }
}

trait Rung: Send + Sync {
    fn is_rung(&self);
}

impl<M: Manager> Rung for Core<M> {
    fn is_rung(&self) {
        let mut dead = Vec::new();
        sweep(self, |mut idle: Held<M>, _| {
            // Of one whose manager panics nothing good is known.
            let mut broken = true;
            contain(|| broken = self.manager.has_broken(&mut idle.slot().object));
            if broken {
                dead.push(idle);
                return None;
            }
            Some(idle)
        });
        // After all others are back: this may take its time.
        for goner in dead {
            contain(|| Self::retire(goner.keep(), CloseReason::Broken));
        }
        self.keeper.nudge();
    }
}

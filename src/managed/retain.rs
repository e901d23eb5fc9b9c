//! Looking through the idle objects, and keeping only some.

use super::core::Core;
use super::held::Held;
use super::{Manager, Metrics, QueueMode};
use crate::engine::Claim;

/// What [`Pool::retain`](super::Pool::retain) did.
#[derive(Debug)]
pub struct RetainResult<T> {
    /// How many objects were looked at and kept.
    pub retained: usize,
    /// The objects that were not; they do not belong to the pool any more.
    pub removed: Vec<T>,
}

impl<T> Default for RetainResult<T> {
    fn default() -> Self {
        Self {
            retained: 0,
            removed: Vec::new(),
        }
    }
}

pub(super) fn retain<M: Manager>(
    core: &Core<M>,
    mut predicate: impl FnMut(&M::Type, Metrics) -> bool,
) -> RetainResult<M::Type> {
    let mut result = RetainResult::default();
    sweep(core, |mut idle, _| {
        let slot = idle.slot();
        if predicate(&slot.object, slot.metrics) {
            result.retained += 1;
            return Some(idle);
        }
        result.removed.push(Core::take(idle.keep()));
        None
    });
    result
}

/// Shows `look` each object that is idle, and tells it how many others are; what it gives back goes back.
///
/// Oldest first, one object at a time: the one that was looked at goes to the end, until all that were
/// idle have come by, or one does for the second time. Newest first, that one would be the very next
/// again, so all are taken out and put back in their order.
pub(super) fn sweep<M: Manager>(
    core: &Core<M>,
    mut look: impl FnMut(Held<M>, usize) -> Option<Held<M>>,
) {
    let run = core.next_retain();
    match core.config.queue_mode {
        QueueMode::Fifo => {
            let count = core.snapshot().idle;
            for mut idle in std::iter::from_fn(|| claim(core)).take(count) {
                if std::mem::replace(&mut idle.slot().looked_at, run) == run {
                    break;
                }
                drop(look(idle, core.snapshot().idle));
            }
        }
        QueueMode::Lifo => {
            let idle: Vec<_> = std::iter::from_fn(|| claim(core)).collect();
            let mut left = idle.len();
            // Should `look` panic, those not yet looked at go back as well.
            let mut kept: Vec<_> = Vec::with_capacity(idle.len());
            for idle in idle {
                left -= 1;
                kept.extend(look(idle, left + kept.len()));
            }
            // The one that lay deepest goes back first.
            kept.into_iter().rev().for_each(drop);
        }
    }
}

fn claim<M: Manager>(core: &Core<M>) -> Option<Held<M>> {
    match core.engine.claim() {
        Claim::Object(slot) => Some(Held::new(slot)),
        Claim::Empty | Claim::Closed => None,
    }
}

//! The one place of this crate with `unsafe` in it: giving an object back without touching a reference
//! count.
//!
//! Each slot owns one count on its pool's core ([`Tied`]), and each ticket of a gate one on its gate, of which the same
//! is true. While a slot is in somebody's hand, the core lives.
//! Giving it back hands the slot over, and its count with it, but the engine must still be reached
//! until the slot is counted as idle. Borrowing the core through the slot is not possible while the slot
//! moves; cloning the `Arc` would be two read-modify-writes on one shared cache line for each return,
//! which is what P2 forbids.
//!
//! So the core is reached through a pointer, and this is why it is alive whenever it is reached:
//!
//! 1. At first the slot is in the caller's hand.
//! 2. Then it lies in the idle store, not counted. Others may take it (they have claimed *some* object),
//!    but there is always one more slot in the store than is counted, and each of them owns a count on
//!    this core. Whoever closes the pool takes out only as many as were counted. So until the swap that
//!    counts ours has succeeded, one slot lies there that nobody may take but us.
//! 3. With that swap the right to this slot is gone, and [`give_back`] touches the engine no more.
//! 4. Or the swap fails for good: then a slot is taken back out of the store, and we are at 1 again. The
//!    locked way goes on after its last change of the word (it unlocks and wakes), so it holds a real
//!    count, cloned from the slot in hand, for as long as it runs.

use crate::engine::{Engine, GiveBack, Reach, give_back};
use std::sync::Arc;

/// A slot that owns a count on its pool's core, from when it is made until it is gone.
///
/// The `unsafe` below leans on this: [`core`](Self::core) is the same one at every call, and whatever lies
/// in the [`engine`](Self::engine) of a core has its count on that core and no other.
pub(crate) trait Tied: Sized {
    /// What keeps the engine.
    type Core;

    /// The core that this slot owns a count on.
    fn core(&self) -> &Arc<Self::Core>;

    /// The engine in a core.
    fn engine(core: &Self::Core) -> &Engine<Self>;
}

/// Gives a slot back to the pool that it belongs to.
#[inline]
pub(crate) fn give_home<S: Tied>(slot: S) -> GiveBack<S> {
    let tether = Tether::<S>(Arc::as_ptr(slot.core()));
    give_back(tether, slot)
}

/// A way to the core that no count stands for.
struct Tether<S: Tied>(*const S::Core);

impl<S: Tied> Reach<S> for Tether<S> {
    #[inline]
    #[expect(unsafe_code, reason = "the one block; see the head of this file")]
    fn engine(&self) -> &Engine<S> {
        // SAFETY: the pointer came from an `Arc`, so it is aligned and was valid. It still is: up to
        // the swap that counts our slot as idle, a slot with a count on this core is in our hand or is
        // ours to take out of the store (1, 2 and 4 in the head of this file), and after that swap
        // `give_back` does not call this again (3), nor does it use what an earlier call returned: each
        // reference is used within one statement. Only shared references to the core are ever made.
        let core = unsafe { &*self.0 };
        S::engine(core)
    }

    type Hold = Arc<S::Core>;

    fn hold(slot: &S) -> Arc<S::Core> {
        Arc::clone(slot.core())
    }
}

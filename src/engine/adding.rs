//! The moves of those who put objects in that the pool does not make.
//!
//! ```text
//! add        locked: closed → Closed; room, and nobody waits for it → size+1; to the first getter, or idle
//!                    else → Full
//! stand      (Full, and willing to wait) locked: as add, else a place in the line of those who add
//! admit      in the swap of every locked move that may leave room: the first of them who has none is given
//!            room: size+1, connecting+1; told and woken after the swap
//! poll       locked: given room → connecting−1; to the first getter, or idle
//! stop       locked: leaves; room that it was given goes to the next in line
//! ```
//!
//! Their line is beside that of the getters, and the word does not count it. While they wait their objects
//! are in their own hands, so one that leaves takes its object along, and a close leaves it with its owner.
//!
//! Room that was given to somebody is counted as a reservation, so it cannot be given twice, and who comes
//! later finds none to take. `size`, `max` and `closed` stand still under the lock, so how many are let in
//! is the same however often a swap must be tried again because an idle object was claimed meanwhile.
//!
//! A pool that is filled this way has a cap of 0 on connects, so its getters are never given a reservation,
//! and its maximum stands: [`resize`](Engine::resize) takes no room back from who adds.

use super::line::Line;
use super::queue::{End, Node, Stake};
use super::state::{MAX_CONNECTING, State};
use super::sync::{Arc, MutexGuard};
use super::waiter::{Known, Phase, Place, Waiter};
use super::wake::{WakeList, drop_contained};
use super::{Engine, GiveBack};
use std::task::Waker;

/// How putting an object in went.
#[derive(Debug)]
#[must_use]
pub enum Add<T> {
    /// The pool has it, or the first getter in line.
    In,
    /// There is no room, or none yet.
    Full(T),
    /// The pool is closed.
    Closed(T),
}

impl<T> Engine<T> {
    /// Puts `object` in, if there is room that nobody waits for.
    pub fn add(&self, object: T) -> Add<T> {
        match self.add_locked(object) {
            Ok(end) => end,
            Err((line, object)) => {
                drop(line);
                Add::Full(object)
            }
        }
    }

    /// Puts `object` in as soon as there is room, and has its owner woken by `waker` then. While it is
    /// [`Full`](Add::Full) there is a `place`, which must end in [`stop_adding`](Self::stop_adding) if its
    /// owner will not ask again.
    pub fn poll_add(&self, place: &mut Option<Place<T>>, object: T, waker: &Waker) -> Add<T> {
        let Some(stands) = place else {
            return self.stand_to_add(place, object, waker);
        };
        let end = match stands.waiter.phase() {
            Phase::Waiting if stands.known.will_wake(waker) => Add::Full(object),
            _ => self.poll_add_locked(stands, object, waker),
        };
        if !matches!(end, Add::Full(_)) {
            *place = None;
        }
        end
    }

    /// Leaves the line of those who add: O(1). Room that it was given goes to the next.
    pub fn stop_adding(&self, place: &Place<T>) {
        let mut line = self.line.lock();
        let Some(number) = place.waiter.number() else {
            return;
        };
        let node = line.adders.remove(number);
        match node.stake {
            Stake::Granted | Stake::Driving => self.change(line, State::unreserved),
            Stake::Hungry => drop(line),
        }
        drop_contained(node);
    }

    /// `Err`: there is no room, and the line is still locked.
    fn add_locked(&self, object: T) -> Result<Add<T>, (MutexGuard<'_, Line<T>>, T)> {
        let line = self.line.lock();
        let state = self.look();
        if state.is_closed() {
            return Ok(Add::Closed(object));
        }
        if state.size() == state.max() || line.adders.hungry() > 0 {
            return Err((line, object));
        }
        Ok(self.let_object_in(line, object, State::added))
    }

    #[cold]
    fn stand_to_add(&self, place: &mut Option<Place<T>>, object: T, waker: &Waker) -> Add<T> {
        let waker = waker.clone();
        let stands = Place {
            waiter: Arc::new(Waiter::new()),
            known: Known::of(&waker),
        };
        match self.add_locked(object) {
            Ok(end) => end,
            Err((mut line, object)) => {
                let waiter = Arc::clone(&stands.waiter);
                let node = Node::new(waiter, waker, Stake::Hungry, true);
                line.adders.enter(End::Back, node);
                drop(line);
                *place = Some(stands);
                Add::Full(object)
            }
        }
    }

    #[cold]
    fn poll_add_locked(&self, place: &mut Place<T>, object: T, waker: &Waker) -> Add<T> {
        let fresh = waker.clone();
        let known = Known::of(&fresh);
        let mut line = self.line.lock();
        let Some(number) = place.waiter.number() else {
            return Add::Closed(object);
        };
        if place.waiter.phase() == Phase::Reservation {
            let node = line.adders.remove(number);
            let end = self.let_object_in(line, object, State::connected);
            drop_contained(node);
            return end;
        }
        let old = line.adders.node(number).waker.replace(fresh);
        place.known = known;
        drop(line);
        drop_contained(old);
        Add::Full(object)
    }

    /// `count` takes `object` into `size`, or off the reservations; then it goes where a returned one goes.
    fn let_object_in(
        &self,
        mut line: MutexGuard<'_, Line<T>>,
        object: T,
        count: impl Fn(State) -> State,
    ) -> Add<T> {
        let mut wakes = WakeList::default();
        self.change_with(&mut line, &mut wakes, count);
        let end = self.put(line, object, false);
        assert!(
            matches!(end, GiveBack::Kept),
            "no room for an object that was let in"
        );
        wakes.wake();
        Add::In
    }
}

/// How many of those who wait to add are given room in `state`, and the state with that.
#[inline]
pub(super) fn admit<T>(line: &Line<T>, mut state: State) -> (State, usize) {
    let mut admitted = 0;
    while admitted < line.adders.hungry() && state.has_room(MAX_CONNECTING) {
        state = state.reserved();
        admitted += 1;
    }
    (state, admitted)
}

/// Tells the first of those who wait to add that they are given room.
#[inline]
pub(super) fn let_in<T>(line: &mut Line<T>, admitted: usize, wakes: &mut WakeList) {
    for _ in 0..admitted {
        let number = line.adders.first_hungry().expect("counted by `admit`");
        line.adders.set_stake(number, Stake::Granted);
        let node = line.adders.node(number);
        node.waiter.tell(Phase::Reservation);
        wakes.add(node.waker.take());
    }
}

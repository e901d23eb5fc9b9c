//! The moves that take the line's lock: joining, serving, giving up, retiring, resizing, closing.
//!
//! With the lock held, only [`claim`](Engine::claim) and [`give_back`](super::give_back) can still
//! change the word, only its number of idle objects, and only while nobody waits. So:
//! * `closed`, `max`, `size` and `connecting` stand still under the lock;
//! * with somebody in line the whole word does, so a plain store puts the next picture in place (asserted);
//! * every move ends with [`settle`](Engine::settle) in the same swap: while somebody in line has no
//!   reservation and there is room, the first of them gets one. So nobody waits beside room (P1). Where
//!   objects are brought and not made, the same swap lets in who waits with one (`adding.rs`).

use super::adding::{admit, let_in};
use super::line::Line;
use super::queue::{End, Node, Stake};
use super::state::{MAX_WAITING, State};
use super::sync::{Arc, MutexGuard, Ordering};
use super::waiter::{Known, Phase, Place};
use super::wake::{WakeList, drop_contained};
use super::{Debt, Engine, Enter, Finish, GiveBack, Leave, Placed, Turn};
use std::task::Waker;

impl<T> Engine<T> {
    /// Stands in line: at the back (as a newcomer, or [through](End::Through) a gate), or at the front if a served
    /// getter found its object dead and destroyed it (`debt`). With `wait` false the caller would rather go than wait for another's
    /// object; it still takes an idle object, a reservation, or the outcome of a connect that nobody owns.
    pub fn enter(&self, end: End, wait: bool, debt: Option<Debt>, waker: &Waker) -> Enter<T> {
        let waker = waker.clone();
        let known = Known::of(&waker);
        let mut line = self.line.lock();
        let owes = debt.is_some();
        if let Some(debt) = debt {
            pay(&mut line, debt);
        }
        let mut state = self.look();
        let stake = loop {
            let base = if owes { state.lost() } else { state };
            let room = base.has_room(line.cap);
            let (next, step) = if base.is_closed() {
                (base, Step::Go(Enter::Closed))
            } else if base.idle() > 0 {
                (base.claimed(1), Step::Take)
            } else if line.refusing && end == End::Back {
                (base, Step::Go(Enter::Closed))
            } else if end == End::Back && !room && line.hungry() >= line.most
                || base.waiting() == MAX_WAITING
            {
                (base, Step::Go(Enter::Shed))
            } else if !(wait || room || ownerless(&line, base) > line.hungry()) {
                (base, Step::Go(Enter::WouldWait))
            } else if room {
                (base.joined().reserved(), Step::Stand(Stake::Driving))
            } else {
                (base.joined(), Step::Stand(Stake::Hungry))
            };
            match (self.swap(state, next), step) {
                (Err(now), _) => state = now,
                (Ok(()), Step::Stand(stake)) => break stake,
                (Ok(()), Step::Go(end)) => {
                    // What the dead object leaves may be room for somebody in line.
                    self.change(line, |state| state);
                    drop_contained(waker);
                    return end;
                }
                (Ok(()), Step::Take) => {
                    drop(line);
                    // Before the object is ours to lose.
                    drop_contained(waker);
                    return Enter::Object(self.store.pop());
                }
            }
        };
        let waiter = line.cells.take();
        let place = Place {
            waiter: Arc::clone(&waiter),
            known,
        };
        line.enter(end, Node::new(waiter, waker, stake, wait));
        match end {
            // Those behind may have lost what they hoped for.
            End::Front => self.change(line, |state| state),
            End::Back | End::Through => drop(line),
        }
        match stake {
            Stake::Driving => Enter::Connect(place),
            Stake::Hungry | Stake::Granted => Enter::Wait(place),
        }
    }

    /// Asks what a getter in line has been told, and has it woken by `waker` when there is more.
    pub fn poll(&self, place: &mut Place<T>, waker: &Waker) -> Turn<T> {
        match place.waiter.phase() {
            Phase::Object => Turn::Object(place.waiter.take()),
            Phase::Closed => Turn::Closed,
            Phase::Dismissed => Turn::Dismissed,
            Phase::Waiting if place.known.will_wake(waker) => Turn::Pending,
            Phase::Waiting | Phase::Reservation | Phase::Nudged => self.poll_locked(place, waker),
        }
    }

    #[cold]
    fn poll_locked(&self, place: &mut Place<T>, waker: &Waker) -> Turn<T> {
        let fresh = waker.clone();
        let known = Known::of(&fresh);
        let mut line = self.line.lock();
        let Some(number) = place.waiter.number() else {
            drop(line);
            return match place.waiter.phase() {
                Phase::Object => Turn::Object(place.waiter.take()),
                Phase::Dismissed => Turn::Dismissed,
                _ => Turn::Closed,
            };
        };
        let old = line.node(number).waker.replace(fresh);
        place.known = known;
        let granted = place.waiter.phase() == Phase::Reservation;
        if granted {
            line.set_stake(number, Stake::Driving);
        }
        place.waiter.tell(Phase::Waiting);
        drop(line);
        drop_contained(old);
        if granted {
            Turn::Connect
        } else {
            Turn::Pending
        }
    }

    /// Leaves the line before the end (a cancelled or timed-out getter): O(1). A reservation that was not
    /// picked up goes to the next in line. A connect that it had begun is ownerless now: it must end in
    /// [`made`](Self::made) or [`give_up`](Self::give_up).
    pub fn leave(&self, place: &Place<T>) -> Leave<T> {
        let mut line = self.line.lock();
        let Some(number) = place.waiter.number() else {
            drop(line);
            return match place.waiter.phase() {
                Phase::Object => Leave::Object(place.waiter.take()),
                _ => Leave::Gone,
            };
        };
        let Node {
            waiter,
            waker,
            stake,
            ..
        } = line.remove(number);
        line.cells.keep(waiter);
        let granted = stake == Stake::Granted;
        self.change(line, |state| {
            let state = state.left();
            if granted { state.unreserved() } else { state }
        });
        drop_contained(waker);
        Leave::Gone
    }

    /// A getter's own connect came to a good end.
    pub fn finish(&self, place: &Place<T>, object: T) -> Finish<T> {
        let mut line = self.line.lock();
        let Some(number) = place.waiter.number() else {
            return Finish::Elsewhere(self.put(line, object, true));
        };
        if over(&line, self.look()) > 0 {
            line.set_stake(number, Stake::Hungry);
            line.leaving += 1;
            self.change(line, State::connected);
            return Finish::Surplus(object, Debt(()));
        }
        let node = line.remove(number);
        self.change(line, |state| state.left().connected());
        drop_contained(node);
        Finish::Mine(object)
    }

    /// A getter's own connect failed. Says whether the error is the getter's, or its cell has something
    /// better by now.
    pub fn fail(&self, place: &Place<T>) -> Placed {
        let mut line = self.line.lock();
        let Some(number) = place.waiter.number() else {
            self.change(line, State::unreserved);
            return Placed::Told;
        };
        let node = line.remove(number);
        self.change(line, |state| state.left().unreserved());
        drop_contained(node);
        Placed::Gone
    }

    /// A getter that may connect does not do so yet: its reservation goes to the next in line, and it waits on
    /// where it stands.
    pub fn put_off(&self, place: &Place<T>) {
        let mut line = self.line.lock();
        if let Some(number) = place.waiter.number() {
            line.set_stake(number, Stake::Hungry);
        }
        self.change(line, State::unreserved);
    }

    /// A connect that nobody owns came to a good end: its object goes to the front of the line, or
    /// becomes idle.
    pub fn made(&self, object: T) -> GiveBack<T> {
        self.put(self.line.lock(), object, true)
    }

    /// A reservation outside the line, if there is room that nobody in line wants: the caller connects for
    /// the pool, and ends in [`made`](Self::made) or [`give_up`](Self::give_up).
    pub fn reserve(&self) -> bool {
        let line = self.line.lock();
        let mut state = self.look();
        while state.has_room(line.cap) {
            match self.swap(state, state.reserved()) {
                Ok(()) => return true,
                Err(now) => state = now,
            }
        }
        false
    }

    /// A connect that nobody owns ended without an object: its reservation goes to the next in line.
    pub fn give_up(&self) {
        self.change(self.line.lock(), State::unreserved);
    }

    /// Announces that an object in the caller's hand will be destroyed or taken away.
    pub fn doom(&self) -> Debt {
        self.line.lock().leaving += 1;
        Debt(())
    }

    /// Pays for a doomed object after it is gone: the room goes to the next in line.
    pub fn bury(&self, debt: Debt) {
        let mut line = self.line.lock();
        pay(&mut line, debt);
        self.change(line, State::lost);
    }

    /// Changes the maximum. Gives out the idle objects beyond it: destroy each, then pay its debt.
    pub fn resize(&self, max: usize) -> Vec<(T, Debt)> {
        let mut line = self.line.lock();
        let (mut surplus, mut parked);
        let mut wakes = WakeList::default();
        let mut state = self.look();
        loop {
            if state.is_closed() {
                return Vec::new();
            }
            let next = line.take_back(state.resized(max), |state| state.size() > state.max());
            let over = over(&line, next);
            surplus = over.min(next.idle());
            parked = (over - surplus).min(line.parked.len());
            let next = self.settle(&mut line, next.claimed(surplus), &mut wakes);
            match self.swap(state, next) {
                Ok(()) => {
                    line.hear(next, &mut wakes);
                    break;
                }
                Err(now) => state = now,
            }
        }
        line.leaving += surplus + parked;
        let parked: Vec<_> = line.parked.drain(..parked).collect();
        drop(line);
        wakes.wake();
        self.pop_doomed(surplus, parked)
    }

    /// Closes the pool: everybody in line hears of it, and every idle object is given out: destroy each,
    /// then pay its debt. What is out is retired when it comes back.
    pub fn close(&self) -> Vec<(T, Debt)> {
        let mut wakes = WakeList::default();
        let mut line = self.line.lock();
        let mut state = self.look();
        loop {
            if state.is_closed() {
                return Vec::new();
            }
            let granted = line.granted() + line.adders.granted();
            let revoked = (0..granted).fold(state, |state, _| state.unreserved());
            match self.swap(state, revoked.closed()) {
                Ok(()) => {
                    line.hear(revoked.closed(), &mut wakes);
                    break;
                }
                Err(now) => state = now,
            }
        }
        let idle = state.idle();
        let parked: Vec<_> = line.parked.drain(..).collect();
        line.leaving += idle + parked.len();
        let mut nodes = line.drain(Phase::Closed);
        nodes.append(&mut line.adders.drain(Phase::Closed));
        drop(line);
        nodes
            .iter_mut()
            .for_each(|node| wakes.add(node.waker.take()));
        wakes.wake();
        self.pop_doomed(idle, parked)
    }

    pub(super) fn give_back_locked(&self, object: T) -> GiveBack<T> {
        self.put(self.line.lock(), object, false)
    }

    /// Where an object goes that nobody owns; `made` if it comes from a connect.
    pub(super) fn put(
        &self,
        mut line: MutexGuard<'_, Line<T>>,
        object: T,
        made: bool,
    ) -> GiveBack<T> {
        let counted = |state: State| if made { state.connected() } else { state };
        let mut state = self.look();
        if state.is_closed() || over(&line, state) > 0 {
            line.leaving += 1;
            self.change(line, counted);
            return GiveBack::Retire(object, Debt(()));
        }
        if state.is_paused() {
            line.parked.push_back(object);
            self.change(line, counted);
            return GiveBack::Kept;
        }
        if let Some(front) = line.front() {
            let node = line.remove(front);
            self.serve(line, node, object, counted);
            return GiveBack::Kept;
        }
        self.store.push(object);
        while let Err(now) = self.swap(state, counted(state).published()) {
            state = now;
        }
        GiveBack::Kept
    }

    /// Hands `object` to the first in line, who may leave a reservation behind.
    fn serve(
        &self,
        mut line: MutexGuard<'_, Line<T>>,
        first: Node<T>,
        object: T,
        counted: impl Fn(State) -> State,
    ) {
        let Node {
            waiter,
            waker,
            stake,
            ..
        } = first;
        let mut wakes = WakeList::default();
        wakes.add(waker);
        let granted = stake == Stake::Granted;
        self.change_with(&mut line, &mut wakes, |state| {
            let state = counted(state).left();
            if granted { state.unreserved() } else { state }
        });
        waiter.hand_over(object);
        line.cells.keep(waiter);
        drop(line);
        wakes.wake();
    }

    /// Grants reservations to the hungry while there is room; and dismisses those who would not wait for
    /// others and have nothing to hope for any more.
    #[inline]
    pub(super) fn settle(
        &self,
        line: &mut Line<T>,
        mut state: State,
        wakes: &mut WakeList,
    ) -> State {
        while state.has_room(line.cap) {
            let Some(number) = line.first_hungry() else {
                break;
            };
            state = state.reserved();
            line.set_stake(number, Stake::Granted);
            let node = line.node(number);
            node.waiter.tell(Phase::Reservation);
            wakes.add(node.waker.take());
        }
        if line.has_impatient() {
            state = dismiss(line, state, wakes);
        }
        state
    }

    /// Puts `step` in force, settles, unlocks and wakes.
    pub(super) fn change(&self, mut line: MutexGuard<'_, Line<T>>, step: impl Fn(State) -> State) {
        let mut wakes = WakeList::default();
        self.change_with(&mut line, &mut wakes, step);
        drop(line);
        wakes.wake();
    }

    pub(super) fn change_with(
        &self,
        line: &mut Line<T>,
        wakes: &mut WakeList,
        step: impl Fn(State) -> State,
    ) {
        let mut state = self.look();
        loop {
            let next = self.settle(line, step(state), wakes);
            // Nothing is given to those who add before the swap has succeeded: beside them it may fail.
            let (next, admitted) = admit(line, next);
            match self.swap(state, next) {
                Ok(()) => {
                    let_in(line, admitted, wakes);
                    return line.hear(next, wakes);
                }
                Err(now) => state = now,
            }
        }
    }

    /// Swaps `next` in for `state`, with the line locked.
    ///
    /// With somebody in line nobody else can change the word: a claim finds nothing idle, and a return takes the lock.
    /// So what was decided on still holds, and a store is enough.
    #[inline]
    pub(super) fn swap(&self, state: State, next: State) -> Result<(), State> {
        if state.waiting() > 0 {
            assert!(
                self.look() == state,
                "the word changed under the lock with somebody in line"
            );
            // ORDERING(locked store): Release pairs with `snapshot`, as `locked move` does. What is to be acquired was, by
            // the `locked move` that put the first in line; the lock hands it on.
            self.word.store(next.bits(), Ordering::Release);
            return Ok(());
        }
        // ORDERING(locked move): Release pairs with `locked move` and `snapshot`: an object is destroyed
        // before the room that it leaves is given to another. Acquire pairs with `publish` (what is taken
        // from the idle count has been pushed) and with an earlier `locked move`. Relaxed on failure: the
        // next round decides anew.
        let swapped = self.word.compare_exchange(
            state.bits(),
            next.bits(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        swapped.map(drop).map_err(State::from_bits)
    }

    /// Idle objects that were claimed to be destroyed, and parked ones that go with them.
    pub(super) fn pop_doomed(&self, count: usize, parked: Vec<T>) -> Vec<(T, Debt)> {
        let idle = std::iter::repeat_with(|| self.store.pop()).take(count);
        let doomed = |object| (object, Debt(()));
        idle.chain(parked).map(doomed).collect()
    }
}

/// Those leave the line who would not wait for others and have nothing to hope for any more.
#[cold]
fn dismiss<T>(line: &mut Line<T>, mut state: State, wakes: &mut WakeList) -> State {
    while let Some(number) = line.first_hopeless(ownerless(line, state)) {
        let mut node = line.remove(number);
        node.waiter.tell(Phase::Dismissed);
        wakes.add(node.waker.take());
        state = state.left();
    }
    state
}

/// What a getter that stands before the line does next.
enum Step<T> {
    Take,
    Stand(Stake),
    Go(Enter<T>),
}

/// Objects and reservations that are not on their way out.
fn staying<T>(line: &Line<T>, state: State) -> usize {
    let staying = state.size().checked_sub(line.leaving);
    staying.expect("more objects are leaving than there are")
}

/// How many objects must go before the pool is at its maximum.
pub(super) fn over<T>(line: &Line<T>, state: State) -> usize {
    staying(line, state).saturating_sub(state.max())
}

/// Connects that somebody in line may hope for: their getter has left, was served, or is about to end them. A
/// paused pool parks what they make.
fn ownerless<T>(line: &Line<T>, state: State) -> usize {
    let ownerless = state.connecting().checked_sub(line.staked());
    let ownerless = ownerless.expect("more getters connect than connects are counted");
    if state.is_paused() { 0 } else { ownerless }
}

/// The doomed object is gone; the caller takes it out of `size`.
fn pay<T>(line: &mut Line<T>, Debt(()): Debt) {
    assert!(line.leaving > 0, "paid for an object that was never doomed");
    line.leaving -= 1;
}

//! A queue: who waits, in order of arrival, and who of them has a reservation.
//!
//! A plain data structure; the lock around it is the engine's. Two lists run through numbered places:
//!
//! ```text
//! queue    everybody in line, first come first
//! hungry   those of them without a reservation, in the same order
//! ```
//!
//! Every step is O(1) and touches whom it is about and his neighbours; and a million waiters who left leave no
//! memory behind (P8), which is the business of the places (`places.rs`).

use super::places::Places;
use super::sync::Arc;
use super::waiter::{Phase, Waiter};
use std::task::Waker;

/// What one in line has beside its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stake {
    /// Nothing: it waits for an object or a reservation.
    Hungry,
    /// A reservation that it has not picked up yet.
    Granted,
    /// A connect of its own under way.
    Driving,
}

/// One of the two ends of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where the next object goes.
    Front,
    /// Where a newcomer stands.
    Back,
    /// There too, but for one who has waited elsewhere before: it is neither shed nor refused.
    Through,
}

/// One in line; on a cache line of its own, so that two workers who serve and join never need two for one.
#[derive(Debug)]
#[repr(align(64))]
pub struct Node<T> {
    /// The cell through which the getter hears.
    pub waiter: Arc<Waiter<T>>,
    /// How to wake it; `None` once it was woken and until it asks again.
    pub waker: Option<Waker>,
    /// What it has beside its place.
    pub stake: Stake,
    /// Whether it waits for others' objects.
    patient: bool,
    links: [Links; 2],
}

impl<T> Node<T> {
    /// A getter that is not in line yet.
    pub fn new(waiter: Arc<Waiter<T>>, waker: Waker, stake: Stake, patient: bool) -> Self {
        Self {
            waiter,
            waker: Some(waker),
            stake,
            patient,
            links: [UNLINKED; 2],
        }
    }
}

/// Those who wait for the same thing. What changes with each who comes or goes lies first, and together.
#[derive(Debug)]
#[repr(C)]
pub struct Queue<T> {
    ends: [Links; 2],
    hungry: usize,
    impatient: usize,
    nodes: Places<Node<T>>,
}

/// Neighbours of a node in one list, or, for a list, its two ends.
#[derive(Clone, Copy, Debug)]
struct Links {
    before: u32,
    after: u32,
}

const QUEUE: usize = 0;
const HUNGRY: usize = 1;
const NOBODY: u32 = u32::MAX;
const UNLINKED: Links = Links {
    before: NOBODY,
    after: NOBODY,
};

impl<T> Queue<T> {
    /// Nobody waits.
    pub fn new() -> Self {
        Self {
            nodes: Places::new(),
            ends: [UNLINKED; 2],
            hungry: 0,
            impatient: 0,
        }
    }

    /// How many have a reservation, picked up or not.
    pub fn staked(&self) -> usize {
        self.nodes.taken() - self.hungry
    }

    /// How many wait without a reservation.
    pub fn hungry(&self) -> usize {
        self.hungry
    }

    /// Puts a getter at one end of the queue; a hungry one at the same end of the hungry.
    #[inline]
    pub fn enter(&mut self, end: End, mut node: Node<T>) {
        let hungry = node.stake == Stake::Hungry;
        node.links[QUEUE] = self.at(QUEUE, end);
        if hungry {
            node.links[HUNGRY] = self.at(HUNGRY, end);
            self.count_hungry(node.patient);
        }
        let links = node.links;
        let number = self.nodes.put(|number| {
            node.waiter.stand_at(number);
            node
        });
        self.join(QUEUE, links[QUEUE], number);
        if hungry {
            self.join(HUNGRY, links[HUNGRY], number);
        }
    }

    /// Whether any of the hungry would not wait for others.
    #[inline]
    pub fn has_impatient(&self) -> bool {
        self.impatient > 0
    }

    /// The first hungry getter that would not wait for others and stands behind more of the hungry than
    /// there are connects without an owner to hope for. Walks no further than to the last such getter.
    pub fn first_hopeless(&self, ownerless: usize) -> Option<u32> {
        let mut left = self.impatient;
        let mut next = self.ends[HUNGRY].after;
        for ahead in 0.. {
            let number = some(next).filter(|_| left > 0)?;
            let node = &self.nodes[number];
            if !node.patient {
                if ahead >= ownerless {
                    return Some(number);
                }
                left -= 1;
            }
            next = node.links[HUNGRY].after;
        }
        None
    }

    /// The node at `number`.
    pub fn node(&mut self, number: u32) -> &mut Node<T> {
        &mut self.nodes[number]
    }

    /// The first in line.
    pub fn front(&self) -> Option<u32> {
        some(self.ends[QUEUE].after)
    }

    /// The first in line that has no reservation.
    pub fn first_hungry(&self) -> Option<u32> {
        some(self.ends[HUNGRY].after)
    }

    /// Changes what a getter has beside its place. One that becomes hungry stands among them where it
    /// stands in the queue.
    pub fn set_stake(&mut self, number: u32, stake: Stake) {
        let before = std::mem::replace(&mut self.node(number).stake, stake);
        match (before, stake) {
            (Stake::Hungry, Stake::Granted | Stake::Driving) => self.feed(number),
            (Stake::Granted | Stake::Driving, Stake::Hungry) => {
                self.starve(number, self.hungry_ahead(number));
            }
            _ => {}
        }
    }

    /// Takes a getter out of the line, and tells it that it is.
    #[inline]
    pub fn remove(&mut self, number: u32) -> Node<T> {
        let node = self.nodes.take(number);
        node.waiter.stand_nowhere();
        self.part(QUEUE, node.links[QUEUE]);
        if node.stake == Stake::Hungry {
            self.count_fed(node.patient);
            self.part(HUNGRY, node.links[HUNGRY]);
        }
        node
    }

    /// The last in line whose reservation is not picked up yet.
    pub fn last_granted(&self) -> Option<u32> {
        let mut next = self.ends[QUEUE].before;
        while let Some(number) = some(next) {
            let node = &self.nodes[number];
            if node.stake == Stake::Granted {
                return Some(number);
            }
            next = node.links[QUEUE].before;
        }
        None
    }

    /// How many reservations are not picked up yet.
    pub fn granted(&self) -> usize {
        self.nodes
            .iter()
            .filter(|node| node.stake == Stake::Granted)
            .count()
    }

    /// Empties the line: everybody hears `phase`. In order of arrival.
    pub fn drain(&mut self, phase: Phase) -> Vec<Node<T>> {
        let mut nodes = Vec::with_capacity(self.nodes.taken());
        while let Some(number) = self.front() {
            let node = self.remove(number);
            node.waiter.tell(phase);
            nodes.push(node);
        }
        nodes
    }

    /// A getter stands among the hungry, behind `ahead`.
    fn starve(&mut self, number: u32, ahead: u32) {
        let after = match some(ahead) {
            Some(ahead) => self.nodes[ahead].links[HUNGRY].after,
            None => self.ends[HUNGRY].after,
        };
        let links = Links {
            before: ahead,
            after,
        };
        let node = &mut self.nodes[number];
        node.links[HUNGRY] = links;
        let patient = node.patient;
        self.count_hungry(patient);
        self.join(HUNGRY, links, number);
    }

    /// It does not any more.
    fn feed(&mut self, number: u32) {
        let node = &self.nodes[number];
        let (links, patient) = (node.links[HUNGRY], node.patient);
        self.count_fed(patient);
        self.part(HUNGRY, links);
    }

    fn count_hungry(&mut self, patient: bool) {
        self.hungry += 1;
        self.impatient += usize::from(!patient);
    }

    fn count_fed(&mut self, patient: bool) {
        self.hungry -= 1;
        self.impatient -= usize::from(!patient);
    }

    /// The nearest hungry getter ahead of this one. Passes only getters with a reservation, of which
    /// there are never more than the word counts connects.
    fn hungry_ahead(&self, number: u32) -> u32 {
        let mut ahead = self.nodes[number].links[QUEUE].before;
        while let Some(node) = some(ahead).map(|number| &self.nodes[number]) {
            if node.stake == Stake::Hungry {
                break;
            }
            ahead = node.links[QUEUE].before;
        }
        ahead
    }

    /// The neighbours of who comes to one end of a list.
    #[inline]
    fn at(&self, list: usize, end: End) -> Links {
        let Links { before, after } = self.ends[list];
        match end {
            End::Front => Links {
                before: NOBODY,
                after,
            },
            End::Back | End::Through => Links {
                before,
                after: NOBODY,
            },
        }
    }

    /// Who stands at `number` is the neighbour of its neighbours from now on. Where there is nobody, it is the end of
    /// the list.
    #[inline]
    fn join(&mut self, list: usize, links: Links, number: u32) {
        self.face_back(list, links.before, number);
        self.face_front(list, links.after, number);
    }

    /// Those who were the neighbours of one are each other's.
    #[inline]
    fn part(&mut self, list: usize, links: Links) {
        self.face_back(list, links.before, links.after);
        self.face_front(list, links.after, links.before);
    }

    #[inline]
    fn face_back(&mut self, list: usize, one: u32, after: u32) {
        match some(one) {
            Some(one) => self.nodes[one].links[list].after = after,
            None => self.ends[list].after = after,
        }
    }

    #[inline]
    fn face_front(&mut self, list: usize, one: u32, before: u32) {
        match some(one) {
            Some(one) => self.nodes[one].links[list].before = before,
            None => self.ends[list].before = before,
        }
    }
}

#[inline]
fn some(number: u32) -> Option<u32> {
    (number != NOBODY).then_some(number)
}

#[cfg(all(test, not(any(millpond_loom, millpond_shuttle))))]
mod tests {
    use super::super::idle::Order;
    use super::super::state::MAX_WAITING;
    use super::super::{Engine, Enter, Leave};
    use super::*;

    #[test]
    fn beyond_half_a_million_who_wait_a_getter_is_shed_until_one_leaves() {
        let engine = Engine::<()>::new(0, 1, Order::Fifo);
        let come = || engine.enter(End::Back, true, None, Waker::noop());
        let mut line = Vec::with_capacity(MAX_WAITING);
        while line.len() < MAX_WAITING {
            let Enter::Wait(place) = come() else {
                panic!("only {} may wait", line.len());
            };
            line.push(place);
        }
        assert!(matches!(come(), Enter::Shed));
        assert_eq!(engine.state().waiting(), MAX_WAITING);
        let leaves = line.swap_remove(MAX_WAITING / 2);
        assert!(matches!(engine.leave(&leaves), Leave::Gone));
        assert!(matches!(come(), Enter::Wait(_)));
        assert!(matches!(come(), Enter::Shed));
        assert!(engine.close().is_empty());
        assert_eq!(engine.state().waiting(), 0);
    }
}

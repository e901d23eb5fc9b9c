//! Cells that were used, for those who wait next: a wait that follows others allocates nothing.
//!
//! ```text
//! leaves the line   (locked) the line's count on the cell is kept here; its getter has another, until it has heard
//! stands in line    (locked) the longest kept: is it nobody else's by now? then it is as good as new; else let it go
//! ```
//!
//! First in, first out: who was served longest ago has most probably fetched his object. Who has not keeps his cell for
//! himself, and the line has no more to do with it; so nobody waits for anybody here, and a getter that is
//! never polled again holds up no other.

use super::sync::Arc;
use super::waiter::Waiter;
use std::collections::VecDeque;

/// What a line keeps of the cells of those who left it.
#[derive(Debug)]
pub struct Cells<T>(VecDeque<Arc<Waiter<T>>>);

/// More than are on their way at once in most pools; a page of memory at most.
const KEPT: usize = 64;

impl<T> Cells<T> {
    /// None yet.
    pub const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// A cell that has been told nothing and stands nowhere: a kept one, or a new one.
    #[inline]
    pub fn take(&mut self) -> Arc<Waiter<T>> {
        if let Some(mut cell) = self.0.pop_front() {
            if let Some(waiter) = Arc::get_mut(&mut cell) {
                *waiter = Waiter::new();
                return cell;
            }
        }
        Arc::new(Waiter::new())
    }

    /// Keeps a cell that stands in line no more, if there is room for it.
    #[inline]
    pub fn keep(&mut self, cell: Arc<Waiter<T>>) {
        if self.0.len() < KEPT {
            self.0.push_back(cell);
        }
    }
}

#[cfg(all(test, not(any(millpond_loom, millpond_shuttle))))]
mod tests {
    use super::super::waiter::Phase;
    use super::*;

    #[test]
    fn a_cell_is_used_again_as_new_once_its_getter_has_let_go_of_it_and_not_before() {
        let mut cells = Cells::new();
        let (first, second) = (cells.take(), cells.take());
        first.stand_at(7);
        first.hand_over(1);
        let (at_first, at_second) = (Arc::as_ptr(&first), Arc::as_ptr(&second));
        cells.keep(Arc::clone(&first));
        cells.keep(second);

        let third = cells.take();
        assert!(Arc::as_ptr(&third) != at_first, "the first is in use");
        let fourth = cells.take();
        assert_eq!(Arc::as_ptr(&fourth), at_second);
        assert_eq!(first.take(), 1, "what it was handed is its own");

        cells.keep(first);
        let again = cells.take();
        assert_eq!(Arc::as_ptr(&again), at_first);
        assert_eq!((again.phase(), again.number()), (Phase::Waiting, None));
        again.hand_over(2);
        assert_eq!(again.take(), 2);
    }

    #[test]
    fn no_more_are_kept_than_there_is_room_for() {
        let mut cells = Cells::<()>::new();
        let line: Vec<_> = (0..2 * KEPT).map(|_| cells.take()).collect();
        line.into_iter().for_each(|cell| cells.keep(cell));
        assert_eq!(cells.0.len(), KEPT);
    }
}

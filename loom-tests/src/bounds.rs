//! The pool's bounds, changed from outside.

use crate::{Object, Pool, Signal};
use millpond::engine::Gone;
use std::task::{Poll, Waker};

impl Pool {
    /// Gives out nothing from now on.
    pub fn pause(&self) {
        assert!(self.engine().pause(), "it is open, and was not paused");
        self.books().set_paused(true);
    }

    /// The same of a pool that may be closed.
    pub fn try_pause(&self) {
        self.engine().pause();
    }

    /// Takes what is parked.
    pub fn unpark(&self) -> Vec<Object> {
        let parked = self.engine().unpark();
        parked.iter().for_each(Object::touch);
        parked
    }

    /// Gives out again, `objects` among the rest; destroys what there is no place for.
    pub fn resume_with(&self, objects: Vec<Object>) {
        self.books().set_paused(false);
        let surplus = self.engine().resume(objects);
        surplus
            .into_iter()
            .for_each(|(object, debt)| self.retire(object, debt));
    }

    /// Takes what is parked, looks at it, and gives out again.
    pub fn resume(&self) {
        let parked = self.unpark();
        self.resume_with(parked);
    }

    /// A pause that ends at once.
    pub fn pause_and_resume(&self) {
        self.pause();
        self.resume();
    }

    /// At most `cap` connects at once from now on.
    pub fn set_cap(&self, cap: usize) {
        // With more, a connect may begin from now on; with fewer, none may when it is done.
        self.books().set_cap(cap.max(self.books().cap()));
        self.engine().set_cap(cap);
        self.books().set_cap(cap);
    }

    /// Lets nobody join any more, and waits until nobody is in line.
    pub fn end_line(&self) {
        self.books().close();
        self.engine().refuse();
        self.wait_until(|gone, waker| self.engine().poll_line_end(gone, waker));
        assert_eq!(self.engine().state().waiting(), 0);
    }

    fn wait_until(&self, poll: impl Fn(&mut Gone, &Waker) -> Poll<()>) {
        let (signal, mut gone) = (Signal::new(), Gone::default());
        while poll(&mut gone, &signal.waker()).is_pending() {
            signal.wait();
        }
    }

    /// P1 of a paused pool: `live` objects exist, all of them parked, and nobody is given one. Then it is resumed.
    pub fn rests_paused(&self, live: usize) {
        let state = self.engine().state();
        assert!(state.is_paused() && !state.is_closed(), "{state:?}");
        assert_eq!(
            (state.size(), state.in_use(), state.idle()),
            (live, live, 0),
            "{state:?}"
        );
        assert_eq!((state.waiting(), state.connecting()), (0, 0), "{state:?}");
        assert!(self.get_at_once().is_none(), "nothing is given out");
        assert_eq!(self.books().live(), live, "ACC");
        self.resume();
    }
}

//! The roles of a model, run at once.

use crate::Object;
use loom::thread;
use millpond::engine::sync::set_before_race;
use std::cell::Cell;
use std::fmt;

/// Roles that run at once on one `S`: each on a thread of its own, one of them on the model's main thread.
#[must_use = "call `run`"]
pub struct Race<S, R> {
    on: S,
    roles: Vec<Role<S, R>>,
}

type Role<S, R> = Box<dyn FnOnce(&S) -> R>;

/// What a role holds when it is done, if anything.
#[derive(Debug)]
pub struct Kept(pub Option<Object>);

/// A race on `on` that nobody runs in yet.
pub fn race<S: Clone + 'static, R: 'static>(on: &S) -> Race<S, R> {
    Race {
        on: on.clone(),
        roles: Vec::new(),
    }
}

thread_local! {
    /// Whether the last role begins. loom runs all threads of a model on the thread that explores it.
    static BACKWARDS: Cell<bool> = const { Cell::new(false) };
}

/// Whether the last role of a race begins, from now on.
pub(crate) fn set_backwards(backwards: bool) {
    BACKWARDS.set(backwards);
}

impl<S: Clone + 'static, R: 'static> Race<S, R> {
    /// One more role.
    pub fn and<O: Into<R>>(mut self, role: impl FnOnce(&S) -> O + 'static) -> Self {
        self.roles.push(Box::new(|on| role(on).into()));
        self
    }

    /// Runs all roles to their end. In the order of the roles: what each of them holds then.
    pub fn run(mut self) -> Vec<R> {
        let backwards = BACKWARDS.get();
        if backwards {
            self.roles.reverse();
        }
        set_before_race(false);
        let mut roles = self.roles.into_iter();
        let first = roles.next().expect("a race has roles");
        let others: Vec<_> = roles
            .map(|role| {
                let on = self.on.clone();
                thread::spawn(move || role(&on))
            })
            .collect();
        let mut ends = vec![first(&self.on)];
        ends.extend(
            others
                .into_iter()
                .map(|other| other.join().expect("a role does not panic")),
        );
        if backwards {
            ends.reverse();
        }
        ends
    }
}

impl From<()> for Kept {
    fn from((): ()) -> Self {
        Self(None)
    }
}

impl From<Object> for Kept {
    fn from(object: Object) -> Self {
        Self(Some(object))
    }
}

impl From<Option<Object>> for Kept {
    fn from(object: Option<Object>) -> Self {
        Self(object)
    }
}

impl<S: fmt::Debug, R> fmt::Debug for Race<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race")
            .field("on", &self.on)
            .field("roles", &self.roles.len())
            .finish()
    }
}

//! One get, from its first poll to its end: counted once, however it ends.

use super::core::Core;
use super::gate::Ticket;
use super::get::{Failure, Obtained};
use super::{Manager, PoolError, Priority, TimeoutType};
use crate::observe::trace;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// A get that is under way. Dropped before its end, it was cancelled, or it panicked.
pub(crate) struct Attempt<'a, M: Manager> {
    core: &'a Core<M>,
    /// The phase that it is in.
    pub(crate) phase: TimeoutType,
    stage: Stage,
    /// Since when it stands in line, if it does.
    since: u64,
    ended: bool,
    /// The bound on all of it, where it has one.
    pub(crate) deadline: Option<Duration>,
    pub(crate) priority: Priority,
    /// Goes with its object; or back, when all else of it has ended.
    pub(crate) ticket: Ticket,
}

/// How far it has come: [`How`], without its reading, which would make the future of every get larger.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Beginning,
    InLine,
    Made,
}

/// How a get comes to its object. The readings are raw ones of the pool's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    /// It found one idle.
    AtOnce,
    /// It stands in line since then.
    Waiting { since: u64 },
    /// It stood in line since then, and made one.
    Made { since: u64 },
}

impl<'a, M: Manager> Attempt<'a, M> {
    #[inline]
    pub(crate) fn begin(core: &'a Core<M>) -> Self {
        Self {
            core,
            phase: TimeoutType::Wait,
            stage: Stage::Beginning,
            since: 0,
            ended: false,
            deadline: None,
            priority: Priority::Normal,
            ticket: Ticket::default(),
        }
    }

    /// It found nothing idle, or nothing that was good: from now on it waits.
    pub(crate) fn stands_in_line(&mut self) {
        self.since = self.core.clock.now();
        self.stage = Stage::InLine;
        self.core.counters.started.add_one();
        self.core.look_for_leaks_sometimes();
    }

    /// It has an object that it made itself.
    pub(crate) fn made_it(&mut self) {
        self.stage = Stage::Made;
    }

    #[inline]
    fn how(&self) -> How {
        let since = self.since;
        match self.stage {
            Stage::Beginning => How::AtOnce,
            Stage::InLine => How::Waiting { since },
            Stage::Made => How::Made { since },
        }
    }

    /// The end that is no cancelling: an object is checked out, a failure counted. By reference: to move an
    /// attempt that was just written costs more than to count it.
    #[inline]
    pub(crate) fn end(
        &mut self,
        obtained: Obtained<M>,
        caller: &'static Location<'static>,
        label: Option<&Arc<str>>,
    ) -> Obtained<M> {
        match obtained {
            Ok(mut slot) => {
                self.ended = true;
                slot.check_out(caller, label, self.how());
                slot.ticket = self.ticket.take();
                Ok(slot)
            }
            Err(failure) => {
                self.fail(&failure);
                Err(failure)
            }
        }
    }

    #[cold]
    fn fail(&mut self, failure: &Failure<M::Error>) {
        let counters = &self.core.counters;
        match failure {
            Failure::Error(PoolError::Timeout(phase)) => return self.time_out(*phase),
            Failure::Error(PoolError::Closed) => counters.closed.add_one(),
            Failure::Error(_) | Failure::Unavailable { .. } => counters.failed.add_one(),
            Failure::Shed | Failure::Overloaded { .. } => counters.shed.add_one(),
        }
        self.over();
    }

    /// A bound on the whole of it ran out.
    #[cold]
    pub(crate) fn deadline_passed(&mut self) {
        self.time_out(self.phase);
    }

    fn time_out(&mut self, phase: TimeoutType) {
        let counters = &self.core.counters;
        match phase {
            TimeoutType::Wait => counters.timed_out_wait.add_one(),
            TimeoutType::Create => counters.timed_out_create.add_one(),
            TimeoutType::Recycle => counters.timed_out_recycle.add_one(),
        }
        self.over();
        let waited = match self.how() {
            How::AtOnce => 0,
            How::Waiting { since } | How::Made { since } => self.core.since(since),
        };
        let waited = Duration::from_nanos(waited);
        trace::timed_out(|| self.core.name(), phase.into(), waited);
        self.core
            .tell(|listener| listener.timed_out(phase.into(), waited));
    }

    /// It ended without an object.
    fn over(&mut self) {
        self.ended = true;
        if matches!(self.stage, Stage::Beginning) {
            // A get that found an object idle is counted by that slot, when it has it; this one has none.
            self.core.counters.started.add_one();
        }
    }
}

impl<M: Manager> Drop for Attempt<'_, M> {
    #[inline]
    fn drop(&mut self) {
        if !self.ended {
            self.cut_short();
        }
    }
}

impl<M: Manager> Attempt<'_, M> {
    #[cold]
    fn cut_short(&mut self) {
        let counters = &self.core.counters;
        if std::thread::panicking() {
            counters.failed.add_one();
        } else {
            counters.cancelled.add_one();
        }
        self.over();
    }
}

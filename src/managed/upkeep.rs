//! How long objects live, when they are looked at, and how many lie ready: the decisions, without a clock, a
//! runtime or a pool. `keeper.rs` carries them out.

use crate::observe::CloseReason;
use std::time::Duration;

/// What a pool does for its objects. Everything is off where nothing is set, as in deadpool.
#[derive(Clone, Debug, Default)]
pub(crate) struct Upkeep {
    /// Spare objects that are kept ready.
    pub(crate) min_idle: usize,
    /// The most objects that lie idle; with 0, each is made for one use.
    pub(crate) max_idle: Option<usize>,
    /// How old an object may become.
    pub(crate) max_lifetime: Option<Duration>,
    /// By which share the lifetime of each object is shortened at most, by chance.
    pub(crate) lifetime_jitter: Jitter,
    /// How long an object may lie idle, where more than `min_idle` do.
    pub(crate) idle_timeout: Option<Duration>,
    /// How often an object may be used.
    pub(crate) max_uses: Option<u64>,
    /// How long an object may lie idle without a check in the background.
    pub(crate) keepalive: Option<Duration>,
    /// An object that was in use, or passed a check, within this is not checked again.
    pub(crate) check_after_idle: Option<Duration>,
    /// Whether the first object that fails its check puts the other idle ones under suspicion.
    pub(crate) suspicion: bool,
}

/// A share between 0 and 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jitter(pub(crate) f64);

impl Default for Jitter {
    /// A tenth: of a hundred objects that were made together, no more than a few end in any one second of a
    /// lifetime of half an hour.
    fn default() -> Self {
        Self(0.1)
    }
}

/// What is known of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) age: Duration,
    /// How old it may become, its jitter taken off.
    pub(crate) lifetime: Option<Duration>,
    /// Since it came back, or was made.
    pub(crate) idle: Duration,
    /// Since it was last known to be good: since it came back, was made or passed a check.
    pub(crate) unproved: Duration,
    /// How often it was taken.
    pub(crate) uses: u64,
    /// Whether it is of the pool's present generation.
    pub(crate) current: bool,
    /// Whether something that will take its place is there or on its way.
    pub(crate) replaced: bool,
}

/// What becomes of an idle object that somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fitness {
    /// It is known to be good.
    Good,
    /// It must be checked.
    Check,
    /// It must go.
    Worn(CloseReason),
}

/// What the keeper does with an idle object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// Nothing.
    Leave,
    /// Another one is made, and then it goes.
    Replace,
    /// It is checked.
    Check,
    /// It goes.
    Retire(CloseReason),
}

impl Upkeep {
    /// Why an object may not be used any more, if so.
    pub(crate) fn worn(&self, facts: &Facts) -> Option<CloseReason> {
        if !facts.current {
            return Some(CloseReason::Refreshed);
        }
        let old = facts.lifetime.is_some_and(|lifetime| facts.age >= lifetime);
        let used_up = self.max_uses.is_some_and(|most| facts.uses >= most);
        (old || used_up).then_some(CloseReason::Lifetime)
    }

    /// What becomes of an object that was idle, or comes straight from another's hand, before it is given out.
    pub(crate) fn fitness(&self, facts: &Facts, idle_left: usize) -> Fitness {
        if let Some(reason) = self.worn(facts) {
            return Fitness::Worn(reason);
        }
        let rusted = self.idle_timeout.is_some_and(|bound| facts.idle >= bound);
        if rusted && idle_left >= self.min_idle {
            return Fitness::Worn(CloseReason::Idle);
        }
        match self.check_after_idle {
            Some(bound) if facts.unproved < bound => Fitness::Good,
            _ => Fitness::Check,
        }
    }

    /// What becomes of an object that comes back: `idle` others lie there, and `waiting` tells whether somebody
    /// is in line.
    pub(crate) fn on_return(
        &self,
        facts: &Facts,
        idle: usize,
        waiting: bool,
    ) -> Option<CloseReason> {
        if let Some(reason) = self.worn(facts) {
            return Some(reason);
        }
        match self.max_idle {
            Some(0) => Some(CloseReason::Idle),
            Some(most) if idle >= most && !waiting => Some(CloseReason::Idle),
            _ => None,
        }
    }

    /// What the keeper does with an idle object, `idle_left` others being idle too.
    pub(crate) fn care(&self, facts: &Facts, idle_left: usize) -> Care {
        if let Some(reason) = self.worn(facts) {
            return Care::Retire(reason);
        }
        let rusted = self.idle_timeout.is_some_and(|bound| facts.idle >= bound);
        let too_many = self.max_idle.is_some_and(|most| idle_left >= most);
        if too_many || rusted && idle_left >= self.min_idle {
            return Care::Retire(CloseReason::Idle);
        }
        let ends_soon = facts
            .lifetime
            .is_some_and(|lifetime| facts.age + lead(lifetime) >= lifetime);
        if ends_soon && !facts.replaced {
            return Care::Replace;
        }
        match self.keepalive {
            Some(bound) if facts.unproved >= bound => Care::Check,
            _ => Care::Leave,
        }
    }

    /// How old an object may become that is made now, by the throw of `dice` (0 to 1).
    pub(crate) fn lifetime(&self, dice: f64) -> Option<Duration> {
        let share = 1.0 - self.lifetime_jitter.0.clamp(0.0, 1.0) * dice;
        self.max_lifetime
            .map(|most| Duration::try_from_secs_f64(most.as_secs_f64() * share).unwrap_or(most))
    }

    /// Whether what an object is worth depends on times at all: else no clock is read before a check.
    pub(crate) fn looks_at_times(&self) -> bool {
        let Self {
            max_lifetime,
            idle_timeout,
            max_uses,
            check_after_idle,
            ..
        } = self;
        max_lifetime
            .or(*idle_timeout)
            .or(*check_after_idle)
            .is_some()
            || max_uses.is_some()
    }

    /// Whether it decides anything when an object comes back, beside its generation.
    pub(crate) fn looks_at_returns(&self) -> bool {
        self.max_lifetime.is_some() || self.max_uses.is_some() || self.max_idle.is_some()
    }

    /// How often the keeper looks at the idle objects; `None`: there is nothing to look for.
    pub(crate) fn round(&self) -> Option<Duration> {
        let lifetime = self.max_lifetime.map(|most| lead(most).max(SHORTEST_ROUND));
        let others = [self.idle_timeout, self.keepalive].map(|bound| bound.map(|bound| bound / 20));
        let shortest = others.into_iter().flatten().chain(lifetime).min();
        let rounds =
            shortest.or((self.min_idle > 0 || self.max_idle.is_some()).then_some(LONGEST_ROUND));
        rounds.map(|round| round.clamp(SHORTEST_ROUND, LONGEST_ROUND))
    }

    /// How many objects the keeper begins to make now: those that are missing in spare ones, and `due`
    /// replacements; at most as many at once as [`FILL_AT_ONCE`], `making` of which are under way.
    pub(crate) fn to_make(&self, idle: usize, making: usize, due: usize, room: usize) -> usize {
        let spare = self.min_idle.min(self.max_idle.unwrap_or(usize::MAX));
        let missing = spare.saturating_sub(idle + making);
        (missing + due)
            .min(room)
            .min(FILL_AT_ONCE.saturating_sub(making))
    }
}

/// How long before an object's end another one is made: a fiftieth of its life, at most ten seconds.
fn lead(lifetime: Duration) -> Duration {
    (lifetime / 50).min(Duration::from_secs(10))
}

/// How many the keeper makes at once: each is a fork at a PostgreSQL server, and a storm multiplies latency.
const FILL_AT_ONCE: usize = 4;
/// Often enough that what is said of seconds is true.
const LONGEST_ROUND: Duration = Duration::from_millis(500);
const SHORTEST_ROUND: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: Duration = Duration::from_secs(1);

    fn fresh() -> Facts {
        Facts {
            age: S,
            lifetime: Some(100 * S),
            idle: S,
            unproved: S,
            uses: 1,
            current: true,
            replaced: false,
        }
    }

    #[test]
    fn nothing_set_is_nothing_done_but_the_check() {
        let upkeep = Upkeep::default();
        let ancient = Facts {
            age: 1_000_000 * S,
            lifetime: upkeep.lifetime(0.5),
            idle: 1_000_000 * S,
            unproved: 1_000_000 * S,
            uses: u64::MAX,
            ..fresh()
        };
        assert_eq!(upkeep.fitness(&ancient, 10), Fitness::Check);
        assert_eq!(upkeep.on_return(&ancient, 10, false), None);
        assert_eq!(upkeep.care(&ancient, 10), Care::Leave);
        assert_eq!((upkeep.round(), upkeep.to_make(0, 0, 0, 10)), (None, 0));
        assert!(!upkeep.looks_at_times() && !upkeep.looks_at_returns());
    }

    #[test]
    fn an_old_one_a_used_up_one_and_one_of_another_generation_are_worn() {
        let upkeep = Upkeep {
            max_uses: Some(3),
            ..Upkeep::default()
        };
        let worn = |change: fn(&mut Facts)| {
            let mut facts = fresh();
            change(&mut facts);
            upkeep.worn(&facts)
        };
        assert_eq!(worn(|_| {}), None);
        assert_eq!(worn(|facts| facts.uses = 3), Some(CloseReason::Lifetime));
        assert_eq!(
            worn(|facts| facts.age = 100 * S),
            Some(CloseReason::Lifetime)
        );
        assert_eq!(
            worn(|facts| facts.current = false),
            Some(CloseReason::Refreshed)
        );
    }

    #[test]
    fn who_was_used_lately_is_not_checked() {
        let upkeep = Upkeep {
            check_after_idle: Some(2 * S),
            ..Upkeep::default()
        };
        let at = |unproved| {
            upkeep.fitness(
                &Facts {
                    unproved,
                    ..fresh()
                },
                0,
            )
        };
        assert_eq!((at(S), at(2 * S)), (Fitness::Good, Fitness::Check));
    }

    #[test]
    fn who_lay_too_long_goes_where_enough_others_lie() {
        let upkeep = Upkeep {
            idle_timeout: Some(5 * S),
            min_idle: 2,
            ..Upkeep::default()
        };
        let facts = Facts {
            idle: 5 * S,
            ..fresh()
        };
        assert_eq!(upkeep.care(&facts, 2), Care::Retire(CloseReason::Idle));
        assert_eq!(upkeep.care(&facts, 1), Care::Leave);
        assert_eq!(upkeep.fitness(&facts, 2), Fitness::Worn(CloseReason::Idle));
        assert_eq!(upkeep.fitness(&facts, 1), Fitness::Check);
    }

    #[test]
    fn unpooled_ones_never_come_back_and_the_others_up_to_the_most() {
        let of = |most| Upkeep {
            max_idle: Some(most),
            ..Upkeep::default()
        };
        assert_eq!(of(0).on_return(&fresh(), 0, true), Some(CloseReason::Idle));
        assert_eq!(of(2).on_return(&fresh(), 1, false), None);
        assert_eq!(of(2).on_return(&fresh(), 2, false), Some(CloseReason::Idle));
        assert_eq!(
            of(2).on_return(&fresh(), 2, true),
            None,
            "somebody waits for it"
        );
        assert_eq!(of(2).care(&fresh(), 2), Care::Retire(CloseReason::Idle));
    }

    #[test]
    fn a_replacement_is_made_before_the_end_and_once() {
        let upkeep = Upkeep::default();
        let at = |age, replaced| {
            let facts = Facts {
                age,
                replaced,
                ..fresh()
            };
            upkeep.care(&facts, 0)
        };
        assert_eq!(at(97 * S, false), Care::Leave);
        assert_eq!(at(98 * S, false), Care::Replace);
        assert_eq!(at(98 * S, true), Care::Leave);
        assert_eq!(at(100 * S, true), Care::Retire(CloseReason::Lifetime));
    }

    #[test]
    fn as_many_are_made_as_are_missing_and_no_more_at_once_than_a_few() {
        let upkeep = Upkeep {
            min_idle: 10,
            ..Upkeep::default()
        };
        assert_eq!(upkeep.to_make(9, 0, 0, 100), 1);
        assert_eq!(upkeep.to_make(9, 1, 0, 100), 0);
        assert_eq!(upkeep.to_make(0, 0, 0, 100), FILL_AT_ONCE);
        assert_eq!(upkeep.to_make(0, 3, 0, 100), 1);
        assert_eq!(upkeep.to_make(0, 0, 0, 2), 2);
        assert_eq!(upkeep.to_make(10, 0, 2, 100), 2);
        let unpooled = Upkeep {
            max_idle: Some(0),
            ..upkeep
        };
        assert_eq!(unpooled.to_make(0, 0, 0, 100), 0);
    }

    #[test]
    fn a_hundred_made_together_do_not_end_together() {
        let upkeep = Upkeep {
            max_lifetime: Some(1_800 * S),
            ..Upkeep::default()
        };
        let ends = (0..100).map(|nth| upkeep.lifetime(f64::from(nth) / 100.0).unwrap());
        let ends: Vec<_> = ends.collect();
        assert!(
            ends.iter()
                .all(|end| *end > 1_620 * S - S && *end <= 1_800 * S)
        );
        assert!(ends.windows(2).all(|pair| pair[0] > pair[1]));
    }

    proptest! {
        #[test]
        fn no_length_of_time_is_too_long(secs in any::<u64>(), nanos in 0..1_000_000_000_u32, dice in 0.0..=1.0_f64) {
            let most = Duration::new(secs, nanos);
            let upkeep = Upkeep {
                max_lifetime: Some(most),
                idle_timeout: Some(most),
                keepalive: Some(most),
                ..Upkeep::default()
            };
            prop_assert!(upkeep.lifetime(dice).unwrap() <= most.saturating_add(S));
            prop_assert!(upkeep.round().unwrap() <= LONGEST_ROUND);
            let facts = Facts { lifetime: upkeep.lifetime(dice), ..fresh() };
            let _ = (upkeep.care(&facts, 0), upkeep.fitness(&facts, 0));
        }
    }
}

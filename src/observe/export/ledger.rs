//! What was told of each name so far: what a histogram got already, and what pools that are gone had counted.

use super::figures::{self, Amount, Figure};
use crate::engine::sync::{Arc, Mutex};
use crate::engine::wake::{contain, drop_contained};
use crate::observe::{Histogram, Observe, Pools};
use std::collections::{BTreeMap, HashMap};
use std::sync::Weak;

/// One figure of the pool that is listed under this name.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) pool: Arc<str>,
    pub(super) figure: Figure,
}

/// All pools of a list, read one after the other.
#[derive(Debug)]
pub(super) struct Round {
    #[cfg_attr(
        not(feature = "opentelemetry"),
        expect(dead_code, reason = "who tells each round at once keeps none")
    )]
    pub(super) number: u64,
    pub(super) samples: Vec<Sample>,
}

/// What one exporter has told.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Accounts>);

#[derive(Debug, Default)]
struct Accounts {
    begun: u64,
    booked: u64,
    by_name: BTreeMap<Arc<str>, Account>,
}

/// What was told of one name.
#[derive(Debug)]
struct Account {
    pool: Weak<dyn Observe>,
    /// Of the pools that had this name before.
    before: Totals,
    /// Of this one, when it was read last.
    last: Totals,
    /// Of this one's times.
    told: HashMap<&'static str, Histogram>,
}

/// By name of the metric and value of its label.
type Totals = HashMap<(&'static str, Option<&'static str>), u64>;

/// A pool that was looked at.
struct Seen {
    name: Arc<str>,
    pool: Weak<dyn Observe>,
    figures: Vec<Figure>,
}

impl Ledger {
    /// Reads all pools of the list: levels as they are, totals with those of their forerunners, times that were
    /// not told before. `None` if somebody who began later was quicker, and has told all this.
    ///
    /// No lock is held while the pools are read, since that may run a listener.
    pub(super) fn read(&self, pools: &Pools) -> Option<Round> {
        let number = self.0.lock().begin();
        let seen: Vec<_> = pools
            .all()
            .into_iter()
            .filter_map(|(name, pool)| look(name, pool))
            .collect();
        self.0.lock().book(number, seen)
    }
}

/// A pool that panics, against its word, is passed over: others are exported all the same.
fn look(name: String, pool: Arc<dyn Observe>) -> Option<Seen> {
    let mut figures = None;
    contain(|| figures = Some(figures::of(&*pool)));
    let weak = Arc::downgrade(&pool);
    // It may be the last that holds it by now.
    drop_contained(pool);
    Some(Seen {
        name: name.into(),
        pool: weak,
        figures: figures?,
    })
}

impl Accounts {
    fn begin(&mut self) -> u64 {
        self.begun += 1;
        self.begun
    }

    fn book(&mut self, number: u64, seen: Vec<Seen>) -> Option<Round> {
        if number < self.booked {
            return None;
        }
        self.booked = number;
        self.by_name.values_mut().for_each(Account::forget_if_gone);
        let samples = seen.into_iter().flat_map(|seen| self.book_one(seen));
        let samples = samples.collect();
        Some(Round { number, samples })
    }

    fn book_one(&mut self, seen: Seen) -> Vec<Sample> {
        let Seen {
            name,
            pool,
            figures,
        } = seen;
        let account = self
            .by_name
            .entry(name.clone())
            .or_insert_with(|| Account::new(&pool));
        if !account.pool.ptr_eq(&pool) {
            account.pass_to(&pool);
        }
        let book = |mut figure: Figure| {
            account.book(&mut figure);
            Sample {
                pool: name.clone(),
                figure,
            }
        };
        figures.into_iter().map(book).collect()
    }
}

impl Account {
    fn new(pool: &Weak<dyn Observe>) -> Self {
        Self {
            pool: pool.clone(),
            before: Totals::new(),
            last: Totals::new(),
            told: HashMap::new(),
        }
    }

    /// Another pool has the name from now on.
    fn pass_to(&mut self, pool: &Weak<dyn Observe>) {
        for (key, total) in self.last.drain() {
            *self.before.entry(key).or_default() += total;
        }
        self.told.clear();
        self.pool = pool.clone();
    }

    /// The totals of a pool that is gone count on; its histograms were told, and take room.
    fn forget_if_gone(&mut self) {
        if self.pool.strong_count() == 0 {
            self.told = HashMap::new();
        }
    }

    /// Makes of what the pool shows what is told.
    fn book(&mut self, figure: &mut Figure) {
        let key = (figure.metric.name, figure.label);
        match &mut figure.amount {
            Amount::Level(_) => {}
            Amount::Total(total) => {
                // A figure that others move while it is read may look smaller for a moment.
                let last = self.last.entry(key).or_default();
                *last = (*last).max(*total);
                *total = *last + self.before.get(&key).copied().unwrap_or(0);
            }
            Amount::Times(times) => {
                let told = self.told.entry(key.0).or_default();
                *times = times.since(told).at_most(AT_A_TIME);
                told.merge(times);
            }
        }
    }
}

/// So many durations are told of a histogram in one round: who gets them may take 16 bytes for each, or some
/// ten nanoseconds.
const AT_A_TIME: u64 = 1 << 22;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::names::{CONNECTION_MAX, GETS, WAIT_TIME};
    use crate::observe::{Kind, Snapshot, State, Stats};
    use std::borrow::Cow;
    use std::time::Duration;

    /// A pool that has counted what it is told.
    struct Told(Mutex<Stats>);

    impl Observe for Told {
        fn name(&self) -> Cow<'_, str> {
            "told".into()
        }

        fn kind(&self) -> Kind {
            Kind::Foreign("told")
        }

        fn state(&self) -> State {
            State::Open
        }

        fn snapshot(&self) -> Option<Snapshot> {
            None
        }

        fn stats(&self) -> Option<Stats> {
            Some(self.0.lock().clone())
        }
    }

    fn told(gets: u64) -> Arc<Told> {
        let told = Arc::new(Told(Mutex::new(Stats::default())));
        told.get(gets);
        told
    }

    impl Told {
        fn get(&self, times: u64) {
            let mut stats = self.0.lock();
            stats.gets.at_once += times;
            stats.wait_time.add(7, times);
        }
    }

    /// Gets told in all, and waits told in this round.
    fn read(ledger: &Ledger, pools: &Pools) -> Option<(u64, u64)> {
        let samples = ledger.read(pools).expect("nobody else reads").samples;
        let of = |name, label| {
            let mut found = samples
                .iter()
                .filter(|sample| (sample.figure.metric.name, sample.figure.label) == (name, label));
            let found = found.next()?;
            match &found.figure.amount {
                Amount::Level(amount) | Amount::Total(amount) => Some(*amount),
                Amount::Times(times) => Some(times.count()),
            }
        };
        assert_eq!(of(CONNECTION_MAX.name, None), None, "it has no such figure");
        Some((of(GETS.name, Some("at_once"))?, of(WAIT_TIME.name, None)?))
    }

    #[test]
    fn totals_go_on_and_times_are_told_once() {
        let (ledger, pools, pool) = (Ledger::default(), Pools::new(), told(3));
        pools.list(&pool);
        assert_eq!(read(&ledger, &pools), Some((3, 3)));
        assert_eq!(read(&ledger, &pools), Some((3, 0)));
        pool.get(2);
        assert_eq!(read(&ledger, &pools), Some((5, 2)));
    }

    #[test]
    fn who_takes_a_name_counts_on_and_who_comes_back_is_not_counted_again() {
        let (ledger, pools, first) = (Ledger::default(), Pools::new(), told(3));
        let name = pools.list(&first);
        assert_eq!(read(&ledger, &pools), Some((3, 3)));
        assert!(pools.unlist(&name));
        assert_eq!(read(&ledger, &pools), None);
        first.get(1);
        pools.list(&first);
        assert_eq!(read(&ledger, &pools), Some((4, 1)));
        drop(first);
        assert_eq!(read(&ledger, &pools), None);
        let second = told(10);
        pools.list(&second);
        assert_eq!(read(&ledger, &pools), Some((14, 10)));
        assert_eq!(read(&ledger, &pools), Some((14, 0)));
    }

    #[test]
    fn more_than_fit_into_a_round_are_told_in_the_next() {
        let (ledger, pools, pool) = (Ledger::default(), Pools::new(), told(AT_A_TIME + 10));
        pools.list(&pool);
        assert_eq!(read(&ledger, &pools), Some((AT_A_TIME + 10, AT_A_TIME)));
        assert_eq!(read(&ledger, &pools), Some((AT_A_TIME + 10, 10)));
    }

    #[test]
    fn of_two_who_read_at_once_the_one_who_began_first_tells_nothing_after_the_other() {
        let ledger = Ledger::default();
        let early = ledger.0.lock().begin();
        assert!(ledger.read(&Pools::new()).is_some());
        assert!(ledger.0.lock().book(early, Vec::new()).is_none());
    }

    #[test]
    fn a_pool_that_panics_does_not_keep_others_from_being_exported() {
        struct Bomb;
        impl Observe for Bomb {
            fn name(&self) -> Cow<'_, str> {
                "bomb".into()
            }
            fn kind(&self) -> Kind {
                Kind::Foreign("bomb")
            }
            fn state(&self) -> State {
                State::Open
            }
            fn snapshot(&self) -> Option<Snapshot> {
                panic!("on purpose")
            }
        }
        let (bomb, pool) = (Arc::new(Bomb), told(1));
        let (ledger, pools) = (Ledger::default(), Pools::new());
        pools.list(&bomb);
        pools.list(&pool);
        assert_eq!(read(&ledger, &pools), Some((1, 1)));
    }

    #[test]
    fn what_is_cut_off_comes_from_every_bucket() {
        let mut all = Histogram::new();
        (0..1_000).for_each(|_| all.record(Duration::from_millis(1)));
        (0..10).for_each(|_| all.record(Duration::from_secs(1)));
        assert_eq!(all.at_most(2_000), all);
        let some = all.at_most(505);
        let counts: Vec<_> = some.buckets().map(|(_, count)| count).collect();
        assert_eq!(counts, [500, 5]);
    }
}

//! The judge of a pool's health: from one sight to the next, by rules, with a clock that others read.

use super::Histogram;
use super::health::{Finding, Health, Level, Thresholds, Trouble};
use std::time::Duration;

/// What a pool looks like at one moment, as far as its health is concerned.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sight {
    pub(crate) in_use: usize,
    pub(crate) max_size: usize,
    pub(crate) waiting: usize,
    pub(crate) closed: bool,
    /// Of all times.
    pub(crate) wait_time: Histogram,
    /// Of all times.
    pub(crate) time_outs: u64,
    /// Of all times.
    pub(crate) ended: u64,
    /// Of all times.
    pub(crate) created: u64,
    /// Of all times.
    pub(crate) create_failures: u64,
    pub(crate) leaks: usize,
    pub(crate) wait_bound: Option<Duration>,
    pub(crate) breaker_open: bool,
}

/// Judges one sight after the other. It knows no clock: `now` is any time that rises.
#[derive(Debug)]
pub(crate) struct Judge {
    thresholds: Thresholds,
    utilisation: Level,
    line_since: Option<Duration>,
    connects: Connects,
    /// The two pictures that "lately" counts from: the older one, and the one that follows it.
    marks: [Option<Mark>; 2],
    level: Level,
    /// When the verdict was last at least as bad as the level that is shown.
    as_bad_at: Duration,
}

#[derive(Clone, Debug)]
struct Mark {
    at: Duration,
    wait_time: Histogram,
    time_outs: u64,
    ended: u64,
}

#[derive(Debug, Default)]
struct Connects {
    created: u64,
    failures: u64,
    in_a_row: u64,
}

impl Judge {
    pub(crate) fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            utilisation: Level::Healthy,
            line_since: None,
            connects: Connects::default(),
            marks: [None, None],
            level: Level::Healthy,
            as_bad_at: Duration::ZERO,
        }
    }

    /// The verdict on what is seen now.
    pub(crate) fn step(&mut self, now: Duration, sight: &Sight) -> Health {
        let found = [
            sight.closed.then(|| critical(Trouble::Closed)),
            sight.breaker_open.then(|| critical(Trouble::BreakerOpen)),
            self.connect_failures(sight),
            self.time_outs(now, sight),
            self.utilisation(sight),
            self.line(now, sight),
            self.waits(now, sight),
            leaks(sight),
        ];
        self.remember(now, sight);
        let mut findings: Vec<_> = found.into_iter().flatten().collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
        let verdict = findings.first().map_or(Level::Healthy, |worst| worst.level);
        let calm = now.saturating_sub(self.as_bad_at) >= self.thresholds.calm;
        if verdict >= self.level || calm {
            self.level = verdict;
            self.as_bad_at = now;
        }
        Health {
            level: self.level,
            findings,
        }
    }

    fn utilisation(&mut self, sight: &Sight) -> Option<Finding> {
        let &Sight {
            in_use, max_size, ..
        } = sight;
        if max_size == 0 {
            self.utilisation = Level::Healthy;
            return None;
        }
        let share = in_use as f64 / max_size as f64;
        let rules = &self.thresholds;
        let reaches = |threshold: f64, level: Level, now: Level| {
            let slack = if now >= level {
                rules.utilisation_slack
            } else {
                0.0
            };
            // A share of exactly the threshold reaches it, whatever 0.8 is in binary.
            share + ROUNDING >= threshold - slack
        };
        self.utilisation = if reaches(
            rules.utilisation_critical,
            Level::Critical,
            self.utilisation,
        ) {
            Level::Critical
        } else if reaches(rules.utilisation_warning, Level::Warning, self.utilisation) {
            Level::Warning
        } else {
            Level::Healthy
        };
        at_level(self.utilisation, Trouble::Utilisation { in_use, max_size })
    }

    fn line(&mut self, now: Duration, sight: &Sight) -> Option<Finding> {
        if sight.waiting == 0 {
            self.line_since = None;
            return None;
        }
        let for_at_least = now.saturating_sub(*self.line_since.get_or_insert(now));
        let level = of_two(
            for_at_least,
            self.thresholds.line_warning,
            self.thresholds.line_critical,
        );
        let waiting = sight.waiting;
        at_level(
            level,
            Trouble::Line {
                waiting,
                for_at_least,
            },
        )
    }

    fn waits(&self, now: Duration, sight: &Sight) -> Option<Finding> {
        let bound = sight.wait_bound.filter(|bound| !bound.is_zero());
        let bound = bound.unwrap_or(self.thresholds.slow_wait);
        let lately = match self.mark(now) {
            Some(mark) => sight.wait_time.since(&mark.wait_time),
            None => sight.wait_time.clone(),
        };
        let p99 = lately.quantile(0.99)?;
        let share = p99.as_secs_f64() / bound.as_secs_f64().max(f64::MIN_POSITIVE);
        let level = of_two(
            share,
            self.thresholds.wait_warning,
            self.thresholds.wait_critical,
        );
        at_level(level, Trouble::SlowWaits { p99, bound })
    }

    fn time_outs(&self, now: Duration, sight: &Sight) -> Option<Finding> {
        let (time_outs, ended) = match self.mark(now) {
            Some(mark) => (mark.time_outs, mark.ended),
            None => (0, 0),
        };
        let count = sight.time_outs.saturating_sub(time_outs);
        let of = sight.ended.saturating_sub(ended).max(count);
        if count == 0 {
            return None;
        }
        let critical = count as f64 >= self.thresholds.time_outs_critical * of as f64;
        let level = if critical {
            Level::Critical
        } else {
            Level::Warning
        };
        at_level(level, Trouble::TimeOuts { count, of })
    }

    /// Failures since an object was last made: a success says that the way is free again.
    fn connect_failures(&mut self, sight: &Sight) -> Option<Finding> {
        let connects = &mut self.connects;
        let failures = sight.create_failures.saturating_sub(connects.failures);
        if sight.created > connects.created {
            connects.in_a_row = 0;
        } else {
            connects.in_a_row += failures;
        }
        connects.created = sight.created;
        connects.failures = sight.create_failures;
        let count = connects.in_a_row;
        let level = of_two(count, 1, self.thresholds.connect_failures_critical);
        at_level(level, Trouble::ConnectFailures { count })
    }

    /// The picture that "lately" counts from: the newest that is old enough, or the one before it.
    fn mark(&self, now: Duration) -> Option<&Mark> {
        let [older, newer] = &self.marks;
        let enough = |mark: &&Mark| now.saturating_sub(mark.at) >= self.thresholds.window / 2;
        newer.as_ref().filter(enough).or(older.as_ref())
    }

    fn remember(&mut self, now: Duration, sight: &Sight) {
        let newest = self.marks[1].as_ref().or(self.marks[0].as_ref());
        let due =
            newest.is_none_or(|mark| now.saturating_sub(mark.at) >= self.thresholds.window / 2);
        if !due {
            return;
        }
        let mark = Mark {
            at: now,
            wait_time: sight.wait_time.clone(),
            time_outs: sight.time_outs,
            ended: sight.ended,
        };
        if let Some(older) = self.marks[1].replace(mark) {
            self.marks[0] = Some(older);
        }
    }
}

fn leaks(sight: &Sight) -> Option<Finding> {
    let count = sight.leaks;
    (count > 0).then_some(Finding {
        level: Level::Warning,
        trouble: Trouble::LeakSuspected { count },
    })
}

fn critical(trouble: Trouble) -> Finding {
    Finding {
        level: Level::Critical,
        trouble,
    }
}

fn at_level(level: Level, trouble: Trouble) -> Option<Finding> {
    (level > Level::Healthy).then_some(Finding { level, trouble })
}

fn of_two<T: PartialOrd>(value: T, warning: T, critical: T) -> Level {
    if value >= critical {
        Level::Critical
    } else if value >= warning {
        Level::Warning
    } else {
        Level::Healthy
    }
}

const ROUNDING: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const S: Duration = Duration::from_secs(1);

    /// Utilisation alone, step by step: what is in use of 20, and the level that it is.
    fn levels(judge: &mut Judge, from: u64, in_use: &[usize]) -> Vec<Level> {
        let sights = in_use.iter().map(|in_use| Sight {
            in_use: *in_use,
            max_size: 20,
            ..Sight::default()
        });
        let times = (from..).map(|tenth| Duration::from_millis(100 * tenth));
        times
            .zip(sights)
            .map(|(now, sight)| judge.step(now, &sight).level)
            .collect()
    }

    fn judge(set: impl FnOnce(&mut Thresholds)) -> Judge {
        let mut thresholds = Thresholds::default();
        set(&mut thresholds);
        Judge::new(thresholds)
    }

    use Level::{Critical, Healthy, Warning};

    #[test]
    fn from_eighty_percent_it_is_a_warning_and_from_ninety_five_critical() {
        let mut judge = judge(|set| set.calm = Duration::ZERO);
        let found = levels(&mut judge, 0, &[0, 15, 16, 18, 19, 20]);
        assert_eq!(
            found,
            [Healthy, Healthy, Warning, Warning, Critical, Critical]
        );
    }

    #[test]
    fn on_the_way_back_each_threshold_has_its_slack() {
        let mut judge = judge(|set| set.calm = Duration::ZERO);
        let found = levels(&mut judge, 0, &[20, 18, 17, 16, 15, 14, 15, 16]);
        let expected = [
            Critical, Critical, Warning, Warning, Warning, Healthy, Healthy, Warning,
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_level_rises_at_once_and_falls_after_a_calm_second() {
        let mut judge = judge(|_| {});
        assert_eq!(levels(&mut judge, 0, &[20]), [Critical]);
        assert_eq!(levels(&mut judge, 1, &[0; 9]), [Critical; 9]);
        // It is as bad as ever once more: the second begins anew.
        assert_eq!(levels(&mut judge, 10, &[20]), [Critical]);
        assert_eq!(levels(&mut judge, 11, &[0; 9]), [Critical; 9]);
        assert_eq!(levels(&mut judge, 20, &[0]), [Healthy]);
    }

    #[test]
    fn a_pool_of_none_is_not_utilised() {
        let health = judge(|_| {}).step(S, &Sight::default());
        assert_eq!((health.level, health.findings), (Healthy, vec![]));
    }

    #[test]
    fn a_line_counts_from_when_it_began_and_anew_when_it_was_empty() {
        let mut judge = judge(|set| set.calm = Duration::ZERO);
        let mut at = |now: Duration, waiting| {
            let sight = Sight {
                waiting,
                ..Sight::default()
            };
            judge.step(now, &sight).level
        };
        assert_eq!(at(S, 3), Healthy);
        assert_eq!(at(S + 999 * MS, 1), Healthy);
        assert_eq!(at(2 * S, 1), Warning);
        assert_eq!(at(3 * S, 0), Healthy);
        assert_eq!(at(4 * S, 1), Healthy);
        assert_eq!(at(14 * S, 1), Critical);
    }

    #[test]
    fn waits_are_compared_with_the_bound_and_forgotten_after_the_window() {
        let mut judge = judge(|set| set.calm = Duration::ZERO);
        let mut wait_time = Histogram::new();
        let mut at = |now: Duration, waits: &[u64]| {
            waits
                .iter()
                .for_each(|ms| wait_time.record(Duration::from_millis(*ms)));
            let sight = Sight {
                wait_time: wait_time.clone(),
                wait_bound: Some(5 * S),
                ..Sight::default()
            };
            judge.step(now, &sight).level
        };
        assert_eq!(at(S, &[1; 100]), Healthy);
        assert_eq!(at(2 * S, &[3_000, 3_000]), Warning);
        assert_eq!(at(3 * S, &[4_900; 6]), Critical);
        assert_eq!(at(30 * S, &[1; 100]), Critical, "nobody looked in between");
        assert_eq!(at(36 * S, &[1; 100]), Healthy);
    }

    #[test]
    fn time_outs_are_a_warning_and_many_are_critical() {
        let mut judge = judge(|set| set.calm = Duration::ZERO);
        let mut at = |now: Duration, time_outs, ended| {
            let sight = Sight {
                time_outs,
                ended,
                ..Sight::default()
            };
            judge.step(now, &sight)
        };
        assert_eq!(at(S, 0, 1_000).level, Healthy);
        let one = at(2 * S, 1, 1_100);
        assert_eq!(one.level, Warning);
        assert_eq!(at(3 * S, 60, 1_200).level, Critical);
        for late in [8, 14, 20] {
            at(late * S, 60, 1_300);
        }
        assert_eq!(at(26 * S, 60, 1_400).level, Healthy);
    }

    #[test]
    fn connect_failures_count_until_one_goes_well() {
        let mut judge = judge(|set| set.calm = Duration::ZERO);
        let mut at = |now: Duration, created, create_failures| {
            let sight = Sight {
                created,
                create_failures,
                ..Sight::default()
            };
            judge.step(now, &sight).level
        };
        assert_eq!(at(S, 1, 0), Healthy);
        assert_eq!(at(2 * S, 1, 1), Warning);
        assert_eq!(at(3 * S, 1, 3), Critical);
        assert_eq!(at(4 * S, 2, 3), Healthy);
        assert_eq!(at(5 * S, 2, 4), Warning);
    }

    #[test]
    fn the_worst_comes_first_and_everything_is_named() {
        let sight = Sight {
            in_use: 17,
            max_size: 20,
            leaks: 2,
            closed: true,
            breaker_open: true,
            ..Sight::default()
        };
        let health = judge(|_| {}).step(S, &sight);
        let names: Vec<_> = health
            .findings
            .iter()
            .map(|finding| finding.trouble.name())
            .collect();
        assert_eq!(
            names,
            ["closed", "breaker_open", "utilisation", "leak_suspected"]
        );
        let text = health.to_string();
        assert!(text.starts_with("critical: the pool is closed; "), "{text}");
        assert!(text.contains("17 of 20 in use"), "{text}");
    }
}

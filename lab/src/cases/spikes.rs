//! What must hold of a service that went through spikes.

use crate::Failure;
use crate::data::Better;
use crate::load::quantile;
use crate::record::Recorder;
use std::time::Duration;

/// A part of the load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) is_spike: bool,
}

/// What one request heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// When it was due.
    pub(super) at: Duration,
    /// How long it took.
    pub(super) took: Duration,
    /// Whether it was served.
    pub(super) served: bool,
    /// Whether it would wait for as long as the service lets it.
    pub(super) patient: bool,
}

/// What must hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// No response takes longer.
    pub(super) longest: Duration,
    /// It is its old self so soon after a spike.
    pub(super) recovery: Duration,
}

/// Writes down what must hold. The first part is calm, and shows what is normal; after each spike there is a calm part.
///
/// # Errors
///
/// Nobody had to wait in the spikes, so that nothing was asked: what the service can do was measured too low.
pub(super) fn judge(
    heard: &[Heard],
    parts: &[Part],
    bounds: &Bounds,
    recorder: &Recorder,
) -> Result<(), Failure> {
    let normal = normal(heard, parts[0]);
    felt(heard, parts)?;
    let longest = heard.iter().map(|one| one.took).max().unwrap_or_default();
    recorder.check(
        "no response takes longer",
        format!("{:?}", bounds.longest),
        format!("{longest:.1?}"),
        longest <= bounds.longest,
    );
    errors(heard, parts, true, 5.0, recorder);
    errors(heard, parts, false, 1.0, recorder);
    // A machine that does other work is no reason to call it another service.
    let limit = normal * 3 / 2 + SLACK;
    let mut slowest = 0.0_f64;
    for (number, pair) in parts.windows(2).filter(|pair| pair[0].is_spike).enumerate() {
        let (spike, calm) = (pair[0], pair[1]);
        let recovered = recovered(heard, calm, limit);
        let after = recovered.map(|at| at - spike.to);
        slowest = slowest.max(after.unwrap_or(calm.to - spike.to).as_secs_f64());
        recorder.check(
            &format!("back to the normal p99 after spike {}", number + 1),
            format!(
                "{:?} after its end, to {limit:.0?} at most",
                bounds.recovery
            ),
            match after {
                Some(after) => format!("{after:.1?} after"),
                None => format!("not in {:?}", calm.to - spike.to),
            },
            after.is_some_and(|after| after <= bounds.recovery),
        );
    }
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    recorder.headline("until normal after a spike", slowest, "s", Better::Lower);
    recorder.figure("normal p99", ms(normal), "ms", Better::Lower);
    recorder.figure("longest response", ms(longest), "ms", Better::Lower);
    Ok(())
}

/// Whether anybody had to wait in the spikes.
fn felt(heard: &[Heard], parts: &[Part]) -> Result<(), Failure> {
    let in_spike = |one: &&Heard| parts.iter().any(|part| part.is_spike && part.has(one));
    let longest = heard.iter().filter(in_spike).map(|one| one.took).max();
    let longest = longest.unwrap_or_default();
    let calm = heard.iter().filter(|one| parts[0].has(one));
    let usual = quantile(calm.map(|one| one.took), 0.5);
    if longest < usual + SLACK {
        return Err(format!(
            "the spikes were not more than the service can do: nobody took longer than {longest:.1?}, and {usual:.1?} is usual; is the machine busy?"
        )
        .into());
    }
    Ok(())
}

/// The share of those who would wait and were not served, in the spikes or outside.
fn errors(heard: &[Heard], parts: &[Part], spikes: bool, bound: f64, recorder: &Recorder) {
    let in_spike = |one: &Heard| parts.iter().any(|part| part.is_spike && part.has(one));
    let those = heard.iter().filter(|one| one.patient);
    let those: Vec<_> = those.filter(|one| in_spike(one) == spikes).collect();
    let failed = those.iter().filter(|one| !one.served).count();
    let percent = failed as f64 / those.len().max(1) as f64 * 100.0;
    let place = if spikes {
        "in the spikes"
    } else {
        "outside of them"
    };
    recorder.check(
        &format!("few errors {place}"),
        format!("under {bound} %"),
        format!("{percent:.2} %: {failed} of {}", those.len()),
        percent < bound,
    );
    recorder.figure(&format!("errors {place}"), percent, "%", Better::Lower);
}

/// The p99 of a calm part, without its beginning, when connections are still made.
fn normal(heard: &[Heard], calm: Part) -> Duration {
    let from = calm.from + (calm.to - calm.from) / 4;
    let warm = Part { from, ..calm };
    let those = heard.iter().filter(|one| one.patient && warm.has(one));
    quantile(those.map(|one| one.took), 0.99)
}

/// From when on 99 in a hundred of a calm part were served within the limit, if there was such a moment.
fn recovered(heard: &[Heard], calm: Part, limit: Duration) -> Option<Duration> {
    let mut since = None;
    let (mut count, mut slow) = (0, 0);
    let those = heard.iter().filter(|one| one.patient && calm.has(one));
    let mut those: Vec<_> = those.collect();
    those.sort_by_key(|one| std::cmp::Reverse(one.at));
    for one in those {
        count += 1;
        slow += usize::from(!one.served || one.took > limit);
        if count >= ENOUGH && slow * 100 <= count {
            since = Some(one.at);
        }
    }
    since
}

impl Part {
    fn has(&self, one: &Heard) -> bool {
        (self.from..self.to).contains(&one.at)
    }
}

/// A service that is normal again may be so much slower than it was.
const SLACK: Duration = Duration::from_millis(100);
/// Fewer say nothing of one in a hundred.
const ENOUGH: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    const PARTS: [Part; 3] = [
        Part {
            from: ms(0),
            to: ms(10_000),
            is_spike: false,
        },
        Part {
            from: ms(10_000),
            to: ms(15_000),
            is_spike: true,
        },
        Part {
            from: ms(15_000),
            to: ms(45_000),
            is_spike: false,
        },
    ];
    const BOUNDS: Bounds = Bounds {
        longest: ms(2_000),
        recovery: ms(10_000),
    };

    /// A request each 10 ms, of which each takes as long as is said of its moment, or fails.
    fn judged(took: impl Fn(u64) -> Option<u64>) -> Result<Vec<bool>, Failure> {
        let heard = (0..4_500).map(|number| {
            let at = number * 10;
            Heard {
                at: ms(at),
                took: ms(took(at).unwrap_or(5)),
                served: took(at).is_some(),
                patient: true,
            }
        });
        let recorder = Recorder::new();
        judge(&heard.collect::<Vec<_>>(), &PARTS, &BOUNDS, &recorder)?;
        let checks = recorder.written().checks;
        Ok(checks.iter().map(|check| check.holds).collect())
    }

    fn usual(at: u64) -> Option<u64> {
        Some(if SPIKE.contains(&at) { 400 } else { 200 })
    }

    const SPIKE: std::ops::Range<u64> = 10_000..15_000;

    #[test]
    fn a_service_that_gets_over_its_spikes_passes() {
        // Slower and slower in the spike, and normal nine seconds after it; one in a hundred is always slow.
        let took = |at: u64| match at {
            _ if at % 1_000 == 990 => Some(1_500),
            10_000..15_000 => Some(200 + (at - 10_000) / 4),
            15_000..24_000 => Some(1_000),
            _ => Some(200),
        };
        assert_eq!(judged(took).unwrap(), [true; 4]);
    }

    #[test]
    fn each_bound_is_one_that_can_be_missed() {
        let checks = |took: &dyn Fn(u64) -> Option<u64>| judged(took).unwrap();
        assert_eq!(checks(&usual), [true; 4]);
        let one_long = |at| if at == 12_000 { Some(2_001) } else { usual(at) };
        assert_eq!(checks(&one_long), [false, true, true, true]);
        let errors_in_the_spike = |at: u64| {
            let fails = SPIKE.contains(&at) && at % 200 == 0;
            usual(at).filter(|_| !fails)
        };
        assert_eq!(checks(&errors_in_the_spike), [true, false, true, true]);
        let errors_before = |at: u64| usual(at).filter(|_| at > 10_000 || at % 200 > 0);
        assert_eq!(checks(&errors_before), [true, true, false, true]);
        let slow_until = |end| {
            move |at| {
                if (15_000..end).contains(&at) {
                    Some(900)
                } else {
                    usual(at)
                }
            }
        };
        assert_eq!(checks(&slow_until(26_000)), [true, true, true, false]);
        assert_eq!(checks(&slow_until(45_000)), [true, true, true, false]);
    }

    #[test]
    fn a_spike_that_nobody_feels_is_none() {
        let why = judged(|_| Some(200)).unwrap_err().to_string();
        assert!(why.contains("not more than the service can do"), "{why}");
    }
}

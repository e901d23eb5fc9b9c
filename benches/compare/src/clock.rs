//! Two clocks: what passed, and what the processors worked for us of it. Where others run as well, the second tells what
//! a thing costs, and the first what it cost this time.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// When something began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    at: Instant,
    worked: Duration,
}

/// How long it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Took {
    pub(crate) passed: Duration,
    /// By all threads of this process together.
    pub(crate) worked: Duration,
}

impl Begun {
    pub(crate) fn now() -> Self {
        Self {
            worked: worked(),
            at: Instant::now(),
        }
    }

    pub(crate) fn took(self) -> Took {
        Took {
            passed: self.at.elapsed(),
            worked: worked().saturating_sub(self.worked),
        }
    }
}

impl Took {
    /// Nanoseconds for each of so many, passed and worked.
    pub(crate) fn each(self, steps: u64) -> [f64; 2] {
        [self.passed, self.worked].map(|time| time.as_secs_f64() * 1e9 / steps as f64)
    }
}

fn worked() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).expect("it counts from zero");
    let nanoseconds = u32::try_from(time.tv_nsec).expect("below a billion");
    Duration::new(seconds, nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_works_has_worked() {
        let begun = Begun::now();
        let mut sum = 0u64;
        while begun.took().worked.is_zero() {
            sum = std::hint::black_box(sum + 1);
        }
        let [passed, worked] = begun.took().each(1);
        assert!(passed > 0.0 && worked > 0.0);
    }
}

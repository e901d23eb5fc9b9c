//! Faults one after the other, by the clock.

use super::fault::{Fault, Reach, Way};
use crate::draw::Draw;
use std::fmt;
use std::time::Duration;

/// What is to be wrong when: written down step by step, or drawn from a seed.
///
/// ```
/// use millpond_testkit::proxy::{Fault, Plan};
/// use std::time::Duration;
///
/// let second = Duration::from_secs(1);
/// let plan = Plan::new()
///     .at(second, Fault::black_hole())
///     .heal_at(3 * second)
///     .at(4 * second, Fault::reset())
///     .heal_at(5 * second);
/// assert_eq!(plan.length(), 5 * second);
/// print!("{plan}");
///
/// // The same seed, the same plan.
/// assert_eq!(Plan::drawn(42, 30 * second), Plan::drawn(42, 30 * second));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "nothing is wrong before a proxy plays it"]
pub struct Plan {
    seed: Option<u64>,
    steps: Vec<PlanStep>,
}

/// One moment of a [`Plan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PlanStep {
    /// How long after its beginning.
    pub at: Duration,
    /// What is wrong from then on, in place of what was wrong before; `None`: nothing is.
    pub fault: Option<Fault>,
}

impl Plan {
    /// Nothing happens.
    pub fn new() -> Self {
        Self::default()
    }

    /// From `at` on this is wrong, and nothing else.
    pub fn at(self, at: Duration, fault: Fault) -> Self {
        self.with(PlanStep {
            at,
            fault: Some(fault),
        })
    }

    /// From `at` on nothing is wrong.
    pub fn heal_at(self, at: Duration) -> Self {
        self.with(PlanStep { at, fault: None })
    }

    /// A plan of this length, drawn from a seed: faults of every kind, for 0.2 s to 3 s each, with 0.2 s to 3 s of calm
    /// after each of them, and calm at the end. Print it where a test fails: its text begins with the seed.
    pub fn drawn(seed: u64, length: Duration) -> Self {
        let mut draw = Draw::new(seed);
        let mut plan = Self {
            seed: Some(seed),
            steps: Vec::new(),
        };
        let mut now = draw.between(SHORTEST, LONGEST);
        while now < length {
            plan = plan.at(now, any(&mut draw));
            now = (now + draw.between(SHORTEST, LONGEST)).min(length);
            plan = plan.heal_at(now);
            now += draw.between(SHORTEST, LONGEST);
        }
        plan
    }

    /// What it was drawn from, if it was.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// Its steps, the first ones first.
    pub fn steps(&self) -> &[PlanStep] {
        &self.steps
    }

    /// When its last step is.
    pub fn length(&self) -> Duration {
        self.steps.last().map_or(Duration::ZERO, |last| last.at)
    }

    /// In its order of time; of steps at the same time, the one that was added last is the last.
    fn with(mut self, step: PlanStep) -> Self {
        let place = self.steps.partition_point(|other| other.at <= step.at);
        self.steps.insert(place, step);
        self
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seed {
            Some(seed) => writeln!(f, "drawn from the seed {seed}:")?,
            None => writeln!(f, "as written:")?,
        }
        for step in &self.steps {
            write!(f, "{:8.3} s  ", step.at.as_secs_f64())?;
            match step.fault {
                Some(fault) => writeln!(f, "{fault}")?,
                None => writeln!(f, "all is well")?,
            }
        }
        Ok(())
    }
}

/// Any fault that there is, with a reach and a way that it can have.
fn any(draw: &mut Draw) -> Fault {
    let ms = Duration::from_millis;
    let fault = match draw.below(8) {
        0 => {
            let delay = draw.between(ms(1), ms(100));
            let jitter = draw.between(ms(0), ms(100));
            Fault::latency(delay).jitter(jitter, draw.next())
        }
        1 => Fault::bandwidth(1_000 + draw.below(99_000)),
        2 => Fault::stall(),
        3 => Fault::black_hole(),
        4 => return Fault::half_open(),
        5 => return Fault::reset().on(*draw.one_of(&REACHES)),
        6 => return Fault::slow_handshake(draw.between(ms(10), ms(1_000))),
        _ => return Fault::refuse().on(*draw.one_of(&[Reach::New, Reach::All])),
    };
    fault.on(*draw.one_of(&REACHES)).way(*draw.one_of(&WAYS))
}

const REACHES: [Reach; 3] = [Reach::All, Reach::New, Reach::Established];
const WAYS: [Way; 3] = [Way::Both, Way::ToServer, Way::ToClient];

/// The bounds of what is drawn.
const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(3);

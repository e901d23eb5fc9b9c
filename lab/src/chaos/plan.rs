//! What is to go wrong, episode by episode, drawn from a seed.

use crate::harm::Harm;
use millpond_testdb::Stop;
use millpond_testkit::Draw;
use millpond_testkit::proxy::{self, Fault};
use std::fmt;
use std::time::Duration;

/// A chaos run as it will be. The same seed and length, the same plan; of a longer one it is the beginning.
///
/// ```
/// use millpond_lab::chaos::Plan;
/// use std::time::Duration;
///
/// let minute = Duration::from_secs(60);
/// assert_eq!(Plan::drawn(42, minute), Plan::drawn(42, minute));
/// println!("{}", Plan::drawn(42, minute));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    seed: u64,
    episodes: Vec<Episode>,
}

/// Some ills together, for a while, and a while under load after they are healed. Then everything must be whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Episode {
    /// What is wrong.
    pub ills: Vec<Ill>,
    /// For how long.
    pub lasts: Duration,
    /// How long callers go on after that.
    pub after: Duration,
}

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ill {
    /// On the way to the server.
    Way(Fault),
    /// Every connection is reset, once.
    Cut,
    /// The server ends every connection of the pool, once.
    Terminated,
    /// One of the server's processes is killed, which it takes for a crash: it ends all others and recovers.
    Killed,
    /// At the server, as long as the episode lasts.
    Server(Harm),
}

impl Plan {
    /// As many episodes as fit into about this length, drawn from the seed.
    pub fn drawn(seed: u64, length: Duration) -> Self {
        let mut episodes = Vec::new();
        let mut takes = Duration::ZERO;
        while takes < length {
            // Each has a row of its own, so that what is drawn for one changes no other.
            let episode = Episode::drawn(&mut Draw::branch(seed, episodes.len() as u64));
            takes += episode.takes();
            episodes.push(episode);
        }
        Self { seed, episodes }
    }

    /// What it was drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Its episodes, in their order.
    pub fn episodes(&self) -> &[Episode] {
        &self.episodes
    }

    /// About how long it takes.
    pub fn takes(&self) -> Duration {
        self.episodes.iter().map(Episode::takes).sum()
    }
}

impl Episode {
    fn drawn(draw: &mut Draw) -> Self {
        // One in three is at the server alone, one on the way alone, one is both.
        let mut ills = Vec::new();
        let kind = draw.below(3);
        if kind != 0 {
            ills.push(on_the_way(draw));
        }
        if kind != 1 {
            ills.push(at_the_server(draw));
        }
        if kind == 1 && draw.below(2) == 0 {
            ills.push(on_the_way(draw));
        }
        Self {
            ills,
            lasts: draw.between(SHORTEST, LONGEST),
            after: draw.between(SHORTEST, LONGEST / 2),
        }
    }

    /// About how long it takes, with what is looked at after it.
    fn takes(&self) -> Duration {
        self.lasts + self.after + TO_BE_WHOLE
    }
}

fn on_the_way(draw: &mut Draw) -> Ill {
    if draw.below(8) == 0 {
        return Ill::Cut;
    }
    // As the kit draws them: every kind, with a reach and a way.
    let plan = proxy::Plan::drawn(draw.next(), Duration::from_secs(60));
    let fault = plan.steps().iter().find_map(|step| step.fault);
    fault.map_or(Ill::Cut, Ill::Way)
}

fn at_the_server(draw: &mut Draw) -> Ill {
    let places = 3 + u32::try_from(draw.below(4)).unwrap_or(0);
    match draw.below(8) {
        0 | 1 => Ill::Terminated,
        2 => Ill::Killed,
        3 => Ill::Server(Harm::Stopped(Stop::Fast)),
        4 => Ill::Server(Harm::Stopped(Stop::Immediate)),
        5 => Ill::Server(Harm::Frozen),
        6 => Ill::Server(Harm::Full { places }),
        _ => Ill::Server(Harm::Shrunk { places: places + 4 }),
    }
}

impl Ill {
    /// Whether the server itself is hurt by it.
    pub fn is_at_the_server(&self) -> bool {
        matches!(self, Self::Terminated | Self::Killed | Self::Server(_))
    }
}

impl fmt::Display for Ill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Way(fault) => write!(f, "{fault} on the way"),
            Self::Cut => f.write_str("all connections reset"),
            Self::Terminated => f.write_str("all connections terminated"),
            Self::Killed => f.write_str("a backend killed"),
            Self::Server(harm) => harm.fmt(f),
        }
    }
}

impl fmt::Display for Episode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, ill) in self.ills.iter().enumerate() {
            let before = if index == 0 { "" } else { ", and " };
            write!(f, "{before}{ill}")?;
        }
        write!(f, ", for {:.1} s", self.lasts.as_secs_f64())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.episodes.len();
        writeln!(f, "{count} episodes, drawn from the seed {}:", self.seed)?;
        for (index, episode) in self.episodes.iter().enumerate() {
            writeln!(f, "  {:>4}  {episode}", index + 1)?;
        }
        Ok(())
    }
}

/// The bounds of what is drawn.
const SHORTEST: Duration = Duration::from_millis(300);
const LONGEST: Duration = Duration::from_secs(3);
/// About how long it takes to look whether all is well.
const TO_BE_WHOLE: Duration = Duration::from_secs(1);

//! Runs scripts at schedules of one kind, within a number of executions or a time, and tells how to run a
//! failure again.

use crate::diary;
use crate::scene::{Shape, play};
use crate::sights;
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// How the thread that goes on is chosen.
#[derive(Clone, Copy, Debug)]
pub enum Schedules {
    /// By lot, at every step: all threads advance together.
    Random,
    /// By priorities that change at so many random steps, less one (probabilistic concurrency testing, S. Burckhardt
    /// et al., 2010): a thread can be held up for long while others play through.
    Pct(usize),
}

/// Plays scripts of this shape at `ordinary` schedules, unless the caller's variables say otherwise. Prints
/// the seed, how many executions that were, and how long they took; on failure, also the last steps and how
/// to replay them.
///
/// # Errors
/// If the scripts did not meet what they are there for. (Not a panic: on each one shuttle would print a
/// schedule.)
pub fn explore(
    name: &str,
    schedules: Schedules,
    shape: Shape,
    ordinary: usize,
) -> Result<(), String> {
    if let Some(schedule) = env::var_os(REPLAY) {
        let schedule = schedule.into_string().expect("a schedule is plain text");
        replay(&schedule, shape);
        return Ok(());
    }
    let (bounds, begin) = (Bounds::asked(ordinary), Instant::now());
    println!("{name}: from seed {}", bounds.seed);
    sights::forget();
    let mut executions = 0;
    for batch in 0.. {
        executions += run(
            name,
            schedules,
            shape,
            bounds.seed + batch,
            bounds.iterations,
        );
        if begin.elapsed() >= bounds.time {
            break;
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    println!("{name}: {executions} executions, {seconds:.1} s");
    // Too few need not have met everything.
    if executions >= ordinary {
        println!("{name}: {}", sights::review(shape)?);
    }
    Ok(())
}

/// How far, and from where.
#[derive(Debug)]
struct Bounds {
    seed: u64,
    /// Executions from one seed. The next ones have the next seed.
    iterations: usize,
    /// No more seeds after it.
    time: Duration,
}

impl Bounds {
    /// What the caller's variables ask for. Without any: one seed, the same each time. With a time: other
    /// ones each time.
    fn asked(ordinary: usize) -> Self {
        let time = number(SECONDS).map(Duration::from_secs);
        let iterations = number(ITERATIONS).and_then(|asked| usize::try_from(asked).ok());
        let (seed, batch) = match time {
            None => (0, ordinary),
            Some(_) => (fresh_seed(), BATCH),
        };
        Self {
            seed: number(SEED).unwrap_or(seed),
            iterations: iterations.unwrap_or(batch),
            time: time.unwrap_or_default(),
        }
    }
}

/// So many executions from one seed.
fn run(name: &str, schedules: Schedules, shape: Shape, seed: u64, iterations: usize) -> usize {
    diary::forget();
    let explore = AssertUnwindSafe(|| match schedules {
        Schedules::Random => play_at(RandomScheduler::new_from_seed(seed, iterations), shape),
        Schedules::Pct(depth) => {
            play_at(PctScheduler::new_from_seed(seed, depth, iterations), shape)
        }
    });
    catch_unwind(explore).unwrap_or_else(|panic| {
        eprintln!("{}", diary::read());
        eprintln!("{name}: to play it again: {REPLAY}=file, with the schedule above in it;");
        eprintln!("{name}: or {SEED}={seed} {ITERATIONS}={iterations}");
        resume_unwind(panic)
    })
}

fn play_at(scheduler: impl Scheduler + 'static, shape: Shape) -> usize {
    Runner::new(scheduler, config()).run(move || play(shape))
}

/// Plays one schedule again: the text that was printed, or a file that has it.
fn replay(schedule: &str, shape: Shape) {
    let scheduler = if Path::new(schedule).is_file() {
        ReplayScheduler::new_from_file(schedule).expect("a schedule in the file")
    } else {
        ReplayScheduler::new_from_encoded(schedule.trim())
    };
    let end = catch_unwind(AssertUnwindSafe(|| play_at(scheduler, shape)));
    eprintln!("{}", diary::read());
    if let Err(panic) = end {
        resume_unwind(panic);
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK;
    config.max_steps = MaxSteps::FailAfter(STEPS);
    // That it takes every ordering for SeqCst is said in README.md.
    config.silence_warnings = true;
    config
        .ungraceful_shutdown_config
        .immediately_return_on_panic = true;
    config
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is {text:?}, and must be a number")))
}

fn fresh_seed() -> u64 {
    let now = SystemTime::UNIX_EPOCH.elapsed().expect("later than 1970");
    now.as_secs()
}

const ITERATIONS: &str = "MILLPOND_SHUTTLE_ITERATIONS";
const SECONDS: &str = "MILLPOND_SHUTTLE_SECONDS";
const SEED: &str = "MILLPOND_SHUTTLE_SEED";
const REPLAY: &str = "MILLPOND_SHUTTLE_REPLAY";
/// Executions from one seed where the time is given: few, so that a failure comes again soon.
const BATCH: usize = 1_000;
/// Steps of shuttle's in one execution; scripts take up to about 3,000. More is a loop without an end.
const STEPS: usize = 100_000;
/// Room for a panic's message too.
const STACK: usize = 0x2_0000;

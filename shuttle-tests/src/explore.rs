//! Runs scripts at schedules of one kind, within a number of executions or a time, and tells how to run a
//! failure again.

use crate::diary;
use crate::scene::{Shape, play};
use crate::sights;
use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, Runner};
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

/// Plays scripts of this shape at `ordinary` schedules, unless the caller's variables say otherwise. Prints the seed, how many executions that were, and
/// how long they took; on failure, also the last steps and how to replay them.
///
/// # Errors
/// If the scripts did not meet what they are there for. (Not a panic: on each one shuttle would print a schedule.)
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
    println!("{name}: seed {}", bounds.seed);
    diary::forget();
    sights::forget();
    let Bounds {
        iterations, seed, ..
    } = bounds;
    let executions = match schedules {
        Schedules::Random => bounds.run(
            RandomScheduler::new_from_seed(seed, iterations),
            name,
            shape,
        ),
        Schedules::Pct(depth) => bounds.run(
            PctScheduler::new_from_seed(seed, depth, iterations),
            name,
            shape,
        ),
    };
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
    iterations: usize,
    seed: u64,
    time: Option<Duration>,
}

impl Bounds {
    /// What the caller's variables ask for. Without any: the same schedules each time. With a time: other
    /// ones each time, as many as go into it.
    fn asked(ordinary: usize) -> Self {
        let time = number(SECONDS).map(Duration::from_secs);
        let iterations = if time.is_some() { usize::MAX } else { ordinary };
        let asked = number(ITERATIONS).map(|asked| usize::try_from(asked).unwrap_or(usize::MAX));
        let first = if time.is_some() {
            fresh_seed()
        } else {
            SEED_ZERO
        };
        Self {
            iterations: asked.unwrap_or(iterations),
            seed: number(SEED).unwrap_or(first),
            time,
        }
    }

    fn run(&self, scheduler: impl Scheduler + 'static, name: &str, shape: Shape) -> usize {
        let mut config = config();
        config.max_time = self.time;
        let runner = Runner::new(scheduler, config);
        let run = AssertUnwindSafe(|| runner.run(move || play(shape)));
        catch_unwind(run).unwrap_or_else(|panic| {
            eprintln!("{}", diary::read());
            eprintln!("to run the schedule above again: {REPLAY}='…' and the test {name} alone");
            eprintln!(
                "to come by it again: {SEED}={} and as many iterations",
                self.seed
            );
            resume_unwind(panic)
        })
    }
}

/// Plays one schedule again: the text that was printed, or a file that has it.
fn replay(schedule: &str, shape: Shape) {
    let scheduler = if Path::new(schedule).is_file() {
        ReplayScheduler::new_from_file(schedule).expect("a schedule in the file")
    } else {
        ReplayScheduler::new_from_encoded(schedule.trim())
    };
    let run = AssertUnwindSafe(|| Runner::new(scheduler, config()).run(move || play(shape)));
    let end = catch_unwind(run);
    eprintln!("{}", diary::read());
    if let Err(panic) = end {
        resume_unwind(panic);
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK;
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
/// Where the ordinary run begins.
const SEED_ZERO: u64 = 0;
/// Room for a panic's message too.
const STACK: usize = 0x2_0000;

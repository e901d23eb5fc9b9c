//! The same work on millpond and on every other pool, side by side: `cargo xtask bench compare`.
//!
//! ```text
//! options.rs ─ contest.rs: rounds, all pools in turn ─┬─ a process for each round: job.rs ─ work/, postgres/
//!              report/: tables, plots, docs/benchmarks.md ◄─ measure.rs ◄─┘             pools/, item.rs
//! ```

mod clock;
mod contest;
#[expect(unreachable_pub, reason = "in the tests it is a module of a library")]
#[path = "../../../tests/support/counting.rs"]
mod counting;
mod item;
mod job;
mod measure;
mod options;
mod pools;
#[cfg(feature = "postgres")]
mod postgres;
mod report;
mod work;

use job::Job;
use measure::Outcome;
use options::Options;
use std::env;
use std::process::ExitCode;
use work::Effort;

#[global_allocator]
static COUNTING: counting::Counting = counting::Counting;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == contest::ROUND) {
        return round(&words[1..]);
    }
    let options = match Options::of(words) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("error: {why}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    match compare(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// One round, in the process that was made for it.
fn round(words: &[String]) -> ExitCode {
    contest::end_with_parent();
    let outcome = match words {
        [job, pool, effort] => match (Job::of_name(job), Effort::of_name(effort)) {
            (Some(job), Some(effort)) => {
                job.run(pool, effort, env::var(contest::URL).ok().as_deref())
            }
            _ => Outcome::fault("no such work"),
        },
        _ => Outcome::fault("a round is work, pool and effort"),
    };
    print!("{}", outcome.to_text());
    ExitCode::SUCCESS
}

fn compare(options: &Options) -> Result<(), String> {
    #[cfg(feature = "postgres")]
    let server = postgres::Site::for_jobs(&options.jobs)?;
    #[cfg(feature = "postgres")]
    let url = server.as_ref().map(postgres::Site::url);
    #[cfg(not(feature = "postgres"))]
    let url: Option<String> = None;
    let begun = report::machine::load();
    let contests = contest::run(options, url.as_deref());
    if options.stable {
        print!("{}", report::stable(&contests));
        return ours_is_whole(&contests);
    }
    #[cfg(feature = "postgres")]
    let server = server.as_ref().map(postgres::Site::version);
    #[cfg(not(feature = "postgres"))]
    let server = None;
    let page = report::Page::of(options, &contests, begun, server);
    println!("{}", page.text());
    if options.write {
        page.write()?;
    }
    ours_is_whole(&contests)
}

/// Whatever others do, a fault of ours fails the run.
fn ours_is_whole(contests: &[contest::Contest]) -> Result<(), String> {
    let ours = contests.iter().flat_map(|contest| {
        let entries = contest
            .entries
            .iter()
            .filter(|entry| entry.pool == job::OURS);
        entries.flat_map(move |entry| entry.rounds.iter().map(move |round| (contest.job, round)))
    });
    let mut faults = ours.flat_map(|(job, round)| {
        let told = move |fault: &String| format!("millpond, {}: {fault}", job.name());
        round.faults.iter().map(told)
    });
    faults.next().map_or(Ok(()), Err)
}

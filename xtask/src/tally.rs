//! Counts tests by reading what libtest prints, so that a run of no test can be told from a good one.

use std::fmt;

/// How many tests passed and failed, and how many there was no way to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: u64,
    /// Tests that failed.
    pub(crate) failed: u64,
    /// Tests that nobody ran, because what they need is not to be had here.
    pub(crate) not_run: u64,
}

impl Tally {
    /// Reads one line; only libtest's closing line counts: `test result: ok. 3 passed; 0 failed; …`.
    pub(crate) fn read(&mut self, line: &str) {
        let plain = without_colour(line);
        let Some(result) = plain.trim_start().strip_prefix("test result: ") else {
            return;
        };
        let Some((_, counts)) = result.split_once(". ") else {
            return;
        };
        for count in counts.split(';') {
            match count.trim().split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse::<u64>().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse::<u64>().unwrap_or(0),
                _ => {}
            }
        }
    }

    /// All numbers of both.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            not_run: self.not_run + other.not_run,
        }
    }

    /// Whether no test was run at all.
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        match self.not_run {
            0 => Ok(()),
            not_run => write!(f, ", {not_run} not run"),
        }
    }
}

/// The line without ANSI colours, which `CARGO_TERM_COLOR=always` puts into it.
fn without_colour(line: &str) -> String {
    let mut pieces = line.split("\u{1b}[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |plain, piece| {
        plain + piece.split_once('m').map_or("", |(_, text)| text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally_of(text: &str) -> Tally {
        let mut tally = Tally::default();
        text.lines().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn closing_lines_add_up() {
        let tally = tally_of(
            "running 2 tests\ntest a ... ok\n\
             test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
             test result: FAILED. 5 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n",
        );
        assert_eq!(
            tally,
            Tally {
                passed: 7,
                failed: 3,
                not_run: 0
            }
        );
        assert_eq!(tally.to_string(), "7 passed, 3 failed");
    }

    #[test]
    fn colours_do_not_hide_a_closing_line() {
        let tally =
            tally_of("test result: \u{1b}[32mok\u{1b}(B\u{1b}[m. 4 passed; 0 failed; 0 ignored\n");
        assert_eq!(tally.passed, 4);
    }

    #[test]
    fn a_run_of_no_test_is_empty() {
        assert!(
            tally_of("running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored\n")
                .is_empty()
        );
        assert!(tally_of("somebody says: 3 passed; 0 failed\n").is_empty());
    }
}

//! What goes over the wire, read from its frame headers alone: where the server stands, and what it still owes.
//!
//! ```text
//! backend   Z  ready: idle, in a transaction, in a failed one        one answer less is owed
//!           C  a command is complete: was it a rollback?
//!           G  copy in: the server swallows the Sync that came with the command
//!           E  an error (N: a notice): does it end the connection?
//! frontend  Q, F, S (Sync)                                           one answer more is owed
//! ```
//!
//! Of a frame only its header is looked at, and of the few kinds above the first bytes ([`frames`](super::frames)).

use super::frames::{Frame, Hopper, MOST_WANTED, STARTUP};
use super::verdict::{self, Verdict};
use std::collections::VecDeque;

/// An answer that the server owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owed {
    /// To the startup.
    Startup,
    /// To a simple query, or a function call.
    Query,
    /// To a Sync after something that may take time, or change where the server stands.
    Sync,
    /// To a Sync after nothing, or after statements were closed: the next may go ahead behind it.
    Harmless,
}

/// Where the server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing is known yet, or nothing can be known.
    Unknown,
    /// Outside of a transaction.
    Idle,
    /// In a transaction.
    Open,
    /// In a transaction in which something failed.
    Failed,
}

/// Both directions of one connection, and what is known from them.
#[derive(Debug)]
pub(super) struct Tracker {
    reading: Hopper,
    writing: Hopper,
    known: Known,
}

impl Tracker {
    /// Of a connection on which nothing was sent yet.
    pub(super) fn new() -> Self {
        Self {
            reading: Hopper::new(),
            writing: Hopper::at_startup(),
            known: Known {
                owed: VecDeque::with_capacity(8),
                standing: Standing::Unknown,
                harmless: true,
                copies: false,
                rollback: false,
                rolled_back: false,
                refused: false,
                doomed: false,
                lost: false,
            },
        }
    }

    /// These bytes went to the server.
    pub(super) fn written(&mut self, bytes: &[u8]) {
        let known = &mut self.known;
        let hopped = self.writing.hop(bytes, |_| 0, |frame| known.went(frame));
        known.lost |= hopped.is_err();
    }

    /// These bytes came from the server.
    #[inline]
    pub(super) fn read(&mut self, bytes: &[u8]) {
        let known = &mut self.known;
        if known.lost {
            return;
        }
        let show = |frame: Frame<'_>| known.came(frame);
        let hopped = self.reading.hop(bytes, wanted_of_backend, show);
        known.lost |= hopped.is_err();
    }

    /// Where the server stood when it was last ready.
    pub(super) fn standing(&self) -> Standing {
        match self.known.lost {
            true => Standing::Unknown,
            false => self.known.standing,
        }
    }

    /// Whether the server is at work on something that is not harmless, as far as it was sent.
    pub(super) fn is_busy(&self) -> bool {
        let Known { owed, copies, .. } = &self.known;
        *copies || owed.iter().any(|owed| *owed != Owed::Harmless)
    }

    /// Whether what came does not add up, so that nothing is known any more.
    pub(super) fn is_lost(&self) -> bool {
        self.known.lost
    }

    /// Whether the server has said that it ends the connection.
    pub(super) fn is_doomed(&self) -> bool {
        self.known.doomed
    }

    /// Whether the server has ever refused to write.
    pub(super) fn has_refused(&self) -> bool {
        self.known.refused
    }

    /// Whether the last query ended with a rollback, asked for or not.
    pub(super) fn has_rolled_back(&self) -> bool {
        self.known.rolled_back
    }
}

#[derive(Debug)]
struct Known {
    owed: VecDeque<Owed>,
    standing: Standing,
    /// Nothing but what is harmless was sent since the last Sync.
    harmless: bool,
    /// The server reads what is to be copied.
    copies: bool,
    /// The last command that was complete was a rollback.
    rollback: bool,
    /// So was the last command of the last query.
    rolled_back: bool,
    /// The server has refused to write.
    refused: bool,
    doomed: bool,
    lost: bool,
}

impl Known {
    /// A frame went to the server.
    fn went(&mut self, frame: Frame<'_>) {
        match frame.kind {
            STARTUP => self.owed.push_back(Owed::Startup),
            b'Q' | b'F' => self.owed.push_back(Owed::Query),
            b'S' if std::mem::replace(&mut self.harmless, true) => {
                self.owed.push_back(Owed::Harmless);
            }
            b'S' => self.owed.push_back(Owed::Sync),
            // Close, Flush, a password, the end.
            b'C' | b'H' | b'p' | b'X' => {}
            _ => self.harmless = false,
        }
    }

    /// A frame came from the server.
    #[inline]
    fn came(&mut self, frame: Frame<'_>) {
        match frame.kind {
            b'Z' => self.is_ready(frame.start),
            b'C' => self.rollback = frame.start == ROLLBACK,
            b'G' => self.copies_in(),
            b'E' | b'N' => match verdict::of(frame.start) {
                Verdict::Lives => {}
                Verdict::Refused => self.refused = true,
                Verdict::Dead => self.doomed = true,
            },
            _ => {}
        }
    }

    fn is_ready(&mut self, status: &[u8]) {
        self.standing = match status {
            b"I" => Standing::Idle,
            b"T" => Standing::Open,
            b"E" => Standing::Failed,
            _ => Standing::Unknown,
        };
        self.copies = false;
        let rollback = std::mem::take(&mut self.rollback);
        match self.owed.pop_front() {
            Some(Owed::Query) => self.rolled_back = rollback,
            Some(Owed::Startup | Owed::Sync | Owed::Harmless) => {}
            None => self.lost = true,
        }
    }

    /// The server begins to read what is to be copied. It passes over the Sync that came with the command, if one
    /// did, and answers the one that ends the copy.
    fn copies_in(&mut self) {
        self.copies = true;
        if matches!(self.owed.front(), Some(Owed::Sync | Owed::Harmless)) {
            self.owed.pop_front();
        }
    }
}

#[inline]
fn wanted_of_backend(kind: u8) -> usize {
    match kind {
        b'Z' => 1,
        b'C' => ROLLBACK.len(),
        b'E' | b'N' => MOST_WANTED,
        _ => 0,
    }
}

/// How a command is called that rolled back, as a `COMMIT` may.
const ROLLBACK: &[u8] = b"ROLLBACK\0";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap() + 4;
        [&[kind], &length.to_be_bytes()[..], body].concat()
    }

    fn startup() -> Vec<u8> {
        let mut bytes = frame(0, &[0, 3, 0, 0, 0]);
        bytes.remove(0);
        bytes
    }

    /// A connection that is made, and idle.
    fn made() -> Tracker {
        let mut tracker = Tracker::new();
        tracker.written(&startup());
        assert!(tracker.is_busy());
        tracker.read(&frame(b'R', &[0, 0, 0, 0]));
        tracker.read(&frame(b'Z', b"I"));
        assert_eq!(
            (tracker.standing(), tracker.is_busy()),
            (Standing::Idle, false)
        );
        tracker
    }

    fn written(tracker: &mut Tracker, kinds: &[u8]) {
        kinds
            .iter()
            .for_each(|kind| tracker.written(&frame(*kind, b"")));
    }

    #[test]
    fn each_question_is_owed_an_answer() {
        let mut tracker = made();
        written(&mut tracker, b"QPBDES");
        tracker.read(&frame(b'Z', b"T"));
        assert_eq!(
            (tracker.standing(), tracker.is_busy()),
            (Standing::Open, true)
        );
        tracker.read(&frame(b'Z', b"E"));
        assert_eq!(
            (tracker.standing(), tracker.is_busy()),
            (Standing::Failed, false)
        );
    }

    #[test]
    fn closing_a_statement_is_nothing_to_wait_for() {
        let mut tracker = made();
        written(&mut tracker, b"CS");
        assert!(!tracker.is_busy());
        written(&mut tracker, b"BES");
        assert!(tracker.is_busy(), "behind it is something else");
        tracker.read(&frame(b'Z', b"I"));
        assert!(tracker.is_busy());
        tracker.read(&frame(b'Z', b"I"));
        assert!(!tracker.is_busy() && !tracker.is_lost());
    }

    /// Whether the copy ends well or not, before its first row or after, and whether it was one of several commands.
    #[test]
    fn of_the_two_syncs_of_a_copy_one_is_answered() {
        for (before, after) in [
            (&b"BES"[..], &b"ddcS"[..]),
            (b"BES", b"fS"),
            (b"BESfS", b""),
            (b"BESddcS", b""),
        ] {
            let mut tracker = made();
            written(&mut tracker, before);
            tracker.read(&frame(b'G', &[0, 0, 0]));
            assert!(tracker.is_busy());
            written(&mut tracker, after);
            assert!(tracker.is_busy());
            tracker.read(&frame(b'Z', b"I"));
            assert!(!tracker.is_busy() && !tracker.is_lost());
        }
        let mut tracker = made();
        written(&mut tracker, b"Q");
        tracker.read(&frame(b'G', &[0, 0, 0]));
        assert!(tracker.is_busy(), "a simple query has no Sync");
        tracker.read(&frame(b'Z', b"I"));
        assert!(!tracker.is_busy() && !tracker.is_lost());
    }

    #[test]
    fn a_commit_may_become_a_rollback() {
        let mut tracker = made();
        for (tag, rolled_back) in [(&b"COMMIT\0"[..], false), (b"ROLLBACK\0", true)] {
            written(&mut tracker, b"Q");
            tracker.read(&frame(b'C', tag));
            tracker.read(&frame(b'Z', b"I"));
            assert_eq!(tracker.has_rolled_back(), rolled_back);
            // What is answered after it has no say in that.
            written(&mut tracker, b"CS");
            tracker.read(&frame(b'Z', b"I"));
            assert_eq!(tracker.has_rolled_back(), rolled_back);
        }
        written(&mut tracker, b"Q");
        tracker.read(&frame(b'C', b"ROLLBACK PREPARED\0"));
        tracker.read(&frame(b'Z', b"I"));
        assert!(!tracker.has_rolled_back(), "that is another command");
    }

    #[test]
    fn what_does_not_add_up_is_never_taken_for_idle() {
        let mut tracker = made();
        tracker.read(&frame(b'Z', b"I"));
        assert!(tracker.is_lost(), "an answer to nothing");
        assert_eq!(tracker.standing(), Standing::Unknown);
        for length in [0, 3, u32::MAX, i32::MAX as u32 + 1] {
            let mut tracker = made();
            tracker.read(&[&b"D"[..], &length.to_be_bytes()].concat());
            assert!(tracker.is_lost(), "{length}");
        }
        let mut tracker = made();
        written(&mut tracker, b"S");
        tracker.read(&frame(b'Z', b"?"));
        assert_eq!(tracker.standing(), Standing::Unknown);
    }

    #[test]
    fn a_last_word_is_heard() {
        let mut tracker = made();
        tracker.read(&frame(b'E', b"SERROR\0VERROR\0C57014\0Mno\0\0"));
        assert!(!tracker.is_doomed());
        tracker.read(&frame(b'E', b"SFATAL\0VFATAL\0C57P01\0Mbye\0\0"));
        assert!(tracker.is_doomed());
    }

    /// A stream of frames whose kinds matter, and of others.
    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let kind = prop_oneof![
            Just(b'Z'),
            Just(b'C'),
            Just(b'E'),
            Just(b'G'),
            Just(b'S'),
            Just(b'Q'),
            any::<u8>()
        ];
        let body = prop_oneof![
            Just(b"I".to_vec()),
            Just(b"ROLLBACK\0".to_vec()),
            Just(b"SFATAL\0C57P01\0\0".to_vec()),
            prop::collection::vec(any::<u8>(), 0..200),
        ];
        let frame = (kind, body).prop_map(|(kind, body)| frame(kind, &body));
        prop::collection::vec(frame, 0..20).prop_map(|frames| frames.concat())
    }

    /// Cuts bytes into pieces, of which a few lengths are repeated.
    fn pieces<'a>(bytes: &'a [u8], lengths: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
        let mut rest = bytes;
        let mut lengths = lengths.iter().cycle();
        std::iter::from_fn(move || {
            let (piece, left) = rest.split_at((*lengths.next()?).min(rest.len()));
            rest = left;
            (!piece.is_empty()).then_some(piece)
        })
    }

    /// What a tracker says: of one that is lost, that.
    fn known(tracker: &Tracker) -> Option<(Standing, bool, bool, bool)> {
        let (busy, doomed) = (tracker.is_busy(), tracker.is_doomed());
        let known = (tracker.standing(), busy, doomed, tracker.has_rolled_back());
        (!tracker.is_lost()).then_some(known)
    }

    proptest! {
        #[test]
        fn however_a_stream_is_cut_it_says_the_same(
            went in stream(),
            came in stream(),
            lengths in prop::collection::vec(1_usize..40, 1..6),
        ) {
            let whole = {
                let mut tracker = made();
                tracker.written(&went);
                tracker.read(&came);
                known(&tracker)
            };
            for lengths in [&[1][..], &lengths] {
                let mut tracker = made();
                pieces(&went, lengths).for_each(|piece| tracker.written(piece));
                pieces(&came, lengths).for_each(|piece| tracker.read(piece));
                prop_assert_eq!(known(&tracker), whole);
            }
        }

        #[test]
        fn nothing_that_comes_is_too_strange(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            lengths in prop::collection::vec(1_usize..40, 1..6),
        ) {
            let mut tracker = made();
            pieces(&bytes, &lengths).for_each(|piece| {
                tracker.read(piece);
                tracker.written(piece);
            });
            let _ = (tracker.standing(), tracker.is_busy(), tracker.is_doomed());
        }
    }
}

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
//! Rows are hopped over: of a frame only its header is looked at, and of the few kinds above the first bytes.

use super::verdict::{self, Verdict};
use std::collections::VecDeque;

/// One direction: at which place of which frame it is.
#[derive(Debug)]
struct Hopper {
    /// The kind of the frame, and its length.
    head: [u8; HEAD],
    head_len: usize,
    /// What is left of its body.
    left: usize,
    /// The first bytes of its body, of which so many are wanted.
    start: [u8; MOST_WANTED],
    start_len: usize,
    wanted: usize,
}

/// A frame, or as much of its body as was wanted.
#[derive(Clone, Copy, Debug)]
struct Frame<'a> {
    kind: u8,
    start: &'a [u8],
}

/// A length that no frame has: whoever sends it does not speak PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Garbled;

impl Hopper {
    /// At the beginning of a frame.
    fn new() -> Self {
        Self {
            head: [0; HEAD],
            head_len: 0,
            left: 0,
            start: [0; MOST_WANTED],
            start_len: 0,
            wanted: 0,
        }
    }

    /// At the beginning of the one frame that has no kind: 0 stands for it.
    fn at_startup() -> Self {
        Self {
            head_len: 1,
            ..Self::new()
        }
    }

    /// Goes through the next bytes of the stream, and shows each frame as soon as what is wanted of it is here.
    #[inline]
    fn hop(
        &mut self,
        mut bytes: &[u8],
        wanted: impl Fn(u8) -> usize,
        mut show: impl FnMut(Frame<'_>),
    ) -> Result<(), Garbled> {
        loop {
            if self.start_len < self.wanted {
                let take = bytes.len().min(self.wanted - self.start_len);
                self.start[self.start_len..][..take].copy_from_slice(&bytes[..take]);
                self.start_len += take;
                self.left -= take;
                bytes = &bytes[take..];
                if self.start_len == self.wanted {
                    show(self.frame());
                }
            }
            let skip = bytes.len().min(self.left);
            self.left -= skip;
            bytes = &bytes[skip..];
            if bytes.is_empty() {
                return Ok(());
            }
            let take = bytes.len().min(HEAD - self.head_len);
            self.head[self.head_len..][..take].copy_from_slice(&bytes[..take]);
            self.head_len += take;
            bytes = &bytes[take..];
            if self.head_len == HEAD {
                self.begin(&wanted)?;
                if self.wanted == 0 {
                    show(self.frame());
                }
            }
        }
    }

    /// A header is here.
    #[inline]
    fn begin(&mut self, wanted: impl Fn(u8) -> usize) -> Result<(), Garbled> {
        let [kind, length @ ..] = self.head;
        let length = u32::from_be_bytes(length);
        if !(LENGTH_ITSELF..=LONGEST).contains(&length) {
            return Err(Garbled);
        }
        self.left = (length - LENGTH_ITSELF) as usize;
        self.wanted = wanted(kind).min(self.left);
        self.start_len = 0;
        self.head_len = 0;
        Ok(())
    }

    fn frame(&self) -> Frame<'_> {
        Frame {
            kind: self.head[0],
            start: &self.start[..self.start_len],
        }
    }
}

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
            b'E' | b'N' => self.doomed |= verdict::of(frame.start) == Verdict::Dead,
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

/// A frame begins with its kind and its length, which counts itself.
const HEAD: usize = 5;
const LENGTH_ITSELF: u32 = 4;
/// A length is a signed number.
const LONGEST: u32 = i32::MAX as u32;
/// Of an error: its severity in the server's language and in English, and its code, which come first.
const MOST_WANTED: usize = 96;
/// The startup message has no kind.
const STARTUP: u8 = 0;
/// How a command is called that rolled back, as a `COMMIT` may.
const ROLLBACK: &[u8] = b"ROLLBACK\0";

//! Where a connection leads, for as long as it lives: whether its server is still what was asked for, and still
//! the best that there is.

use super::connect::Link;
use super::roles::{Mismatch, Reading, Role, Verdict};
use super::search::Search;
use crate::engine::sync::Arc;
use std::fmt;

/// What a connection knows of its server's place among the others.
#[derive(Debug)]
pub(super) struct Seat {
    search: Arc<Search>,
    place: usize,
    /// What the server was when the connection was made.
    verdict: Verdict,
    reading: Reading,
}

/// Why a connection is not handed out any more, though it works.
#[derive(Clone, Copy, Debug)]
pub(super) enum Objection {
    /// The server's role has changed.
    Mismatch(Mismatch),
    /// The server, which is to be written to, has refused to write.
    Refused,
    /// A host that goes before this one serves again.
    Better,
}

impl Seat {
    pub(super) fn new(search: &Arc<Search>, place: usize, verdict: Verdict, link: &Link) -> Self {
        Self {
            search: Arc::clone(search),
            place,
            verdict,
            reading: link.reading.clone(),
        }
    }

    /// What speaks against it now: a few loads, and no question to the server. `refused` tells whether that has
    /// refused to write.
    pub(super) fn objection(&self, refused: impl Fn() -> bool) -> Option<Objection> {
        let mismatch = self.reading.role().and_then(|role| self.mismatch(role));
        mismatch.or_else(|| {
            if self.search.attrs().writes() && refused() {
                return Some(Objection::Refused);
            }
            let rank = self.search.rank(self.place, self.verdict);
            let better = self.search.knows_better(self.place, rank);
            better.then_some(Objection::Better)
        })
    }

    /// What speaks against it if this is its server's role.
    pub(super) fn mismatch(&self, role: Role) -> Option<Objection> {
        let attrs = self.search.attrs();
        let now = attrs.judge(role);
        let worse = now == Verdict::Wrong || now != self.verdict && self.verdict == Verdict::Wanted;
        worse.then_some(Objection::Mismatch(Mismatch { attrs, role }))
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch(mismatch) => mismatch.fmt(f),
            Self::Refused => f.write_str("the server has refused to write (SQLSTATE 25006)"),
            Self::Better => f.write_str("a host that goes before this one serves again"),
        }
    }
}

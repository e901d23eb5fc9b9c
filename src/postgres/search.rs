//! The search for a server: host after host, until one is what was asked for; and what was seen of each, so that
//! the next search begins where it will end well.
//!
//! ```text
//! order    as given, or by chance; those last that were dead, or of another role, a moment ago
//! each     its addresses now → connect → its role?   wanted → that one
//!                                                     second best → kept, in case there is no better one
//!                                                     wrong, dead → why is written down
//! ```

use super::connect::Link;
use super::error::{Attempt, Failure};
use super::hosts::{self, Candidate};
use super::roles::{Mismatch, Role, Verdict};
use super::{BoxFuture, TargetSessionAttrs};
use crate::engine::sync::{AtomicUsize, Mutex, Ordering};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tokio_postgres::Config as PgConfig;
use tokio_postgres::config::TargetSessionAttrs as PgAttrs;

/// What is asked of a server, and what was seen of the hosts.
#[derive(Debug)]
pub(super) struct Search {
    attrs: TargetSessionAttrs,
    /// Whether a host that is named earlier goes before a later one.
    ordered: bool,
    /// How many hosts there are.
    count: usize,
    notes: Mutex<Vec<Note>>,
    /// The best that was seen last, its rank times the number of hosts, plus its place.
    best: AtomicUsize,
}

/// What was seen of a host last.
#[derive(Clone, Copy, Debug)]
enum Note {
    Nothing,
    /// It serves: how far from the best that there could be, 0 being that.
    Serves(usize, Instant),
    Dead(Instant),
    /// It serves, but not what was asked for.
    Wrong(Instant),
}

/// How one server is connected to, within a time.
pub(super) type OpenOne<'a> =
    dyn Fn(Candidate, Duration) -> BoxFuture<'a, Result<Link, Attempt>> + Sync + 'a;

/// Where a search ended.
pub(super) struct Found {
    pub(super) link: Link,
    pub(super) place: usize,
    pub(super) verdict: Verdict,
}

impl Search {
    pub(super) fn new(config: &PgConfig, attrs: TargetSessionAttrs) -> Self {
        let count = hosts::order(config).len();
        Self {
            attrs,
            ordered: !hosts::is_balanced(config) && hosts::are_remote(config),
            count,
            notes: Mutex::new(vec![Note::Nothing; count]),
            best: AtomicUsize::new(NONE),
        }
    }

    pub(super) fn attrs(&self) -> TargetSessionAttrs {
        self.attrs
    }

    /// Whether one server is as good as any other.
    pub(super) fn is_indifferent(&self) -> bool {
        self.attrs == TargetSessionAttrs::Any && (self.count < 2 || !self.ordered)
    }

    /// All places, in the order of the next search.
    pub(super) fn order(&self, config: &PgConfig) -> Vec<usize> {
        let mut order = hosts::order(config);
        let notes = self.notes.lock();
        let late = |place: &usize| {
            let note = notes.get(*place).copied();
            note.is_some_and(|note| self.is_last_choice(note))
        };
        // Sorted stably: within each half the order stays.
        order.sort_by_key(late);
        order
    }

    /// Searches in `places` within `bound`, each of which gets its share of what is left.
    pub(super) async fn find(
        &self,
        config: &PgConfig,
        places: &[usize],
        bound: Duration,
        open: &OpenOne<'_>,
    ) -> Result<Found, Vec<Attempt>> {
        let began = Instant::now();
        let mut second = None;
        let mut attempts = Vec::new();
        for (index, place) in places.iter().copied().enumerate() {
            let share = shared(bound, began, places.len() - index);
            let before = attempts.len();
            let found = self.at(config, place, share, open, &mut attempts).await;
            self.note(place, self.seen(found.as_ref(), &attempts[before..]));
            match found {
                Some(found) if found.verdict == Verdict::Wanted => return Ok(found),
                Some(found) => second = second.or(Some(found)),
                None => {}
            }
        }
        second.ok_or(attempts)
    }

    /// Tries one host, address after address.
    async fn at(
        &self,
        config: &PgConfig,
        place: usize,
        share: Duration,
        open: &OpenOne<'_>,
        attempts: &mut Vec<Attempt>,
    ) -> Option<Found> {
        let began = Instant::now();
        let Ok(candidates) = timeout(share, hosts::candidates(config, place)).await else {
            let at = hosts::name(config, place);
            let failure = Failure::TimedOut(share);
            attempts.push(Attempt { at, failure });
            return None;
        };
        let share = shared(share, began, 1);
        self.each(candidates, place, share, open, attempts).await
    }

    /// Tries one after the other, each within its share of the bound.
    async fn each(
        &self,
        candidates: Vec<Candidate>,
        place: usize,
        bound: Duration,
        open: &OpenOne<'_>,
        attempts: &mut Vec<Attempt>,
    ) -> Option<Found> {
        let began = Instant::now();
        let mut left = candidates.len();
        let mut second = None;
        for candidate in candidates {
            let share = shared(bound, began, left);
            left -= 1;
            match self.try_one(candidate, share, open).await {
                Ok((link, verdict)) => {
                    let found = Found {
                        link,
                        place,
                        verdict,
                    };
                    if verdict == Verdict::Wanted {
                        return Some(found);
                    }
                    second = second.or(Some(found));
                }
                Err(attempt) => attempts.push(attempt),
            }
        }
        second
    }

    /// Connects to one server, and looks at its role.
    async fn try_one(
        &self,
        mut candidate: Candidate,
        share: Duration,
        open: &OpenOne<'_>,
    ) -> Result<(Link, Verdict), Attempt> {
        let began = Instant::now();
        let at = candidate.at.clone();
        // The role is our business: tokio-postgres would spend a round trip on it.
        candidate.config.target_session_attrs(PgAttrs::Any);
        let link = open(candidate, share).await?;
        match self.judge(&link, shared(share, began, 1)).await {
            Ok(verdict) => Ok((link, verdict)),
            Err(failure) => Err(Attempt { at, failure }),
        }
    }

    async fn judge(&self, link: &Link, bound: Duration) -> Result<Verdict, Failure> {
        let attrs = self.attrs;
        if attrs == TargetSessionAttrs::Any {
            return Ok(Verdict::Wanted);
        }
        let role = match link.reading.role() {
            Some(role) => role,
            None => {
                let asked = timeout(bound, Role::ask(&link.client, attrs)).await;
                let asked = asked.map_err(|_| Failure::TimedOut(bound))?;
                asked.map_err(Failure::Refused)?
            }
        };
        match attrs.judge(role) {
            Verdict::Wrong => Err(Failure::Mismatch(Mismatch { attrs, role })),
            verdict => Ok(verdict),
        }
    }

    /// How a host was found.
    fn seen(&self, found: Option<&Found>, failed: &[Attempt]) -> Note {
        let now = Instant::now();
        let is_wrong = |one: &Attempt| matches!(one.failure, Failure::Mismatch(_));
        match found {
            Some(found) => Note::Serves(self.rank(found.place, found.verdict), now),
            None if failed.iter().any(is_wrong) => Note::Wrong(now),
            None => Note::Dead(now),
        }
    }

    /// Writes down how a host was found.
    fn note(&self, place: usize, note: Note) {
        let mut notes = self.notes.lock();
        let Some(old) = notes.get_mut(place) else {
            return;
        };
        *old = note;
        let serving = notes
            .iter()
            .enumerate()
            .filter_map(|(place, note)| match note {
                Note::Serves(rank, _) => Some((*rank, place)),
                _ => None,
            });
        let best = serving
            .min()
            .map_or(NONE, |(rank, place)| rank * self.count + place);
        // ORDERING(best host written): Relaxed; a hint: who does not see it yet hears of it with his next look.
        self.best.store(best, Ordering::Relaxed);
    }

    /// How far the host at `place` is from the best that there could be.
    pub(super) fn rank(&self, place: usize, verdict: Verdict) -> usize {
        let by_order = if self.ordered { place } else { 0 };
        match verdict {
            Verdict::Wanted => by_order,
            _ => self.count + by_order,
        }
    }

    /// Whether another host than that at `place` is known to serve, and to be better than `rank`.
    pub(super) fn knows_better(&self, place: usize, rank: usize) -> bool {
        self.best()
            .is_some_and(|(best, at)| best < rank && at != place)
    }

    /// The hosts that would be better than the best that serves, if they were back.
    pub(super) fn worth_a_look(&self) -> Vec<usize> {
        let Some((best, at)) = self.best() else {
            return Vec::new();
        };
        let notes = self.notes.lock();
        let is_worth = |place: &usize| {
            let could_be_back = match notes[*place] {
                Note::Nothing | Note::Dead(_) => true,
                // What is second best now may be the best tomorrow, for who has no better one.
                Note::Serves(..) => best >= notes.len(),
                Note::Wrong(_) => false,
            };
            *place != at && self.rank(*place, Verdict::Wanted) < best && could_be_back
        };
        (0..notes.len()).filter(is_worth).collect()
    }

    /// The rank and the place of the best host that serves.
    fn best(&self) -> Option<(usize, usize)> {
        // ORDERING(best host read): Relaxed; see `best host written`.
        let best = self.best.load(Ordering::Relaxed);
        (best != NONE).then(|| (best / self.count, best % self.count))
    }

    /// Whether a host is tried after all others: it was dead, or not what is wanted, a moment ago.
    fn is_last_choice(&self, note: Note) -> bool {
        match note {
            Note::Nothing => false,
            Note::Serves(rank, at) => rank >= self.count && at.elapsed() < REMEMBERED,
            Note::Dead(at) | Note::Wrong(at) => at.elapsed() < REMEMBERED,
        }
    }
}

/// The share of one of `parts` in what is left of `bound`.
fn shared(bound: Duration, began: Instant, parts: usize) -> Duration {
    bound.saturating_sub(began.elapsed()) / u32::try_from(parts.max(1)).unwrap_or(u32::MAX)
}

/// How long a host stays the last choice: a dead one may cost each connect seconds, and one that is back is found by
/// its scout earlier.
const REMEMBERED: Duration = Duration::from_secs(30);

/// No host is known to serve.
const NONE: usize = usize::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    fn search(text: &str, attrs: TargetSessionAttrs) -> (PgConfig, Search) {
        let config: PgConfig = text.parse().unwrap();
        let search = Search::new(&config, attrs);
        (config, search)
    }

    fn serves(search: &Search, place: usize, verdict: Verdict) {
        let note = Note::Serves(search.rank(place, verdict), Instant::now());
        search.note(place, note);
    }

    #[test]
    fn what_was_dead_or_wrong_a_moment_ago_is_tried_last() {
        let (config, search) = search("host=a,b,c", TargetSessionAttrs::ReadWrite);
        assert_eq!(search.order(&config), [0, 1, 2]);
        search.note(0, Note::Dead(Instant::now()));
        search.note(1, Note::Wrong(Instant::now()));
        assert_eq!(search.order(&config), [2, 0, 1]);
        let Some(long_ago) = Instant::now().checked_sub(REMEMBERED) else {
            return;
        };
        search.note(1, Note::Wrong(long_ago));
        assert_eq!(search.order(&config), [1, 2, 0]);
        serves(&search, 0, Verdict::Wanted);
        assert_eq!(search.order(&config), [0, 1, 2]);
    }

    /// What a first address leaves unused, the others have.
    #[test]
    fn each_address_gets_its_share_of_what_is_left() {
        let (config, search) = search("host=name", TargetSessionAttrs::Any);
        let shares = Mutex::new(Vec::new());
        let refusing = |candidate: Candidate, share| -> BoxFuture<'_, Result<Link, Attempt>> {
            shares.lock().push(share);
            let failure = Failure::TimedOut(share);
            let at = candidate.at;
            Box::pin(async move { Err(Attempt { at, failure }) })
        };
        let address = |at: &str| Candidate {
            at: at.to_owned(),
            config: config.clone(),
        };
        let three = ["one", "two", "three"].map(address).into();
        let mut attempts = Vec::new();
        let bound = Duration::from_secs(3600);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let each = search.each(three, 0, bound, &refusing, &mut attempts);
        assert!(runtime.unwrap().block_on(each).is_none());
        let told: Vec<_> = attempts.iter().map(|one| one.at.as_str()).collect();
        assert_eq!(told, ["one", "two", "three"]);
        let minutes: Vec<_> = shares
            .lock()
            .iter()
            .map(|share| share.as_secs().div_ceil(60))
            .collect();
        assert_eq!(minutes, [20, 30, 60]);
    }

    #[test]
    fn an_earlier_host_is_better_once_it_serves() {
        let (_, search) = search("host=a,b", TargetSessionAttrs::Any);
        search.note(0, Note::Dead(Instant::now()));
        serves(&search, 1, Verdict::Wanted);
        let rank = search.rank(1, Verdict::Wanted);
        assert!(!search.knows_better(1, rank));
        assert_eq!(search.worth_a_look(), [0]);
        serves(&search, 0, Verdict::Wanted);
        assert!(search.knows_better(1, rank));
        assert_eq!(search.worth_a_look(), [0; 0]);
        search.note(0, Note::Wrong(Instant::now()));
        assert!(!search.knows_better(1, rank));
        assert_eq!(
            search.worth_a_look(),
            [0; 0],
            "it is there, and of another role"
        );
    }

    #[test]
    fn the_usual_sockets_are_places_where_one_server_may_be() {
        let (_, search) = search("host=/run/postgresql,/tmp", TargetSessionAttrs::Any);
        search.note(0, Note::Dead(Instant::now()));
        serves(&search, 1, Verdict::Wanted);
        assert!(search.is_indifferent());
        assert_eq!(search.worth_a_look(), [0; 0]);
    }

    #[test]
    fn balanced_hosts_are_equal_but_for_what_is_preferred() {
        let text = "host=a,b load_balance_hosts=random";
        let (_, search) = search(text, TargetSessionAttrs::PreferStandby);
        serves(&search, 0, Verdict::Wanted);
        serves(&search, 1, Verdict::Wanted);
        assert!(!search.knows_better(1, search.rank(1, Verdict::Wanted)));
        let second = search.rank(1, Verdict::SecondBest);
        assert!(search.knows_better(1, second));
        assert!(!search.knows_better(0, second), "that is the very host");
        search.note(0, Note::Dead(Instant::now()));
        serves(&search, 1, Verdict::SecondBest);
        assert_eq!(search.worth_a_look(), [0]);
    }
}

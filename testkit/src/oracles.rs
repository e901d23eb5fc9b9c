//! Four promises of every pool, as assertions of one line.
//!
//! | oracle | what it says | assertion |
//! |---|---|---|
//! | CAP | so many objects can be taken without waiting, and the next is refused: none was lost, and none is too many | [`assert_cap`] |
//! | ACC | the counts agree with one another, with what was counted since the start, and with what exists | [`assert_accounts`], [`assert_at_rest`], [`assert_live`] |
//! | ONCE | each object was detached once and dropped once, and never in two hands | [`assert_once`] |
//! | LIM | objects and connects together never were more than may be | [`assert_limit`] |
//!
//! CAP and ACC ask any managed pool. ONCE and LIM need to know what became of each object, and ask the book of a
//! [`World`]. [`assert_all_well`] asks them all. What fails says which, where, and what the pool looked like.
//!
//! ```
//! use millpond_testkit::{Polled, Step, World, oracles};
//!
//! let world = World::default();
//! world.limit(3);
//! let pool = world.builder().max_size(3).build()?;
//!
//! // A get is cancelled in the middle of its connect: nothing is lost by that.
//! world.create.then(Step::Never);
//! let getter = Polled::of(pool.get()).waits();
//! drop(getter);
//! oracles::assert_all_well(&pool, 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! They are for a pool that a test has to itself. Where objects are made or closed by somebody else, by a server or in
//! the background, ask [`assert_cap_in_time`] and [`assert_at_rest_in_time`], which wait for it, within a bound.

mod accounts;

use crate::polled::Polled;
use crate::world::World;
use accounts::{accounts, at_rest};
use millpond::managed::{Manager, Object, Pool, PoolError, TimeoutType, Timeouts};
use std::collections::HashSet;
use std::fmt::{Display, Write};
use std::panic::Location;
use std::task::Poll;
use std::time::{Duration, Instant};

/// What an oracle says: nothing, or what is wrong.
type Said = Result<(), String>;

/// CAP: `n` objects can be taken without waiting, and the next is refused. They are put back.
///
/// Objects that do not exist yet are made, which must not have to wait for anything: a [`World`] whose scripts are
/// calm does not, a server does ([`assert_cap_in_time`]).
///
/// # Panics
///
/// It is not so, or something has to be waited for.
#[track_caller]
pub fn assert_cap<M, W>(pool: &Pool<M, W>, n: usize)
where
    M: Manager<Error: Display>,
    W: From<Object<M>> + Send,
{
    match Polled::of(cap(pool, n)).poll() {
        Poll::Ready(said) => demand(said),
        Poll::Pending => demand(wrong(pool, "CAP: a get has to wait")),
    }
}

/// CAP, as [`assert_cap`], of a pool whose objects take time to make and to check: within 30 s, and within the time-outs
/// of the pool for each of them.
///
/// # Panics
///
/// It is not so.
#[track_caller]
pub fn assert_cap_in_time<M, W>(pool: &Pool<M, W>, n: usize) -> impl Future<Output = ()>
where
    M: Manager<Error: Display>,
    W: From<Object<M>> + Send,
{
    let caller = Location::caller();
    async move {
        let asked = tokio::time::timeout(BOUND, cap(pool, n)).await;
        demand_at(
            caller,
            asked.unwrap_or_else(|_| wrong(pool, format_args!("CAP: not within {BOUND:?}"))),
        );
    }
}

/// ACC, at any moment: what one snapshot shows adds up, and nobody waits beside an idle object.
///
/// # Panics
///
/// It is not so.
#[track_caller]
pub fn assert_accounts<M: Manager, W: From<Object<M>>>(pool: &Pool<M, W>) {
    demand(accounts(pool));
}

/// ACC, when all is over: nobody holds, waits or connects, and every get and every object has ended as one thing, once.
///
/// # Panics
///
/// It is not so.
#[track_caller]
pub fn assert_at_rest<M: Manager, W: From<Object<M>>>(pool: &Pool<M, W>) {
    demand(at_rest(pool));
}

/// ACC, as [`assert_at_rest`], of a pool that may do something in the background still: within 30 s.
///
/// # Panics
///
/// It is not so in time.
#[track_caller]
pub fn assert_at_rest_in_time<M: Manager, W: From<Object<M>>>(
    pool: &Pool<M, W>,
) -> impl Future<Output = ()> {
    let caller = Location::caller();
    async move {
        let begun = Instant::now();
        while at_rest(pool).is_err() && begun.elapsed() < BOUND {
            tokio::time::sleep(PAUSE).await;
        }
        demand_at(caller, at_rest(pool));
    }
}

/// ACC: so many objects live by the pool's count. `live` is from a book that is not the pool's: of a
/// [`World`](World::live), or of a server.
///
/// # Panics
///
/// It is not so.
#[track_caller]
pub fn assert_live<M: Manager, W: From<Object<M>>>(pool: &Pool<M, W>, live: usize) {
    let now = pool.snapshot();
    let counted = now.size - now.connecting;
    if counted != live {
        let what = format_args!("ACC: {live} objects live, the pool counts {counted}");
        demand(wrong(pool, what));
    }
}

/// ONCE: each object was detached when it left, dropped once at most, and never in two hands. A world can be asked when
/// its pool is gone.
///
/// # Panics
///
/// It is not so.
#[track_caller]
pub fn assert_once(world: &World) {
    let book = world.book().clone();
    assert_eq!(book.violations, [""; 0], "ONCE");
    for (id, life) in book.lives.iter().enumerate() {
        let detached = usize::from(life.dropped == 1 || life.away);
        assert!(
            life.detached == detached && life.dropped <= 1,
            "ONCE: object {id}: {life:?}"
        );
    }
}

/// LIM: no connect began that made more objects and connects together than the [limit](World::limit).
///
/// # Panics
///
/// It is not so.
#[track_caller]
pub fn assert_limit(world: &World) {
    let book = world.book().clone();
    assert_eq!(book.excesses, [""; 0], "LIM: the peak was {}", book.peak);
}

/// All four, of a pool that nobody uses: it is at rest, `n` can be taken, and nothing was wrong with any object since
/// the start. The world is [calm](World::calm) from now on.
///
/// # Panics
///
/// It is not so.
#[track_caller]
pub fn assert_all_well<W: From<Object<World>> + Send>(pool: &Pool<World, W>, n: usize) {
    let world = pool.manager();
    world.calm();
    let all_at_rest = || {
        assert_at_rest(pool);
        assert_accounts(pool);
        assert_live(pool, world.live());
    };
    all_at_rest();
    assert_cap(pool, n);
    all_at_rest();
    assert_once(world);
    assert_limit(world);
}

async fn cap<M, W>(pool: &Pool<M, W>, n: usize) -> Said
where
    M: Manager<Error: Display>,
    W: From<Object<M>>,
{
    let at_once = Timeouts {
        wait: Some(Duration::ZERO),
        ..pool.timeouts()
    };
    // As it was before we came, which is what a reader asks for.
    let (before, out_before) = (picture(pool), pool.checkouts().len());
    let wrong = |what: &dyn Display| Err(format!("CAP: {what}\n{before}"));
    let mut held = Vec::new();
    for nth in 0..n {
        match pool.timeout_get(&at_once).await {
            Ok(object) => held.push(object),
            Err(error) => return wrong(&format_args!("only {nth} of {n}: {error}")),
        }
    }
    let ids: HashSet<_> = pool.checkouts().iter().map(|out| out.id).collect();
    let different = ids.len().saturating_sub(out_before);
    if different != n {
        return wrong(&format_args!(
            "only {different} of {n} are different objects"
        ));
    }
    match pool.timeout_get(&at_once).await {
        Err(PoolError::Timeout(TimeoutType::Wait)) => Ok(()),
        Err(error) => wrong(&format_args!("the next after {n}: {error}")),
        Ok(_) => wrong(&format_args!("more than {n}")),
    }
}

/// What is wrong, and what the pool looks like.
fn wrong<M: Manager, W: From<Object<M>>>(pool: &Pool<M, W>, what: impl Display) -> Said {
    Err(format!("{what}\n{}", picture(pool)))
}

/// A pool in words: its counts, and who holds.
pub(crate) fn picture<M: Manager, W: From<Object<M>>>(pool: &Pool<M, W>) -> String {
    let mut picture = format!("  the pool `{}`: {}", pool.name(), pool.snapshot());
    for out in pool.checkouts() {
        let _ = write!(picture, "\n  object {} is out: {out}", out.id);
    }
    picture
}

#[track_caller]
fn demand(said: Said) {
    if let Err(what) = said {
        panic!("{what}");
    }
}

/// The same for what is awaited: the place that a panic names is ours then.
pub(crate) fn demand_at(caller: &Location<'_>, said: Said) {
    if let Err(what) = said {
        panic!("at {caller}: {what}");
    }
}

/// In which everything comes to rest that does.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

/// Between two looks at something that happens elsewhere.
pub(crate) const PAUSE: Duration = Duration::from_millis(5);

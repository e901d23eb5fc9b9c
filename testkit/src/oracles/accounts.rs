//! ACC: what must be true of a pool's counts, line by line.

use super::{Said, wrong};
use millpond::managed::{Manager, Object, Pool};

/// At any moment: one snapshot is one picture.
pub(super) fn accounts<M: Manager, W: From<Object<M>>>(pool: &Pool<M, W>) -> Said {
    let now = pool.snapshot();
    let found = first_untrue(&[
        (
            now.idle + now.connecting + now.in_use == now.size,
            "idle, connecting and in use are all that there are",
        ),
        (
            now.waiting == now.held_back || now.idle == 0,
            "nobody waits beside an idle object, but who is held back from it",
        ),
        (
            now.idle <= now.max_size,
            "no more are idle than there may be",
        ),
    ]);
    found.map_or(Ok(()), |what| {
        wrong(pool, format_args!("ACC: not so: {what}: {now:?}"))
    })
}

/// When all is over: nobody is there, and what was counted since the start adds up.
pub(super) fn at_rest<M: Manager, W: From<Object<M>>>(pool: &Pool<M, W>) -> Said {
    let (now, stats, status) = (pool.snapshot(), pool.stats(), pool.status());
    let gets = &stats.gets;
    let live = stats.created.checked_sub(stats.closed.total());
    let found = first_untrue(&[
        (
            (now.in_use, now.connecting, now.waiting) == (0, 0, 0),
            "nobody holds, connects or waits",
        ),
        (
            pool.checkouts().is_empty(),
            "nobody is said to hold an object",
        ),
        (now.size <= now.max_size, "no more exist than may"),
        (
            (status.size, status.available, status.waiting) == (now.size, now.idle, 0),
            "the status is the same picture",
        ),
        (
            now.closed == pool.is_closed(),
            "it is closed in every picture or in none",
        ),
        (
            gets.started == gets.ended(),
            "each get has ended, as one thing",
        ),
        (
            live == Some(now.size as u64),
            "each object that was made exists, or was closed for one reason",
        ),
        (
            stats.wait_time.count() == gets.succeeded(),
            "each get that got an object was timed",
        ),
        (
            stats.use_time.count() == gets.succeeded(),
            "each hold was timed",
        ),
        (
            stats.connect_time.count() == stats.created,
            "each connect was timed",
        ),
        (
            stats.check_time.count() == stats.checks,
            "each check was timed",
        ),
    ]);
    found.map_or(Ok(()), |what| {
        wrong(
            pool,
            format_args!("ACC, at rest: not so: {what}: {status:?}, {stats:?}"),
        )
    })
}

/// The first of these lines that is not true.
fn first_untrue<'a>(lines: &[(bool, &'a str)]) -> Option<&'a str> {
    let untrue = lines.iter().find(|(so, _)| !so);
    untrue.map(|(_, what)| *what)
}

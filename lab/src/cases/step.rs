//! Steps that several cases go: holding a connection until it is time, and coming into line one after the other.

use super::punctual::{Ended, get_timed, poll_once};
use crate::ground::Ground;
use crate::subject::{Lease, Subject, Work};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long a holder sleeps in the server at a time, before it sees whether it may go.
pub(super) const NAP: Duration = Duration::from_millis(25);
/// How long a pool may take to count somebody in who has asked already.
const TO_COUNT_IN: Duration = Duration::from_millis(200);
/// How long it may take to count somebody out.
const TO_COUNT: Duration = Duration::from_secs(1);
/// What is waited instead where the pool does not count them.
const UNCOUNTED: Duration = Duration::from_millis(20);

/// Works with a connection, in naps of the server, until it is told to go.
///
/// # Errors
///
/// The server or the connection failed.
pub(super) async fn hold(
    lease: &mut Box<dyn Lease>,
    nap: Duration,
    go: &CancellationToken,
) -> Result<(), crate::Failure> {
    while !go.is_cancelled() {
        lease.work(Work::Sleep(nap)).await?;
    }
    Ok(())
}

/// Gets a connection, and tells when it has been asked for: it is in line then, or has one.
pub(super) async fn get_told(
    pool: &dyn Subject,
    bound: Duration,
    caller: &'static Location<'static>,
    asked: oneshot::Sender<()>,
) -> Ended {
    let mut get = Box::pin(get_timed(pool, bound, caller));
    let done = poll_once(&mut get).await;
    // Nobody need listen.
    let _ = asked.send(());
    match done {
        Some(ended) => ended,
        None => get.await,
    }
}

/// Waits until somebody who has asked is in line, behind `before` others. A pool that does not count them is given a
/// moment for it.
pub(super) async fn in_line(
    ground: &Ground,
    pool: &Arc<dyn Subject>,
    asked: oneshot::Receiver<()>,
    before: usize,
) {
    // Who is gone has asked too.
    let _ = asked.await;
    if pool.look().waiting.is_none() {
        return sleep(UNCOUNTED).await;
    }
    let longer = |look: &crate::subject::Look| look.waiting.is_some_and(|count| count > before);
    let _ = ground.until(pool, TO_COUNT_IN, longer).await;
}

/// Checks that exactly so many are in line, as soon as the pool has counted them.
pub(super) async fn check_line(
    ground: &Ground,
    pool: &Arc<dyn Subject>,
    name: &str,
    wanted: usize,
) {
    let recorder = ground.recorder();
    if pool.look().waiting.is_none() {
        return recorder.unknown(name, "who waits");
    }
    let (look, good) = ground
        .until(pool, TO_COUNT, |look| look.waiting == Some(wanted))
        .await;
    recorder.check(
        name,
        format!("{wanted} waiting"),
        format!("{} waiting", look.waiting.unwrap_or_default()),
        good,
    );
}

/// Checks that nobody holds a connection, nobody waits, and all that exist lie ready, as far as the pool tells.
pub(super) async fn check_rest(ground: &Ground, pool: &Arc<dyn Subject>) {
    let rests = |look: &crate::subject::Look| {
        look.at_rest() && (look.idle.is_none() || look.idle == look.size)
    };
    let (look, good) = ground.until(pool, TO_COUNT * 2, rests).await;
    ground.recorder().check(
        "all is at rest afterwards",
        "none in use, none waiting, all idle",
        look.to_string(),
        good,
    );
}

/// As many connections as can be had at the same time, up to `most`, each within `turn`.
pub(super) async fn take_all(
    pool: &dyn Subject,
    most: usize,
    turn: Duration,
) -> Vec<Box<dyn Lease>> {
    let mut leases = Vec::new();
    while leases.len() < most {
        match pool.get(turn, Location::caller()).await {
            Ok(lease) => leases.push(lease),
            Err(_) => break,
        }
    }
    leases
}

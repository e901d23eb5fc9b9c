//! Runs a model through every interleaving within its bound, and counts them.

use crate::race::set_backwards;
use loom::model::Builder;
use millpond::engine::sync::set_before_race;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// How often one execution may switch away from a thread that could go on; `None`: as often as it likes.
pub type Bound = Option<usize>;

/// Every interleaving.
pub const ALL: Bound = None;
/// For models whose interleavings without a bound take minutes. A race of two steps takes one preemption, a third
/// party that interferes with both takes two; the rest is to spare.
pub const FIVE: Bound = Some(5);
/// Where five preemptions take more than about five seconds.
pub const FOUR: Bound = Some(4);
/// Where four do.
pub const THREE: Bound = Some(3);
/// Where three do: two engines and three roles.
pub const TWO: Bound = Some(2);

/// Steps that one execution may have; loom's own default is 1,000.
const MAX_BRANCHES: usize = 5_000;

/// Explores `model` up to `bound` preemptions (`LOOM_MAX_PREEMPTIONS` overrides it), prints how many
/// executions that were, and fails if it was a single one: that would have tested nothing.
///
/// It is explored twice, with the first and with the last role beginning. loom remembers only the last access
/// to an atomic, so it overlooks that a load stands in a race with a later compare-and-swap if the swapping
/// thread itself has loaded in between; when the other one begins, it sees it.
pub fn explore(name: &str, bound: Bound, model: impl Fn() + Send + Sync + 'static) {
    let executions = Arc::new(AtomicUsize::new(0));
    let model = Arc::new(model);
    let begin = Instant::now();
    for backwards in [false, true] {
        set_backwards(backwards);
        let (model, executions) = (Arc::clone(&model), Arc::clone(&executions));
        builder(bound).check(move || {
            // ORDERING(executions): Relaxed; loom runs one execution after the other.
            executions.fetch_add(1, Ordering::Relaxed);
            set_before_race(true);
            model();
        });
    }
    // ORDERING(executions read): Relaxed; the exploration is over.
    let executions = executions.load(Ordering::Relaxed);
    assert!(
        executions > 2,
        "model {name} explored one execution only: it tests nothing"
    );
    println!(
        "model {name}: {executions} executions, {:.2} s",
        begin.elapsed().as_secs_f64()
    );
}

fn builder(bound: Bound) -> Builder {
    let mut builder = Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(bound);
    builder.max_branches = MAX_BRANCHES;
    builder
}

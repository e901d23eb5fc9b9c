//! Case 4: operations that fail, panic, are cancelled or forget their connection, among others that do not.

use super::Case;
use super::lookout::Lookout;
use super::punctual::poll_once;
use super::step::take_all;
use crate::Failure;
use crate::data::{Outcome, Scale};
use crate::ground::Ground;
use crate::subject::{Lease, Look, Refusal, Subject, Work};
use async_trait::async_trait;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// See `cases/mod.rs`.
pub(super) struct Leaks;

const MOST: usize = 5;
const OPERATIONS: usize = 20;
/// Whoever has to wait so long for a connection waits for one that was lost.
const LOST: Duration = Duration::from_secs(2);
/// How long a pool may take to count back what was given up.
const TO_COUNT: Duration = Duration::from_secs(2);
/// How long a connection is at work that is given up in the midst of it.
const AT_WORK: Duration = Duration::from_millis(300);
/// How long a pool may take to hand a connection over to one who does not look.
const TO_HAND_OVER: Duration = Duration::from_millis(50);

/// How an operation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Good,
    Fails,
    Panics,
    CancelledInLine,
    CancelledConnecting,
    CancelledHanded,
    CancelledAtWork,
    Forgets,
}

/// A third of all.
const BAD: [Op; 7] = [
    Op::Fails,
    Op::Panics,
    Op::CancelledInLine,
    Op::CancelledConnecting,
    Op::CancelledHanded,
    Op::CancelledAtWork,
    Op::Forgets,
];

impl Op {
    fn says(self) -> &'static str {
        match self {
            Self::Good => "does its work",
            Self::Fails => "fails",
            Self::Panics => "panics",
            Self::CancelledInLine => "is cancelled in line",
            Self::CancelledConnecting => "is cancelled while it connects",
            Self::CancelledHanded => "is cancelled just after it was handed one",
            Self::CancelledAtWork => "is cancelled at work",
            Self::Forgets => "forgets it",
        }
    }
}

#[async_trait]
impl Case for Leaks {
    fn name(&self) -> &'static str {
        "leaks"
    }

    fn title(&self) -> &'static str {
        "Leaks"
    }

    fn question(&self) -> &'static str {
        "Does every connection come back, however its holder ends, and is who forgets one named by file and line?"
    }

    fn conditions(&self, scale: Scale) -> Vec<String> {
        let bad: Vec<_> = BAD.iter().map(|op| op.says()).collect();
        vec![
            format!(
                "{MOST} connections, made on demand; {OPERATIONS} operations in an order drawn from the seed"
            ),
            format!(
                "{} of them end badly: one {}",
                BAD.len(),
                bad.join(", one ")
            ),
            format!(
                "what is held for {:?} is to be told of as leaked",
                threshold(scale)
            ),
            format!(
                "{} with a new pool each",
                match rounds(scale) {
                    1 => "once,".to_owned(),
                    times => format!("{times} times,"),
                }
            ),
        ]
    }

    fn bound(&self, scale: Scale) -> Duration {
        (threshold(scale) + Duration::from_secs(60)) * rounds(scale)
    }

    fn expected(&self, scale: Scale) -> Duration {
        (threshold(scale) + Duration::from_millis(1_500)) * rounds(scale)
    }

    async fn run(&self, ground: &Ground) -> Result<(), Failure> {
        let mut chance = fastrand::Rng::with_seed(ground.seed());
        for _ in 0..rounds(ground.scale()) {
            round(ground, &mut chance).await?;
        }
        Ok(())
    }
}

fn threshold(scale: Scale) -> Duration {
    match scale {
        Scale::Short => Duration::from_millis(500),
        Scale::Full => Duration::from_secs(2),
    }
}

fn rounds(scale: Scale) -> u32 {
    match scale {
        Scale::Short => 1,
        Scale::Full => 5,
    }
}

async fn round(ground: &Ground, chance: &mut fastrand::Rng) -> Result<(), Failure> {
    let mut spec = ground.spec("leaks", MOST, 0);
    spec.leak_threshold = Some(threshold(ground.scale()));
    let pool = ground.make(&spec).await?;
    let mut round = Round {
        ground,
        pool,
        base: Base::default(),
        forgotten: None,
        refused: Vec::new(),
    };
    for op in order(chance) {
        round.run(op).await;
    }
    round.check_refused();
    round.check_capacity().await;
    match round.forgotten {
        Some(lookout) => lookout.check(ground.recorder()).await,
        None => Ok(()),
    }
}

/// All operations, shuffled; but a connect can be cancelled only before all connections exist.
fn order(chance: &mut fastrand::Rng) -> [Op; OPERATIONS] {
    let mut ops = [Op::Good; OPERATIONS];
    ops[..BAD.len()].copy_from_slice(&BAD);
    chance.shuffle(&mut ops);
    let fills = |op: &Op| matches!(op, Op::CancelledInLine | Op::CancelledHanded);
    let first_to_fill = ops.iter().position(fills);
    let connecting = ops.iter().position(|op| *op == Op::CancelledConnecting);
    if let (Some(fills), Some(connecting)) = (first_to_fill, connecting)
        && fills < connecting
    {
        ops.swap(fills, connecting);
    }
    ops
}

/// What a pool counts when nobody does anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Base {
    in_use: usize,
    connecting: usize,
    waiting: usize,
}

impl Base {
    /// As the pool tells it; what it does not tell is as before.
    fn of(look: &Look, before: Base) -> Self {
        Self {
            in_use: look.in_use.unwrap_or(before.in_use),
            connecting: look.connecting.unwrap_or(before.connecting),
            waiting: look.waiting.unwrap_or(before.waiting),
        }
    }
}

struct Round<'a> {
    ground: &'a Ground,
    pool: Arc<dyn Subject>,
    /// What the pool counts between two operations: what was forgotten, and what was lost for good.
    base: Base,
    /// Whether a connection was forgotten: who looks out for that being told.
    forgotten: Option<Lookout>,
    refused: Vec<String>,
}

/// How an operation ended, and how long it had waited for its connection, if it had one.
type Came = (Outcome, Option<Duration>);
/// A get of this case.
type Get<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn Lease>, Refusal>> + Send + 'a>>;

impl Round<'_> {
    /// One operation, and the counts after it.
    async fn run(&mut self, op: Op) {
        let began = Instant::now();
        let came = match op {
            Op::Good => self.works(Work::Ask, Outcome::Served).await,
            Op::Fails => self.works(Work::Fail, Outcome::Failed).await,
            Op::Panics => self.panics().await,
            Op::CancelledInLine => self.leaves_line().await,
            Op::CancelledConnecting => self.leaves_connecting().await,
            Op::CancelledHanded => self.leaves_handed().await,
            Op::CancelledAtWork => self.leaves_work().await,
            Op::Forgets => self.forgets().await,
        };
        let (recorder, took) = (self.ground.recorder(), began.elapsed());
        match came {
            Ok((outcome, Some(wait))) => recorder.request(GROUP, outcome, wait, took),
            Ok((outcome, None)) => recorder.refusal(GROUP, outcome, took),
            Err(refusal) => {
                recorder.refusal(GROUP, Outcome::Failed, took);
                self.refused
                    .push(format!("one that {} {refusal}", op.says()));
            }
        }
        self.check_counts(op).await;
    }

    /// What is counted after an operation is what was counted before it, but for what was forgotten.
    async fn check_counts(&mut self, op: Op) {
        let mut right = self.base;
        right.in_use += usize::from(op == Op::Forgets && self.forgotten.is_some());
        let good = |look: &Look| Base::of(look, right) == right;
        let (look, holds) = self.ground.until(&self.pool, TO_COUNT, good).await;
        self.base = Base::of(&look, right);
        if op == Op::Good && holds {
            return;
        }
        let name = format!("the counts after one that {}", op.says());
        if look.in_use.is_none() {
            return self.ground.recorder().unknown(&name, "what is in use");
        }
        let Base {
            in_use,
            connecting,
            waiting,
        } = right;
        self.ground.recorder().check(
            &name,
            format!("{in_use} in use, {connecting} connecting, {waiting} waiting"),
            look.to_string(),
            holds,
        );
    }

    async fn works(&self, work: Work, outcome: Outcome) -> Result<Came, Refusal> {
        let (mut lease, wait) = self.taken().await?;
        lease.work(work).await.map_err(Refusal::Failed)?;
        Ok((outcome, Some(wait)))
    }

    async fn panics(&self) -> Result<Came, Refusal> {
        let (lease, wait) = self.taken().await?;
        let task = tokio::spawn(async move {
            let _held = lease;
            // A panic like any other, but for the message of one that nobody meant.
            std::panic::resume_unwind(Box::new("as the case meant it to"));
        });
        match task.await {
            Err(error) if error.is_panic() => Ok((Outcome::Panicked, Some(wait))),
            _ => Err(Refusal::Failed("it did not panic".into())),
        }
    }

    async fn leaves_line(&self) -> Result<Came, Refusal> {
        let all = self.take(self.all()).await?;
        let mut get = self.get();
        let got = poll_once(&mut get).await;
        self.until_waiting(1).await;
        drop(get);
        drop(all);
        self.cancelled(Op::CancelledInLine, got)
    }

    async fn leaves_connecting(&self) -> Result<Came, Refusal> {
        // All that exist are held, so the next one is made.
        let exist = self.pool.look().live().map(|all| all.min(MOST - 1));
        let free = exist.map_or(1, |all| all.saturating_sub(self.base.in_use));
        let some = self.take(free).await?;
        let mut get = self.get();
        let got = poll_once(&mut get).await;
        drop(get);
        drop(some);
        self.cancelled(Op::CancelledConnecting, got)
    }

    async fn leaves_handed(&self) -> Result<Came, Refusal> {
        let mut all = self.take(self.all()).await?;
        let mut get = self.get();
        let got = poll_once(&mut get).await;
        self.until_waiting(1).await;
        // Handed over now, or soon; and the get is not looked at any more.
        drop(all.pop());
        self.until_waiting(0).await;
        drop(get);
        drop(all);
        self.cancelled(Op::CancelledHanded, got)
    }

    async fn leaves_work(&self) -> Result<Came, Refusal> {
        let (mut lease, wait) = self.taken().await?;
        let left = timeout(AT_WORK / 10, lease.work(Work::Sleep(AT_WORK))).await;
        match left {
            Err(_) => Ok((Outcome::Cancelled, Some(wait))),
            Ok(_) => Err(Refusal::Failed("its work did not last".into())),
        }
    }

    async fn forgets(&mut self) -> Result<Came, Refusal> {
        let caller = Location::caller();
        let asked = Instant::now();
        let lease = self.pool.get(LOST, caller).await?;
        let taken = Instant::now();
        let threshold = threshold(self.ground.scale());
        let pool = Arc::clone(&self.pool);
        self.forgotten = Some(Lookout::begin(pool, caller, asked, taken, threshold));
        self.ground.forgot_one(&self.pool);
        std::mem::forget(lease);
        Ok((Outcome::Forgot, Some(taken - asked)))
    }

    #[track_caller]
    fn get(&self) -> Get<'_> {
        self.pool.get(LOST, Location::caller())
    }

    async fn taken(&self) -> Result<(Box<dyn Lease>, Duration), Refusal> {
        let asked = Instant::now();
        Ok((self.get().await?, asked.elapsed()))
    }

    /// As many as can be had: all but what was forgotten, or lost by what went before.
    fn all(&self) -> usize {
        MOST.saturating_sub(self.base.in_use + self.base.connecting)
    }

    /// So many connections, held all at once.
    async fn take(&self, count: usize) -> Result<Vec<Box<dyn Lease>>, Refusal> {
        let mut leases = Vec::new();
        for _ in 0..count {
            leases.push(self.get().await?);
        }
        Ok(leases)
    }

    /// Waits until the pool counts so many in line; a moment, if it does not count them.
    async fn until_waiting(&self, more: usize) {
        let wanted = Some(self.base.waiting + more);
        let counted = |look: &Look| look.waiting == wanted;
        let _ = self.ground.until(&self.pool, TO_HAND_OVER, counted).await;
    }

    /// What became of a get that was to be cancelled at its first wait.
    fn cancelled(
        &self,
        op: Op,
        got: Option<Result<Box<dyn Lease>, Refusal>>,
    ) -> Result<Came, Refusal> {
        match got {
            None => Ok((Outcome::Cancelled, None)),
            Some(Ok(_)) => {
                self.ground.recorder().note(format!(
                    "the one that {} had its connection before it could be",
                    op.says()
                ));
                Ok((Outcome::Served, None))
            }
            Some(Err(refusal)) => Err(refusal),
        }
    }

    fn check_refused(&self) {
        self.ground.recorder().check(
            "all operations go as the case means them to",
            format!("{OPERATIONS} of {OPERATIONS}"),
            match &self.refused[..] {
                [] => format!("{OPERATIONS} of {OPERATIONS}"),
                refused => refused.join("; "),
            },
            self.refused.is_empty(),
        );
    }

    /// The proof from outside: all connections but the forgotten one can be had at the same time.
    async fn check_capacity(&self) {
        let wanted = MOST - usize::from(self.forgotten.is_some());
        let leases = take_all(&*self.pool, wanted, LOST).await;
        self.ground.recorder().check(
            "all but the forgotten can be had",
            format!("{wanted} of {wanted}, each within {LOST:?}"),
            format!("{} of {wanted}", leases.len()),
            leases.len() == wanted,
        );
    }
}

/// What the requests of this case are called.
const GROUP: &str = "operations";

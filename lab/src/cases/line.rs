//! Case 2: a line before a full pool, of those who wait, those who lose patience, and those who are cancelled.
//!
//! Whose turn it is can be seen from outside only while one connection at a time goes round. So the long tasks hold all
//! connections until they are told to go, one after the other; each that goes sets one connection free, which must serve
//! whoever has waited longest. And it asks again in the same breath, which is the best chance there is to push in.

use super::Case;
use super::punctual::{MEASURE, Punctuality};
use super::step::{NAP, check_line, check_rest, get_told, hold, in_line, take_all};
use crate::Failure;
use crate::data::{Better, Outcome, Scale};
use crate::ground::Ground;
use crate::record::Recorder;
use crate::subject::{Lease, Subject, Work};
use async_trait::async_trait;
use std::collections::VecDeque;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// See `cases/mod.rs`.
pub(super) struct Line;

const MOST: usize = 5;
/// The bound of everybody who waits to be served.
const BOUND: Duration = Duration::from_secs(5);
/// Whoever's turn it is has a connection after so long, or never.
const A_TURN: Duration = Duration::from_secs(2);

/// Somebody who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guest {
    /// Holds its connection until it is told to go.
    Long,
    /// Asks one question.
    Quick,
    /// Has a short bound.
    Impatient,
    /// Is cancelled while it waits.
    Cancelled,
}

/// Who comes when the first five long ones have taken all there is.
const ARRIVALS: [Guest; 16] = {
    use Guest::{Cancelled as C, Impatient as I, Long as L, Quick as Q};
    [C, L, Q, I, L, C, L, Q, I, Q, L, Q, I, L, Q, C]
};

#[async_trait]
impl Case for Line {
    fn name(&self) -> &'static str {
        "line"
    }

    fn title(&self) -> &'static str {
        "The line under load"
    }

    fn question(&self) -> &'static str {
        "Is whoever has waited longest always served next, and does nothing stay behind of those who gave up?"
    }

    fn conditions(&self, scale: Scale) -> Vec<String> {
        vec![
            format!(
                "{MOST} connections; 10 long tasks, of {:?} at least, and 5 quick ones come one by one, each with a bound of {BOUND:?}",
                long(scale)
            ),
            format!(
                "between them 3 with a bound of {:?}, which passes, and 3 that are cancelled",
                impatient(scale)
            ),
            "the long ones go one by one, and each of the first five asks again at once".to_owned(),
            format!(
                "then {MOST} hold all connections until {MOST} more have timed out after {:?}",
                timing_out(scale)
            ),
            MEASURE.to_owned(),
        ]
    }

    fn bound(&self, scale: Scale) -> Duration {
        self.expected(scale) + Duration::from_secs(60)
    }

    fn expected(&self, scale: Scale) -> Duration {
        long(scale) + timing_out(scale) + Duration::from_secs(1)
    }

    async fn run(&self, ground: &Ground) -> Result<(), Failure> {
        let mut spec = ground.spec("line", MOST, MOST);
        // A pool may hold a get to its own bound as well as to the get's.
        spec.wait = BOUND * 2;
        let pool = ground.make(&spec).await?;
        let mut punctuality = Punctuality::default();
        let (turns, told) = mpsc::unbounded_channel();
        let mut queue = Queue {
            ground,
            pool: Arc::clone(&pool),
            turns,
            told,
            holders: VecDeque::new(),
            tasks: JoinSet::new(),
            expected: Vec::new(),
        };
        queue.form(&mut punctuality).await?;
        queue.serve().await?;
        check_rest(ground, &pool).await;
        time_out(ground, &pool, &mut punctuality).await?;
        check_rest(ground, &pool).await;
        all_can_be_had(ground, &pool).await;
        punctuality.check(ground.recorder());
        Ok(())
    }
}

fn long(scale: Scale) -> Duration {
    match scale {
        Scale::Short => Duration::from_millis(400),
        Scale::Full => Duration::from_secs(2),
    }
}

fn impatient(scale: Scale) -> Duration {
    long(scale) / 2
}

fn timing_out(scale: Scale) -> Duration {
    match scale {
        Scale::Short => Duration::from_secs(1),
        Scale::Full => BOUND,
    }
}

/// The first part: a line that is served one by one.
struct Queue<'a> {
    ground: &'a Ground,
    pool: Arc<dyn Subject>,
    /// Whoever is served says so here, before anything else.
    turns: mpsc::UnboundedSender<Turn>,
    told: mpsc::UnboundedReceiver<Turn>,
    /// The long ones that hold a connection, in the order in which they are told to go.
    holders: VecDeque<Holder>,
    tasks: JoinSet<Result<(), Failure>>,
    /// In what order those in line are to be served.
    expected: Vec<usize>,
}

/// Somebody is served.
struct Turn {
    number: usize,
    /// If it stays until it is told to go.
    holder: Option<Holder>,
}

/// Somebody who holds a connection until it is told to go.
struct Holder {
    go: CancellationToken,
    /// When it has gone and asked again, if it is one who does.
    asked_again: Option<oneshot::Receiver<()>>,
}

impl Holder {
    /// It goes. One who asks again has done so when this returns: whoever goes after it comes after it.
    async fn goes(self) {
        self.go.cancel();
        if let Some(asked) = self.asked_again {
            // Who never asks is missed where it should be served.
            let _ = timeout(A_TURN, asked).await;
        }
    }
}

impl Queue<'_> {
    /// Five long ones take all there is, and then the line forms, guest by guest.
    async fn form(&mut self, punctuality: &mut Punctuality) -> Result<(), Failure> {
        let _phase = self.ground.recorder().phase("the line forms");
        for number in 1..=MOST {
            let told = self.comes(number, Guest::Long, true);
            drop(told);
            self.next_turn().await;
        }
        let recorder = self.ground.recorder();
        recorder.check(
            "every connection can be had",
            format!("{MOST} of {MOST}"),
            format!("{} of {MOST}", self.holders.len()),
            self.holders.len() == MOST,
        );
        let mut leavers = Vec::new();
        let mut cancelled = Vec::new();
        for (before, guest) in ARRIVALS.into_iter().enumerate() {
            let number = MOST + 1 + before;
            let told = match guest {
                Guest::Long | Guest::Quick => {
                    self.expected.push(number);
                    self.comes(number, guest, false)
                }
                Guest::Impatient => {
                    let bound = impatient(self.ground.scale());
                    let (task, told) = self.comes_to_leave(bound);
                    leavers.push(task);
                    told
                }
                Guest::Cancelled => {
                    let (task, told) = self.comes_to_leave(BOUND);
                    cancelled.push(task);
                    told
                }
            };
            in_line(self.ground, &self.pool, told, before).await;
        }
        let recorder = self.ground.recorder();
        let mut left = 0;
        for task in cancelled {
            task.abort();
            if task.await.is_err() {
                recorder.refusal("cancelled", Outcome::Cancelled, Duration::ZERO);
                left += 1;
            }
        }
        for task in leavers {
            let ended = task.await?;
            if ended.note(recorder, "impatient") == Outcome::TimedOut {
                punctuality.add(&ended);
                left += 1;
            }
        }
        let leave = ARRIVALS.len() - self.expected.len();
        recorder.check(
            "nobody is served before a connection comes back",
            format!("{leave} of {leave} leave without one"),
            format!("{left} of {leave}"),
            left == leave,
        );
        let name = "who left the line is not counted any more";
        check_line(self.ground, &self.pool, name, self.expected.len()).await;
        Ok(())
    }

    /// The long ones go one by one, and whose turn it is, is served.
    async fn serve(&mut self) -> Result<(), Failure> {
        let recorder = self.ground.recorder().clone();
        let _phase = recorder.phase("the line is served");
        sleep(long(self.ground.scale())).await;
        let mut served: Vec<usize> = Vec::new();
        // The first five ask again as they go, and so come after all that are in line.
        self.expected
            .extend((1..=MOST).map(|number| AGAIN + number));
        while served.len() < self.expected.len() {
            let Some(holder) = self.holders.pop_front() else {
                break;
            };
            holder.goes().await;
            // A quick one passes its connection on by itself, down to the next long one.
            let mut turn = self.next_turn().await;
            while let Some(number) = turn {
                served.push(number);
                if is_long(number) || served.len() == self.expected.len() {
                    break;
                }
                turn = self.next_turn().await;
            }
            if turn.is_none() && self.pool.look().waiting != Some(0) {
                break;
            }
        }
        self.check_order(&served);
        self.holders.iter().for_each(|holder| holder.go.cancel());
        if served.len() < self.expected.len() {
            self.tasks.abort_all();
        }
        while let Some(ended) = self.tasks.join_next().await {
            match ended {
                Err(aborted) if aborted.is_cancelled() => {}
                ended => ended??,
            }
        }
        Ok(())
    }

    fn check_order(&self, served: &[usize]) {
        let recorder = self.ground.recorder();
        let all = self.expected.len();
        recorder.check(
            "everybody in line is served",
            format!("{all} of {all}, each within {A_TURN:?} of its turn"),
            match served.len() == all {
                true => format!("{all} of {all}"),
                false => format!("{} of {all}, then {}", served.len(), self.pool.look()),
            },
            served.len() == all,
        );
        let pairs = || self.expected.iter().zip(served);
        let out_of_turn = pairs().filter(|(right, found)| right != found).count();
        let first = pairs().find(|(right, found)| right != found);
        recorder.check(
            "served in order of arrival",
            "nobody out of turn",
            match first {
                None => "nobody out of turn".to_owned(),
                Some((right, found)) => format!(
                    "{out_of_turn} out of turn; the first: {} instead of {}",
                    called(*found),
                    called(*right)
                ),
            },
            out_of_turn == 0,
        );
        recorder.headline("served out of turn", out_of_turn as f64, "", Better::Lower);
    }

    /// Who is served next, if anybody is.
    async fn next_turn(&mut self) -> Option<usize> {
        let told = timeout(A_TURN, self.told.recv()).await;
        let turn = told.ok()??;
        self.holders.extend(turn.holder);
        Some(turn.number)
    }

    /// Somebody who is to be served. Told when it has asked.
    fn comes(&mut self, number: usize, guest: Guest, again: bool) -> oneshot::Receiver<()> {
        let (asked, told) = oneshot::channel();
        let (pool, turns) = (Arc::clone(&self.pool), self.turns.clone());
        let recorder = self.ground.recorder().clone();
        self.tasks.spawn(async move {
            let ended = get_told(&*pool, BOUND, Location::caller(), asked).await;
            let group = if guest == Guest::Long {
                "long"
            } else {
                "quick"
            };
            ended.note(&recorder, group);
            let Ok(lease) = ended.got else { return Ok(()) };
            let (tell, asked_again) = oneshot::channel();
            stay(lease, number, guest, again.then_some(asked_again), &turns).await?;
            if again {
                // In the same breath: nobody was polled since the connection went back.
                let ended = get_told(&*pool, BOUND, Location::caller(), tell).await;
                ended.note(&recorder, "again");
                let Ok(lease) = ended.got else { return Ok(()) };
                stay(lease, AGAIN + number, Guest::Quick, None, &turns).await?;
            }
            Ok(())
        });
        told
    }

    /// Somebody who will not be served.
    fn comes_to_leave(
        &self,
        bound: Duration,
    ) -> (JoinHandle<super::punctual::Ended>, oneshot::Receiver<()>) {
        let (asked, told) = oneshot::channel();
        let pool = Arc::clone(&self.pool);
        let task =
            tokio::spawn(async move { get_told(&*pool, bound, Location::caller(), asked).await });
        (task, told)
    }
}

/// What somebody does who is served: says so, works, and gives back.
async fn stay(
    mut lease: Box<dyn Lease>,
    number: usize,
    guest: Guest,
    asked_again: Option<oneshot::Receiver<()>>,
    turns: &mpsc::UnboundedSender<Turn>,
) -> Result<(), Failure> {
    let go = (guest == Guest::Long).then(CancellationToken::new);
    let holder = go.clone().map(|go| Holder { go, asked_again });
    // Nobody listens any more if the case has ended.
    let _ = turns.send(Turn { number, holder });
    match go {
        Some(go) => hold(&mut lease, NAP, &go).await,
        None => lease.work(Work::Ask).await,
    }
}

/// Whether this is one of those in line who stay until they are told to go.
fn is_long(number: usize) -> bool {
    let in_line = number.checked_sub(MOST + 1);
    in_line.and_then(|at| ARRIVALS.get(at)) == Some(&Guest::Long)
}

/// What a reader calls a guest.
fn called(number: usize) -> String {
    match number.checked_sub(AGAIN) {
        Some(first) => format!("number {first}, back again,"),
        None => format!("number {number}"),
    }
}

/// Added to the number of one who asks again.
const AGAIN: usize = 100;

/// The second part: nobody goes until everybody in line has timed out.
async fn time_out(
    ground: &Ground,
    pool: &Arc<dyn Subject>,
    punctuality: &mut Punctuality,
) -> Result<(), Failure> {
    let recorder: &Recorder = ground.recorder();
    let _phase = recorder.phase("everybody in line times out");
    let leases = take_all(&**pool, MOST, A_TURN).await;
    let bound = timing_out(ground.scale());
    let mut waiting = JoinSet::new();
    for before in 0..MOST {
        let (asked, told) = oneshot::channel();
        let pool_of_task = Arc::clone(pool);
        waiting
            .spawn(async move { get_told(&*pool_of_task, bound, Location::caller(), asked).await });
        in_line(ground, pool, told, before).await;
    }
    let mut timed_out = 0;
    while let Some(ended) = waiting.join_next().await {
        let ended = ended?;
        if ended.note(recorder, "timing out") == Outcome::TimedOut {
            punctuality.add(&ended);
            timed_out += 1;
        }
    }
    recorder.check(
        "all time out that no connection comes back for",
        format!("{MOST} of {MOST}"),
        format!("{timed_out} of {MOST}, while {} were held", leases.len()),
        timed_out == MOST && leases.len() == MOST,
    );
    check_line(ground, pool, "who timed out is not counted any more", 0).await;
    Ok(())
}

/// The proof from outside that nothing was left behind: all connections can be had at the same time, at once.
async fn all_can_be_had(ground: &Ground, pool: &Arc<dyn Subject>) {
    let _phase = ground.recorder().phase("all are taken at once");
    let leases = take_all(&**pool, MOST, A_TURN).await;
    ground.recorder().check(
        "all connections can be had afterwards",
        format!("{MOST} of {MOST} within {A_TURN:?}"),
        format!("{} of {MOST}", leases.len()),
        leases.len() == MOST,
    );
}

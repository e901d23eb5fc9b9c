//! What a case has to work with: it makes pools here, writes down what happens, and says what must hold.

use crate::Failure;
use crate::data::Scale;
use crate::record::Recorder;
use crate::site::Site;
use crate::subject::{Look, Maker, Spec, Subject};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How often each pool is looked at.
const EVERY: Duration = Duration::from_millis(20);
/// How long pool and server may take to agree, after the last thing that a case does.
const TO_AGREE: Duration = Duration::from_secs(10);
/// How long where something does not hold already, and is only to be told more about, or where the run was stopped.
const TO_AGREE_AFTER_ALL: Duration = Duration::from_secs(1);

/// The ground of one case for one kind of pool.
#[derive(Clone, Debug)]
pub struct Ground {
    maker: Arc<dyn Maker>,
    site: Site,
    scale: Scale,
    seed: u64,
    recorder: Recorder,
    stop: CancellationToken,
    pools: Arc<Mutex<Vec<Made>>>,
    kept: Arc<Mutex<Vec<Arc<dyn Kept>>>>,
}

/// Anything that is there as long as it is kept, such as a proxy.
pub trait Kept: std::fmt::Debug + Send + Sync {}
impl<T: std::fmt::Debug + Send + Sync> Kept for T {}

/// A pool that was made here.
#[derive(Clone, Debug)]
struct Made {
    name: String,
    pool: Arc<dyn Subject>,
    watch: AbortHandle,
    /// Connections that were forgotten on purpose.
    forgotten: usize,
}

impl Ground {
    /// The ground for one case.
    pub fn new(
        maker: Arc<dyn Maker>,
        site: Site,
        scale: Scale,
        seed: u64,
        stop: CancellationToken,
    ) -> Self {
        Self {
            maker,
            site,
            scale,
            seed,
            recorder: Recorder::new(),
            stop,
            pools: Arc::default(),
            kept: Arc::default(),
        }
    }

    /// The kind of pool.
    pub fn maker(&self) -> &dyn Maker {
        &*self.maker
    }

    /// The database.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// How long the case is.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// What is drawn by chance is drawn from this.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The book.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Whether the run is to be stopped. A case that waits for long waits for this too; all are dropped then.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// A description of a pool of this case: `max_size` connections to the site, `kept` of them kept, with a name of its
    /// own at the server.
    pub fn spec(&self, role: &str, max_size: usize, kept: usize) -> Spec {
        Spec {
            target: self.site.target(),
            name: format!(
                "lab-{}-{role}-{:06x}",
                self.maker.name(),
                fastrand::u32(..1 << 24)
            ),
            max_size,
            kept,
            wait: Duration::from_secs(5),
            leak_threshold: None,
            careful: false,
            shed: false,
        }
    }

    /// Makes a pool. It is looked at from now on, and when the case is over its counts must be the server's.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub async fn make(&self, spec: &Spec) -> Result<Arc<dyn Subject>, Failure> {
        let pool = self.maker.make(spec).await?;
        let watch = tokio::spawn(watch(
            self.recorder.clone(),
            self.recorder.timeline(&spec.name),
            Arc::clone(&pool),
        ));
        self.pools().push(Made {
            name: spec.name.clone(),
            pool: Arc::clone(&pool),
            watch: watch.abort_handle(),
            forgotten: 0,
        });
        Ok(pool)
    }

    /// Keeps something that the pools of this case need until they are closed.
    pub fn keep(&self, what: Arc<dyn Kept>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(what);
    }

    /// The case has forgotten a connection of this pool on purpose: it stays in use, and stays at the server when the
    /// pool is closed, and that is right.
    pub fn forgot_one(&self, pool: &Arc<dyn Subject>) {
        let mut pools = self.pools();
        let made = pools.iter_mut().find(|made| Arc::ptr_eq(&made.pool, pool));
        made.expect("this ground made it").forgotten += 1;
    }

    /// Waits until a pool looks as it should, or the time is over: what it looks like then, and whether that is so.
    pub async fn until(
        &self,
        pool: &Arc<dyn Subject>,
        within: Duration,
        good: impl Fn(&Look) -> bool,
    ) -> (Look, bool) {
        let seen = timeout(within, async {
            loop {
                let look = pool.look();
                if good(&look) {
                    return look;
                }
                sleep(Duration::from_millis(1)).await;
            }
        });
        match seen.await {
            Ok(look) => (look, true),
            Err(_) => (pool.look(), false),
        }
    }

    /// The end of a case, of every one alike: each pool comes to rest, its counts are the server's, and when it is closed
    /// nothing of it is left there.
    pub async fn settle(&self) {
        let made = self.pools().clone();
        if !self.site.keeps_list() {
            self.recorder.note(
                "there is no server that keeps a list of its connections: what the pool says of itself was not \
                 compared with it; blocking work slept in the client, which held its connection",
            );
        }
        for made in &made {
            self.agree(made).await;
        }
        self.look_away();
        for made in &made {
            let closed = timeout(self.to_agree(), made.pool.close()).await.is_ok();
            if !self.site.keeps_list() {
                self.gone(made, closed);
                continue;
            }
            let forgotten = made.forgotten;
            let left = self
                .server_has(&made.name, |count| count == forgotten)
                .await;
            self.recorder.check(
                "nothing left at the server",
                match forgotten {
                    0 => "0 connections after close".to_owned(),
                    _ => format!("after close, the {forgotten} that were forgotten"),
                },
                format!(
                    "{left}{}",
                    if closed {
                        ""
                    } else {
                        ", and the close did not end"
                    }
                ),
                closed && left == forgotten.to_string(),
            );
            if forgotten > 0 {
                // Nobody else can. That it fails is no fault of the pool.
                let _ = self.site.terminate(&made.name).await;
            }
        }
    }

    /// Looks at no pool any more.
    fn look_away(&self) {
        self.pools().iter().for_each(|made| made.watch.abort());
    }

    /// Without a server to ask, there is only what the pool says.
    fn gone(&self, made: &Made, closed: bool) {
        let left = made.pool.look().size;
        let found = left.map_or("unknown".to_owned(), |size| size.to_string());
        self.recorder.check(
            "nothing left of the pool",
            format!("{} connections after close", made.forgotten),
            format!(
                "{found}{}",
                if closed {
                    ""
                } else {
                    ", and the close did not end"
                }
            ),
            closed && left.is_none_or(|size| size == made.forgotten),
        );
    }

    async fn agree(&self, made: &Made) {
        let rests = |look: &Look| look.at_rest_but(made.forgotten);
        let (look, rests) = self.until(&made.pool, self.to_agree(), rests).await;
        if !self.site.keeps_list() {
            let rest = "nobody waits or connects, nothing is held but what was forgotten";
            self.recorder
                .check("the pool comes to rest", rest, look.to_string(), rests);
            return;
        }
        let size = || made.pool.look().live();
        let found = self
            .server_has(&made.name, |count| size().is_none_or(|size| size == count))
            .await;
        let look = made.pool.look();
        let says = look
            .live()
            .map_or("unknown".to_owned(), |size| size.to_string());
        self.recorder.check(
            "pool and server agree",
            "the same number of connections, at rest",
            format!(
                "the pool says {says}, the server {found}{}",
                if rests {
                    String::new()
                } else {
                    format!("; not at rest: {look}")
                }
            ),
            rests && (says == "unknown" || says == found),
        );
    }

    /// How many connections of that name the server has, when it is a good number or time is over.
    async fn server_has(&self, name: &str, good: impl Fn(usize) -> bool) -> String {
        match self.count_until(name, good).await {
            Ok(count) => count.to_string(),
            Err(error) => format!("no answer ({error})"),
        }
    }

    /// Waits until the server has a good number of connections of that name, ten seconds at most: how many it has then.
    ///
    /// # Errors
    ///
    /// It did not answer.
    pub async fn count_until(
        &self,
        name: &str,
        good: impl Fn(usize) -> bool,
    ) -> Result<usize, Failure> {
        let mut last = Err("it did not answer".into());
        let asked = timeout(self.to_agree(), async {
            loop {
                last = self.site.count(name).await;
                if last.as_ref().is_ok_and(|count| good(*count)) {
                    return;
                }
                sleep(Duration::from_millis(20)).await;
            }
        });
        let _ = asked.await;
        last
    }

    fn to_agree(&self) -> Duration {
        let checks = self.recorder.written().checks;
        if self.stop.is_cancelled() || checks.iter().any(|check| !check.holds) {
            return TO_AGREE_AFTER_ALL;
        }
        TO_AGREE
    }

    fn pools(&self) -> std::sync::MutexGuard<'_, Vec<Made>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at a pool until it is told to stop.
async fn watch(recorder: Recorder, timeline: usize, pool: Arc<dyn Subject>) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        recorder.sample(timeline, &pool.look());
    }
}

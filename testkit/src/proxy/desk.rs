//! The one task that knows everything of a proxy: it lets clients in, and tells every connection what it meets.

use super::conditions::{Conditions, Since};
use super::counts::Book;
use super::door::Door;
use super::fault::{Fault, Kind};
use super::link::{Change, Link, TcpClient};
use super::plan::{Plan, PlanStep};
use super::upstream::Upstream;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, mpsc as blocking};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// What the holder of a proxy wants of it. It is done when the other half of the second is dropped.
pub(super) type Order = (Wish, blocking::SyncSender<()>);

#[derive(Debug)]
pub(super) enum Wish {
    /// These faults, and no others.
    Set(Vec<Fault>),
    /// This fault as well.
    Add(Fault),
    ResetAll,
    Play(Plan),
}

#[derive(Debug)]
pub(super) struct Desk {
    door: Door,
    upstream: Arc<Upstream>,
    orders: mpsc::UnboundedReceiver<Order>,
    /// What is wrong now, for the holder to read.
    faults: Arc<Mutex<Vec<Fault>>>,
    since: Vec<Since>,
    /// The steps of a plan that are ahead.
    ahead: VecDeque<(Instant, PlanStep)>,
    accepted: u64,
    links: JoinSet<u64>,
    changes: HashMap<u64, mpsc::UnboundedSender<Change>>,
    book: Arc<Book>,
}

impl Desk {
    pub(super) fn new(
        door: Door,
        upstream: Upstream,
        orders: mpsc::UnboundedReceiver<Order>,
        faults: Arc<Mutex<Vec<Fault>>>,
        book: Arc<Book>,
    ) -> Self {
        Self {
            door,
            upstream: Arc::new(upstream),
            orders,
            faults,
            since: Vec::new(),
            ahead: VecDeque::new(),
            accepted: 0,
            links: JoinSet::new(),
            changes: HashMap::new(),
            book,
        }
    }

    /// Works until nobody can order anything any more.
    pub(super) async fn work(mut self) -> io::Result<()> {
        loop {
            let next = self.ahead.front().map(|(at, _)| *at);
            tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some((wish, _done)) => self.fulfil(wish).await?,
                    // Who has connected gets an end, as all others do, and no reset.
                    None => return self.let_all_in(),
                },
                () = until(next), if next.is_some() => self.next_step().await?,
                client = self.door.accept() => self.let_in(client?)?,
                Some(ended) = self.links.join_next() => {
                    self.changes.remove(&ended.map_err(io::Error::other)?);
                }
            }
        }
    }

    async fn fulfil(&mut self, wish: Wish) -> io::Result<()> {
        // Whose `connect` has returned is there, even if nobody has looked yet.
        self.let_all_in()?;
        match wish {
            Wish::Set(faults) => {
                self.ahead.clear();
                self.set(&faults).await
            }
            Wish::Add(fault) => {
                self.begin(fault);
                self.tell_all().await
            }
            Wish::ResetAll => self.strike(Fault::reset().on_established()).await,
            Wish::Play(plan) => {
                let now = Instant::now();
                let steps = plan.steps().iter();
                self.ahead = steps.map(|step| (now + step.at, *step)).collect();
                self.set(&[]).await
            }
        }
    }

    async fn next_step(&mut self) -> io::Result<()> {
        self.let_all_in()?;
        let Some((_, step)) = self.ahead.pop_front() else {
            return Ok(());
        };
        self.set(step.fault.as_slice()).await
    }

    /// These faults begin now; all others are over.
    async fn set(&mut self, faults: &[Fault]) -> io::Result<()> {
        self.since.clear();
        faults.iter().for_each(|fault| self.begin(*fault));
        self.tell_all().await
    }

    /// A single blow, over at once.
    async fn strike(&mut self, fault: Fault) -> io::Result<()> {
        self.begin(fault);
        self.tell_all().await?;
        self.since.pop();
        self.show();
        Ok(())
    }

    fn begin(&mut self, fault: Fault) {
        let accepted = self.accepted;
        self.since.push(Since { fault, accepted });
    }

    /// Opens or shuts the door, and returns when every connection goes by what is wrong now.
    async fn tell_all(&mut self) -> io::Result<()> {
        let refuses =
            |since: &Since| since.fault.kind == Kind::Refuse && since.fault.reach.has_new();
        if self.since.iter().any(refuses) {
            self.door.shut();
        } else {
            self.door.open()?;
        }
        self.show();
        let told: Vec<_> = self
            .changes
            .iter()
            .filter_map(|(number, changes)| {
                let (held, holds) = oneshot::channel();
                let conditions = Conditions::of(&self.since, *number);
                changes.send(Change { conditions, held }).ok()?;
                Some(holds)
            })
            .collect();
        for holds in told {
            // Never sent, only dropped: also by a connection that has ended.
            let _ = holds.await;
        }
        Ok(())
    }

    /// What is wrong now is there to be read.
    fn show(&self) {
        let faults = self.since.iter().map(|since| since.fault).collect();
        *self.faults.lock().expect("held for a moment") = faults;
    }

    fn let_all_in(&mut self) -> io::Result<()> {
        while let Some(client) = self.door.accept_now()? {
            self.let_in(client)?;
        }
        Ok(())
    }

    fn let_in(&mut self, client: std::net::TcpStream) -> io::Result<()> {
        client.set_nonblocking(true)?;
        let client = TcpClient::from_std(client)?;
        let number = self.accepted;
        self.accepted += 1;
        let (changes, changed) = mpsc::unbounded_channel();
        self.changes.insert(number, changes);
        let conditions = Conditions::of(&self.since, number);
        let link = Link::new(&self.upstream, conditions, changed, &self.book);
        self.links.spawn(async move {
            link.serve(client).await;
            number
        });
        Ok(())
    }
}

async fn until(at: Option<Instant>) {
    if let Some(at) = at {
        sleep_until(at).await;
    }
}

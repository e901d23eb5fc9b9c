//! The task of a listener: it has a connection, or tries to get one again.
//!
//! ```text
//! attend    on a line: does what it is told (LISTEN, UNLISTEN), looks whether the server is still there
//!           ── the line breaks → Lost
//! reconnect a pause, a line, LISTEN on everything ── it works → Gap, attend; not → a longer pause
//! ```
//!
//! In either state it ends when its handle is gone; while reconnecting, also when the pool is.

use super::backoff::Backoff;
use super::connect::Link;
use super::driver::Driver;
use super::error::{Attempt, Failure};
use super::mailbox::Mailbox;
use super::{Classify, Error, Manager, WeakPool, channel};
use crate::engine::sync::Arc;
use crate::managed::Manager as _;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client as PgClient};

/// What the handle asks for, and where it waits for the answer.
#[derive(Debug)]
pub(super) enum Command {
    Listen(String, oneshot::Sender<Result<(), Error>>),
    Unlisten(String, oneshot::Sender<Result<(), Error>>),
}

/// A connection that hears.
#[derive(Debug)]
pub(super) struct Line {
    // Dropped first, as in a client of the pool's.
    client: PgClient,
    driver: Driver,
    target: Arc<str>,
    /// Ends when the connection has.
    alive: oneshot::Receiver<Infallible>,
}

impl Line {
    /// Connects, and listens on `channels`.
    pub(super) async fn open(
        manager: &Manager,
        mailbox: &Arc<Mailbox>,
        channels: &BTreeSet<String>,
    ) -> Result<Self, Error> {
        let Link {
            client,
            driver,
            ears,
            ..
        } = manager.link().await?;
        let deaf = "a connection that was made in a way of one's own hears nothing";
        let ears = ears.ok_or_else(|| Error::channel(deaf.to_owned()))?;
        let (living, alive) = oneshot::channel();
        let mailbox = Arc::clone(mailbox);
        ears.open(move |message| {
            // It is dropped with this closure, that is, with the connection.
            let _alive: &oneshot::Sender<Infallible> = &living;
            if let AsyncMessage::Notification(notification) = message {
                mailbox.notified(notification);
            }
        });
        let line = Self {
            client,
            driver,
            target: manager.target().into(),
            alive,
        };
        match line.execute(&channel::each("LISTEN", channels)).await {
            Ok(()) => Ok(line),
            Err(undone) => Err(line.error(undone)),
        }
    }

    /// Part of connecting, to whoever waits for it.
    fn error(&self, undone: Undone) -> Error {
        match undone {
            Undone::Lost(error) | Undone::Refused(error) => error,
            Undone::Silent => {
                let failure = Failure::TimedOut(PATIENCE);
                let at = self.target.to_string();
                Error::connect(&self.target, vec![Attempt { at, failure }])
            }
        }
    }

    /// Within a bound, since a server that is gone does not answer.
    async fn execute(&self, sql: &str) -> Result<(), Undone> {
        match timeout(PATIENCE, self.client.batch_execute(sql)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => {
                let is_lost = cause.ends_connection();
                let error = Error::statement(Some(&self.target), cause, self.driver.ending());
                Err(match is_lost {
                    true => Undone::Lost(error),
                    false => Undone::Refused(error),
                })
            }
            Err(_) => Err(Undone::Silent),
        }
    }

    /// How it ended, in words.
    fn ending(&self) -> String {
        match self.driver.ending() {
            Some(ending) => ending.to_string(),
            None => "the connection ended".to_owned(),
        }
    }
}

/// Why something was not done: the line broke over it, or the server did not want to.
enum Undone {
    Lost(Error),
    Silent,
    Refused(Error),
}

/// What a listener wants, and what it is told.
#[derive(Debug)]
pub(super) struct Task {
    pool: WeakPool,
    channels: BTreeSet<String>,
    backoff: Backoff,
    check_every: Option<Duration>,
    commands: mpsc::Receiver<Command>,
    /// Who is told once everything is listened on.
    unanswered: Vec<oneshot::Sender<Result<(), Error>>>,
}

/// The handle was dropped.
struct Gone;

/// The end of the task, in whatever way, also if it never began: nobody waits for what will not come.
#[derive(Debug)]
pub(super) struct End {
    mailbox: Arc<Mailbox>,
    why: &'static str,
}

impl End {
    pub(super) fn of(mailbox: Arc<Mailbox>) -> Self {
        Self {
            mailbox,
            why: "its task is gone, as when its runtime shuts down",
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.mailbox.over(self.why);
    }
}

impl Task {
    pub(super) fn new(
        pool: WeakPool,
        channels: BTreeSet<String>,
        backoff: Backoff,
        check_every: Option<Duration>,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        Self {
            pool,
            channels,
            backoff,
            check_every,
            commands,
            unanswered: Vec::new(),
        }
    }

    pub(super) async fn run(mut self, mut line: Line, mut end: End) {
        while let Ok(why) = self.attend(line).await {
            end.mailbox.lost(why);
            line = match self.reconnect(&end.mailbox).await {
                Ok(Some(line)) => line,
                Ok(None) => {
                    end.why = "the pool is closed";
                    return;
                }
                Err(Gone) => return,
            };
            end.mailbox.back();
        }
    }

    /// Does what it is told until the line breaks; says how.
    async fn attend(&mut self, mut line: Line) -> Result<String, Gone> {
        loop {
            match self.news(&mut line).await {
                News::Command(None) => return Err(Gone),
                News::Command(Some(command)) => {
                    if let Err(why) = self.obey(&line, command).await {
                        return Ok(why);
                    }
                }
                News::Ended => return Ok(line.ending()),
                News::Check(bound) => match timeout(bound, line.client.check_connection()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Ok(line.ending()),
                    Err(_) => return Ok(SILENT.to_owned()),
                },
            }
        }
    }

    async fn news(&mut self, line: &mut Line) -> News {
        let every = self.check_every;
        let mut check = pin!(async move {
            match every {
                Some(every) => sleep(every).await,
                None => pending().await,
            }
        });
        poll_fn(|context| {
            if let Poll::Ready(command) = self.commands.poll_recv(context) {
                return Poll::Ready(News::Command(command));
            }
            if pin!(&mut line.alive).poll(context).is_ready() {
                return Poll::Ready(News::Ended);
            }
            let bound = every.unwrap_or(PATIENCE).min(PATIENCE);
            check.as_mut().poll(context).map(|()| News::Check(bound))
        })
        .await
    }

    /// `Err`, if the line broke over it: then it is done on the next one.
    async fn obey(&mut self, line: &Line, command: Command) -> Result<(), String> {
        let (verb, name) = match &command {
            Command::Listen(name, _) => ("LISTEN", name),
            Command::Unlisten(name, _) => ("UNLISTEN", name),
        };
        match line.execute(&channel::each(verb, [name])).await {
            Ok(()) => {
                self.note(command);
                self.answer();
                Ok(())
            }
            Err(Undone::Refused(error)) => {
                let (Command::Listen(_, answer) | Command::Unlisten(_, answer)) = command;
                // Who has stopped waiting for it does not care.
                let _ = answer.send(Err(error));
                Ok(())
            }
            Err(Undone::Lost(error)) => {
                self.note(command);
                Err(error.to_string())
            }
            Err(Undone::Silent) => {
                self.note(command);
                Err(SILENT.to_owned())
            }
        }
    }

    /// Notes what is wanted, for the next line; the answer comes with it.
    fn note(&mut self, command: Command) {
        let answer = match command {
            Command::Listen(name, answer) => {
                self.channels.insert(name);
                answer
            }
            Command::Unlisten(name, answer) => {
                self.channels.remove(&name);
                answer
            }
        };
        self.unanswered.push(answer);
    }

    fn answer(&mut self) {
        for answer in self.unanswered.drain(..) {
            let _ = answer.send(Ok(()));
        }
    }

    /// Tries until there is a line on which everything is listened on; `None`, if the pool is closed.
    async fn reconnect(&mut self, mailbox: &Arc<Mailbox>) -> Result<Option<Line>, Gone> {
        for failures in 1.. {
            let pause = self.backoff.pause(failures);
            self.meanwhile(sleep(pause)).await?;
            let Some(pool) = self.pool.upgrade().filter(|pool| !pool.is_closed()) else {
                break;
            };
            let wanted = self.channels.clone();
            let line = Line::open(pool.manager(), mailbox, &wanted);
            match self.meanwhile(line).await? {
                // What was asked for meanwhile is asked for again, as if it came now.
                Ok(line) => match self.catch_up(&line, &wanted).await {
                    Ok(()) => return Ok(Some(line)),
                    Err(undone) => mailbox.still_lost(line.error(undone).to_string()),
                },
                Err(error) => mailbox.still_lost(error.to_string()),
            }
        }
        Ok(None)
    }

    /// Listens on what was asked for since `wanted`.
    async fn catch_up(&mut self, line: &Line, wanted: &BTreeSet<String>) -> Result<(), Undone> {
        let mut sql = channel::each("LISTEN", self.channels.difference(wanted));
        sql += &channel::each("UNLISTEN", wanted.difference(&self.channels));
        if !sql.is_empty() {
            line.execute(&sql).await?;
        }
        self.answer();
        Ok(())
    }

    /// What `future` comes to; meanwhile, what is asked for is noted.
    async fn meanwhile<F: Future>(&mut self, future: F) -> Result<F::Output, Gone> {
        let mut future = pin!(future);
        poll_fn(|context| {
            while let Poll::Ready(command) = self.commands.poll_recv(context) {
                match command {
                    Some(command) => self.note(command),
                    None => return Poll::Ready(Err(Gone)),
                }
            }
            future.as_mut().poll(context).map(Ok)
        })
        .await
    }
}

enum News {
    /// `None`: the handle is gone.
    Command(Option<Command>),
    Ended,
    /// It is time to look whether the server answers, within this bound.
    Check(Duration),
}

/// As long as a connect may take by default.
const PATIENCE: Duration = Duration::from_secs(10);

const SILENT: &str = "the server did not answer in time";

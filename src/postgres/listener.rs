//! LISTEN on a connection that is kept, whatever happens to it.

use super::backoff::Backoff;
use super::listening::{self, Command, Line};
use super::mailbox::Mailbox;
use super::{Error, Manager, channel};
use crate::engine::sync::Arc;
use crate::managed;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::Notification;

/// Hears what is sent to its channels, on a connection of its own beside the pool's.
///
/// That connection is none of the pool's slots: it counts neither for `max_size` nor in any figure, and is never
/// closed for its age. The server has one more of them for each listener. It is made as the pool's are; a time-out
/// for idle sessions at the server (`idle_session_timeout`) ends it, like any other. It needs the Tokio runtime on
/// which it was started, and a server that is reached directly, or through PgBouncer in session mode.
///
/// If the connection breaks, it is made again, with pauses that grow and that chance spreads, and all channels are
/// listened on again; so it goes on as long as the pool is open. What was sent meanwhile is lost, and
/// [`Event::Gap`] says so.
///
/// Dropped, it closes its connection.
///
/// # Examples
///
/// ```no_run
/// use millpond::postgres::{Error, Event, Pool};
///
/// # async fn reload() {}
/// # async fn handle(order: &str) {}
/// async fn follow(pool: &Pool) -> Result<(), Error> {
///     let mut listener = pool.listen(["orders"]).await?;
///     // What was there before is looked up once it is listened to, so that nothing falls in between.
///     reload().await;
///     while let Some(event) = listener.recv().await {
///         match event {
///             Event::Notification(order) => handle(order.payload()).await,
///             Event::Lost(why) => eprintln!("orders are not heard of: {why}"),
///             Event::Gap(_) => reload().await,
///         }
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Listener {
    mailbox: Arc<Mailbox>,
    commands: mpsc::Sender<Command>,
}

/// What a [`Listener`] hears.
#[derive(Clone, Debug)]
pub enum Event {
    /// A notification.
    Notification(Notification),
    /// The connection broke, for this reason. Nothing is heard until an [`Event::Gap`] says so.
    Lost(String),
    /// Before this, notifications may have been missed; from here on, none is. It is told once all channels are
    /// listened on, so whoever looks now at what they were about misses nothing.
    Gap(Gap),
}

/// How notifications came to be missed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Gap {
    /// Whether the connection had been lost.
    pub reconnected: bool,
    /// How many were dropped since nobody took them, and there was [room](ListenerBuilder::room) for no more.
    pub dropped: u64,
}

impl Event {
    pub(super) fn is_no_notification(&self) -> bool {
        !matches!(self, Self::Notification(_))
    }
}

impl Listener {
    /// The next event; `None`, if none will come any more, since the connection broke and the pool is closed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: an event is taken at the moment in which it is returned.
    pub async fn recv(&mut self) -> Option<Event> {
        loop {
            match self.mailbox.take() {
                Ok(Some(event)) => return Some(event),
                Ok(None) => self.mailbox.news().await,
                Err(()) => return None,
            }
        }
    }

    /// The next event, if it is there already.
    pub fn try_recv(&mut self) -> Option<Event> {
        self.mailbox.take().ok().flatten()
    }

    /// Listens on another channel too, and waits until that is so: while there is no connection, until there is one.
    /// The name is taken as it is: what `LISTEN Orders` without quotes listens on is `orders`.
    ///
    /// # Errors
    ///
    /// The name is none: empty, longer than 63 bytes, or with a zero byte. The server refuses, as a standby does. The
    /// listener is over.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it will be listened on all the same.
    pub async fn listen(&self, channel: impl Into<String>) -> Result<(), Error> {
        self.ask(channel.into(), Command::Listen).await
    }

    /// Listens no more on a channel. Notifications that have come before are still told.
    ///
    /// # Errors
    ///
    /// As [`listen`](Self::listen).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, it will be listened on no more all the same.
    pub async fn unlisten(&self, channel: impl Into<String>) -> Result<(), Error> {
        self.ask(channel.into(), Command::Unlisten).await
    }

    /// Whether it hears: it is connected, and all channels are listened on.
    pub fn is_connected(&self) -> bool {
        self.trouble().is_none()
    }

    /// Why it does not hear now: how the connection broke, or how the last try to make it again failed.
    pub fn trouble(&self) -> Option<String> {
        self.mailbox.trouble()
    }

    /// How many events wait to be taken.
    pub fn waiting(&self) -> usize {
        self.mailbox.waiting()
    }

    /// How many notifications were dropped since the start, because nobody took them.
    pub fn dropped(&self) -> u64 {
        self.mailbox.dropped()
    }

    async fn ask(
        &self,
        name: String,
        command: impl FnOnce(String, oneshot::Sender<Result<(), Error>>) -> Command,
    ) -> Result<(), Error> {
        channel::check(&name)?;
        let (done, answer) = oneshot::channel();
        let over = || Error::channel("the listener is over: its pool is closed".to_owned());
        let sent = self.commands.send(command(name, done)).await;
        sent.map_err(|_| over())?;
        answer.await.map_err(|_| over())?
    }
}

/// Describes a [`Listener`]; from [`Pool::listener`](super::Pool::listener).
#[derive(Debug)]
#[must_use = "nothing is listened on before `start`"]
pub struct ListenerBuilder {
    pool: super::WeakPool,
    channels: BTreeSet<String>,
    room: usize,
    backoff: Backoff,
    check_every: Option<Duration>,
}

impl ListenerBuilder {
    /// Adds a channel.
    pub fn channel(mut self, name: impl Into<String>) -> Self {
        self.channels.insert(name.into());
        self
    }

    /// How many notifications may wait to be taken. What comes when there is no room is dropped, and an
    /// [`Event::Gap`] says so. Default: 1,024, some 8 MB of the largest; at least one.
    ///
    /// The server is never made to wait: what a listener does not take would pile up there, for all databases.
    pub fn room(mut self, notifications: usize) -> Self {
        self.room = notifications;
        self
    }

    /// The longest pause before the first try to connect again, and the longest of all. Default: 50 ms and 5 s.
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = Backoff { first, longest };
        self
    }

    /// How often the server is asked whether it is still there, since whoever only listens does not notice that
    /// nobody speaks any more. An answer must come within the same time, at most 10 s. Default: every 30 s.
    pub fn check_every(mut self, interval: Option<Duration>) -> Self {
        self.check_every = interval;
        self
    }

    /// Connects and listens; from then on everything is heard.
    ///
    /// # Errors
    ///
    /// It cannot connect now, or a name is none; it does not try again. The manager connects in
    /// [a way of one's own](Manager::from_connect), whose connection hears nothing.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what is being made is closed.
    pub async fn start(self) -> Result<Listener, Error> {
        let Self {
            pool,
            channels,
            room,
            backoff,
            check_every,
        } = self;
        channels.iter().try_for_each(|name| channel::check(name))?;
        let mailbox = Arc::new(Mailbox::new(room));
        let closed = || Error::channel("the pool is closed".to_owned());
        let line = {
            let pool = pool.upgrade().filter(|pool| !pool.is_closed());
            let pool = pool.ok_or_else(closed)?;
            Line::open(pool.manager(), &mailbox, &channels).await?
        };
        let (commands, heard) = mpsc::channel(1);
        let task = listening::Task::new(pool, channels, backoff, check_every, heard);
        let end = listening::End::of(Arc::clone(&mailbox));
        tokio::spawn(task.run(line, end));
        Ok(Listener { mailbox, commands })
    }
}

impl managed::Pool<Manager> {
    /// Listens on these channels, on a connection of its own: see [`Listener`].
    ///
    /// # Errors
    ///
    /// See [`ListenerBuilder::start`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: what is being made is closed.
    pub async fn listen<C>(&self, channels: impl IntoIterator<Item = C>) -> Result<Listener, Error>
    where
        C: Into<String>,
    {
        let channels = channels.into_iter();
        let builder = channels.fold(self.listener(), ListenerBuilder::channel);
        builder.start().await
    }

    /// Describes a listener: how many notifications may wait, how it goes on after an outage.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(pool: &millpond::postgres::Pool) -> Result<(), millpond::postgres::Error> {
    /// let mut listener = pool.listener().channel("orders").room(10_000).start().await?;
    /// # drop(listener);
    /// # Ok(())
    /// # }
    /// ```
    pub fn listener(&self) -> ListenerBuilder {
        ListenerBuilder {
            pool: self.weak(),
            channels: BTreeSet::new(),
            room: 1024,
            backoff: Backoff {
                first: Duration::from_millis(50),
                longest: Duration::from_secs(5),
            },
            check_every: Some(Duration::from_secs(30)),
        }
    }
}

//! What a listener has heard and nobody has taken yet: never more than there is room for.

use super::listener::{Event, Gap};
use crate::engine::sync::Mutex;
use std::collections::VecDeque;
use std::fmt;
use tokio::sync::Notify;
use tokio_postgres::Notification;

/// Where the task that listens and the one that takes meet.
pub(super) struct Mailbox {
    inside: Mutex<Inside>,
    /// Something is there, or it is over.
    news: Notify,
}

struct Inside {
    events: VecDeque<Event>,
    /// How many of the events are notifications, and how many may be.
    notifications: usize,
    room: usize,
    dropped: u64,
    /// How many were dropped of whom the next gap is to tell.
    untold: u64,
    /// Why nothing is heard, while that is so.
    trouble: Option<String>,
    over: bool,
}

impl Mailbox {
    pub(super) fn new(room: usize) -> Self {
        Self {
            inside: Mutex::new(Inside {
                events: VecDeque::new(),
                notifications: 0,
                room: room.max(1),
                dropped: 0,
                untold: 0,
                trouble: None,
                over: false,
            }),
            news: Notify::new(),
        }
    }

    /// A notification came. Where there is no room for it, it is dropped, and a gap stands in its place.
    pub(super) fn notified(&self, notification: Notification) {
        self.inside.lock().put(notification);
        self.news.notify_one();
    }

    /// Nothing is heard any more.
    pub(super) fn lost(&self, why: String) {
        {
            let mut inside = self.inside.lock();
            inside.fold_unseen();
            inside.trouble = Some(why.clone());
            inside.events.push_back(Event::Lost(why));
        }
        self.news.notify_one();
    }

    /// A try to hear again has failed.
    pub(super) fn still_lost(&self, why: String) {
        self.inside.lock().trouble = Some(why);
    }

    /// It is heard again.
    pub(super) fn back(&self) {
        {
            let mut inside = self.inside.lock();
            inside.trouble = None;
            let dropped = std::mem::take(&mut inside.untold);
            inside.events.push_back(Event::Gap(Gap {
                reconnected: true,
                dropped,
            }));
        }
        self.news.notify_one();
    }

    /// Nothing will be heard any more.
    pub(super) fn over(&self, why: &str) {
        {
            let mut inside = self.inside.lock();
            inside.over = true;
            inside.trouble = Some(why.to_owned());
        }
        self.news.notify_one();
    }

    /// The next event; `Err`, where none will come any more.
    pub(super) fn take(&self) -> Result<Option<Event>, ()> {
        let mut inside = self.inside.lock();
        let next = inside.events.pop_front();
        if matches!(next, Some(Event::Notification(_))) {
            inside.notifications -= 1;
        }
        match next {
            None if inside.over => Err(()),
            next => Ok(next),
        }
    }

    /// Waits for something to happen after the last [`take`](Self::take).
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.inside.lock().trouble.clone()
    }

    pub(super) fn waiting(&self) -> usize {
        self.inside.lock().events.len()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.inside.lock().dropped
    }
}

/// Without what was heard: that is the user's own, and may be much.
impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inside = self.inside.lock();
        f.debug_struct("Mailbox")
            .field("waiting", &inside.events.len())
            .field("dropped", &inside.dropped)
            .field("trouble", &inside.trouble)
            .finish_non_exhaustive()
    }
}

impl Inside {
    /// A gap that nobody has seen is part of the one that begins now.
    fn fold_unseen(&mut self) {
        while self.events.back().is_some_and(Event::is_no_notification) {
            if let Some(Event::Gap(gap)) = self.events.pop_back() {
                self.untold += gap.dropped;
            }
        }
    }

    fn put(&mut self, notification: Notification) {
        if self.notifications < self.room {
            self.notifications += 1;
            return self.events.push_back(Event::Notification(notification));
        }
        self.dropped += 1;
        match self.events.back_mut() {
            Some(Event::Gap(gap)) => gap.dropped += 1,
            _ => self.events.push_back(Event::Gap(Gap {
                reconnected: false,
                dropped: 1,
            })),
        }
    }
}

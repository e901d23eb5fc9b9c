//! One connection: a client, and the server behind it.

use super::conditions::Conditions;
use super::counts::{Book, count};
use super::pipe::Pipe;
use super::stream::Stream;
use super::upstream::Upstream;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

/// A connection, from its accept to its end.
#[derive(Debug)]
pub(super) struct Link {
    upstream: Arc<Upstream>,
    accepted: Instant,
    changes: mpsc::UnboundedReceiver<Change>,
    conditions: Conditions,
    to_server: Pipe,
    to_client: Pipe,
    book: Arc<Book>,
}

/// Other conditions from now on. Whoever sends it learns that they hold when the other half of `held` is dropped.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) conditions: Conditions,
    pub(super) held: oneshot::Sender<()>,
}

/// Why a link stops doing what it does.
enum Turn {
    Changed(Change),
    Reached(Stream),
    /// Both ways have ended, or one end is gone for good.
    Ended,
    Failed,
    /// The proxy ends.
    Over,
}

impl Link {
    pub(super) fn new(
        upstream: &Arc<Upstream>,
        conditions: Conditions,
        changes: mpsc::UnboundedReceiver<Change>,
        book: &Arc<Book>,
    ) -> Self {
        count(&book.accepted);
        count(&book.open);
        Self {
            upstream: Arc::clone(upstream),
            accepted: Instant::now(),
            changes,
            conditions,
            to_server: Pipe::new(book, |book| &book.to_server),
            to_client: Pipe::new(book, |book| &book.to_client),
            book: Arc::clone(book),
        }
    }

    /// Serves this client to the end.
    pub(super) async fn serve(mut self, client: TcpClient) {
        let Ok(client) = Stream::tcp(client) else {
            return;
        };
        if let Some((client, server)) = self.reach(client).await {
            self.pass(client, server).await;
        }
    }

    /// The server is reached when the conditions let it be. `None`: it ended before that.
    async fn reach(&mut self, client: Stream) -> Option<(Stream, Stream)> {
        loop {
            let has_hole = self.to_server.has_lost() && !self.conditions.loses();
            if self.conditions.reset || has_hole {
                self.reset_by_fault(client, None);
                return None;
            }
            if self.conditions.half_open {
                self.stay_silent(client).await;
                return None;
            }
            match self.towards_server(&client).await {
                Turn::Changed(change) => self.go_by(change),
                Turn::Reached(server) => return Some((client, server)),
                Turn::Failed => {
                    count(&self.book.unreached);
                    client.reset();
                    return None;
                }
                Turn::Ended | Turn::Over => return None,
            }
        }
    }

    async fn towards_server(&mut self, client: &Stream) -> Turn {
        let under = &self.conditions;
        let reachable = !under.loses() && !under.stalls();
        let wait = under.handshake.saturating_sub(self.accepted.elapsed());
        let connect = async {
            sleep(wait).await;
            // Who gave up meanwhile is nothing that the server would ever have heard of.
            if client.has_ended().await {
                return Turn::Ended;
            }
            let reached = self.upstream.connect().await;
            reached.map_or(Turn::Failed, Turn::Reached)
        };
        tokio::select! {
            biased;
            turn = changed(&mut self.changes) => turn,
            turn = connect, if reachable => turn,
            _ = self.to_server.lose(client), if under.loses() => Turn::Ended,
        }
    }

    /// Passes on both ways, under changing conditions, until both have ended.
    async fn pass(mut self, client: Stream, server: Stream) {
        loop {
            if self.conditions.reset || self.has_hole() {
                return self.reset_by_fault(client, Some(server));
            }
            if self.conditions.half_open {
                drop(server);
                return self.stay_silent(client).await;
            }
            match self.both_ways(&client, &server).await {
                Turn::Changed(change) => self.go_by(change),
                // One end was reset: so is the other.
                Turn::Failed => {
                    client.reset();
                    server.reset();
                    return;
                }
                Turn::Ended | Turn::Reached(_) | Turn::Over => return,
            }
        }
    }

    async fn both_ways(&mut self, client: &Stream, server: &Stream) -> Turn {
        let under = &mut self.conditions;
        let passed = async {
            tokio::try_join!(
                self.to_server.run(client, server, &mut under.to_server),
                self.to_client.run(server, client, &mut under.to_client),
            )
        };
        tokio::select! {
            biased;
            turn = changed(&mut self.changes) => turn,
            ended = passed => ended.map_or(Turn::Failed, |_| Turn::Ended),
        }
    }

    fn go_by(&mut self, Change { conditions, held }: Change) {
        self.conditions = conditions;
        // Whoever waits for this runs on this thread, and after what we do before we wait again.
        drop(held);
    }

    /// Whether something was lost that should come through now.
    fn has_hole(&self) -> bool {
        let hole = |pipe: &Pipe, lost: bool| pipe.has_lost() && !lost;
        hole(&self.to_server, self.conditions.to_server.lost)
            || hole(&self.to_client, self.conditions.to_client.lost)
    }

    fn reset_by_fault(&self, client: Stream, server: Option<Stream>) {
        count(&self.book.reset);
        client.reset();
        if let Some(server) = server {
            server.reset();
        }
    }

    /// There is no server any more, and the client is not told.
    async fn stay_silent(&mut self, client: Stream) {
        loop {
            if self.conditions.reset {
                return self.reset_by_fault(client, None);
            }
            tokio::select! {
                biased;
                turn = changed(&mut self.changes) => match turn {
                    Turn::Changed(change) => self.go_by(change),
                    _ => return,
                },
                _ = self.to_server.lose(&client) => return,
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.book.open.fetch_sub(1, Relaxed);
    }
}

/// The client as it was accepted.
pub(super) type TcpClient = tokio::net::TcpStream;

async fn changed(changes: &mut mpsc::UnboundedReceiver<Change>) -> Turn {
    changes.recv().await.map_or(Turn::Over, Turn::Changed)
}

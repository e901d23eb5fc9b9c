//! One way of a connection.

use super::conditions::OneWay;
use super::counts::{Book, add};
use super::stream::Stream;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// What was read at one end and is not yet written at the other.
///
/// [`run`](Pipe::run) can be dropped and called again under other conditions at any time: nothing is half done in it.
#[derive(Debug)]
pub(super) struct Pipe {
    pieces: VecDeque<Piece>,
    /// How many bytes are in the pieces.
    held: usize,
    /// Nothing more will be read.
    has_read_end: bool,
    /// The end was passed on.
    has_ended: bool,
    /// What was lost: bytes, or the end.
    has_lost: bool,
    /// By the rate, nothing may be written before.
    free_at: Instant,
    buffer: Box<[u8]>,
    counted: fn(&Book) -> &AtomicU64,
    book: Arc<Book>,
}

/// What was read at once. An empty one is the end.
#[derive(Debug)]
struct Piece {
    bytes: Box<[u8]>,
    written: usize,
    due: Instant,
}

impl Pipe {
    pub(super) fn new(book: &Arc<Book>, counted: fn(&Book) -> &AtomicU64) -> Self {
        Self {
            pieces: VecDeque::new(),
            held: 0,
            has_read_end: false,
            has_ended: false,
            has_lost: false,
            free_at: Instant::now(),
            buffer: vec![0; PIECE].into(),
            counted,
            book: Arc::clone(book),
        }
    }

    /// Whether something of this way was lost.
    pub(super) fn has_lost(&self) -> bool {
        self.has_lost
    }

    /// Passes on what comes, until the end was passed on.
    pub(super) async fn run(
        &mut self,
        from: &Stream,
        to: &Stream,
        under: &mut OneWay,
    ) -> io::Result<()> {
        if under.lost {
            self.lose(from).await?;
            return std::future::pending().await;
        }
        if under.stalled {
            return std::future::pending().await;
        }
        if under.is_prompt() {
            let now = Instant::now();
            let late = self.pieces.iter_mut();
            late.for_each(|piece| piece.due = piece.due.min(now));
        }
        while !self.has_ended {
            let due = self.due(under);
            tokio::select! {
                ready = from.readable(), if self.has_room() => {
                    ready?;
                    self.read(from, under)?;
                }
                ready = writable_at(to, due), if due.is_some() => {
                    ready?;
                    self.write(to, under)?;
                }
            }
        }
        Ok(())
    }

    /// Loses what is held and what comes, the end included.
    pub(super) async fn lose(&mut self, from: &Stream) -> io::Result<()> {
        self.lost(self.held);
        self.has_lost |= !self.pieces.is_empty();
        self.held = 0;
        self.pieces.clear();
        while !self.has_read_end {
            from.readable().await?;
            if let Some(count) = from.try_read(&mut self.buffer)? {
                self.lost(count);
                self.has_lost = true;
                self.has_read_end = count == 0;
            }
        }
        Ok(())
    }

    fn lost(&self, bytes: usize) {
        add(&self.book.lost, bytes);
    }

    fn has_room(&self) -> bool {
        !self.has_read_end && self.held < MOST_HELD
    }

    /// When the next of it may be written.
    fn due(&self, under: &OneWay) -> Option<Instant> {
        let due = self.pieces.front()?.due;
        let paced = under.rate.is_some();
        Some(if paced { due.max(self.free_at) } else { due })
    }

    fn read(&mut self, from: &Stream, under: &mut OneWay) -> io::Result<()> {
        let Some(count) = from.try_read(&mut self.buffer)? else {
            return Ok(());
        };
        self.has_read_end = count == 0;
        self.held += count;
        let late = Instant::now() + under.draw_delay().min(LATEST);
        // What was sent later never overtakes.
        let due = self.pieces.back().map_or(late, |last| late.max(last.due));
        self.pieces.push_back(Piece {
            bytes: self.buffer[..count].into(),
            written: 0,
            due,
        });
        Ok(())
    }

    fn write(&mut self, to: &Stream, under: &OneWay) -> io::Result<()> {
        let Some(piece) = self.pieces.front_mut() else {
            return Ok(());
        };
        if piece.bytes.is_empty() {
            to.end();
            self.has_ended = true;
            self.pieces.clear();
            return Ok(());
        }
        let rest = &piece.bytes[piece.written..];
        let most = under.rate.map_or(rest.len(), |rate| {
            let slice = usize::try_from(rate / SLICES).unwrap_or(usize::MAX);
            slice.clamp(1, rest.len())
        });
        let Some(count) = to.try_write(&rest[..most])? else {
            return Ok(());
        };
        piece.written += count;
        if piece.written == piece.bytes.len() {
            self.pieces.pop_front();
        }
        self.held -= count;
        add((self.counted)(&self.book), count);
        if let Some(rate) = under.rate {
            let takes = Duration::from_secs_f64(count as f64 / rate as f64);
            self.free_at = self.free_at.max(Instant::now()) + takes;
        }
        Ok(())
    }
}

async fn writable_at(to: &Stream, due: Option<Instant>) -> io::Result<()> {
    if let Some(due) = due.filter(|due| *due > Instant::now()) {
        sleep_until(due).await;
    }
    to.writable().await
}

/// The largest piece that is read at once.
const PIECE: usize = 16 * 1024;

/// With so much held, nothing more is read: the sender's buffer fills.
const MOST_HELD: usize = 1024 * 1024;

/// A rate is kept by writing so many slices in a second.
const SLICES: u64 = 50;

/// A delay beyond this is as good as none at all, and `Instant` knows no end of time.
const LATEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

//! What can be wrong with a way to a server, and for whom.

use std::fmt;
use std::time::Duration;

/// Something that is wrong: what, on which connections, and which way.
///
/// Made by the function of its name, which says what the client sees, and narrowed from there:
///
/// ```
/// use millpond_testkit::proxy::{Fault, Reach, Way};
/// use std::time::Duration;
///
/// let slow_answers = Fault::latency(Duration::from_millis(80)).to_client();
/// assert_eq!(slow_answers.way, Way::ToClient);
/// let nobody_new = Fault::black_hole().on_new();
/// assert_eq!(nobody_new.reach, Reach::New);
/// assert_eq!(nobody_new.to_string(), "a black hole for new connections");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[must_use = "nothing is wrong before a proxy is given it"]
pub struct Fault {
    /// What is wrong.
    pub kind: Kind,
    /// On which connections.
    pub reach: Reach,
    /// Which way. What concerns a whole connection, as a reset does, does not look at it.
    pub way: Way,
}

/// What is wrong. See the functions of [`Fault`] for what the client sees of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Kind {
    /// Everything comes late: [`Fault::latency`].
    Latency {
        /// By so much at least.
        delay: Duration,
        /// And by up to so much more, drawn for each piece.
        jitter: Duration,
        /// What it is drawn from.
        seed: u64,
    },
    /// Only so much comes: [`Fault::bandwidth`].
    Bandwidth {
        /// On each connection, each way.
        bytes_per_second: u64,
    },
    /// Nothing comes before it is over: [`Fault::stall`].
    Stall,
    /// Nothing comes, ever: [`Fault::black_hole`].
    BlackHole,
    /// The server has gone, and nobody says so: [`Fault::half_open`].
    HalfOpen,
    /// A reset: [`Fault::reset`].
    Reset,
    /// The server is reached late: [`Fault::slow_handshake`].
    SlowHandshake {
        /// After the client was accepted.
        delay: Duration,
    },
    /// Nobody listens: [`Fault::refuse`].
    Refuse,
}

/// The connections that a [`Fault`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Reach {
    /// Those that are there when the fault begins, and those that come while it lasts.
    All,
    /// Those that come while the fault lasts.
    New,
    /// Those that are there when the fault begins.
    Established,
}

/// The way that a [`Fault`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "snake_case")
)]
pub enum Way {
    /// To the server and back.
    Both,
    /// What the client sends.
    ToServer,
    /// What the server answers.
    ToClient,
}

impl Fault {
    /// Everything comes `delay` late, each way; what is sent in one piece arrives in one, and in order.
    ///
    /// **The client** waits twice `delay` longer for each answer. As much as before fits through, if it does not wait for
    /// answers. `connect` itself takes no longer, since the machine answers that before the proxy sees it. tokio's timer
    /// gives it a grain of a millisecond.
    pub fn latency(delay: Duration) -> Self {
        Self::of(Kind::Latency {
            delay,
            jitter: Duration::ZERO,
            seed: 0,
        })
    }

    /// Adds to the delay of a [`latency`](Fault::latency) up to `jitter` for each piece, drawn from `seed`, from the
    /// connection's number and from the way, so that what one connection meets does not depend on the others. What was
    /// sent later never overtakes. Changes nothing of other faults.
    pub fn jitter(mut self, jitter: Duration, seed: u64) -> Self {
        if let Kind::Latency { delay, .. } = self.kind {
            self.kind = Kind::Latency {
                delay,
                jitter,
                seed,
            };
        }
        self
    }

    /// At most so many bytes come through in a second (at least one), each way, on each connection.
    ///
    /// **The client** gets large answers slowly and in small pieces; who sends more than this finds its buffer full.
    pub fn bandwidth(bytes_per_second: u64) -> Self {
        Self::of(Kind::Bandwidth { bytes_per_second })
    }

    /// Nothing comes through while it lasts, and everything does when it is over: what a cut through the network
    /// looks like to TCP, which sends again until it succeeds. Connections to the server are begun when it is over.
    ///
    /// **The client** connects, sends, and waits; with its own time-out it gives up, else it never learns of it.
    pub fn stall() -> Self {
        Self::of(Kind::Stall)
    }

    /// What is sent is lost, the end of a connection included, and nobody is told. A new connection is accepted, but
    /// there is no server behind it. When it is over, a connection that lost nothing goes on, and one that lost something
    /// is reset, since TCP never leaves a hole.
    ///
    /// **The client** connects, sends, and no answer ever comes. The server's end of an established connection stays.
    pub fn black_hole() -> Self {
        Self::of(Kind::BlackHole)
    }

    /// The server's end has gone and the client is not told, as when its machine lost its power. It stays so for these
    /// connections when the fault is over. Set as it is, it is for those that are there; new ones are good.
    ///
    /// **The client** may write as much as it likes, and reads nothing, no end and no error, until it gives up. **The
    /// server** sees its client close the connection.
    pub fn half_open() -> Self {
        Self::of(Kind::HalfOpen).on_established()
    }

    /// Both ends get a reset at once; new connections get theirs as soon as they are accepted.
    ///
    /// **The client** gets `ECONNRESET`, whatever it was doing; a new one from `connect`, or from what it does next. For a single blow, which leaves new connections alone,
    /// see [`reset_all`](super::Proxy::reset_all).
    pub fn reset() -> Self {
        Self::of(Kind::Reset)
    }

    /// A new connection is accepted at once, and the server is first spoken to after `delay`.
    ///
    /// **The client** connects quickly and waits for the first answer: what a server with too much to do looks like, or
    /// one that forks slowly. Established connections notice nothing, whatever its reach.
    pub fn slow_handshake(delay: Duration) -> Self {
        Self::of(Kind::SlowHandshake { delay }).on_new()
    }

    /// Nobody listens, and the port is kept for when it is over. Established connections go on, unless it is
    /// [`on_all`](Fault::on_all): then they are reset, as if the server's process had been killed.
    ///
    /// **The client** gets `ECONNREFUSED` from `connect`.
    pub fn refuse() -> Self {
        Self::of(Kind::Refuse).on_new()
    }

    /// For all connections.
    pub fn on_all(self) -> Self {
        self.on(Reach::All)
    }

    /// For connections that come while it lasts.
    pub fn on_new(self) -> Self {
        self.on(Reach::New)
    }

    /// For connections that are there when it begins.
    pub fn on_established(self) -> Self {
        self.on(Reach::Established)
    }

    /// For these connections.
    pub fn on(mut self, reach: Reach) -> Self {
        self.reach = reach;
        self
    }

    /// For what the client sends only.
    pub fn to_server(self) -> Self {
        self.way(Way::ToServer)
    }

    /// For what the server answers only.
    pub fn to_client(self) -> Self {
        self.way(Way::ToClient)
    }

    /// For what goes this way.
    pub fn way(mut self, way: Way) -> Self {
        self.way = way;
        self
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            reach: Reach::All,
            way: Way::Both,
        }
    }
}

impl Reach {
    /// Whether it has connections that come while a fault lasts.
    pub(super) fn has_new(self) -> bool {
        matches!(self, Self::All | Self::New)
    }

    /// Whether it has connections that are there when a fault begins.
    pub(super) fn has_established(self) -> bool {
        matches!(self, Self::All | Self::Established)
    }
}

impl Kind {
    fn is_of_one_way(self) -> bool {
        matches!(
            self,
            Self::Latency { .. } | Self::Bandwidth { .. } | Self::Stall | Self::BlackHole
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if self.kind.is_of_one_way() {
            f.write_str(match self.way {
                Way::Both => "",
                Way::ToServer => " to the server",
                Way::ToClient => " to the client",
            })?;
        }
        f.write_str(match self.reach {
            Reach::All => "",
            Reach::New => " for new connections",
            Reach::Established => " for established connections",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Latency { delay, jitter, .. } if jitter.is_zero() => {
                write!(f, "latency of {delay:.0?}")
            }
            Self::Latency {
                delay,
                jitter,
                seed,
            } => {
                let most = delay.saturating_add(jitter);
                write!(f, "latency of {delay:.0?} to {most:.0?} (seed {seed})")
            }
            Self::Bandwidth { bytes_per_second } => write!(f, "{bytes_per_second} bytes/s"),
            Self::Stall => f.write_str("a stall"),
            Self::BlackHole => f.write_str("a black hole"),
            Self::HalfOpen => f.write_str("half-open"),
            Self::Reset => f.write_str("resets"),
            Self::SlowHandshake { delay } => write!(f, "handshakes {delay:.0?} late"),
            Self::Refuse => f.write_str("refused"),
        }
    }
}

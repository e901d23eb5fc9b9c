//! What the series of the table are told apart by, and the values that may stand there.

use super::underscored;

/// What the series of a metric are told apart by: OpenTelemetry's attribute, Prometheus's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// With dots, as OpenTelemetry writes it: `db.client.connection.state`.
    pub key: &'static str,
    /// All the values it may have, each with its meaning; none if anything may stand there.
    pub values: &'static [(&'static str, &'static str)],
    /// What it means, in a sentence without a full stop.
    pub help: &'static str,
}

impl Label {
    /// The label's name on a Prometheus page: `db_client_connection_state`.
    pub fn prometheus_name(&self) -> String {
        underscored(self.key)
    }

    /// Whether this value may stand there.
    pub fn allows(&self, value: &str) -> bool {
        self.values.is_empty() || self.values.iter().any(|(known, _)| *known == value)
    }
}

/// The pool's name, unique within the program. The conventions' fallback for a pool that was given none is
/// `server.address:server.port/db.namespace`.
pub const POOL_NAME: Label = Label {
    key: "db.client.connection.pool.name",
    values: &[],
    help: "The pool's name, unique within the program",
};

/// Whether a connection lies ready or is out.
pub const STATE: Label = Label {
    key: "db.client.connection.state",
    values: &[
        (state::IDLE, "it lies ready"),
        (
            state::USED,
            "it is held, on its way to a getter, being checked or being destroyed",
        ),
    ],
    help: "Whether the connection lies ready or is out",
};

/// Why a connection left the pool.
pub const REASON: Label = Label {
    key: "reason",
    values: &[
        (reason::LIFETIME, "it had lived as long as it may"),
        (reason::IDLE, "it had lain idle for as long as it may"),
        (reason::CHECK_FAILED, "it did not pass its check"),
        (reason::BROKEN, "it came back broken"),
        (
            reason::UNTIDY,
            "it came back in a state that could not be mended",
        ),
        (
            reason::SURPLUS,
            "the pool was made smaller, or more lay idle than may",
        ),
        (
            reason::REFRESHED,
            "it was of an older generation than the pool's",
        ),
        (reason::TAKEN, "its holder took it out of the pool"),
        (reason::POOL_CLOSED, "the pool was closed"),
    ],
    help: "Why the connection left the pool",
};

/// How a get ended.
pub const OUTCOME: Label = Label {
    key: "outcome",
    values: &[
        (
            outcome::AT_ONCE,
            "served with an idle connection, without standing in line",
        ),
        (
            outcome::AFTER_WAITING,
            "served with a connection that came back while it stood in line",
        ),
        (
            outcome::CREATED,
            "served with a connection that was made for it",
        ),
        (outcome::TIMED_OUT_WAIT, "timed out in line"),
        (
            outcome::TIMED_OUT_CREATE,
            "timed out while a connection was made for it",
        ),
        (
            outcome::TIMED_OUT_RECYCLE,
            "timed out while its connection was checked",
        ),
        (
            outcome::CANCELLED,
            "its future was dropped before it was served: mostly a deadline of the caller's own",
        ),
        (
            outcome::FAILED,
            "making a connection failed, or a hook turned it down",
        ),
        (outcome::SHED, "refused, since too many stood in line"),
        (outcome::CLOSED, "the pool was closed, before or meanwhile"),
    ],
    help: "How the get ended",
};

/// The values of [`STATE`].
pub mod state {
    /// It lies ready.
    pub const IDLE: &str = "idle";
    /// It is held, on its way to a getter, being checked or being destroyed.
    pub const USED: &str = "used";
}

/// The values of [`REASON`].
pub mod reason {
    /// It had lived as long as it may.
    pub const LIFETIME: &str = "lifetime";
    /// It had lain idle for as long as it may.
    pub const IDLE: &str = "idle";
    /// It did not pass its check.
    pub const CHECK_FAILED: &str = "check_failed";
    /// It came back broken.
    pub const BROKEN: &str = "broken";
    /// It came back in a state that could not be mended.
    pub const UNTIDY: &str = "untidy";
    /// The pool was made smaller, or more lay idle than may.
    pub const SURPLUS: &str = "surplus";
    /// It was of an older generation than the pool's.
    pub const REFRESHED: &str = "refreshed";
    /// Its holder took it out of the pool.
    pub const TAKEN: &str = "taken";
    /// The pool was closed.
    pub const POOL_CLOSED: &str = "pool_closed";
}

/// The values of [`OUTCOME`]: every get ends as exactly one of these.
pub mod outcome {
    /// Served with an idle object, without standing in line.
    pub const AT_ONCE: &str = "at_once";
    /// Served with an object that came back while it stood in line.
    pub const AFTER_WAITING: &str = "after_waiting";
    /// Served with an object that was made for it.
    pub const CREATED: &str = "created";
    /// Timed out in line.
    pub const TIMED_OUT_WAIT: &str = "timed_out_wait";
    /// Timed out while an object was made for it.
    pub const TIMED_OUT_CREATE: &str = "timed_out_create";
    /// Timed out while its object was checked.
    pub const TIMED_OUT_RECYCLE: &str = "timed_out_recycle";
    /// Its future was dropped before it was served: a deadline of the caller's own, mostly.
    pub const CANCELLED: &str = "cancelled";
    /// Making an object failed, or a hook turned it down.
    pub const FAILED: &str = "failed";
    /// Refused, since too many stood in line.
    pub const SHED: &str = "shed";
    /// The pool was closed, before or meanwhile.
    pub const CLOSED: &str = "closed";
}

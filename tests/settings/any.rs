//! Settings and texts by chance.

use millpond::managed::{QueueMode, Settings};
use proptest::prelude::*;
use std::time::Duration;

/// Any settings that contradict nothing.
pub(crate) fn settings() -> impl Strategy<Value = Settings> {
    let time = || {
        prop::option::of(
            (any::<u64>(), 1..1_000_000_000_u32).prop_map(|(s, n)| Duration::new(s, n)),
        )
    };
    let times = prop::array::uniform9(time());
    let size = (0..=65_535_usize).prop_flat_map(|size| (Just(size), 0..=size));
    let counts = (
        size,
        prop::option::of(any::<u16>()),
        prop::option::of(1..u64::MAX),
        1..=1023_usize,
        prop::option::of(1..u32::MAX),
        prop::option::of(1..usize::MAX),
    );
    // Thousandths: serde_json reads no more than about so many digits exactly, unless it is asked to.
    let jitter = (0..=1000_u32).prop_map(|share| f64::from(share) / 1000.0);
    let rest = (jitter, any::<[bool; 3]>(), prop::option::of(".+"));
    (times, counts, rest).prop_map(|(times, counts, (jitter, flags, name))| {
        let mut settings = Settings::default();
        let ((size, spare), more, uses, connecting, breaker, waiters) = counts;
        settings.name = name.filter(|name| name != "none");
        settings.max_size = size;
        settings.min_idle = spare;
        settings.max_idle = more.map(|more| spare + usize::from(more));
        settings.max_uses = uses;
        settings.max_connecting = connecting;
        settings.breaker = breaker;
        settings.max_waiters = waiters;
        settings.lifetime_jitter = jitter;
        settings.suspicion = flags[0];
        settings.shed_overload = flags[1];
        settings.queue_mode = if flags[2] {
            QueueMode::Lifo
        } else {
            QueueMode::Fifo
        };
        settings.wait_timeout = times[0];
        settings.create_timeout = times[1];
        settings.recycle_timeout = times[2];
        settings.max_lifetime = times[3];
        settings.idle_timeout = times[4];
        settings.keepalive = times[5];
        settings.check_after_idle = times[6];
        settings.leak_threshold = times[7];
        settings.connect_backoff = times[8];
        settings.connect_backoff_longest = times[8].map(|first| first.saturating_mul(3));
        settings
    })
}

/// Text of which much is nearly right.
pub(crate) fn nearly() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC*",
        "[0-9]{0,21}[a-z]{0,2} ?[0-9]{0,3}(d|h|m|s|ms|us|ns|µs)?",
        "(none|true|Fifo|1e400|NaN|-inf|%[0-9a-f]{0,2})",
    ]
}

//! The table itself. `docs/configuration.md` is made of it (`cargo xtask configuration`).

use super::knobs::{Field, field, form_of};
use super::text::Text;
use super::{Group, Knob};

/// Every knob, one row each, by what they have to do with.
pub const KNOBS: &[Knob] = &[
    Knob {
        name: "max_size",
        group: Group::Size,
        meaning: "The most objects that exist at once, those in use, lying idle, being checked or being destroyed \
            included. `resize` changes it at run time.",
        interaction: "`min_idle` may not be larger. With 0 every get waits until the pool is resized.",
        default: "twice the number of logical processors",
        why: "As in deadpool. A database does not get faster by more connections than it has cores and disks to \
            serve them; that is its number, not this machine's, so set it, and mind the sum over all instances of \
            your service against the server's own limit.",
        server: None,
        example: "20",
        field: field!(max_size),
    },
    Knob {
        name: "queue_mode",
        group: Group::Size,
        meaning: "In which order idle objects are given out: `Fifo`, the one that has lain longest; `Lifo`, the one \
            that came back last. Those who wait are served in their order either way.",
        interaction: "With `Lifo`, `idle_timeout` finds objects that nobody needs; with `Fifo` all are used in turn, \
            so that few ever lie for long, and none for longer than the others.",
        default: "Fifo",
        why: "As in deadpool: all are used evenly, and a dead one is found soon.",
        server: None,
        example: "Lifo",
        field: field!(queue_mode),
    },
    Knob {
        name: "wait_timeout",
        group: Group::Bounds,
        meaning: "How long a get stands in line at most, for an object or for the right to make one. 0s: it does not \
            wait for anybody's object, but takes an idle one, makes one, or fails.",
        interaction: "Needs a runtime, as all time-outs do. The deadline of an `acquire` bounds everything together. \
            `shed_overload` compares the expected wait with it.",
        default: "none",
        why: "As in deadpool. HikariCP's is 30 s, longer than most callers live; set it to less than your own \
            caller waits for you, and time-outs name who holds the objects.",
        server: None,
        example: "5s",
        field: field!(wait_timeout),
    },
    Knob {
        name: "create_timeout",
        group: Group::Bounds,
        meaning: "How long making an object may take.",
        interaction: "Needs a runtime. It counts anew for each attempt, and not the time in line.",
        default: "none",
        why: "As in deadpool. The PostgreSQL manager bounds a connect itself; a manager of your own may not, and a \
            server that does not answer then holds a place for as long as the system's TCP allows.",
        server: None,
        example: "3s",
        field: field!(create_timeout),
    },
    Knob {
        name: "recycle_timeout",
        group: Group::Bounds,
        meaning: "How long checking an object may take before it is given out. One that exceeds it is closed.",
        interaction: "Needs a runtime. Where `suspicion` is on, the first that exceeds it is the last that a getter \
            waits for.",
        default: "none",
        why: "As in deadpool. Checks are one round trip: several times the slowest that you know is a good bound.",
        server: None,
        example: "500ms",
        field: field!(recycle_timeout),
    },
    Knob {
        name: "min_idle",
        group: Group::Spare,
        meaning: "How many objects are kept ready beside those in use, under load too: made in the background, a few \
            at once, while there is room.",
        interaction: "At most `max_size`, and at most `max_idle`. `idle_timeout` leaves so many. Needs the pool's \
            task.",
        default: "0",
        why: "As in deadpool: nothing is made that nobody asked for. HikariCP keeps the pool full; a few spare ones \
            are enough that a get after a quiet time does not wait for a connect.",
        server: None,
        example: "2",
        field: field!(min_idle),
    },
    Knob {
        name: "max_idle",
        group: Group::Spare,
        meaning: "How many objects may lie idle: more are closed when they come back. With 0 each is made for one \
            use, still counted and still bounded.",
        interaction: "At least `min_idle`. More than `max_size` is the same as none.",
        default: "none",
        why: "As in deadpool. A pool that sheds what it will need in the next moment connects all day; \
            `idle_timeout` sheds what was not needed for a while.",
        server: None,
        example: "10",
        field: field!(max_idle),
    },
    Knob {
        name: "idle_timeout",
        group: Group::Spare,
        meaning: "How long an object may lie idle before it is closed.",
        interaction: "`min_idle` others are left. Longer than `max_lifetime` it has no effect. Of use with \
            `queue_mode` `Lifo` above all.",
        default: "none",
        why: "As in deadpool. Not 0 for \"never\": that is `none`.",
        server: Some((
            "10m",
            "HikariCP's and PgBouncer's: what a peak needed is given back.",
        )),
        example: "10m",
        field: field!(idle_timeout),
    },
    Knob {
        name: "max_lifetime",
        group: Group::Renewal,
        meaning: "How old an object may become: it is closed when it comes back, or while it lies idle, and then \
            another one is made first if there is room. One in use is never closed for its age.",
        interaction: "Shortened for each object by chance, by `lifetime_jitter`.",
        default: "none",
        why: "As in deadpool. Set it to less than what any proxy, firewall or server between \
            allows a connection, so that it is the pool that ends it and not the network in mid-query. Not 0 for \
            \"for ever\": that is `none`.",
        server: Some((
            "30m",
            "HikariCP's: a server's memory for old sessions grows, and what is behind a name moves.",
        )),
        example: "30m",
        field: field!(max_lifetime),
    },
    Knob {
        name: "lifetime_jitter",
        group: Group::Renewal,
        meaning: "By which share, from 0 to 1, the lifetime of each object is shortened at most, by chance.",
        interaction: "Without effect where `max_lifetime` is none.",
        default: "0.1",
        why: "Of a hundred objects that were made together, no more than a few end in any one second of a lifetime \
            of half an hour. With 0 all end at once.",
        server: None,
        example: "0.25",
        field: field!(lifetime_jitter),
    },
    Knob {
        name: "max_uses",
        group: Group::Renewal,
        meaning: "How often an object may be taken: after that it is closed when it comes back.",
        interaction: "Beside `max_lifetime`: whichever comes first.",
        default: "none",
        why: "As in deadpool. For servers whose sessions grow with what they did; a bound on age mostly does as \
            well.",
        server: None,
        example: "10000",
        field: field!(max_uses),
    },
    Knob {
        name: "keepalive",
        group: Group::Checks,
        meaning: "After how long without a use or a check an idle object is proved in the background, by `Manager::probe`.",
        interaction: "Needs the pool's task. Of no effect if `idle_timeout` or `max_lifetime` come first. Does not \
            count as a use: `idle_timeout` goes on.",
        default: "none",
        why: "As in deadpool. HikariCP's is 2 min. Set it to less than what a firewall or load balancer between \
            keeps of a silent connection, often a few minutes.",
        server: Some((
            "2m",
            "HikariCP's: firewalls and load balancers forget what is silent for longer, and a dead one is found \
             before anybody wants it. A round trip for each idle connection, every two minutes.",
        )),
        example: "2m",
        field: field!(keepalive),
    },
    Knob {
        name: "check_after_idle",
        group: Group::Checks,
        meaning: "An object that was in use, or passed a check, within this is not checked again when it is given \
            out.",
        interaction: "A `keepalive` check counts. Hooks around the check are not called where there is none.",
        default: "none",
        why: "As in deadpool: every get checks. HikariCP's is 500 ms, pgxpool's 1 s: most gets of a busy pool then \
            cost no round trip, and an object that died in that time is met by its user.",
        server: Some((
            "none",
            "Off on purpose. `RecyclingMethod::Fast` asks nothing of the server, so there is nothing to be saved, \
             and it still sees an end that is known here; `Clean` and `Custom` undo what the last user left behind, \
             which must not be skipped; and who chooses `Verified` has asked for a proof at each get. With \
             `Verified`, 500ms is a good value.",
        )),
        example: "500ms",
        field: field!(check_after_idle),
    },
    Knob {
        name: "suspicion",
        group: Group::Checks,
        meaning: "Whether the first object that fails its check puts all older idle ones under suspicion: they are \
            checked in the background, all at once, or closed unchecked where there is no task of the pool's.",
        interaction: "`recycle_timeout` bounds those checks too.",
        default: "false",
        why: "Off as in deadpool, since a manager may turn objects down for reasons of their own. Where a failed \
            check means that the server was away, switch it on: a dead server is paid for once, not once for each \
            object.",
        server: Some((
            "true",
            "A dead server is paid for once, not once for each connection.",
        )),
        example: "true",
        field: field!(suspicion),
    },
    Knob {
        name: "max_connecting",
        group: Group::Storms,
        meaning: "How many objects are made at once at most. Who waits meanwhile is served by what comes back.",
        interaction: "After a failure `connect_backoff` allows 1, then 2, 4, 8 … up to this.",
        default: "1023",
        why: "No bound but the engine's own, as in deadpool. A connect costs a server far more than a query (a \
            process, TLS, a password's hash); a handful at once fills any pool.",
        server: Some((
            "8",
            "Each connect is a process at the server, and more at once than it has cores make each of them slower. \
             A hundred callers on a cold pool of 90 were all served as soon as without a bound (PostgreSQL on the same \
             machine, short queries: 165 ms and 160 ms; connects slowed to 50 ms: 200 ms and 260 ms), with \
             30 connections in place of 90. Who pays are those that keep what they get: half of the hundred had \
             theirs after 510 ms in place of 330 ms, where each connect took 50 ms. With 4 that was 970 ms.",
        )),
        example: "4",
        field: field!(max_connecting),
    },
    Knob {
        name: "connect_backoff",
        group: Group::Storms,
        meaning: "For how long none is made after one could not be made; twice as long after each further failure, \
            up to `connect_backoff_longest`, each time up to half of it less by chance. Then one getter tries.",
        interaction: "Needs a runtime. The failure is the error of who met it; the others wait within their bounds.",
        default: "none",
        why: "As in deadpool: everybody tries at once, and a server that comes back is met by all of them. 50 ms is \
            a good first pause.",
        server: Some((
            "none",
            "Off on purpose, until who waits in line when a server is known to be down can be told so. One at a time \
             tries after each pause, and its failure is its own: of twenty callers at once on a port that nobody \
             listens on, without a `wait_timeout`, the last heard of it after 5.4 s, and after 4 ms without this. \
             Set it together with a `wait_timeout`, or with deadlines.",
        )),
        example: "50ms",
        field: field!(connect_backoff),
    },
    Knob {
        name: "connect_backoff_longest",
        group: Group::Storms,
        meaning: "The longest of those pauses.",
        interaction: "Needs `connect_backoff`, and is not shorter. Where only that is set, this is 500 ms, or that if \
            it is longer.",
        default: "none",
        why: "With 500 ms a pool is whole again within a second of its server being back; one probe twice a second \
            is no burden.",
        server: None,
        example: "500ms",
        field: field!(connect_backoff_longest),
    },
    Knob {
        name: "breaker",
        group: Group::Storms,
        meaning: "After how many failures in a row a get that finds nothing of the pool out or idle fails at once, \
            with the last cause and the time until the next try, instead of waiting for it. The first that goes \
            well ends that.",
        interaction: "Needs pauses to be open in: where `connect_backoff` is none, they are 50 ms to 500 ms, and a \
            runtime is needed for them.",
        default: "none",
        why: "As in deadpool: each caller finds out for itself. 3 is enough to tell an outage from a slip.",
        server: Some((
            "none",
            "Off on purpose, as `connect_backoff`, in whose pauses it is open: it refuses newcomers, and not those \
             who stand in line already.",
        )),
        example: "3",
        field: field!(breaker),
    },
    Knob {
        name: "max_waiters",
        group: Group::Storms,
        meaning: "How many getters may stand in line; who comes then is refused at once. Those who connect stand in \
            it too.",
        interaction: "At least 1, or nobody could connect. For no waiting at all: `wait_timeout` 0s.",
        default: "none",
        why: "As in deadpool; the engine's own bound is over half a million. A line that is many times `max_size` is \
            work that nobody waits for any more when its turn comes.",
        server: None,
        example: "200",
        field: field!(max_waiters),
    },
    Knob {
        name: "shed_overload",
        group: Group::Storms,
        meaning: "Whether a getter is refused at once whose bound would pass before its turn comes, by the rate at \
            which objects came back in the last ten seconds.",
        interaction: "Its bound is `wait_timeout` or the deadline of an `acquire`, whichever is shorter; without \
            either it is never refused. Needs the pool's task.",
        default: "false",
        why: "Off as in deadpool, for it is an estimate. On, who cannot be served in time hears so now, and not at \
            the end.",
        server: None,
        example: "true",
        field: field!(shed_overload),
    },
    Knob {
        name: "reserve",
        group: Group::Storms,
        meaning: "How many slots are kept for gets with a priority (`Acquire::priority`): heartbeats, health checks. \
            All others together have the rest; those beyond wait, even beside an idle object.",
        interaction: "Less than `max_size`; a `resize` to no more leaves one slot to all. `max_waiters` bounds those \
            that are held back, and those in the pool's own line, each by itself. `min_idle` takes from the reserve, \
            too: what is spare there is for those with priority.",
        default: "0",
        why: "As in deadpool: all are alike. Where something must get through while all else waits, 1 or 2 are \
            enough for what is rare and short.",
        server: None,
        example: "1",
        field: field!(reserve),
    },
    Knob {
        name: "name",
        group: Group::Sight,
        meaning: "What the pool is called: by exporters, in events, in the list of pools.",
        interaction: "In `observe::Pools` the second pool of a name is listed as `name#2`.",
        default: "none",
        why: "Then it is called after what the manager is connected to, which tells most pools apart.",
        server: None,
        example: "orders",
        field: field!(name),
    },
    Knob {
        name: "leak_threshold",
        group: Group::Sight,
        meaning: "Objects that are held for longer than this are reported, each once, with file and line of the get.",
        interaction: "With Tokio the pool's task looks; without, whoever asks for the health or stands in line.",
        default: "none",
        why: "As in HikariCP: nobody can tell a leak from a long use but you. 30 s is a good first try for a service \
            whose requests end within 10 s.",
        server: None,
        example: "30s",
        field: field!(leak_threshold),
    },
];

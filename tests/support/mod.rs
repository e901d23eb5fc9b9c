//! What the tests of the pool's behaviour share. The manager that follows a script and keeps a book, the futures polled
//! by hand and the clock are those of `millpond-testkit`; here stand the pools of these tests, their oracles, and the
//! reference model. No sleep synchronises anything.
#![allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses its own part of it"
)]
#![allow(
    unreachable_pub,
    reason = "a module of several test binaries, not a library"
)]

pub mod counting;
pub mod duel;
pub mod exits;
pub mod model;
pub mod oracle;
pub mod reserve;
pub mod scene;
pub mod town;
pub mod yard;

pub use millpond_testkit::{Flag, Gate, Hand, Polled, Script, Step, Thing, World};
pub use millpond_testkit::{ScriptedError as Fault, world::Scripts};

pub use exits::{Exit, ignore, panics};
pub use oracle::{acc, at_rest, cap, lim, once};
pub use scene::{Scene, TestPool};
pub use town::Town;
pub use yard::{Stone, Yard};

//! What the tests of the pool's behaviour share: a manager that follows a script and keeps a book, futures
//! polled by hand, and the oracles of `graveyard.md`. No sleep synchronises anything here.
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
pub mod hand;
pub mod model;
pub mod oracle;
pub mod polled;
pub mod reserve;
pub mod scene;
pub mod script;
pub mod town;
pub mod world;
pub mod yard;

pub use exits::{Exit, ignore, panics};
pub use hand::Hand;
pub use oracle::{acc, at_rest, cap, lim, once};
pub use polled::{Flag, Polled};
pub use scene::{Scene, TestPool};
pub use script::{Fault, Gate, Step};
pub use town::Town;
pub use world::{Thing, World};
pub use yard::{Stone, Yard};

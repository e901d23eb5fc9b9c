//! For tests of what uses a pool: what a pool meets in production, made on purpose and at the moment that a test says.
//!
//! * [`World`]: a manager that does what a [`Script`] says, call by call: well, an error, a panic, pending for ever,
//!   slow, or at a [`Gate`]; and the book of everything that it made.
//! * [`Polled`] and [`Clock`]: futures that a test polls by hand, and a clock that it turns by hand.
//! * [`oracles`]: four promises of every pool, as assertions of one line.
//! * [`proxy`]: a way to a server that turns slow, silent or dead, between a real pool and a real database.
//! * [`Draw`]: numbers from a seed, to try what nobody thought of and to try it again.
#![cfg_attr(
    feature = "postgres",
    doc = "* [`postgres`]: a real PostgreSQL of a test's own, and what its own list says of a pool."
)]
#![cfg_attr(
    not(feature = "postgres"),
    doc = "* `postgres`, behind the feature of this name: a real PostgreSQL of a test's own, and what its own list says of a pool."
)]
//!
//! A whole test of a service is on the page `docs/testing.md` of the repository.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod clock;
pub mod draw;
pub mod gate;
pub mod oracles;
pub mod polled;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod proxy;
pub mod script;
pub mod world;

pub use clock::Clock;
pub use draw::Draw;
pub use gate::Gate;
pub use polled::{Flag, Polled};
pub use script::{Script, ScriptedError, Step};
pub use world::{Hand, Thing, World};

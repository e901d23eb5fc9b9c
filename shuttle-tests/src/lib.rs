//! Random scripts over the engine, at random schedules: several threads, dozens of steps each, every
//! move of the engine among them. Where loom's models prove small races whole, these look for what only
//! a long history brings about.
//!
//! shuttle runs all threads on one and decides at each atomic operation and each lock who goes on. It
//! knows no weak memory: every ordering counts as `SeqCst`, so what these scripts find are wrong
//! interleavings, never wrong orderings. Those are loom's.
//!
//! Without `cfg(millpond_shuttle)` there is nothing here. How to run it, and to run a failure again:
//! `README.md`.

#[cfg(millpond_shuttle)]
mod actor;
#[cfg(millpond_shuttle)]
mod books;
#[cfg(millpond_shuttle)]
mod diary;
#[cfg(millpond_shuttle)]
mod dice;
#[cfg(millpond_shuttle)]
mod explore;
#[cfg(millpond_shuttle)]
mod getter;
#[cfg(millpond_shuttle)]
mod object;
#[cfg(millpond_shuttle)]
mod pool;
#[cfg(millpond_shuttle)]
mod scene;
#[cfg(millpond_shuttle)]
mod sights;
#[cfg(millpond_shuttle)]
mod signal;

#[cfg(millpond_shuttle)]
pub use self::{
    explore::{Schedules, explore},
    scene::{Shape, play},
};

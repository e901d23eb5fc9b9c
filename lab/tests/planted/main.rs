//! A green lab means something: on a pool with a defect planted, the case that is about it fails by the check that
//! names it; on the same pool without the defect, and on millpond, it passes.
//!
//! One program, so that a case never runs beside another one and is disturbed by it. A new case comes as a module of
//! its own here; a new defect in `defect.rs`, and where it strikes in `pool.rs`.

mod connection;
mod counts;
mod defect;
mod mute;
mod pool;
mod trial;

mod isolation;
mod leaks;
mod line;
mod outside;
mod runner;
mod saturation;
mod settling;

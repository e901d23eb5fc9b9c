//! For tests of what uses a pool: what a pool meets in production, made on purpose and at the moment that a test says.
//!
//! * [`proxy`]: a way to a server that turns slow, silent or dead, between a real pool and a real database.

pub mod draw;
pub mod proxy;

pub use draw::Draw;

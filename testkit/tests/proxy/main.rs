//! The fault proxy, as a client and a server see it.

mod ends;
mod ground;
mod plans;
mod silence;
mod slowness;

//! What the models share: a pool in small, its getters, and the check of P1 and CAP at rest.
//!
//! Without `cfg(millpond_loom)` there is nothing here. How to run the models, and what each forbids:
//! `README.md`.

#[cfg(millpond_loom)]
mod adder;
#[cfg(millpond_loom)]
mod bounds;
#[cfg(millpond_loom)]
mod explore;
#[cfg(millpond_loom)]
mod fund;
#[cfg(millpond_loom)]
mod gated;
#[cfg(millpond_loom)]
mod getter;
#[cfg(millpond_loom)]
mod object;
#[cfg(millpond_loom)]
mod pool;
#[cfg(millpond_loom)]
mod race;
#[cfg(millpond_loom)]
mod signal;

#[cfg(millpond_loom)]
pub use self::{
    adder::Adder,
    explore::{ALL, Bound, FIVE, FOUR, THREE, TWO, explore},
    fund::{Fund, Tenant, Thing, Visit},
    gated::{Gated, Stay, Visitor},
    getter::{Getter, Said},
    object::{Books, Object},
    pool::Pool,
    race::{Kept, Race, race},
    signal::Signal,
};
#[cfg(millpond_loom)]
pub use millpond::engine::{End, idle::Order};

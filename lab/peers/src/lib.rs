//! Pools of other projects, for the cases of the lab: each built as its documentation says, with its own defaults for
//! how it checks a connection. What a pool has no figure for is unknown, never a guess.

mod bb8;
mod deadpool;
mod fast_pool;
mod mobc;
mod peer;
mod qp;
mod r2d2;
#[cfg(feature = "sqlx")]
mod sqlx;

use millpond_lab::subject::Maker;
use peer::Peers;
use std::sync::Arc;

/// All of them, by the names of [`millpond_lab::PEERS`].
pub fn all() -> Vec<Arc<dyn Maker>> {
    vec![
        Peers::<deadpool::Deadpool>::maker(),
        Peers::<bb8::Bb8>::maker(),
        Peers::<mobc::Mobc>::maker(),
        #[cfg(feature = "sqlx")]
        Peers::<sqlx::Sqlx>::maker(),
        Peers::<qp::Qp>::maker(),
        Peers::<fast_pool::FastPool>::maker(),
        Peers::<r2d2::R2d2>::maker(),
    ]
}

//! The PostgreSQL pool against a real server: what a user can see.
#![cfg(all(feature = "postgres", not(millpond_loom)))]

mod agreement;
mod config;
mod dead;
mod errors;
mod goodbye;
mod ground;
mod healing;
mod hosts;
mod orphans;
mod outages;
mod pgbouncer;
mod pool;
mod ready;
mod session;
mod statements;
mod tls;
mod weather;

//! The PostgreSQL pool against a real server: what a user can see.
#![cfg(all(feature = "postgres", not(millpond_loom)))]

mod agreement;
mod cancels;
mod config;
mod credentials;
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
mod reset;
mod returns;
mod roles;
mod secrets;
mod session;
mod statements;
mod tls;
#[cfg(any(feature = "postgres-rustls", feature = "postgres-native-tls"))]
mod verified;
mod ways;
mod weather;

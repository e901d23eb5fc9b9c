//! The PostgreSQL pool against a real server: what a user can see.
#![cfg(all(feature = "postgres", not(millpond_loom)))]

mod agreement;
mod budget;
mod cancels;
mod commits;
mod config;
mod conflicts;
mod credentials;
mod dead;
mod errors;
mod goodbye;
mod ground;
mod healing;
mod hosts;
mod listener;
mod naming;
mod night;
mod orphans;
mod outages;
mod pgbouncer;
mod pool;
mod ready;
mod reset;
mod returns;
mod roles;
mod run;
mod secrets;
mod session;
mod statements;
mod tls;
mod transact;
#[cfg(any(feature = "postgres-rustls", feature = "postgres-native-tls"))]
mod verified;
mod ways;
mod weather;

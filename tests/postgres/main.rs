//! The PostgreSQL pool against a real server: what a user can see.
#![cfg(all(feature = "postgres", not(millpond_loom)))]

mod agreement;
mod commits;
mod config;
mod conflicts;
mod dead;
mod errors;
mod goodbye;
mod ground;
mod hosts;
mod listener;
mod naming;
mod outages;
mod pool;
mod ready;
mod run;
mod session;
mod statements;
mod tls;
mod transact;
mod weather;

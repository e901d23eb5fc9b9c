//! The PostgreSQL pool against a real server: what a user can see.
#![cfg(all(feature = "postgres", not(millpond_loom)))]

mod agreement;
mod cancels;
mod config;
mod dead;
mod errors;
mod goodbye;
mod ground;
mod hosts;
mod outages;
mod pool;
mod ready;
mod reset;
mod returns;
mod session;
mod statements;
mod tls;
mod ways;
mod weather;

//! `cargo xtask fuzz config`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| millpond_fuzz::config(bytes));

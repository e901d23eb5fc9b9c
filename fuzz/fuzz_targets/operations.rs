//! `cargo xtask fuzz operations`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| millpond_fuzz::operations(bytes));

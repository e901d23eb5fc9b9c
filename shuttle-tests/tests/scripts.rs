//! Random scripts at random schedules. What every script forbids is said in `README.md`.
#![cfg(millpond_shuttle)]

use millpond_shuttle_tests::{Schedules, Shape, explore};

const ITERATIONS: usize = 8_000;

/// All threads advance together; the maximum only grows.
#[test]
fn random_growing() -> Result<(), String> {
    explore(
        "random_growing",
        Schedules::Random,
        Shape::Growing,
        ITERATIONS,
    )
}

/// All threads advance together; the maximum goes up and down.
#[test]
fn random_breathing() -> Result<(), String> {
    explore(
        "random_breathing",
        Schedules::Random,
        Shape::Breathing,
        ITERATIONS,
    )
}

/// All threads advance together; the pool is closed.
#[test]
fn random_closing() -> Result<(), String> {
    explore(
        "random_closing",
        Schedules::Random,
        Shape::Closing,
        ITERATIONS,
    )
}

/// Threads are held up for long; the maximum only grows.
#[test]
fn pct_growing() -> Result<(), String> {
    explore("pct_growing", Schedules::Pct(4), Shape::Growing, ITERATIONS)
}

/// Threads are held up for long; the maximum goes up and down.
#[test]
fn pct_breathing() -> Result<(), String> {
    explore(
        "pct_breathing",
        Schedules::Pct(4),
        Shape::Breathing,
        ITERATIONS,
    )
}

/// Threads are held up for long; the pool is closed.
#[test]
fn pct_closing() -> Result<(), String> {
    explore("pct_closing", Schedules::Pct(4), Shape::Closing, ITERATIONS)
}

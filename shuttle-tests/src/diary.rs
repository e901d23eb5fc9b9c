//! What happened in the execution that runs now, for the report of a failure.
//!
//! shuttle runs all threads of an execution on the one that explores it, so a thread-local holds the
//! diary of exactly one exploration.

use millpond::engine::state::State;
use std::cell::{Cell, RefCell};

/// One step that an actor has begun.
#[derive(Debug)]
struct Entry {
    actor: usize,
    step: String,
    before: State,
}

thread_local! {
    static EXECUTIONS: Cell<usize> = const { Cell::new(0) };
    static PLAN: RefCell<String> = const { RefCell::new(String::new()) };
    static ENTRIES: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// A new exploration begins.
pub(crate) fn forget() {
    EXECUTIONS.set(0);
}

/// A new execution begins.
pub(crate) fn open(plan: String) {
    EXECUTIONS.set(EXECUTIONS.get() + 1);
    PLAN.set(plan);
    ENTRIES.with_borrow_mut(Vec::clear);
}

/// An actor begins a step.
pub(crate) fn write(actor: usize, step: String, before: State) {
    let entry = Entry {
        actor,
        step,
        before,
    };
    ENTRIES.with_borrow_mut(|entries| entries.push(entry));
}

/// The plan and the last steps of the execution.
pub(crate) fn read() -> String {
    let lines = ENTRIES.with_borrow(|entries| {
        let skipped = entries.len().saturating_sub(SHOWN);
        let lines = entries[skipped..].iter().map(|entry| {
            let Entry {
                actor,
                step,
                before,
            } = entry;
            format!("  actor {actor}: {step:<12} {before:?}\n")
        });
        format!("  ({skipped} steps before)\n") + &lines.collect::<String>()
    });
    let execution = EXECUTIONS.get();
    PLAN.with_borrow(|plan| format!("execution {execution}: {plan}\n{lines}"))
}

/// Steps that are shown.
const SHOWN: usize = 60;

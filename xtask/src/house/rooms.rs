//! What the rooms of `src/` may not name.
//!
//! * Only `src/engine/sync.rs` (and its stand-ins) names an atomic, a lock or a lock-free queue, so that
//!   what loom checks is what ships. Clippy's `disallowed-types` would say so too, but one `clippy.toml`
//!   holds for a package's tests and examples as well, and they may use what they like.
//! * The engine knows no other room, no async runtime and no clock.

use super::code::code_only;
use super::{File, Finding};

/// Each line that names what its room may not.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.is_rust() && file.path.starts_with("src/"))
        .flat_map(check_file)
        .collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let code = code_only(&file.text);
    let engine = file.path.starts_with("src/engine/");
    let sync = file.path == "src/engine/sync.rs" || file.path.starts_with("src/engine/sync/");
    let mut found = Vec::new();
    for (at, line) in code.lines().enumerate() {
        if !sync && names(line, &PRIMITIVES) {
            found.push(file.finding(
                at,
                "atomics, locks and queues come from `crate::engine::sync`, so that loom sees them",
            ));
        }
        if engine && names(line, &OUTSIDE) {
            found.push(file.finding(
                at,
                "the engine knows no other room, no runtime and no clock",
            ));
        }
    }
    if !sync {
        let groups = std_sync_groups(&code)
            .into_iter()
            .filter(|(_, group)| names(group, &IN_GROUPS));
        found.extend(groups.map(|(at, _)| {
            file.finding(
                at,
                "only `Arc`, `Weak` and their like come from `std::sync`",
            )
        }));
    }
    found
}

/// Whether one of the names occurs as a name of its own.
fn names(code: &str, names: &[&str]) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    names.iter().any(|name| {
        code.match_indices(name).any(|(at, _)| {
            let open = name.ends_with(['_', ':']);
            !code[..at].ends_with(is_word)
                && (open || !code[at + name.len()..].starts_with(is_word))
        })
    })
}

/// What stands in the braces of each `use std::sync::{…}`, over several lines too, and its line.
fn std_sync_groups(code: &str) -> Vec<(usize, &str)> {
    let starts = ["std::sync::{", "core::sync::{"]
        .iter()
        .flat_map(|start| code.match_indices(start));
    let groups = starts.map(|(at, _)| {
        let rest = &code[at..];
        (
            code[..at].matches('\n').count(),
            &rest[..rest.find(';').unwrap_or(rest.len())],
        )
    });
    groups.collect()
}

const PRIMITIVES: [&str; 10] = [
    "std::sync::atomic",
    "core::sync::atomic",
    "std::sync::Mutex",
    "std::sync::RwLock",
    "std::sync::Condvar",
    "crossbeam_",
    "parking_lot",
    "portable_atomic",
    "arc_swap",
    "loom",
];

const IN_GROUPS: [&str; 4] = ["atomic", "Mutex", "RwLock", "Condvar"];

const OUTSIDE: [&str; 12] = [
    "crate::managed",
    "crate::unmanaged",
    "crate::observe",
    "crate::postgres",
    "tokio",
    "async_std",
    "smol",
    "deadpool_runtime",
    "quanta",
    "std::time",
    "Instant",
    "SystemTime",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<usize> {
        check(&[File::new(path, text)])
            .iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn a_primitive_outside_of_sync_is_found() {
        for text in [
            "use std::sync::atomic::AtomicU64;\n",
            "use std::sync::{Arc, atomic::AtomicBool};\n",
            "use std::sync::{\n    Arc,\n    Mutex,\n};\n",
            "lock: std::sync::RwLock<u8>,\n",
            "use crossbeam_utils::CachePadded;\n",
            "lock: parking_lot::Mutex<u8>,\n",
        ] {
            assert_eq!(found("src/managed/pool.rs", text), [1], "{text}");
            assert_eq!(found("src/engine/idle.rs", text), [1], "{text}");
            assert_eq!(found("src/engine/sync.rs", text), [0; 0], "{text}");
            assert_eq!(found("src/engine/sync/stand_in.rs", text), [0; 0], "{text}");
            assert_eq!(found("tests/it.rs", text), [0; 0], "{text}");
        }
    }

    #[test]
    fn what_is_no_primitive_is_not() {
        assert_eq!(
            found(
                "src/managed/pool.rs",
                "use std::sync::{Arc, Weak};\n// parking_lot\nlet bloom = 1;\n"
            ),
            [0; 0]
        );
        assert_eq!(
            found(
                "src/lib.rs",
                "#[cfg(not(millpond_loom))]\nuse crate::engine::sync::Mutex;\n"
            ),
            [0; 0]
        );
    }

    #[test]
    fn an_engine_that_looks_outside_is_found() {
        for text in [
            "use crate::managed::Pool;\n",
            "use std::time::Duration;\n",
            "tokio::spawn(x);\n",
            "a: Instant,\n",
        ] {
            assert_eq!(found("src/engine/line.rs", text), [1], "{text}");
            assert_eq!(found("src/managed/get.rs", text), [0; 0], "{text}");
        }
    }
}

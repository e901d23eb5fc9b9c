//! Writes `docs/metrics.md`. Called by `cargo xtask metrics`.

use millpond_ops_tests::page::{PAGE, page};
use millpond_ops_tests::root;
use std::{fs, io};

fn main() -> io::Result<()> {
    fs::write(root().join(PAGE), page())?;
    println!("{PAGE} is written");
    Ok(())
}

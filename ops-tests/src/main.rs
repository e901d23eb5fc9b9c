//! Writes the page that is named: `metrics` or `configuration`. Called by `cargo xtask` of the same names.

use millpond_ops_tests::{configuration, page, root};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let named = env::args().nth(1);
    let (path, text) = match named.as_deref() {
        Some("metrics") => (page::PAGE, page::page()),
        Some("configuration") => (configuration::PAGE, configuration::page()),
        _ => return Err(io::Error::other("name a page: metrics or configuration")),
    };
    fs::write(root().join(path), text)?;
    println!("{path} is written");
    Ok(())
}

//! Tells the lab what it was built with.

use std::env;
use std::process::Command;

fn main() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let said = said.unwrap_or_default();
    let version = said.strip_prefix("rustc ").unwrap_or("unknown").trim();
    println!("cargo::rustc-env=MILLPOND_LAB_RUSTC={version}");
    println!("cargo::rerun-if-changed=build.rs");
}

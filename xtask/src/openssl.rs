//! OpenSSL's headers: what the feature `postgres-native-tls` is built with on Linux. Where the machine has none, and
//! Debian's packages may be installed, they are.

use crate::child;
use crate::failure::Failure;
use crate::steps::Steps;
use std::env;
use std::path::Path;
use std::process::Command;

/// The step, before anything is built with all features.
pub(crate) fn step(steps: &mut Steps) {
    steps.step("openssl", |_| found_or_installed());
}

fn found_or_installed() -> Result<(), Failure> {
    if cfg!(not(target_os = "linux")) || is_there() {
        return Ok(());
    }
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(missing());
    }
    // Its own lists first, as far as this account may; whether that went well shows with the installation.
    let _ = child::run(&mut apt(&["update"]));
    child::run(&mut apt(&[
        "install",
        "-y",
        "--no-install-recommends",
        "libssl-dev",
        "pkg-config",
    ]))
    .map_err(|failure| failure.within("installing OpenSSL's headers"))?;
    match is_there() {
        true => Ok(()),
        false => Err(missing()),
    }
}

/// Whether the build of `openssl-sys` will find them.
fn is_there() -> bool {
    let told = ["OPENSSL_DIR", "OPENSSL_INCLUDE_DIR"];
    told.iter().any(|name| env::var_os(name).is_some())
        || child::works(Command::new("pkg-config").args(["--exists", "openssl"]))
}

fn apt(words: &[&str]) -> Command {
    let mut apt = Command::new("/usr/bin/apt-get");
    apt.args(["-q", "-o", "DPkg::Lock::Timeout=120"])
        .args(words);
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

fn missing() -> Failure {
    Failure::new(
        "this machine lacks OpenSSL's headers, with which the feature postgres-native-tls is built. Install them \
         (Debian, Ubuntu: apt-get install libssl-dev pkg-config; Fedora: dnf install openssl-devel), or set \
         OPENSSL_DIR",
    )
}

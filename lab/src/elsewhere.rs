//! The programs of this repository that are this one with other pools: built by cargo where this one was, and become.
//!
//! Workspaces of their own, so that what they pull in is nobody else's business. They have the same command line, so
//! this program hands its own on as it is.

use crate::Failure;
use crate::pools;
use crate::site::Kind;
use crate::subject::Maker;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// The pools of `lab/peers`, by the names that `--pools` knows.
pub const PEERS: [&str; 7] = ["deadpool", "bb8", "mobc", "sqlx", "qp", "fast_pool", "r2d2"];

/// Needs Rust 1.94: it is not built where nobody asks for it.
const SQLX: &str = "sqlx";

/// One of those programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The pools of other projects.
    Peers { with_sqlx: bool },
    /// SQLite.
    Sqlite,
}

impl Program {
    /// The one that has what `makers` have not. None for a program that has pools which are not this project's: that
    /// is one of them already, or a user's own.
    pub(crate) fn for_pools(
        makers: &[Arc<dyn Maker>],
        names: &[String],
        kind: Kind,
    ) -> Option<Self> {
        let own = pools::own();
        let is_ours = |maker: &Arc<dyn Maker>| own.iter().any(|own| own.name() == maker.name());
        if !makers.iter().all(is_ours) || makers.iter().any(|maker| maker.on() != Kind::Postgresql)
        {
            return None;
        }
        let asked = |name: &str| names.iter().any(|asked| asked == name);
        match kind {
            Kind::Sqlite => Some(Self::Sqlite),
            Kind::Postgresql => PEERS.iter().any(|name| asked(name)).then(|| Self::Peers {
                with_sqlx: asked(SQLX),
            }),
        }
    }

    /// Builds it, and becomes it, with this program's own command line. Comes back only if that fails.
    pub(crate) fn become_it(self) -> Failure {
        let built = here().and_then(|lab| {
            eprintln!("Building {} with cargo …", self.shown());
            let status = self.cargo(&lab, "build").status().map_err(no_cargo)?;
            match status.success() {
                true => Ok(lab),
                false => Err(self.not_built().into()),
            }
        });
        match built {
            // It is built: this says no word and takes no time.
            Ok(lab) => no_cargo(self.cargo(&lab, "run").arg("--").args(arguments()).exec()),
            Err(failure) => failure,
        }
    }

    fn cargo(self, lab: &Path, what: &str) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut cargo = Command::new(cargo);
        cargo.arg(what).arg("--manifest-path");
        cargo.arg(lab.join(self.folder()).join("Cargo.toml"));
        cargo.args((what == "run").then_some("--quiet"));
        cargo.args((!cfg!(debug_assertions)).then_some("--release"));
        cargo.args((self == Self::Peers { with_sqlx: false }).then_some("--no-default-features"));
        if std::env::var_os("CARGO_TARGET_DIR").is_none() {
            cargo.arg("--target-dir").arg(lab.with_file_name("target"));
        }
        cargo
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Peers { .. } => "peers",
            Self::Sqlite => "sqlite",
        }
    }

    fn shown(self) -> &'static str {
        match self {
            Self::Peers { .. } => "the other pools (lab/peers)",
            Self::Sqlite => "the pools for SQLite (lab/sqlite)",
        }
    }

    fn not_built(self) -> &'static str {
        match self {
            Self::Peers { with_sqlx: true } => {
                "the other pools could not be built; cargo says why above. sqlx needs Rust 1.94: `rustup update`, or \
                 leave it out, `--pools millpond,deadpool,bb8,mobc`"
            }
            Self::Peers { with_sqlx: false } => {
                "the other pools could not be built; cargo says why above. They come from crates.io: without a network \
                 they must have been built before"
            }
            Self::Sqlite => {
                "the pools for SQLite could not be built; cargo says why above. They come from crates.io, and SQLite \
                 itself is built by a C compiler"
            }
        }
    }
}

/// The folder of this crate, if it is still where this program was built.
fn here() -> Result<PathBuf, Failure> {
    checkout(Path::new(env!("CARGO_MANIFEST_DIR")))
}

fn checkout(lab: &Path) -> Result<PathBuf, Failure> {
    if lab.join("peers/Cargo.toml").is_file() {
        return Ok(lab.to_owned());
    }
    Err("other pools are built from a checkout of millpond, and the one that this program was built from is gone: \
         run `cargo lab` in a checkout"
        .into())
}

fn no_cargo(error: std::io::Error) -> Failure {
    format!("cargo, which builds the other pools, cannot be run: {error}. Install Rust from https://rustup.rs").into()
}

fn arguments() -> impl Iterator<Item = OsString> {
    std::env::args_os().skip(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(names: &[&str], kind: Kind) -> Option<Program> {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        Program::for_pools(&pools::own(), &names, kind)
    }

    #[test]
    fn whoever_asks_for_a_peer_is_led_to_it() {
        assert_eq!(program(&["millpond"], Kind::Postgresql), None);
        let bb8 = program(&["millpond", "bb8"], Kind::Postgresql);
        assert_eq!(bb8, Some(Program::Peers { with_sqlx: false }));
        let sqlx = program(&["sqlx"], Kind::Postgresql);
        assert_eq!(sqlx, Some(Program::Peers { with_sqlx: true }));
        assert_eq!(program(&[], Kind::Sqlite), Some(Program::Sqlite));
    }

    #[test]
    fn a_missing_checkout_is_told_with_the_way_out() {
        let failure = checkout(Path::new("no/such/folder")).expect_err("there is none");
        assert!(
            failure
                .to_string()
                .contains("run `cargo lab` in a checkout")
        );
    }
}

//! The account that a private server runs under: PostgreSQL refuses to run as root, so root hands its rights over.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// Who runs PostgreSQL's programs.
#[derive(Clone, Debug)]
pub(crate) enum Account {
    /// Whoever runs us: not root.
    Ours,
    /// Somebody else, since we are root.
    Other { name: String, uid: u32, gid: u32 },
}

impl Account {
    /// Ourselves; for root `postgres`, else `nobody`, as `/etc/passwd` tells their numbers.
    pub(crate) fn find() -> Result<Account> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Account::Ours);
        }
        let passwd = fs::read_to_string("/etc/passwd")
            .map_err(|e| Error::new("cannot read /etc/passwd").because(e))?;
        ["postgres", "_postgres", "nobody"]
            .into_iter()
            .find_map(|name| numbers_of(name, &passwd))
            .ok_or_else(|| {
                Error::new("PostgreSQL does not run as root, and /etc/passwd names neither `postgres` nor `nobody`")
                    .way_out("add an account for it: useradd --system postgres")
                    .way_out("run as an ordinary user")
            })
    }

    /// A command that runs under this account, away from our directory, our terminal and our `PG…` variables.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").stdin(Stdio::null()).env_clear();
        for name in ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("LC_ALL", "C");
        if let Account::Other { uid, gid, .. } = self {
            // As root, `uid` also clears the supplementary groups.
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Makes `path` this account's own.
    pub(crate) fn give(&self, path: &Path) -> Result<()> {
        let Account::Other { name, uid, gid } = self else {
            return Ok(());
        };
        chown(path, Some(*uid), Some(*gid))
            .map_err(|e| Error::new(format!("cannot give {} to {name}", path.display())).because(e))
    }

    /// Whether this account may walk down to the directory `dir`; if not, which directory is in its way.
    pub(crate) fn reaches(&self, dir: &Path) -> std::result::Result<(), String> {
        let Account::Other { name, uid, gid } = self else {
            return Ok(());
        };
        let dir = fs::canonicalize(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        for step in dir.ancestors() {
            let meta = fs::metadata(step).map_err(|e| format!("{}: {e}", step.display()))?;
            let right = match () {
                () if meta.uid() == *uid => 0o100,
                () if meta.gid() == *gid => 0o010,
                () => 0o001,
            };
            if meta.mode() & right == 0 {
                return Err(format!(
                    "{} is closed to `{name}`, who runs the server",
                    step.display()
                ));
            }
        }
        Ok(())
    }
}

/// The numbers of the account `name` in the text of `/etc/passwd`. macOS writes `nobody` as -2.
fn numbers_of(name: &str, passwd: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid: i64 = fields.nth(1)?.parse().ok()?;
        let gid: i64 = fields.next()?.parse().ok()?;
        Some(Account::Other {
            name: name.to_owned(),
            uid: u32::try_from(uid & 0xffff_ffff).ok()?,
            gid: u32::try_from(gid & 0xffff_ffff).ok()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_from_passwd() {
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody:*:-2:-2:x:/:/usr/bin/false\npostgres:x:101:103::/:/bin/sh\n";
        let numbers = |name| match numbers_of(name, passwd) {
            Some(Account::Other { uid, gid, .. }) => Some((uid, gid)),
            _ => None,
        };
        assert_eq!(numbers("postgres"), Some((101, 103)));
        assert_eq!(numbers("nobody"), Some((4_294_967_294, 4_294_967_294)));
        assert_eq!(numbers("post"), None);
    }
}

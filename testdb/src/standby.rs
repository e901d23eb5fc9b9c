//! A standby: a copy of a running server's data directory that goes on replaying what that server writes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::account::Account;
use crate::cluster::{Cluster, ROLE};
use crate::error::{Error, Result};
use crate::home::Home;
use crate::log;
use crate::process::run_at_most;

/// Lays a copy of the data directory of `primary` into `home`, to be started as its standby.
///
/// The settings are not among it: ours are written before the start, and tell the way to the primary too.
pub(crate) fn lay(primary: &Cluster, account: &Account, home: &Home) -> Result<()> {
    let data = home.data();
    let cannot = |e| Error::new(format!("cannot create {}", data.display())).because(e);
    fs::create_dir(&data).map_err(cannot)?;
    fs::set_permissions(&data, Permissions::from_mode(0o700)).map_err(cannot)?;
    account.give(&data)?;
    back_up(primary, account, home)?;
    let signal = data.join("standby.signal");
    fs::write(&signal, "").map_err(cannot)?;
    account.give(&signal)
}

fn back_up(primary: &Cluster, account: &Account, home: &Home) -> Result<()> {
    let program = primary.programs().program("pg_basebackup");
    let output = home.open_log()?;
    let cannot_share = |e| Error::new("cannot share the log").because(e);
    let mut command = account.command(&program);
    command
        .arg(format!("--dbname={}", way_to(primary)))
        .arg(format!("--pgdata={}", home.data().display()))
        .args(["--checkpoint=fast", "--wal-method=fetch", "--no-sync"])
        .stdout(output.try_clone().map_err(cannot_share)?)
        .stderr(output);
    let failed = || Error::new(format!("{} could not copy the primary", program.display()));
    match run_at_most(&mut command, AT_MOST) {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed()
            .because(status.to_string())
            .evidence(log::tail(&home.log(), 0))),
        Err(e) => Err(failed()
            .because(e)
            .way_out("Debian, Ubuntu: it is part of the package postgresql-client-NN")),
    }
}

/// How a standby comes to `primary`: by the socket, without a password.
pub(crate) fn way_to(primary: &Cluster) -> String {
    format!(
        "host={} port={} user={ROLE}",
        primary.socket_dir().display(),
        primary.port()
    )
}

/// How long the copy may take, on the slowest machine.
const AT_MOST: Duration = Duration::from_secs(60);

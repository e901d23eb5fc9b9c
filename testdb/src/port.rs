//! The port of a private server.

use std::net::TcpListener;

use crate::account::Account;
use crate::error::{Error, Result};
use crate::home::Home;
use crate::log;
use crate::places;
use crate::postmaster::{Failure, Postmaster};
use crate::programs::Programs;
use crate::settings::Settings;

/// Starts a server on a port that is free, and on another one if somebody else is faster.
pub(crate) fn start_on_free_one(
    programs: &Programs,
    account: &Account,
    home: &Home,
    settings: &mut Settings,
) -> Result<(Postmaster, u16)> {
    for _ in 0..TRIES {
        let port = free_one()?;
        settings.put("port", &port.to_string());
        settings.write(&home.data())?;
        match Postmaster::start(programs, account, home) {
            Ok(postmaster) => return Ok((postmaster, port)),
            Err(Failure::Other(e)) => return Err(e),
            Err(Failure::PortTaken) => {}
        }
    }
    Err(Error::new(format!(
        "{TRIES} ports that were free were taken before PostgreSQL had them"
    ))
    .evidence(log::tail(&home.log(), 0)))
}

/// A port that is free now, below those that the system gives to clients: while a server restarts, one of the many
/// that try to connect to its port could otherwise be given that very port as its own.
pub(crate) fn free_one() -> Result<u16> {
    for _ in 0..100 * TRIES {
        let random = u16::from_str_radix(&places::unique()[..4], 16).unwrap_or_default();
        let port = FIRST + random % COUNT;
        if TcpListener::bind((HOST, port)).is_ok() {
            return Ok(port);
        }
    }
    let listener = TcpListener::bind((HOST, 0));
    listener
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|e| Error::new(format!("no port of {HOST} is free")).because(e))
}

/// The only address that private servers listen on.
pub(crate) const HOST: &str = "127.0.0.1";

const TRIES: u32 = 5;
/// The ports to choose from; Linux gives clients those from 32768 on, macOS from 49152 on.
const FIRST: u16 = 15_000;
const COUNT: u16 = 17_000;

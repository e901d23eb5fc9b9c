//! How a connection comes under watch: by way of a stream of ours, which tokio-postgres is made to use.
//!
//! | to | how |
//! | --- | --- |
//! | a host by name or address | [`Config::connect`](PgConfig::connect) with a connector of ours ([`negotiate`](super::negotiate)) |
//! | the same by `hostaddr` alone | its address stands for the name that tokio-postgres asks for; TLS is told none |
//! | a Unix socket | [`Config::connect_raw`](PgConfig::connect_raw) on a socket that we open |
//! | a Unix socket, where TLS is demanded, or of tokio-postgres a role | as tokio-postgres does it: not watched |
//! | several hosts in one configuration | the same: [`hosts`](super::hosts) has found that it does not add up |

use super::cancel::Way;
use super::driver::Ending;
use super::hosts;
use super::negotiate::{Negotiator, Terms, can_encrypt};
use super::refusing::saying;
use super::roles::{self, Reading};
use super::watch::{Watch, Watched};
use super::wired::{Carrier, Wired};
use crate::engine::sync::Arc;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::Socket;
use tokio_postgres::config::{Host, SslMode, SslNegotiation, TargetSessionAttrs};
use tokio_postgres::tls::{MakeTlsConnect, NoTlsStream, TlsConnect};
use tokio_postgres::{Client as PgClient, Config as PgConfig, Connection, Error as PgError, NoTls};

/// A connection that was made, and is to be driven.
pub(super) struct Made {
    pub(super) client: PgClient,
    pub(super) connection: Driven,
    pub(super) watch: Option<Arc<Watch>>,
    pub(super) way: Way,
    /// Of the server's role, renewed whenever the connection is driven.
    pub(super) reading: Reading,
}

/// Connects as [`Config::connect`](PgConfig::connect) does, under watch where that is possible.
pub(super) async fn connect<T>(config: &PgConfig, tls: T) -> Result<Made, PgError>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    match Door::of(config, can_encrypt::<T::TlsConnect>()) {
        Door::Tcp { has_hostname } => by_tcp(config, tls, has_hostname).await,
        #[cfg(unix)]
        Door::Unix(path) => match by_unix(config, &path).await {
            Err(error) if error.as_db_error().is_none() => unwatched(config, tls).await,
            made => made,
        },
        Door::Theirs => unwatched(config, tls).await,
    }
}

/// By which door one host is reached.
#[derive(Debug, PartialEq, Eq)]
enum Door {
    Tcp {
        has_hostname: bool,
    },
    #[cfg(unix)]
    Unix(PathBuf),
    Theirs,
}

impl Door {
    fn of(config: &PgConfig, can_encrypt: bool) -> Self {
        if hosts::count(config) != 1 {
            return Self::Theirs;
        }
        match (config.get_hosts(), config.get_hostaddrs()) {
            ([Host::Tcp(_)], _) => Self::Tcp { has_hostname: true },
            ([], [_]) => Self::Tcp {
                has_hostname: false,
            },
            #[cfg(unix)]
            ([Host::Unix(directory)], []) if speaks_plainly(config, can_encrypt) => {
                let port = config.get_ports().first().copied().unwrap_or(5432);
                Self::Unix(directory.join(format!(".s.PGSQL.{port}")))
            }
            _ => Self::Theirs,
        }
    }
}

/// Whether a Unix socket is used without TLS and without asking for a role, which is tokio-postgres' business. A
/// server does not offer TLS there, so that `prefer` comes to the same.
#[cfg(unix)]
fn speaks_plainly(config: &PgConfig, can_encrypt: bool) -> bool {
    let refused = can_encrypt && config.get_ssl_negotiation() == SslNegotiation::Direct;
    let plain = match config.get_ssl_mode() {
        SslMode::Disable => true,
        SslMode::Prefer => !refused,
        _ => false,
    };
    plain && config.get_target_session_attrs() == TargetSessionAttrs::Any
}

async fn by_tcp<T>(config: &PgConfig, tls: T, has_hostname: bool) -> Result<Made, PgError>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let terms = Terms::of(config, has_hostname);
    let mut theirs = match has_hostname {
        true => config.clone(),
        false => hosts::named_by_address(config),
    };
    theirs.ssl_mode(SslMode::Require);
    theirs.ssl_negotiation(SslNegotiation::Direct);
    let watch = Watch::new();
    let negotiator = Negotiator {
        tls,
        terms,
        can_encrypt: can_encrypt::<T::TlsConnect>(),
        watch: Some(Arc::clone(&watch)),
    };
    let (client, connection) = theirs.connect(negotiator).await?;
    let (connection, reading) = driven(connection);
    Ok(Made {
        client,
        connection: Box::pin(Watched::new(connection, Arc::clone(&watch))),
        watch: Some(watch),
        way: Way::Tcp(terms),
        reading,
    })
}

#[cfg(unix)]
async fn by_unix(config: &PgConfig, path: &Path) -> Result<Made, PgError> {
    let watch = Watch::new();
    let bound = config.get_connect_timeout().copied();
    let stream = unix_stream(path, bound, Some(Arc::clone(&watch))).await?;
    let mut plain = config.clone();
    plain.ssl_mode(SslMode::Disable);
    let (client, connection) = plain.connect_raw(stream, NoTls).await?;
    let (connection, reading) = driven(connection);
    Ok(Made {
        client,
        connection: Box::pin(Watched::new(connection, Arc::clone(&watch))),
        watch: Some(watch),
        way: Way::Unix(path.to_owned()),
        reading,
    })
}

/// A Unix socket, connected within `bound`.
#[cfg(unix)]
pub(super) async fn unix_stream(
    path: &Path,
    bound: Option<Duration>,
    watch: Option<Arc<Watch>>,
) -> Result<Wired<tokio::net::UnixStream, NoTlsStream>, PgError> {
    let connecting = tokio::net::UnixStream::connect(path);
    let connected = match bound {
        None => connecting.await,
        Some(bound) => match tokio::time::timeout(bound, connecting).await {
            Ok(connected) => connected,
            Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
        },
    };
    let stream = connected.map_err(saying)?;
    Ok(Wired::new(Carrier::Plain(stream), watch))
}

async fn unwatched<T>(config: &PgConfig, tls: T) -> Result<Made, PgError>
where
    T: MakeTlsConnect<Socket> + Clone + Sync + Send + 'static,
    T::Stream: Sync + Send,
    T::TlsConnect: Sync + Send,
    <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
{
    let (client, connection) = config.connect(tls).await?;
    let (connection, reading) = driven(connection);
    Ok(Made {
        client,
        connection,
        watch: None,
        way: Way::Theirs,
        reading,
    })
}

/// A connection, driven to its end, and what it hears of its server's role meanwhile.
fn driven<S, T>(connection: Connection<S, T>) -> (Driven, Reading)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (connection, reading) = roles::follow(connection);
    let driven = async move {
        match connection.await {
            Ok(()) => Ending::Orderly,
            Err(error) => Ending::Failed(error),
        }
    };
    (Box::pin(driven), reading)
}

type Driven = Pin<Box<dyn Future<Output = Ending> + Send>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn door(text: &str, can_encrypt: bool) -> Door {
        Door::of(&text.parse().unwrap(), can_encrypt)
    }

    #[test]
    fn each_host_has_its_door() {
        let named = Door::Tcp { has_hostname: true };
        let nameless = Door::Tcp {
            has_hostname: false,
        };
        for can_encrypt in [true, false] {
            assert_eq!(door("host=a", can_encrypt), named);
            assert_eq!(door("host=a hostaddr=10.0.0.1", can_encrypt), named);
            assert_eq!(door("hostaddr=10.0.0.1", can_encrypt), nameless);
            assert_eq!(door("host=a,b", can_encrypt), Door::Theirs);
            assert_eq!(door("user=u", can_encrypt), Door::Theirs);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_unix_socket_is_opened_where_it_comes_to_the_same() {
        let ours = Door::Unix("/run/.s.PGSQL.6000".into());
        for can_encrypt in [true, false] {
            for plain in ["", "sslmode=disable", "sslmode=prefer"] {
                let text = format!("host=/run port=6000 {plain}");
                assert_eq!(door(&text, can_encrypt), ours, "{text}");
            }
            for theirs in ["sslmode=require", "target_session_attrs=read-write"] {
                let text = format!("host=/run port=6000 {theirs}");
                assert_eq!(door(&text, can_encrypt), Door::Theirs, "{text}");
            }
        }
        let direct = "host=/run port=6000 sslnegotiation=direct";
        assert_eq!(door(direct, true), Door::Theirs);
        assert_eq!(door(direct, false), ours);
    }
}

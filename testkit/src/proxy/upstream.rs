//! Where the server is.

use super::stream::Stream;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::{TcpStream, UnixStream};

/// Where the server is that a [`Proxy`](super::Proxy) leads to: looked up anew for each connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// An address.
    Address(SocketAddr),
    /// A host's name, or its address as text, and a port.
    Host(String, u16),
    /// A Unix socket.
    Socket(PathBuf),
}

impl Upstream {
    pub(super) async fn connect(&self) -> io::Result<Stream> {
        match self {
            Self::Address(address) => TcpStream::connect(address).await.and_then(Stream::tcp),
            Self::Host(host, port) => TcpStream::connect((host.as_str(), *port))
                .await
                .and_then(Stream::tcp),
            Self::Socket(path) => UnixStream::connect(path).await.map(Stream::Unix),
        }
    }
}

impl From<SocketAddr> for Upstream {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

impl From<(&str, u16)> for Upstream {
    fn from((host, port): (&str, u16)) -> Self {
        Self::Host(host.to_owned(), port)
    }
}

impl From<(String, u16)> for Upstream {
    fn from((host, port): (String, u16)) -> Self {
        Self::Host(host, port)
    }
}

impl From<PathBuf> for Upstream {
    fn from(path: PathBuf) -> Self {
        Self::Socket(path)
    }
}

impl From<&Path> for Upstream {
    fn from(path: &Path) -> Self {
        Self::Socket(path.to_owned())
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Host(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(path) => path.display().fmt(f),
        }
    }
}

//! Where clients come in: a port that is ours from the first to the last moment, whether anybody listens there or not.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use tokio::net::{TcpListener, TcpSocket};

/// A port on loopback, open or shut.
#[derive(Debug)]
pub(super) struct Door {
    /// Bound to the port and never listening: while the listener is away, nobody else can have the port.
    _keeper: TcpSocket,
    address: SocketAddr,
    listener: Option<Listener>,
}

/// One socket, twice: to wait for a client, and to ask whether one is there whatever the runtime has noticed.
#[derive(Debug)]
struct Listener {
    waits: TcpListener,
    asks: std::net::TcpListener,
}

impl Door {
    /// An open one, at a port that was free.
    pub(super) fn open_anywhere() -> io::Result<Self> {
        let keeper = bound((Ipv4Addr::LOCALHOST, 0).into())?;
        let mut door = Self {
            address: keeper.local_addr()?,
            _keeper: keeper,
            listener: None,
        };
        door.open()?;
        Ok(door)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Clients are let in, if they were not.
    pub(super) fn open(&mut self) -> io::Result<()> {
        if self.listener.is_none() {
            let asks = bound(self.address)?.listen(BACKLOG)?.into_std()?;
            let waits = TcpListener::from_std(asks.try_clone()?)?;
            self.listener = Some(Listener { waits, asks });
        }
        Ok(())
    }

    /// Clients are refused. Those that wait to be let in are reset.
    pub(super) fn shut(&mut self) {
        self.listener = None;
    }

    /// A client that came already; `None` if there is none now.
    pub(super) fn accept_now(&self) -> io::Result<Option<TcpStream>> {
        let Some(listener) = &self.listener else {
            return Ok(None);
        };
        match listener.asks.accept() {
            Ok((client, _)) => Ok(Some(client)),
            Err(error) if is_of_this_moment(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The next client. Never returns while it is shut.
    pub(super) async fn accept(&self) -> io::Result<TcpStream> {
        let Some(listener) = &self.listener else {
            return std::future::pending().await;
        };
        loop {
            match listener.waits.accept().await {
                Ok((client, _)) => return client.into_std(),
                Err(error) if is_of_this_moment(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// A socket that shares its port with others that say the same, all of them ours.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Nobody is there, or whoever was there has gone again.
fn is_of_this_moment(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
    matches!(error.kind(), WouldBlock | ConnectionAborted | Interrupted)
}

const BACKLOG: u32 = 1024;

//! What ends a connection, and what keeps one from being made.

use crate::ground::{Client, Echo, ground};
use millpond_testkit::proxy::{Fault, Proxy};
use std::io::ErrorKind;
use tokio::net::{TcpSocket, TcpStream, UnixListener};

#[tokio::test]
async fn a_reset_is_one_at_both_ends_and_for_who_comes() {
    let (mut echo, proxy) = ground().await;
    let mut old = Client::served_by(&proxy).await;
    proxy.set(Fault::reset());
    assert_eq!(proxy.connections(), 0);
    old.is_reset().await;
    assert_eq!(
        echo.end().await.unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    Client::new_is_reset(&proxy).await;
    proxy.heal();
    Client::served_by(&proxy).await;
    assert_eq!(proxy.counts().reset, 2);
}

#[tokio::test]
async fn a_blow_strikes_who_is_there_and_is_over() {
    let (_echo, proxy) = ground().await;
    let mut all = vec![];
    for _ in 0..5 {
        all.push(Client::served_by(&proxy).await);
    }
    proxy.reset_all();
    assert_eq!(proxy.connections(), 0);
    for client in &mut all {
        client.is_reset().await;
    }
    assert_eq!(proxy.faults(), []);
    Client::served_by(&proxy).await;
}

#[tokio::test]
async fn who_is_refused_is_told_so_and_the_port_is_kept() {
    let (mut echo, proxy) = ground().await;
    let mut old = Client::served_by(&proxy).await;
    let port = proxy.port();
    for _ in 0..20 {
        proxy.set(Fault::refuse());
        let refused = TcpStream::connect(proxy.addr()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let taken = std::net::TcpListener::bind(proxy.addr()).unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        proxy.heal();
        Client::served_by(&proxy).await;
    }
    old.talks().await;
    assert_eq!(proxy.port(), port);

    while echo.has_ended() {}
    proxy.set(Fault::refuse().on_all());
    old.is_reset().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_reset() {
    // Bound and not listening: nobody is there, and nobody else can be.
    let nobody = TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let proxy = Proxy::start(nobody.local_addr().unwrap()).unwrap();
    Client::new_is_reset(&proxy).await;
    let counts = proxy.counts();
    assert_eq!((counts.unreached, counts.reset), (1, 0));
}

#[tokio::test]
async fn a_proxy_that_is_dropped_leaves_nothing() {
    let (mut echo, proxy) = ground().await;
    let mut client = Client::served_by(&proxy).await;
    proxy.set(Fault::half_open().on_new());
    let mut silent = Client::of(&proxy).await;
    // Returns when its thread has ended, and its runtime with it.
    drop(proxy);
    client.ends().await;
    silent.ends().await;
    echo.end().await.unwrap();
}

#[tokio::test]
async fn a_host_by_its_name_and_a_unix_socket_are_servers_too() {
    let echo = Echo::start().await;
    let by_name = Proxy::start(("localhost", echo.address.port())).unwrap();
    Client::served_by(&by_name).await;

    let path = std::env::temp_dir().join(format!("millpond-testkit-{}", std::process::id()));
    let listener = UnixListener::bind(&path).unwrap();
    let proxy = Proxy::start(path.as_path()).unwrap();
    let mut client = Client::of(&proxy).await;
    client.send("hello").await;
    let (stream, _) = listener.accept().await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let (mut read, mut write) = stream.into_split();
    let served = tokio::spawn(async move { tokio::io::copy(&mut read, &mut write).await });
    client.hears("hello").await;
    client.talks().await;
    drop(client);
    assert_eq!(served.await.unwrap().unwrap(), 10);
}

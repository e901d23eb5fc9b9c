//! What does not come.

use crate::ground::{Client, ground};
use millpond_testkit::proxy::Fault;

#[tokio::test]
async fn a_stall_keeps_everything_for_later() {
    let (mut echo, proxy) = ground().await;
    let mut client = Client::served_by(&proxy).await;
    proxy.set(Fault::stall());
    client.send("kept").await;
    client.hears_nothing().await;
    let mut new = Client::of(&proxy).await;
    new.send("as well").await;
    new.hears_nothing().await;
    proxy.heal();
    client.hears("kept").await;
    new.hears("as well").await;
    assert!(!echo.has_ended());
    assert_eq!(proxy.counts().bytes_lost, 0);
}

#[tokio::test]
async fn who_gave_up_during_a_stall_never_reaches_the_server() {
    let (mut echo, proxy) = ground().await;
    proxy.set(Fault::stall());
    let mut client = Client::of(&proxy).await;
    client.send("anybody?").await;
    drop(client);
    // The next one has come when this returns: so had the first.
    drop(Client::of(&proxy).await);
    proxy.set(Fault::slow_handshake(std::time::Duration::ZERO));
    let mut new = Client::served_by(&proxy).await;
    assert!(!echo.has_ended(), "the server knew of who gave up");
    new.talks().await;
}

#[tokio::test]
async fn a_black_hole_takes_what_is_sent_and_then_the_connection() {
    let (mut echo, proxy) = ground().await;
    let mut chatty = Client::served_by(&proxy).await;
    let mut quiet = Client::served_by(&proxy).await;
    proxy.set(Fault::black_hole());
    chatty.send("anybody?").await;
    chatty.hears_nothing().await;
    assert!(!echo.has_ended(), "the server was told");
    proxy.heal();
    chatty.is_reset().await;
    echo.end().await.unwrap_err();
    quiet.talks().await;
    let counts = proxy.counts();
    assert_eq!((counts.bytes_lost, counts.reset, counts.open), (8, 1, 1));
}

#[tokio::test]
async fn a_black_hole_takes_the_end_as_well() {
    let (mut echo, proxy) = ground().await;
    let client = Client::served_by(&proxy).await;
    proxy.set(Fault::black_hole());
    drop(client);
    // A later fault's order is carried out after the end was seen, or is seen then: both are well.
    Client::of(&proxy).await.hears_nothing().await;
    assert!(!echo.has_ended(), "the server was told");
    proxy.heal();
    // Whether as a reset or as an end, the server is told at last.
    let _ = echo.end().await;
}

#[tokio::test]
async fn a_black_hole_takes_nothing_of_a_way_that_had_ended() {
    let (mut echo, proxy) = ground().await;
    let mut client = Client::served_by(&proxy).await;
    proxy.set(Fault::stall().to_client());
    client.send("last words").await;
    client.shutdown().await;
    echo.end().await.unwrap();
    // What the client said has arrived, with its end; the answer is still to come.
    proxy.set(Fault::black_hole().to_server());
    client.hears("last words").await;
    client.ends().await;
    proxy.heal();
    assert_eq!(proxy.counts().reset, 0);
}

#[tokio::test]
async fn a_black_hole_of_one_way_takes_that_way_alone() {
    let (_echo, proxy) = ground().await;
    let mut client = Client::served_by(&proxy).await;
    proxy.set(Fault::black_hole().to_client());
    client.send("heard").await;
    client.hears_nothing().await;
    let counts = proxy.counts();
    assert_eq!((counts.bytes_to_server, counts.bytes_to_client), (10, 5));
    assert_eq!(counts.bytes_lost, 5);
}

#[tokio::test]
async fn behind_a_black_hole_there_is_no_server_for_new_ones() {
    let (mut echo, proxy) = ground().await;
    proxy.set(Fault::black_hole());
    let mut loud = Client::of(&proxy).await;
    let mut quiet = Client::of(&proxy).await;
    loud.send("anybody?").await;
    loud.hears_nothing().await;
    proxy.heal();
    loud.is_reset().await;
    // Who lost nothing is led to the server now.
    quiet.talks().await;
    assert!(!echo.has_ended());
}

#[tokio::test]
async fn half_open_is_for_good_and_only_the_server_is_told() {
    let (mut echo, proxy) = ground().await;
    let mut client = Client::served_by(&proxy).await;
    proxy.set(Fault::half_open());
    echo.end().await.unwrap();
    client.send("anybody?").await;
    client.hears_nothing().await;
    Client::served_by(&proxy).await;

    proxy.heal();
    client.send("anybody now?").await;
    client.hears_nothing().await;
    proxy.reset_all();
    client.is_reset().await;
}

#[tokio::test]
async fn half_open_for_new_ones_is_silence_from_the_beginning() {
    let (mut echo, proxy) = ground().await;
    proxy.set(Fault::half_open().on_new());
    let mut client = Client::of(&proxy).await;
    proxy.heal();
    client.send("anybody?").await;
    client.hears_nothing().await;
    assert!(!echo.has_ended());
    Client::served_by(&proxy).await;
}

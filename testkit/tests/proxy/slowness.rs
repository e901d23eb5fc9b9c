//! What comes late, or little by little.

use crate::ground::{Client, ground, ms};
use millpond_testkit::proxy::Fault;
use std::time::{Duration, Instant};

#[tokio::test]
async fn nothing_is_wrong_at_first() {
    let (mut echo, proxy) = ground().await;
    let mut client = Client::served_by(&proxy).await;
    let large = "all is well, ".repeat(100_000);
    let (mut read, mut write) = client.0.split();
    let sent = async {
        tokio::io::AsyncWriteExt::write_all(&mut write, large.as_bytes())
            .await
            .unwrap();
        tokio::io::AsyncWriteExt::shutdown(&mut write)
            .await
            .unwrap();
    };
    let mut heard = String::new();
    let (_, count) = tokio::join!(
        sent,
        tokio::io::AsyncReadExt::read_to_string(&mut read, &mut heard)
    );
    count.unwrap();
    assert!(heard == large, "{} bytes came, or others", heard.len());
    echo.end().await.unwrap();

    let counts = proxy.counts();
    let all = large.len() as u64 + 5;
    assert_eq!((counts.bytes_to_server, counts.bytes_to_client), (all, all));
    assert_eq!(
        (counts.accepted, counts.reset, counts.bytes_lost),
        (1, 0, 0)
    );
    assert_eq!(proxy.faults(), []);
}

#[tokio::test]
async fn latency_is_there_each_way_and_adds_up() {
    let (_echo, proxy) = ground().await;
    let mut client = Client::served_by(&proxy).await;
    proxy.set(Fault::latency(ms(20)));
    assert!(round_trip(&mut client).await >= ms(40));
    proxy.add(Fault::latency(ms(30)).to_client());
    assert!(round_trip(&mut client).await >= ms(70));
    assert_eq!(proxy.faults().len(), 2);
    proxy.set(Fault::latency(ms(20)).to_server());
    assert!(round_trip(&mut client).await >= ms(20));
    assert_eq!(proxy.faults().len(), 1);
}

#[tokio::test]
async fn what_is_late_is_there_at_once_when_all_is_well_again() {
    let (_echo, proxy) = ground().await;
    let mut client = Client::served_by(&proxy).await;
    proxy.set(Fault::latency(Duration::MAX));
    client.send("late").await;
    client.hears_nothing().await;
    proxy.heal();
    client.hears("late").await;
}

#[tokio::test]
async fn jitter_keeps_the_order() {
    let (_echo, proxy) = ground().await;
    let mut client = Client::served_by(&proxy).await;
    proxy.set(Fault::latency(ms(1)).jitter(ms(20), 42));
    let words = ["one ", "two ", "three ", "four ", "five ", "six "];
    for word in words {
        client.send(word).await;
        tokio::time::sleep(ms(2)).await;
    }
    client.hears(&words.concat()).await;
}

#[tokio::test]
async fn latency_leaves_the_throughput_alone() {
    let (_echo, proxy) = ground().await;
    let mut client = Client::served_by(&proxy).await;
    proxy.set(Fault::latency(ms(50)));
    let begun = Instant::now();
    // One after the other they would take 5 s.
    for _ in 0..50 {
        client.send("a piece of its own ").await;
        tokio::time::sleep(ms(1)).await;
    }
    client.hears(&"a piece of its own ".repeat(50)).await;
    assert!(begun.elapsed() < ms(2500), "took {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_narrow_band_takes_its_time() {
    let (_echo, proxy) = ground().await;
    let mut client = Client::served_by(&proxy).await;
    proxy.set(Fault::bandwidth(20_000).to_client());
    let text = "x".repeat(10_000);
    let begun = Instant::now();
    client.send(&text).await;
    client.hears(&text).await;
    // The last slice of a 50th of a second is written at once.
    assert!(begun.elapsed() >= ms(475), "took {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_fault_is_for_whom_it_is_for() {
    let (_echo, proxy) = ground().await;
    let mut old = Client::served_by(&proxy).await;
    proxy.set(Fault::latency(ms(60)).to_client().on_new());
    let mut new = Client::of(&proxy).await;
    assert!(round_trip(&mut new).await >= ms(60));
    old.talks().await;

    proxy.set(Fault::stall().on_established());
    for there in [&mut old, &mut new] {
        there.send("anybody?").await;
        there.hears_nothing().await;
    }
    Client::served_by(&proxy).await;
}

#[tokio::test]
async fn who_has_connected_is_there_even_if_nobody_has_looked_yet() {
    let (_echo, proxy) = ground().await;
    for _ in 0..50 {
        let mut client = Client::of(&proxy).await;
        proxy.set(Fault::black_hole().on_new());
        client.talks().await;
        proxy.heal();
    }
}

#[tokio::test]
async fn a_slow_handshake_delays_the_first_answer_only() {
    let (_echo, proxy) = ground().await;
    let mut old = Client::served_by(&proxy).await;
    proxy.set(Fault::slow_handshake(ms(60)));
    old.talks().await;
    let begun = Instant::now();
    let mut new = Client::of(&proxy).await;
    new.talks().await;
    assert!(begun.elapsed() >= ms(60));

    // It is not waited for any longer when it is over.
    proxy.set(Fault::slow_handshake(Duration::MAX));
    let mut new = Client::of(&proxy).await;
    new.send("late").await;
    new.hears_nothing().await;
    proxy.heal();
    new.hears("late").await;
}

async fn round_trip(client: &mut Client) -> Duration {
    let begun = Instant::now();
    client.talks().await;
    begun.elapsed()
}

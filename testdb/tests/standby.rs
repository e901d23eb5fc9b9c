//! Standbys: they replay, refuse to write, are promoted; and nothing of them stays behind.

use std::time::{Duration, Instant};

use millpond_testdb::{Server, Stop};

fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn replays_reads_only_and_is_promoted_after_its_primary_died() {
    let primary = Server::private().unwrap();
    let standby = primary.standby().unwrap();
    assert_ne!(primary.port().unwrap(), standby.port().unwrap());
    primary.query("CREATE TABLE t AS SELECT 7 AS x").unwrap();
    eventually(
        "the table arrives",
        || matches!(standby.query("SELECT x FROM t"), Ok(Some(x)) if x == "7"),
    );
    let refused = standby.query("DELETE FROM t").unwrap_err().to_string();
    assert!(refused.contains("read-only transaction"), "{refused}");

    primary.stop(Stop::Immediate).unwrap();
    standby.promote().unwrap();
    standby.query("DELETE FROM t").unwrap();
    standby.restart(Stop::Fast).unwrap();
    assert_eq!(
        standby
            .query("SELECT pg_is_in_recovery()")
            .unwrap()
            .as_deref(),
        Some("f"),
        "still a primary after a restart"
    );
    assert!(standby.promote().is_err(), "it is no standby any more");
}

#[test]
fn has_the_password_and_the_settings_of_its_primary_and_ends_with_its_value() {
    let primary = Server::builder()
        .password_auth("p")
        .setting("work_mem", "7MB")
        .start()
        .unwrap();
    let standby = primary.standby().unwrap();
    let shown = standby.query("SHOW work_mem").unwrap();
    assert_eq!(shown.as_deref(), Some("7MB"));
    assert!(standby.url("postgres").contains(":p@"));
    let port = standby.port().unwrap();
    let dir = standby.data_dir().unwrap().parent().unwrap().to_owned();
    drop(standby);
    assert!(!dir.exists(), "{} stays behind", dir.display());
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    primary.query("SELECT 1").unwrap();
}

//! Private servers: settings, restarts, frozen processes, passwords; and nothing of them stays behind.

use std::path::Path;
use std::time::Duration;

use millpond_testdb::{Server, Stop};
use tokio_postgres::{Client, Config, NoTls};

async fn connect(config: &Config) -> Client {
    let (client, driver) = config.connect(NoTls).await.unwrap();
    tokio::spawn(driver);
    client
}

/// The files that tell whether a server lives: its directory and its log.
fn traces(server: &Server) -> Vec<std::path::PathBuf> {
    let data = server.data_dir().unwrap();
    let dir = data.parent().map(Path::to_owned).unwrap();
    vec![data.join("postmaster.pid"), dir]
}

fn listens(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn ends_with_its_last_value() {
    let server = Server::private().unwrap();
    let (db, port, traces) = (
        server.database().unwrap(),
        server.port().unwrap(),
        traces(&server),
    );
    drop(server);
    assert_eq!(
        db.query("SELECT 1").unwrap().as_deref(),
        Some("1"),
        "a database keeps its server"
    );
    drop(db);
    assert!(!listens(port));
    for path in traces {
        assert!(!path.exists(), "{} stays behind", path.display());
    }
}

#[test]
fn two_servers_have_settings_of_their_own() {
    let start = |most| {
        Server::builder()
            .setting("Max_Connections", most)
            .start()
            .unwrap()
    };
    let (one, two) = (start("20"), start("30"));
    assert_ne!(one.port().unwrap(), two.port().unwrap());
    assert_eq!(
        one.query("SHOW max_connections").unwrap().as_deref(),
        Some("20")
    );
    assert_eq!(
        two.query("SHOW max_connections").unwrap().as_deref(),
        Some("30")
    );
    assert_eq!(one.query("SHOW fsync").unwrap().as_deref(), Some("off"));
}

#[test]
fn odd_values_of_settings_arrive_as_they_are() {
    let odd = r"it's \ odd = # 100%";
    let server = Server::builder()
        .setting("millpond.odd", odd)
        .start()
        .unwrap();
    assert_eq!(
        server.query("SHOW millpond.odd").unwrap().as_deref(),
        Some(odd)
    );
}

#[test]
fn a_setting_that_is_none_is_named_and_nothing_stays_behind() {
    let error = Server::builder()
        .setting("max_conections", "20")
        .start()
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("did not start") && error.contains("\"max_conections\""),
        "{error}"
    );
    for (name, value) in [
        ("port", "5432"),
        ("max connections", "20"),
        ("work_mem", "1MB\nport = 1"),
        ("", "1"),
    ] {
        let error = Server::builder()
            .setting(name, value)
            .start()
            .unwrap_err()
            .to_string();
        assert!(error.contains("setting") && error.contains(name), "{error}");
    }
}

#[test]
fn set_reloads_or_restarts() {
    let server = Server::private().unwrap();
    let port = server.port().unwrap();
    server.set("work_mem", "5MB").unwrap();
    assert_eq!(
        server.query("SHOW work_mem").unwrap().as_deref(),
        Some("5MB")
    );
    server.set("max_connections", "25").unwrap();
    assert_eq!(
        server.query("SHOW max_connections").unwrap().as_deref(),
        Some("25")
    );
    assert_eq!(
        server.query("SHOW work_mem").unwrap().as_deref(),
        Some("5MB")
    );
    assert_eq!(server.port().unwrap(), port);
}

#[test]
fn a_refused_setting_stays_as_it_was() {
    let server = Server::private().unwrap();
    server.set("work_mem", "5MB").unwrap();
    for (name, value) in [
        ("work_mem", "much"),
        ("no_such_setting", "1"),
        ("max_connections", "0"),
    ] {
        let error = server.set(name, value).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
        assert_eq!(
            server.query("SHOW work_mem").unwrap().as_deref(),
            Some("5MB"),
            "{name}"
        );
    }
    assert_eq!(
        server.query("SHOW max_connections").unwrap().as_deref(),
        Some("200")
    );
    server.restart(Stop::Fast).unwrap();
}

#[tokio::test]
async fn restarts_keep_the_port_and_end_connections_as_told() {
    let server = Server::private().unwrap();
    let db = server.database().unwrap();
    let port = server.port().unwrap();
    for (how, code) in [(Stop::Fast, Some("57P01")), (Stop::Immediate, None)] {
        let (client, driver) = db.config().connect(NoTls).await.unwrap();
        let driver = tokio::spawn(driver);
        server.restart(how).unwrap();
        let ended = driver.await.unwrap();
        let told = ended
            .err()
            .and_then(|e| e.code().map(|code| code.code().to_owned()));
        assert_eq!(told.as_deref(), code, "{how:?}");
        assert!(client.is_closed());
        assert_eq!(server.port().unwrap(), port);
        let client = connect(&db.config()).await;
        client.simple_query("SELECT 1").await.unwrap();
    }
}

#[test]
fn a_stopped_server_says_so_and_starts_again() {
    let server = Server::private().unwrap();
    let db = server.database().unwrap();
    server.stop(Stop::Smart).unwrap();
    server.stop(Stop::Fast).unwrap();
    assert!(!listens(server.port().unwrap()));
    let error = server.query("SELECT 1").unwrap_err().to_string();
    assert!(
        error.contains("cannot connect to") && error.contains(".s.PGSQL."),
        "{error}"
    );
    assert!(server.freeze().unwrap_err().to_string().contains("stopped"));
    server.set("work_mem", "5MB").unwrap();
    server.start().unwrap();
    server.start().unwrap();
    assert_eq!(db.query("SHOW work_mem").unwrap().as_deref(), Some("5MB"));
    server.stop(Stop::Immediate).unwrap();
}

#[tokio::test]
async fn a_frozen_server_answers_nobody_until_thawed() {
    let server = Server::private().unwrap();
    let db = server.database().unwrap();
    let client = connect(&db.config()).await;
    server.freeze().unwrap();
    let answer = client.simple_query("SELECT 1");
    tokio::pin!(answer);
    assert!(tokio::time::timeout(PATIENCE, &mut answer).await.is_err());
    let config = db.config();
    assert!(
        tokio::time::timeout(PATIENCE, config.connect(NoTls))
            .await
            .is_err()
    );
    server.thaw().unwrap();
    answer.await.unwrap();
    connect(&config)
        .await
        .simple_query("SELECT 1")
        .await
        .unwrap();
}

#[tokio::test]
async fn one_frozen_backend_leaves_the_others_alone() {
    let server = Server::private().unwrap();
    let db = server.database().unwrap();
    let (frozen, other) = (connect(&db.config()).await, connect(&db.config()).await);
    let pid: i32 = frozen
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    server.freeze_backend(pid).unwrap();
    other.simple_query("SELECT 1").await.unwrap();
    {
        let answer = frozen.simple_query("SELECT 1");
        tokio::pin!(answer);
        assert!(tokio::time::timeout(PATIENCE, &mut answer).await.is_err());
        server.thaw_backend(pid).unwrap();
        answer.await.unwrap();
    }
    server.freeze_backend(pid).unwrap();
    let name = db.name().to_owned();
    drop(db);
    let left = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
    assert_eq!(
        server.query(&left).unwrap().as_deref(),
        Some("0"),
        "a frozen backend keeps no database"
    );
}

#[tokio::test]
async fn a_killed_backend_is_a_crash_that_the_server_survives() {
    let server = Server::private().unwrap();
    let client = connect(&server.config("postgres")).await;
    let pid: i32 = client
        .query_one("SELECT pg_backend_pid()", &[])
        .await
        .unwrap()
        .get(0);
    server.kill_backend(pid).unwrap();
    assert!(client.simple_query("SELECT 1").await.is_err());
    for nobody in [0, -1, 1, i32::try_from(std::process::id()).unwrap()] {
        let error = server.kill_backend(nobody).unwrap_err().to_string();
        assert!(error.contains("no backend"), "{error}");
    }
    let recovered = || server.query("SELECT 1").is_ok();
    assert!((0..500).any(|_| recovered() || {
        std::thread::sleep(Duration::from_millis(10));
        false
    }));
}

#[test]
fn a_frozen_server_ends_as_fast_as_another() {
    let server = Server::private().unwrap();
    let (db, traces) = (server.database().unwrap(), traces(&server));
    server.freeze().unwrap();
    drop(db);
    drop(server);
    assert!(traces.iter().all(|path| !path.exists()));
}

#[tokio::test]
async fn a_password_is_demanded_by_tcp() {
    let secret = "it's p@ss/w:rd?%";
    let server = Server::builder().password_auth(secret).start().unwrap();
    let db = server.database().unwrap();
    let by_url: Config = db.url().parse().unwrap();
    assert_eq!(by_url.get_password(), Some(secret.as_bytes()));
    for right in [by_url, db.config(), db.socket_config().unwrap()] {
        connect(&right)
            .await
            .simple_query("SELECT 1")
            .await
            .unwrap();
    }
    let wrong = db
        .config()
        .password("wrong")
        .connect(NoTls)
        .await
        .err()
        .unwrap();
    assert_eq!(wrong.code().map(|code| code.code()), Some("28P01"));
    assert!(!format!("{server:?} {db:?}").contains(secret));
}

#[test]
fn the_log_is_a_file() {
    let server = Server::builder()
        .setting("log_connections", "on")
        .start()
        .unwrap();
    server
        .query("DO $$ BEGIN FOR i IN 1..3000 LOOP RAISE LOG 'line %', i; END LOOP; END $$")
        .unwrap();
    let log = std::fs::read_to_string(server.log_path().unwrap()).unwrap();
    assert!(log.contains("line 1\n") && log.contains("connection authorized"));
    assert!(server.log_tail().unwrap().contains("line 3000"));
    assert_eq!(server.log_tail().unwrap().lines().count(), 30);
}

#[test]
fn replication_settings_are_free() {
    let server = Server::builder()
        .setting("wal_level", "logical")
        .setting("max_wal_senders", "4")
        .start()
        .unwrap();
    assert_eq!(
        server.query("SHOW wal_level").unwrap().as_deref(),
        Some("logical")
    );
    assert!(server.is_private());
    assert!(server.version_num() >= 110_000 && !server.version().is_empty());
    assert!(server.bin_dir().unwrap().join("postgres").exists());
    assert!(
        server
            .socket_dir()
            .unwrap()
            .join(format!(".s.PGSQL.{}", server.port().unwrap()))
            .exists()
    );
}

#[test]
fn eight_servers_start_at_once() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let server = Server::private().unwrap();
                assert_eq!(server.query("SELECT 1").unwrap().as_deref(), Some("1"));
            });
        }
    });
}

/// How long silence must last to count as no answer.
const PATIENCE: Duration = Duration::from_millis(150);

#[test]
fn files_of_ones_own_lie_in_the_data_directory() {
    let server = Server::builder()
        .file("own.conf", "millpond.own = 'yes'\n")
        .file(
            "pg_hba.conf",
            "local all all trust\nhost all all 127.0.0.1/32 reject\n",
        )
        .start()
        .unwrap();
    let read = server.query("SELECT pg_read_file('own.conf')").unwrap();
    assert_eq!(read.as_deref(), Some("millpond.own = 'yes'\n"));
    let rules = "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'reject'";
    assert_eq!(server.query(rules).unwrap().as_deref(), Some("1"));
    for name in ["../x", "a/b", "", ".."] {
        let error = Server::builder().file(name, "").start().unwrap_err();
        assert!(error.to_string().contains("no name of a file"), "{error}");
    }
}

//! External servers, told by a URL or by the environment. The one here is a private server that plays the part.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use millpond_testdb::{Server, Stop};

/// Our command line program, with nothing in its environment that would lead it to a server.
fn testdb(word: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testdb"));
    command.arg(word).stdin(Stdio::null());
    for name in ["TEST_DATABASE_URL", "DATABASE_URL", "PG_BIN"] {
        command.env_remove(name);
    }
    command
}

fn stderr(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn databases(server: &Server) -> Vec<String> {
    let names = "SELECT datname FROM pg_database WHERE datname LIKE 'millpond%'";
    server
        .query_rows(names)
        .unwrap()
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}

/// Starts `testdb run` on the server, and returns it with the URL that it printed.
fn run_on(server: &Server, variable: &str) -> (Child, String) {
    let mut command = testdb("run");
    command
        .env(variable, server.url("postgres"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut url)
        .unwrap();
    (child, url.trim().to_owned())
}

#[test]
fn databases_are_created_and_dropped_there() {
    let host = Server::builder().password_auth("s3cret").start().unwrap();
    let server = Server::from_url(&host.url("postgres")).unwrap();
    let db = server.database().unwrap();
    assert_eq!(
        db.query("SELECT current_database()::text")
            .unwrap()
            .as_deref(),
        Some(db.name())
    );
    assert_eq!(db.url(), host.url(db.name()));
    assert_eq!(databases(&host), [db.name()]);
    assert!(!format!("{server:?}").contains("s3cret"), "{server:?}");
    drop(db);
    assert!(databases(&host).is_empty());
}

#[test]
fn what_only_a_private_server_allows_is_refused() {
    let host = Server::private().unwrap();
    let server = Server::from_url(&host.url("postgres")).unwrap();
    assert!(!server.is_private());
    for refused in [
        server.restart(Stop::Fast),
        server.freeze(),
        server.set("work_mem", "1MB"),
        server.kill_backend(1),
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(
            error.contains("private server only") && error.contains("Server::private()"),
            "{error}"
        );
    }
    assert!(server.port().is_err() && server.database().unwrap().socket_config().is_none());
}

#[test]
fn wrong_urls_are_told_without_their_password() {
    let host = Server::builder().password_auth("s3cret").start().unwrap();
    let (port, url) = (host.port().unwrap(), host.url("postgres"));
    let closed = format!(
        "postgres://postgres:hunter2@127.0.0.1:{}/postgres",
        port_that_is_closed()
    );
    for (url, expected) in [
        (closed, vec!["127.0.0.1", "refused"]),
        (
            url.replace("s3cret", "hunter2"),
            vec!["28P01", "\"postgres\"", &port.to_string()],
        ),
        (
            url.replace("/postgres", "/nowhere")
                .replace("//nowhere", "//postgres"),
            vec!["3D000", "nowhere"],
        ),
        (
            "mysql://root:hunter2@localhost/x".to_owned(),
            vec!["`mysql:`", "PostgreSQL only"],
        ),
        (
            "postgres:///x?user=hunter2&password=hunter2".to_owned(),
            vec!["no host"],
        ),
    ] {
        let error = Server::from_url(&url).unwrap_err().to_string();
        for word in expected {
            assert!(error.contains(word), "{word} is not in: {error}");
        }
        assert!(
            !error.contains("hunter2") && !error.contains("s3cret"),
            "{error}"
        );
        assert!(error.contains("Ways out"), "{error}");
    }
}

fn port_that_is_closed() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_user_who_may_not_create_databases_is_told_how_to() {
    let host = Server::private().unwrap();
    host.query("CREATE ROLE modest LOGIN").unwrap();
    let url = host.url("postgres").replace("postgres@", "modest@");
    let error = Server::from_url(&url).unwrap_err().to_string();
    assert!(
        error.contains("may not create") && error.contains("ALTER ROLE \"modest\" CREATEDB"),
        "{error}"
    );
    host.query("ALTER ROLE modest CREATEDB").unwrap();
    drop(Server::from_url(&url).unwrap().database().unwrap());
    assert!(databases(&host).is_empty());
}

#[test]
fn the_environment_leads_there() {
    let host = Server::private().unwrap();
    for variable in ["TEST_DATABASE_URL", "DATABASE_URL"] {
        let (mut child, url) = run_on(&host, variable);
        let names = databases(&host);
        assert_eq!(names.len(), 1, "{variable}");
        assert_eq!(url, host.url(&names[0]));
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
        assert!(databases(&host).is_empty(), "{variable}");
    }
}

#[test]
fn what_a_killed_run_left_the_next_one_drops() {
    let host = Server::private().unwrap();
    let (mut killed, _) = run_on(&host, "DATABASE_URL");
    killed.kill().unwrap();
    killed.wait().unwrap();
    let (mut living, _) = run_on(&host, "DATABASE_URL");
    assert_eq!(databases(&host).len(), 1, "of the living only");
    drop(Server::from_url(&host.url("postgres")).unwrap());
    assert_eq!(databases(&host).len(), 1, "the living keeps its own");
    drop(living.stdin.take());
    living.wait().unwrap();
}

#[test]
fn a_wrong_environment_fails_and_names_the_variable() {
    let run = |name: &str, value: &str| stderr(&testdb("run").env(name, value).output().unwrap());
    let error = run("DATABASE_URL", "sqlite::memory:");
    assert!(
        error.contains("DATABASE_URL") && error.contains("`sqlite:`") && error.contains("unset"),
        "{error}"
    );
    let error = run("PG_BIN", "/nowhere");
    assert!(
        error.contains("PG_BIN") && error.contains("/nowhere") && error.contains("`postgres`"),
        "{error}"
    );
    let mut both = testdb("run");
    both.env("DATABASE_URL", "sqlite::memory:")
        .env("TEST_DATABASE_URL", "mysql://h/x");
    let error = stderr(&both.output().unwrap());
    assert!(error.contains("TEST_DATABASE_URL does not"), "{error}");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let mut command = testdb("run");
    command
        .env("TEST_DATABASE_URL", "")
        .env("DATABASE_URL", " ")
        .env("PG_BIN", "");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let url = String::from_utf8(output.stdout).unwrap();
    assert!(url.starts_with("postgres://postgres@127.0.0.1:"), "{url}");
}

#[test]
fn find_prints_the_programs() {
    let output = testdb("find").output().unwrap();
    let bin = String::from_utf8(output.stdout).unwrap();
    assert!(
        std::path::Path::new(bin.trim()).join("postgres").exists(),
        "{bin}"
    );
    let usage = testdb("--help").output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
    assert!(stderr(&usage).contains("usage: testdb find"));
}

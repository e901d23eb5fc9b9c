//! The page as text: complete, of one piece, and nobody else's words are markup in it.

use crate::fixture::{self, ATTACK};
use millpond_lab::data::Sleeps;
use millpond_lab::report::{Paint, page, read, table, write};

fn text() -> String {
    page(&fixture::report()).expect("it is drawn")
}

/// Where each of these stands, one after the other.
#[track_caller]
fn assert_order(page: &str, parts: &[&str]) {
    let mut rest = page;
    for part in parts {
        let Some(at) = rest.find(part) else {
            panic!("{part:?} does not come after those before it");
        };
        rest = &rest[at..];
    }
}

#[test]
fn the_backend_comes_first_and_the_verdicts_before_all_else() {
    let body = text().split_once("<body").expect("a body").1.to_owned();
    assert_order(
        &body,
        &[
            "PostgreSQL 15.18",
            "started for this run",
            "in the server (pg_sleep)",
            "<h1>",
            "2 of 7 runs passed; 2 failed, 1 broken, 1 skipped, 1 stopped.",
            "<table>",
            ">Recovery<",
            "✓ passed",
            "healthy again after 310 ms",
            "60 s",
            "✗ failed",
            "nobody times out late: 180 ms, asked: 50ms",
            "latest time-out after its bound unknown",
            "– skipped",
            "it has one connection only",
            "! broken",
            "■ stopped",
            "</table>",
            "42",
            "<h2>Recovery",
        ],
    );
}

#[test]
fn another_database_is_told_of_in_the_first_line() {
    let mut report = fixture::report();
    report.backend.kind = "SQLite".to_owned();
    report.backend.version = "3.50.4".to_owned();
    report.backend.sleeps = Sleeps::InClient;
    let page = page(&report).expect("it is drawn");
    let body = page.split_once("<body").expect("a body").1;
    assert_order(
        body,
        &[
            "not-real",
            "SQLite 3.50.4",
            "not PostgreSQL",
            "in the client",
            "<h1>",
        ],
    );
}

#[test]
fn a_case_shows_all_that_is_known_of_it() {
    assert_order(
        &text(),
        &[
            "id=\"saturation\"",
            "When every connection is taken, does the pool say so exactly?",
            "8 connections, 5 of them kept",
            "most allowed",
            "What must hold",
            "✗ fails",
            "✓ holds",
            "Over time",
            "<svg role=\"img\"",
            "What happened when: 1 phase, 0 faults",
            "How long requests waited",
            "got none",
            "What requests came to",
            "timed out",
            "unknown to this pool: idle",
            "unknown to this pool: waiting",
        ],
    );
}

/// Each tag that the page opens, lower case.
fn tags(page: &str) -> Vec<String> {
    let parts = page.split('<').skip(1);
    let name = |part: &str| {
        let name: String = part
            .chars()
            .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '!')
            .collect();
        name.to_lowercase()
    };
    parts.map(name).filter(|name| !name.is_empty()).collect()
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    let page = text();
    for tag in tags(&page) {
        let refused = [
            "script", "img", "link", "iframe", "object", "embed", "base", "image", "use", "a0",
        ];
        assert!(!refused.contains(&tag.as_str()), "<{tag}>");
    }
    let free = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!free.contains("http:") && !free.contains("https:") && !free.contains("@import"));
    assert!(!free.contains("url("));
    assert!(page.contains("default-src 'none'"));
    for (at, _) in page.match_indices("href=\"") {
        assert!(page[at + 6..].starts_with('#'), "{}", &page[at..at + 40]);
    }
}

#[test]
fn what_others_wrote_is_no_markup() {
    let page = text();
    assert!(!page.contains(ATTACK));
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>'"));
    let shown = "&lt;/script&gt;&lt;script&gt;document.title=&#39;taken&#39;&lt;/script&gt;";
    let times = page.matches(shown).count();
    // Title, question, pool, verdict, check, figure, group, note, mark …
    assert!(times >= 12, "{times}");
    assert!(!page.contains('\u{1b}') && !page.contains('\u{7}'));
    // Inside of a tag it stands between quotation marks only, which it has none of.
    for tag in page
        .split('<')
        .skip(1)
        .filter_map(|part| part.split('>').next())
    {
        let bare: String = tag.split('"').step_by(2).collect();
        assert!(!bare.contains("onerror"), "{tag}");
    }
}

#[test]
fn long_timelines_do_not_make_a_long_page() {
    let mut report = fixture::report();
    report.cases.truncate(1);
    let before = page(&report).expect("it is drawn").len();
    let samples = &mut report.cases[0].runs[0].timelines[0].samples;
    let long: Vec<_> = (0..100u32)
        .flat_map(|round| {
            samples.iter().map(move |sample| {
                let mut sample = *sample;
                sample.at = (sample.at + f64::from(round) * 60.0) / 100.0;
                sample
            })
        })
        .collect();
    *samples = long;
    let after = page(&report).expect("it is drawn").len();
    assert!(after < before * 3, "{before} bytes, then {after}");
}

#[test]
fn the_table_is_aligned_and_plain_where_nobody_sees_colours() {
    let table = table(&fixture::report(), Paint::Plain);
    assert!(!table.contains('\u{1b}'), "{table}");
    let lines: Vec<_> = table.lines().collect();
    let head = lines[1];
    let column = |name: &str| {
        head.find(name)
            .unwrap_or_else(|| panic!("no {name} in {head}"))
    };
    let letters: Vec<char> = lines[2].chars().collect();
    let from = |at: usize| letters[at..].iter().collect::<String>();
    assert!(from(column("case")).starts_with("recovery "), "{table}");
    assert!(from(column("pool")).starts_with("millpond "), "{table}");
    assert!(from(column("verdict")).starts_with("passed "), "{table}");
    assert!(
        from(column("figure")).starts_with("healthy again after 310 ms "),
        "{table}"
    );
    assert!(from(column("bound")).starts_with("60 s"), "{table}");
    assert_order(
        &table,
        &[
            "1 of 3 checks fail",
            "saturation, other: FAILED",
            "nobody times out late: 180 ms, asked: 50ms",
            "a database in a file: skipped",
            "it has one connection only",
            "2 of 7 runs passed",
        ],
    );
}

#[test]
fn colours_are_added_and_nothing_else_is() {
    let report = fixture::report();
    let coloured = table(&report, Paint::Colours);
    let mut plain = coloured.clone();
    for code in ["32", "1;31", "33", "2", "0"] {
        plain = plain.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_ne!(plain, coloured);
    assert_eq!(plain, table(&report, Paint::Plain));
}

#[test]
fn what_is_written_is_what_is_read() {
    let folder = std::env::temp_dir().join(format!("millpond-lab-page-{}", std::process::id()));
    let report = fixture::report();
    write(&report, &folder).expect("it is written");
    let again = read(&folder.join("report.json")).expect("it is read");
    std::fs::remove_dir_all(&folder).expect("it was made");
    // All that is known is on the page.
    let same = page(&again).expect("a page") == page(&report).expect("a page");
    assert!(same, "the page of what was read is another one");
}

//! The live view, drawn into a terminal that is none.

use millpond_lab::data::{Level, Outcome, Sample, Timeline, Verdict};
use millpond_lab::record::{Glimpse, Recorder};
use millpond_lab::tui::{Current, Row, State, View, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use std::time::Duration;

fn row(case: &str, state: State) -> Row {
    Row {
        case: case.to_owned(),
        pool: "millpond".to_owned(),
        state,
    }
}

fn sample(in_use: usize, waiting: usize, health: Level) -> Sample {
    Sample {
        max: Some(8),
        size: Some(6),
        connecting: Some(1),
        in_use: Some(in_use),
        idle: Some(5 - in_use),
        waiting: Some(waiting),
        health: Some(health),
        ..Sample::default()
    }
}

fn view() -> View {
    let recorder = Recorder::new();
    for ms in [1, 1, 1, 40] {
        let wait = Duration::from_millis(ms);
        recorder.request("callers", Outcome::Served, wait, wait);
    }
    View {
        title: "PostgreSQL 15.18, started for this run; seed 42".to_owned(),
        seconds: 12.3,
        rows: vec![
            row(
                "saturation",
                State::Ended(Verdict::Passed, "latest time-out 2.1 ms".to_owned()),
            ),
            row("line", State::Ended(Verdict::Failed, String::new())),
            row("recovery", State::Runs),
            row("isolation", State::Planned),
        ],
        current: Some(Current {
            title: "Recovery".to_owned(),
            question: "Does it come back by itself?".to_owned(),
            pool: "millpond".to_owned(),
            expected: 20.0,
            now: Glimpse {
                at: 5.0,
                phases: vec!["frozen".to_owned()],
                faults: vec!["SIGSTOP".to_owned()],
                pools: vec![Timeline {
                    name: "lab-millpond-recovery-0a1b2c".to_owned(),
                    samples: vec![sample(1, 0, Level::Healthy), sample(4, 7, Level::Critical)],
                }],
            },
            groups: recorder.groups(),
        }),
        stopping: false,
    }
}

/// The lines of a picture.
fn drawn(view: &View, columns: u16, rows: u16) -> (Vec<String>, Terminal<TestBackend>) {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("a terminal");
    terminal.draw(|frame| draw(frame, view)).expect("a picture");
    let buffer = terminal.backend().buffer();
    let line = |y| {
        (0..columns)
            .map(|x| buffer[(x, y)].symbol())
            .collect::<String>()
    };
    ((0..rows).map(line).collect(), terminal)
}

#[track_caller]
fn assert_shown(lines: &[String], text: &str) {
    assert!(
        lines.iter().any(|line| line.contains(text)),
        "no {text:?} in\n{}",
        lines.join("\n")
    );
}

#[test]
fn the_pool_the_line_and_the_verdicts_are_shown() {
    let (lines, _) = drawn(&view(), 110, 30);
    for text in [
        "PostgreSQL 15.18, started for this run; seed 42  12 s",
        "✓ saturation, millpond passed",
        "  latest time-out 2.1 ms",
        "✗ line, millpond FAILED",
        "▶ recovery, millpond runs",
        "· isolation, millpond",
        "Recovery, millpond",
        "Does it come back by itself?",
        "5.0 of about 20 s",
        "frozen",
        "fault: SIGSTOP",
        "recovery CRITICAL 4/8 in use, 1 connecting, 7 waiting",
        // Held, ready, being made, not made.
        "■ ■ ■ ■ □ ◌ · · ",
        "››››››› 7",
        "How long requests waited",
        "╵1 ms",
        "╵10 ms",
        "q stops",
    ] {
        assert_shown(&lines, text);
    }
}

#[test]
fn what_is_held_and_what_fails_has_its_colour_too() {
    let (lines, terminal) = drawn(&view(), 110, 30);
    let find = |text: &str| {
        let y = lines
            .iter()
            .position(|line| line.contains(text))
            .expect("it is shown");
        let at = lines[y].find(text).expect("it is there");
        let x = lines[y][..at].chars().count();
        terminal.backend().buffer()[(x as u16, y as u16)].fg
    };
    assert_eq!(find("■ ■"), Color::Blue);
    assert_eq!(find("FAILED"), Color::Red);
    assert_eq!(find("fault: SIGSTOP"), Color::Red);
}

#[test]
fn what_a_pool_does_not_know_is_called_unknown() {
    let mut view = view();
    let current = view.current.as_mut().expect("one runs");
    current.now.pools[0].samples = vec![Sample::default()];
    current.groups.clear();
    view.stopping = true;
    let (lines, _) = drawn(&view, 110, 30);
    for text in [
        "health unknown",
        "slots unknown",
        "the line is unknown",
        "nobody has waited yet",
        "stopping; what was measured so far is kept",
    ] {
        assert_shown(&lines, text);
    }
}

#[test]
fn no_terminal_is_too_small_and_none_too_large() {
    let mut view = view();
    let sample = view
        .current
        .as_mut()
        .map(|current| &mut current.now.pools[0].samples[1]);
    sample.expect("one runs").waiting = Some(100_000);
    for (columns, rows) in [(1, 1), (20, 40), (20, 5), (40, 12), (80, 24), (300, 100)] {
        drawn(&view, columns, rows);
    }
    let (lines, _) = drawn(&view, 80, 24);
    assert_shown(&lines, "› 100000");
    drawn(&View::default(), 80, 24);
}

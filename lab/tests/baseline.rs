//! Baselines: what is worse by more than its noise is found, and the repository's own is held to, in its cheapest form.

use millpond_lab::baseline::{Baselines, Compared, Standing, USUAL, usual_file};
use millpond_lab::data::{
    Backend, Better, CaseReport, Figure, Machine, Report, Run, SCHEMA, Scale, Sleeps, Verdict,
};
use millpond_lab::runner::{self, Nobody, Plan};
use millpond_lab::site::Site;
use millpond_lab::{cases, pools};
use std::path::Path;
use tokio_util::sync::CancellationToken;

fn figure(name: &str, value: f64, unit: &str, better: Better) -> Figure {
    Figure {
        name: name.to_owned(),
        value,
        unit: unit.to_owned(),
        better,
        bound: None,
        headline: false,
    }
}

/// A run of one case that passed, with these: a time, a rate, a count, and one that nobody judges.
fn report(late: f64, rate: f64, lost: f64) -> Report {
    let figures = vec![
        figure("late", late, "ms", Better::Lower),
        figure("rate", rate, "gets/s", Better::Higher),
        figure("lost", lost, "", Better::Lower),
        figure("turned away", late, "ms", Better::Neither),
    ];
    Report {
        schema: SCHEMA,
        started: "2026-11-26T04:05:06Z".to_owned(),
        seconds: 1.0,
        seed: 1,
        scale: Scale::Short,
        machine: Machine::default(),
        versions: [("millpond".to_owned(), "0.1.0".to_owned())].into(),
        backend: Backend {
            kind: "PostgreSQL".to_owned(),
            version: "15".to_owned(),
            origin: "nowhere".to_owned(),
            sleeps: Sleeps::InServer,
        },
        interrupted: false,
        cases: vec![CaseReport {
            name: "line".to_owned(),
            title: String::new(),
            question: String::new(),
            conditions: Vec::new(),
            runs: vec![Run {
                pool: "millpond".to_owned(),
                verdict: Verdict::Passed,
                seconds: 1.0,
                checks: Vec::new(),
                figures,
                groups: Vec::new(),
                timelines: Vec::new(),
                marks: Vec::new(),
                notes: Vec::new(),
            }],
        }],
    }
}

fn kept() -> Baselines {
    let mut baselines = Baselines::default();
    let two = [report(80.0, 1_000.0, 0.0), report(100.0, 1_200.0, 0.0)];
    baselines.keep("here", &two).expect("they passed");
    baselines
}

fn compared(now: &Report) -> Vec<Compared> {
    let baselines = kept();
    let here = baselines.named("here").expect("it was kept");
    here.compare(&now.cases, &[])
}

fn standings(now: &Report) -> Vec<Standing> {
    compared(now).into_iter().map(|it| it.standing).collect()
}

#[test]
fn what_is_kept_is_the_spread_of_all_runs_and_only_what_can_be_worse() {
    let baselines = kept();
    let here = baselines.named("here").expect("it was kept");
    let spread: Vec<_> = here
        .figures
        .iter()
        .map(|kept| (kept.name.as_str(), kept.lowest, kept.highest))
        .collect();
    assert_eq!(
        spread,
        [
            ("late", 80.0, 100.0),
            ("rate", 1_000.0, 1_200.0),
            ("lost", 0.0, 0.0)
        ]
    );
    assert_eq!(here.runs, 2);
    let error = baselines
        .named("there")
        .expect_err("nobody kept it")
        .to_string();
    assert!(
        error.contains("\"there\"") && error.contains("here") && error.contains("save"),
        "{error}"
    );
}

#[test]
fn within_its_noise_or_better_is_good() {
    use Standing::Good;
    // Twice the worst and 20 ms; half of the lowest rate; a count as it was.
    for now in [report(219.0, 501.0, 0.0), report(1.0, 9_000.0, 0.0)] {
        assert_eq!(standings(&now), [Good, Good, Good]);
    }
}

#[test]
fn beyond_its_noise_is_worse() {
    use Standing::{Good, Worse};
    assert_eq!(standings(&report(221.0, 1_000.0, 0.0)), [Worse, Good, Good]);
    assert_eq!(standings(&report(100.0, 499.0, 0.0)), [Good, Worse, Good]);
    assert_eq!(standings(&report(100.0, 1_000.0, 1.0)), [Good, Good, Worse]);
    let told = compared(&report(221.0, 1_000.0, 0.0))[0].to_string();
    assert_eq!(
        told,
        "line, millpond: late: 221.00 ms, 80.00 to 100.00 kept (2.21 times the worst; up to 220.00 is noise)"
    );
}

#[test]
fn what_is_not_measured_any_more_is_not_good() {
    let mut gone = report(100.0, 1_000.0, 0.0);
    gone.cases[0].runs[0].figures.remove(1);
    gone.cases[0].runs[0].figures[0].value = f64::NAN;
    let missing = |standing: &Standing| matches!(standing, Standing::Missing(_));
    let standings_of = standings(&gone);
    assert_eq!(
        standings_of.iter().filter(|it| missing(it)).count(),
        2,
        "{standings_of:?}"
    );
    let mut failed = report(100.0, 1_000.0, 0.0);
    failed.cases[0].runs[0].verdict = Verdict::Failed;
    assert!(standings(&failed).iter().all(missing));
    failed.cases.clear();
    assert!(standings(&failed).iter().all(missing));
    assert_eq!(compared(&failed).len(), 3);
}

#[test]
fn only_what_passed_is_kept_and_what_was_said_of_noise_stays() {
    let mut baselines = kept();
    let mut failed = report(1.0, 1.0, 0.0);
    failed.cases[0].runs[0].verdict = Verdict::Failed;
    let refused = baselines
        .keep("here", &[failed])
        .expect_err("it failed")
        .to_string();
    assert!(refused.contains("line, millpond: FAILED"), "{refused}");
    assert!(baselines.keep("here", &[]).is_err());
    let mut long = report(1.0, 1.0, 0.0);
    long.scale = Scale::Full;
    assert!(
        baselines
            .keep("here", &[report(1.0, 1.0, 0.0), long])
            .is_err()
    );
    let here = baselines.baselines.get_mut("here").expect("it is there");
    here.figures[0].noise.times = 7.0;
    baselines
        .keep("here", &[report(5.0, 5.0, 5.0)])
        .expect("it passed");
    let here = baselines.named("here").expect("it is there");
    assert_eq!(
        (here.figures[0].highest, here.figures[0].noise.times),
        (5.0, 7.0)
    );
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("baseline-of-a-test.json");
    kept().write(&file).expect("it is written");
    let again = Baselines::read(&file).expect("it is read");
    std::fs::remove_file(&file).expect("it was written");
    assert_eq!(
        again.baselines["here"].figures,
        kept().baselines["here"].figures
    );
    let error = Baselines::read(&file).expect_err("it is gone").to_string();
    assert!(error.contains("baseline-of-a-test.json"), "{error}");
}

/// The cheapest form of `lab baseline check`: the shortest case, against what the repository keeps.
#[tokio::test(flavor = "multi_thread")]
async fn this_run_is_no_worse_than_what_the_repository_keeps() {
    let baselines = Baselines::read(&usual_file()).expect("the repository's baseline");
    let usual = baselines.named(USUAL).expect("the usual machine");
    let asked = ["saturation".to_owned()];
    let plan = Plan {
        cases: cases::all()
            .into_iter()
            .filter(|case| asked[0] == case.name())
            .collect(),
        makers: pools::own().into_iter().take(1).collect(),
        scale: usual.scale,
        seed: 1,
    };
    let site = Site::find(false).await.expect("a PostgreSQL");
    let reports = runner::run(&plan, &site, &CancellationToken::new(), &Nobody).await;
    let compared = usual.compare(&reports, &asked);
    assert!(!compared.is_empty(), "nothing of it was kept");
    let worse: Vec<_> = compared
        .iter()
        .filter(|it| !it.is_good())
        .map(ToString::to_string)
        .collect();
    assert!(
        worse.is_empty(),
        "{worse:#?}\n{:#?}",
        reports[0].runs[0].checks
    );
}

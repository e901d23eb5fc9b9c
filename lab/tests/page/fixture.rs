//! A report as no run would make it: every verdict, several pools, faults, what is unknown, and texts that attack.

use fastrand::Rng;
use millpond_lab::data::{
    Backend, Better, CaseReport, Check, Distribution, Figure, Group, Level, Machine, Mark,
    MarkKind, Outcome, Report, Run, SCHEMA, Sample, Scale, Sleeps, Timeline, Verdict,
};
use std::collections::BTreeMap;

/// What nobody may be able to smuggle into a page.
pub(crate) const ATTACK: &str =
    "</script><script>document.title='taken'</script><img src=x onerror=alert(1)>'\"><b>";

/// Three cases, four pools, every verdict.
pub(crate) fn report() -> Report {
    Report {
        schema: SCHEMA,
        started: "2026-11-26T04:05:06Z".to_owned(),
        seconds: 93.2,
        seed: 42,
        scale: Scale::Short,
        machine: Machine {
            cores: 2,
            processor: Some("A processor".to_owned()),
            system: "linux x86_64".to_owned(),
            load: Some(0.4),
        },
        versions: [
            ("millpond", "0.1.0"),
            ("other", "1.2.3"),
            ("rustc", "1.95.0"),
        ]
        .map(|(of, version)| (of.to_owned(), version.to_owned()))
        .into(),
        backend: Backend {
            kind: "PostgreSQL".to_owned(),
            version: "15.18".to_owned(),
            origin: "started for this run".to_owned(),
            sleeps: Sleeps::InServer,
        },
        interrupted: false,
        cases: vec![recovery(), saturation(), attacked()],
    }
}

/// One pool, which passes; long, with faults.
fn recovery() -> CaseReport {
    let mut rng = Rng::with_seed(7);
    let mut run = run("millpond", Verdict::Passed);
    run.checks = vec![
        check("comes back by itself", "within 60 s", "after 0.31 s", true),
        check(
            "the dead are replaced without a storm",
            "at most 16 connects",
            "8",
            true,
        ),
        check(
            "pool and server agree",
            "the same number of connections, at rest",
            "the pool says 8, the server 8",
            true,
        ),
    ];
    run.figures = vec![
        figure("healthy again after", 310.0, "ms", true),
        figure("longest get", 1_204.0, "ms", false),
    ];
    run.figures[0].bound = Some("60 s".to_owned());
    run.groups = vec![Group {
        name: "callers".to_owned(),
        outcomes: [
            (Outcome::Served, 4_210),
            (Outcome::Failed, 61),
            (Outcome::TimedOut, 12),
        ]
        .into(),
        waits: times(&mut rng, 4_210, 0.02, 3.5),
        totals: times(&mut rng, 4_210, 0.6, 2.5),
        refusals: times(&mut rng, 73, 40.0, 1.4),
    }];
    run.timelines = vec![timeline(
        "lab-millpond-recovery-00aa11",
        &mut rng,
        60.0,
        &[(12.0, 14.0), (30.0, 34.0), (48.0, 48.5)],
    )];
    run.marks = vec![
        mark(0.0, Some(10.0), MarkKind::Phase, "all is well"),
        mark(10.0, Some(26.0), MarkKind::Phase, "restart"),
        mark(
            12.0,
            Some(14.0),
            MarkKind::Fault,
            "the server is restarted (fast)",
        ),
        mark(26.0, Some(44.0), MarkKind::Phase, "frozen"),
        mark(30.0, Some(34.0), MarkKind::Fault, "SIGSTOP"),
        mark(
            44.0,
            Some(60.0),
            MarkKind::Phase,
            "no more connections (53300)",
        ),
        mark(
            48.0,
            None,
            MarkKind::Fault,
            "every connection is terminated",
        ),
    ];
    run.notes = vec!["8 connections were replaced; 8 connects were made for it.".to_owned()];
    case(
        "recovery",
        "Recovery",
        "Does it come back by itself when the server does, and without a storm?",
        vec![run],
    )
}

/// Four pools side by side: two verdicts, one that knows little of itself, one that was skipped.
fn saturation() -> CaseReport {
    let mut rng = Rng::with_seed(8);
    let mut runs = Vec::new();
    for (pool, verdict, late) in [
        ("millpond", Verdict::Passed, 2.0),
        ("other", Verdict::Failed, 180.0),
    ] {
        let mut run = run(pool, verdict);
        run.checks = vec![
            check("every connection is in use", "8 of 8", "8 of 8", true),
            check("nobody times out early", "0", "0", true),
            check(
                "nobody times out late",
                "50ms",
                &format!("{late} ms"),
                late < 50.0,
            ),
        ];
        run.figures = vec![figure("latest time-out after its bound", late, "ms", true)];
        run.groups = vec![
            group("holders", Outcome::Served, 8, times(&mut rng, 8, 0.3, 0.6)),
            group(
                "excess",
                Outcome::TimedOut,
                24,
                times(&mut rng, 24, 60.0 + late, 1.2),
            ),
        ];
        run.timelines = vec![timeline(
            &format!("lab-{pool}-saturation-00bb22"),
            &mut rng,
            2.4,
            &[(0.2, 2.0)],
        )];
        run.marks = vec![mark(
            0.1,
            Some(2.0),
            MarkKind::Phase,
            "every connection is held",
        )];
        runs.push(run);
    }
    let mut blind = runs[1].clone();
    blind.pool = "knows little".to_owned();
    for sample in &mut blind.timelines[0].samples {
        (sample.idle, sample.waiting, sample.health) = (None, None, None);
    }
    blind.figures = vec![figure(
        "latest time-out after its bound",
        f64::NAN,
        "ms",
        true,
    )];
    runs.push(blind);
    runs.push(run(
        "a database in a file",
        Verdict::Skipped("it has one connection only".to_owned()),
    ));
    case(
        "saturation",
        "Saturation",
        "When every connection is taken, does the pool say so exactly?",
        runs,
    )
}

/// Broken by a panic whose text is markup, as are all other texts.
fn attacked() -> CaseReport {
    let mut rng = Rng::with_seed(9);
    let mut run = run(ATTACK, Verdict::Broken(format!("it panicked: {ATTACK}")));
    run.checks = vec![check(ATTACK, ATTACK, ATTACK, false)];
    run.figures = vec![Figure {
        unit: ATTACK.to_owned(),
        ..figure(ATTACK, 1.0, "", true)
    }];
    run.groups = vec![group(
        ATTACK,
        Outcome::Served,
        3,
        times(&mut rng, 3, 1.0, 1.0),
    )];
    run.timelines = vec![timeline(ATTACK, &mut rng, 2.0, &[])];
    run.marks = vec![mark(0.5, Some(1.0), MarkKind::Fault, ATTACK)];
    run.notes = vec![
        ATTACK.to_owned(),
        format!("a colour \u{1b}[31m and a bell \u{7}"),
    ];
    let mut stopped = self::run("millpond", Verdict::Interrupted);
    stopped.pool = ATTACK.to_owned();
    case(ATTACK, ATTACK, ATTACK, vec![run, stopped])
}

fn case(name: &str, title: &str, question: &str, runs: Vec<Run>) -> CaseReport {
    CaseReport {
        name: name.to_owned(),
        title: title.to_owned(),
        question: question.to_owned(),
        conditions: vec![
            "8 connections, 5 of them kept".to_owned(),
            "a bound of 5 s".to_owned(),
        ],
        runs,
    }
}

fn run(pool: &str, verdict: Verdict) -> Run {
    Run {
        pool: pool.to_owned(),
        verdict,
        seconds: 2.3,
        checks: Vec::new(),
        figures: Vec::new(),
        groups: Vec::new(),
        timelines: Vec::new(),
        marks: Vec::new(),
        notes: Vec::new(),
    }
}

fn check(name: &str, bound: &str, found: &str, holds: bool) -> Check {
    Check {
        name: name.to_owned(),
        bound: bound.to_owned(),
        found: found.to_owned(),
        holds,
    }
}

fn figure(name: &str, value: f64, unit: &str, headline: bool) -> Figure {
    Figure {
        name: name.to_owned(),
        value,
        unit: unit.to_owned(),
        better: Better::Lower,
        bound: None,
        headline,
    }
}

fn mark(from: f64, to: Option<f64>, kind: MarkKind, text: &str) -> Mark {
    Mark {
        from,
        to,
        kind,
        text: text.to_owned(),
    }
}

fn group(name: &str, outcome: Outcome, count: u64, times: Distribution) -> Group {
    let served = outcome == Outcome::Served;
    let mut group = Group {
        name: name.to_owned(),
        outcomes: [(outcome, count)].into(),
        ..Group::default()
    };
    if served {
        (group.waits, group.totals) = (times.clone(), times);
    } else {
        group.refusals = times;
    }
    group
}

/// So many times around `middle` milliseconds, over so many powers of ten.
fn times(rng: &mut Rng, count: u64, middle: f64, decades: f64) -> Distribution {
    let mut all: Vec<f64> = (0..count)
        .map(|_| {
            let spread = rng.f64() + rng.f64() + rng.f64() - 1.5;
            (middle * 10f64.powf(spread / 1.5 * decades)).max(0.001)
        })
        .collect();
    all.sort_by(f64::total_cmp);
    let mut buckets = BTreeMap::new();
    for ms in &all {
        *buckets
            .entry((ms.log10() * 10.0).ceil() as i32)
            .or_default() += 1;
    }
    let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
    Distribution {
        count,
        min: at(0.0),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        max: at(1.0),
        buckets: buckets
            .into_iter()
            .map(|(step, count)| (10f64.powf(f64::from(step) / 10.0), count))
            .collect(),
    }
}

/// Looked at every 20 ms; critical and crowded in the bad times.
fn timeline(name: &str, rng: &mut Rng, seconds: f64, bad: &[(f64, f64)]) -> Timeline {
    let count = (seconds / 0.02) as u32;
    let sample = |number| {
        let at = f64::from(number) * 0.02;
        let is_bad = bad.iter().any(|(from, to)| (*from..*to).contains(&at));
        let after = bad.iter().any(|(_, to)| (*to..*to + 0.5).contains(&at));
        let in_use = if is_bad { 8 } else { rng.usize(2..=6) };
        Sample {
            at,
            max: Some(8),
            size: Some(if after { 6 } else { 8 }),
            connecting: Some(if after { 2 } else { 0 }),
            in_use: Some(if after { 4 } else { in_use }),
            idle: Some(if after { 0 } else { 8 - in_use }),
            waiting: Some(if is_bad { rng.usize(18..=24) } else { 0 }),
            health: Some(match (is_bad, after) {
                (true, _) => Level::Critical,
                (_, true) => Level::Warning,
                _ => Level::Healthy,
            }),
        }
    };
    Timeline {
        name: name.to_owned(),
        samples: (0..count).map(sample).collect(),
    }
}

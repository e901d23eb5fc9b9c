use super::{ALERT_TESTS, ALERTS, DASHBOARD, dashboard};
use millpond::observe::names::{Label, METRICS};
use millpond_ops_tests::dashboard::{filled_in, queries};
use millpond_ops_tests::mutants::{self, Mutant};
use millpond_ops_tests::{Promtool, root, text_of};
use std::fmt::Write;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

#[test]
fn prometheus_reads_the_rules() {
    promtool()
        .check_rules(&root().join(ALERTS))
        .unwrap_or_else(|said| panic!("{said}"));
}

#[test]
fn the_rules_fire_when_they_should_and_only_then() {
    promtool()
        .test_rules(&root().join(ALERT_TESTS))
        .unwrap_or_else(|said| panic!("{said}"));
}

#[test]
fn prometheus_refuses_what_is_no_query() {
    let folder = promtool().folder();
    let rules = "groups:\n  - { name: it, rules: [{ record: \"it\", expr: \"sum(\" }] }\n";
    let said = promtool().check_rules(&folder.write("rules.yml", rules));
    assert!(said.is_err_and(|said| said.contains("could not parse expression")));
}

/// A page with one series of each metric, and of each value of its labels.
fn page_of_metrics() -> String {
    let mut page = String::new();
    for metric in METRICS {
        let (name, kind) = (metric.prometheus_name(), metric.kind.prometheus_type());
        writeln!(page, "# HELP {name} {}\n# TYPE {name} {kind}", metric.help)
            .expect("a string grows");
        let labels = label_sets(metric.labels);
        for series in metric.prometheus_series() {
            let le = if series.ends_with("_bucket") {
                ",le=\"+Inf\""
            } else {
                ""
            };
            for labels in &labels {
                writeln!(page, "{series}{{{labels}{le}}} 1").expect("a string grows");
            }
        }
    }
    page
}

fn label_sets(labels: &[Label]) -> Vec<String> {
    labels.iter().fold(vec![String::new()], |sets, label| {
        let values = if label.values.is_empty() {
            &[("main", "")]
        } else {
            label.values
        };
        let with = |set: &String| {
            let comma = if set.is_empty() { "" } else { "," };
            let start = format!("{set}{comma}{}", label.prometheus_name());
            values
                .iter()
                .map(|(value, _)| format!("{start}=\"{value}\""))
                .collect::<Vec<_>>()
        };
        sets.iter().flat_map(with).collect()
    })
}

#[test]
fn prometheus_objects_to_no_name_but_one_of_opentelemetrys() {
    let page = page_of_metrics();
    assert!(page.contains(
        "millpond_gets_total{db_client_connection_pool_name=\"main\",outcome=\"shed\"} 1"
    ));
    let said = promtool()
        .objections(&page)
        .unwrap_or_else(|why| panic!("{why}"));
    let theirs = "db_client_connection_count non-histogram and non-summary metrics should not have \"_count\" suffix";
    assert_eq!(said, [theirs], "{page}");
    let said = promtool()
        .objections("a{ 1\n")
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(!said.is_empty(), "what is no page is objected to");
}

/// promtool reads queries only as rules, so each becomes one.
#[test]
fn prometheus_reads_the_queries_of_the_dashboard() {
    let queries = queries(&dashboard::real());
    assert!(
        queries.len() > 20,
        "{DASHBOARD} has only {} queries",
        queries.len()
    );
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (index, asked) in queries.iter().enumerate() {
        let query = serde_json::Value::from(filled_in(&asked.query));
        writeln!(
            rules,
            "      - {{ record: \"query:{index}\", expr: {query} }}"
        )
        .expect("a string grows");
    }
    let folder = promtool().folder();
    let said = promtool().check_rules(&folder.write("rules.yml", &rules));
    said.unwrap_or_else(|said| panic!("{said}\n{rules}"));
}

#[test]
fn the_tests_notice_every_wait_and_threshold_that_is_wrong() {
    let mutants = mutants::all(&text_of(ALERTS));
    let tests = text_of(ALERT_TESTS);
    let all: usize = mutants.len();
    assert!(
        all > 40,
        "only {all} mutants: are the rules written in another way?"
    );
    let next = AtomicUsize::new(0);
    let survivors = || {
        let mine = std::iter::from_fn(|| mutants.get(next.fetch_add(1, Ordering::Relaxed)));
        mine.filter(|mutant| survives(mutant, &tests))
            .collect::<Vec<_>>()
    };
    let survivors: Vec<_> = thread::scope(|scope| {
        let threads = [scope.spawn(survivors), scope.spawn(survivors)];
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    let told = survivors
        .iter()
        .map(|mutant| format!("{}: {}", mutant.alert, mutant.what));
    assert!(
        survivors.is_empty(),
        "no test notices\n  {}",
        told.collect::<Vec<_>>().join("\n  ")
    );
}

fn survives(mutant: &Mutant, tests: &str) -> bool {
    let folder = promtool().folder();
    folder.write("alerts.yml", &mutant.rules);
    let file = folder.write("alerts.test.yml", &mutants::tests_of(tests, &mutant.alert));
    match promtool().test_rules(&file) {
        Ok(()) => true,
        Err(said) => {
            assert!(
                said.contains("FAILED:") && said.contains(&mutant.alert),
                "{}: {said}",
                mutant.what
            );
            false
        }
    }
}

/// One for all tests.
fn promtool() -> &'static Promtool {
    static FOUND: OnceLock<Promtool> = OnceLock::new();
    FOUND.get_or_init(|| {
        let keep = Path::new(env!("CARGO_TARGET_TMPDIR")).join("promtool");
        Promtool::find(&keep).unwrap_or_else(|why| panic!("{why}"))
    })
}

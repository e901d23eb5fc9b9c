use super::{DASHBOARD, assert_faultless, real_rules};
use millpond::observe::names::METRICS;
use millpond_ops_tests::dashboard::{faults, queries};
use millpond_ops_tests::known::Known;
use millpond_ops_tests::text_of;
use serde_json::Value;

/// The dashboard as it stands in the repository.
pub(super) fn real() -> Value {
    serde_json::from_str(&text_of(DASHBOARD)).expect(DASHBOARD)
}

/// It needs no rules to be loaded, so what they record is not there for it.
#[test]
fn every_query_names_what_is_there() {
    assert_faultless(DASHBOARD, &faults(&real(), &Known::of_the_table()));
}

#[test]
fn every_metric_is_shown() {
    let queries = queries(&real());
    let shown = |series: &String| queries.iter().any(|asked| asked.query.contains(series));
    let hidden = METRICS
        .iter()
        .filter(|metric| !metric.prometheus_series().iter().any(shown));
    let hidden: Vec<_> = hidden.map(|metric| metric.name.to_owned()).collect();
    assert_faultless("on no panel", &hidden);
}

#[test]
fn what_the_rules_record_is_not_asked_for() {
    let recorded = real_rules().into_iter().filter(|rule| !rule.is_alert);
    let queries = queries(&real());
    for rule in recorded {
        assert!(
            queries
                .iter()
                .all(|asked| !asked.query.contains(&rule.name)),
            "{}",
            rule.name
        );
    }
}

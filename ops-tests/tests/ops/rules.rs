use super::{ALERT_TESTS, ALERTS, RUNBOOK, assert_faultless, real_rules};
use millpond_ops_tests::rules::{faults, tested};
use millpond_ops_tests::text_of;
use std::collections::BTreeSet;

#[test]
fn rules_name_what_is_there_and_alerts_say_what_to_do() {
    assert_faultless(ALERTS, &faults(&real_rules(), &text_of(RUNBOOK)));
}

#[test]
fn what_the_pool_can_suffer_from_has_an_alert() {
    let rules = real_rules();
    let has = |name: &str, severity: &str| {
        let alert = rules.iter().find(|rule| rule.is_alert && rule.name == name);
        alert.is_some_and(|alert| alert.labels["severity"] == severity)
    };
    for (alert, severity) in [
        ("PoolSaturated", "page"),
        ("PoolWaitP99High", "ticket"),
        ("PoolTimeoutRatioHigh", "page"),
        ("PoolLeakSuspected", "ticket"),
        ("PoolConnectFailures", "ticket"),
        ("PoolNotRecovering", "page"),
    ] {
        assert!(has(alert, severity), "{alert} ({severity})");
    }
}

#[test]
fn every_alert_has_a_test_that_fires_it_and_one_that_does_not() {
    let (fired, silent) = tested(&text_of(ALERT_TESTS)).expect(ALERT_TESTS);
    let alerts = real_rules().into_iter().filter(|rule| rule.is_alert);
    let alerts: BTreeSet<_> = alerts.map(|rule| rule.name).collect();
    assert_eq!(fired, alerts);
    assert_eq!(silent, alerts);
}

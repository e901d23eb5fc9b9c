//! What stands around the metrics is true of the table of metrics.

mod configuration;
mod dashboard;
mod page;
mod promtool;
mod rules;
mod runbook;

use millpond_ops_tests::rules::{Rule, read};
use millpond_ops_tests::text_of;

const ALERTS: &str = "ops/alerts.yml";
const ALERT_TESTS: &str = "ops/alerts.test.yml";
const DASHBOARD: &str = "ops/dashboard.json";
const RUNBOOK: &str = "docs/runbook.md";

/// The rules as they stand in the repository.
fn real_rules() -> Vec<Rule> {
    read(&text_of(ALERTS)).expect(ALERTS)
}

/// Fails with one fault a line.
#[track_caller]
fn assert_faultless(of: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{of}:\n  {}", faults.join("\n  "));
}

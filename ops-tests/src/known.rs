//! What a query may name: the metrics of the table with their labels, and what the rules record.

use crate::query::{self, Matcher, Query, Selector};
use crate::rules::Rule;
use millpond::observe::names::{Kind, METRICS, Metric};
use std::collections::{BTreeMap, BTreeSet};

/// Every series that there is, by its name, with its labels.
#[derive(Clone, Debug)]
pub struct Known {
    series: BTreeMap<String, BTreeSet<String>>,
}

impl Known {
    /// The series of the table alone.
    pub fn of_the_table() -> Self {
        let each = METRICS.iter().flat_map(|metric| {
            let series = metric.prometheus_series().into_iter();
            series.map(|name| (labels(metric, &name), name))
        });
        let series = each.map(|(labels, name)| (name, labels)).collect();
        Self { series }
    }

    /// Those, and what the rules record. Rules that cannot be read record nothing.
    pub fn with(rules: &[Rule]) -> Self {
        let mut known = Self::of_the_table();
        for rule in rules.iter().filter(|rule| !rule.is_alert) {
            if let Ok(query) = query::read(&rule.expr) {
                let labels = known.labels_of(&query);
                known.series.insert(rule.name.clone(), labels);
            }
        }
        known
    }

    /// What is wrong with a query: metrics that are not there, labels that they have not, values that the
    /// labels never have.
    pub fn faults(&self, text: &str) -> Vec<String> {
        let query = match query::read(text) {
            Ok(query) => query,
            Err(what) => return vec![what],
        };
        let mut faults: Vec<_> = query
            .selectors
            .iter()
            .flat_map(|selector| self.selector_faults(selector))
            .collect();
        let all: BTreeSet<_> = query
            .selectors
            .iter()
            .filter_map(|selector| self.series.get(&selector.metric))
            .flatten()
            .map(String::as_str)
            .chain(TARGET)
            .collect();
        let grouped = query.grouped.iter().chain(&query.without);
        let unknown = grouped.filter(|label| !all.contains(label.as_str()));
        faults.extend(unknown.map(|label| format!("nothing in `{text}` has the label {label}")));
        if query.selectors.is_empty() {
            faults.push(format!("`{text}` names no metric"));
        }
        faults
    }

    /// Whether there is a series of that name.
    pub fn has(&self, series: &str) -> bool {
        self.series.contains_key(series)
    }

    /// The labels that the result of a query may have.
    pub fn labels_of(&self, query: &Query) -> BTreeSet<String> {
        let series = query.selectors.iter();
        let all = series
            .filter_map(|selector| self.series.get(&selector.metric))
            .flatten();
        let kept = all.filter(|label| !query.without.contains(label) && *label != "le");
        kept.cloned().chain(TARGET.map(str::to_owned)).collect()
    }

    fn selector_faults(&self, selector: &Selector) -> Vec<String> {
        let metric = &selector.metric;
        let Some(labels) = self.series.get(metric) else {
            return vec![format!("there is no metric {metric}")];
        };
        let each = selector.matchers.iter().filter_map(|matcher| {
            let label = &matcher.label;
            if !labels.contains(label) && !TARGET.contains(&label.as_str()) {
                return Some(format!("{metric} has no label {label}"));
            }
            let never = values(matcher)
                .into_iter()
                .find(|value| !may_be(label, value))?;
            Some(format!("the label {label} of {metric} is never {never}"))
        });
        each.collect()
    }
}

fn labels(metric: &Metric, series: &str) -> BTreeSet<String> {
    let bucket = metric.kind == Kind::Histogram && series.ends_with("_bucket");
    let own = metric.labels.iter().map(|label| label.prometheus_name());
    own.chain(bucket.then(|| "le".to_owned())).collect()
}

/// The values that a matcher names; none if a variable of Grafana's or a wider pattern stands there.
fn values(matcher: &Matcher) -> Vec<&str> {
    let value = &matcher.value;
    if matcher.is_pattern {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '|';
        if value.chars().all(plain) {
            value.split('|').collect()
        } else {
            Vec::new()
        }
    } else if value.contains('$') {
        Vec::new()
    } else {
        vec![value]
    }
}

fn may_be(label: &str, value: &str) -> bool {
    let mut all = METRICS.iter().flat_map(|metric| metric.labels);
    all.find(|known| known.prometheus_name() == label)
        .is_none_or(|known| known.allows(value))
}

/// What Prometheus adds to every series that it scrapes.
const TARGET: [&str; 2] = ["job", "instance"];

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let recorded = Rule {
            name: "pool:millpond_gets:rate5m".to_owned(),
            expr: "sum without (outcome) (rate(millpond_gets_total[5m]))".to_owned(),
            ..Rule::default()
        };
        Known::with(&[recorded]).faults(text)
    }

    #[test]
    fn what_is_in_the_table_or_recorded_may_be_named() {
        for text in [
            "db_client_connection_count{db_client_connection_state=\"used\", instance=\"x\"}",
            "sum by (le, db_client_connection_pool_name) (rate(db_client_connection_wait_time_seconds_bucket[5m]))",
            "rate(db_client_connection_use_time_seconds_sum[5m]) / rate(db_client_connection_use_time_seconds_count[5m])",
            "millpond_gets_total{outcome=~\"at_once|created\", db_client_connection_pool_name=~\"$pool\"}",
            "pool:millpond_gets:rate5m{job=\"x\"}",
            "db_client_connection_count{db_client_connection_state=\"$state\"}",
        ] {
            assert_eq!(faults(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_is_not_is_found() {
        for (text, fault) in [
            (
                "millpond_get_total",
                "there is no metric millpond_get_total",
            ),
            (
                "db_client_connection_wait_time_seconds",
                "there is no metric db_client_connection_wait_time_seconds",
            ),
            ("pool:gone:ratio", "there is no metric pool:gone:ratio"),
            (
                "millpond_gets_total{result=\"x\"}",
                "millpond_gets_total has no label result",
            ),
            (
                "pool:millpond_gets:rate5m{outcome=\"shed\"}",
                "pool:millpond_gets:rate5m has no label outcome",
            ),
            (
                "db_client_connection_wait_time_seconds_sum{le=\"1\"}",
                "db_client_connection_wait_time_seconds_sum has no label le",
            ),
            (
                "millpond_gets_total{outcome=~\"shed|timed_out\"}",
                "the label outcome of millpond_gets_total is never timed_out",
            ),
            (
                "sum by (reason) (millpond_gets_total)",
                "nothing in `sum by (reason) (millpond_gets_total)` has the label reason",
            ),
            ("vector(1)", "`vector(1)` names no metric"),
        ] {
            assert_eq!(faults(text), [fault], "{text}");
        }
        assert_eq!(faults("a{").len(), 1);
    }
}

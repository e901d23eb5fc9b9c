//! The rules of `ops/alerts.yml`, and what each alert must say.

use crate::known::Known;
use crate::prose;
use crate::query;
use std::collections::{BTreeMap, BTreeSet};
use yaml_rust2::{Yaml, YamlLoader};

/// One rule: a figure that is recorded, or an alert.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// What it records, or the alert's name.
    pub name: String,
    /// Whether it is an alert.
    pub is_alert: bool,
    /// The query.
    pub expr: String,
    /// How long it must hold, as it is written.
    pub wait: Option<String>,
    /// `severity` and others.
    pub labels: BTreeMap<String, String>,
    /// `summary` and others.
    pub annotations: BTreeMap<String, String>,
}

/// Reads all rules of a file.
///
/// # Errors
///
/// What could not be read.
pub fn read(text: &str) -> Result<Vec<Rule>, String> {
    let file = load(text)?;
    let groups = file["groups"].as_vec().ok_or("no groups")?;
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_vec().into_iter().flatten());
    rules.map(rule).collect()
}

/// The names of the alerts that a file of unit tests has fire, and of those that it has not fire.
///
/// # Errors
///
/// What could not be read.
pub fn tested(text: &str) -> Result<(BTreeSet<String>, BTreeSet<String>), String> {
    let file = load(text)?;
    let tests = file["tests"].as_vec().ok_or("no tests")?;
    let cases = tests
        .iter()
        .flat_map(|test| test["alert_rule_test"].as_vec().into_iter().flatten());
    let (mut fired, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for case in cases {
        let name = case["alertname"]
            .as_str()
            .ok_or("a test without alertname")?
            .to_owned();
        let alerts = case["exp_alerts"]
            .as_vec()
            .ok_or("a test without exp_alerts")?;
        if alerts.is_empty() {
            silent.insert(name)
        } else {
            fired.insert(name)
        };
    }
    Ok((fired, silent))
}

/// What is wrong with the rules, beside what promtool would say. `runbook` is the text of the runbook.
pub fn faults(rules: &[Rule], runbook: &str) -> Vec<String> {
    let known = Known::with(rules);
    let anchors = prose::anchors(runbook);
    let mut faults = Vec::new();
    for rule in rules {
        let mut found = known.faults(&rule.expr);
        if rule.is_alert {
            found.extend(alert_faults(rule, &known, &anchors));
        }
        let name = &rule.name;
        faults.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    faults
}

fn alert_faults(alert: &Rule, known: &Known, anchors: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let severity = alert.labels.get("severity").map_or("", String::as_str);
    if !SEVERITIES.contains(&severity) {
        faults.push(format!(
            "its severity `{severity}` is none of {SEVERITIES:?}"
        ));
    }
    if alert.wait.is_none() {
        faults.push("it fires at the first sample: it has no `for`".to_owned());
    }
    let missing = SAID
        .iter()
        .filter(|key| !alert.annotations.contains_key(**key));
    faults.extend(missing.map(|key| format!("it has no {key}")));
    let may_be = query::read(&alert.expr)
        .map(|query| known.labels_of(&query))
        .unwrap_or_default();
    for (key, text) in &alert.annotations {
        faults.extend(
            prose::faults(text, known)
                .into_iter()
                .map(|what| format!("{key}: {what}")),
        );
        let unknown = labels_in(text)
            .into_iter()
            .filter(|label| !may_be.contains(*label));
        faults.extend(unknown.map(|label| format!("{key}: it has no label {label}")));
    }
    if let Some(url) = alert.annotations.get("runbook_url") {
        let anchor = url.strip_prefix(RUNBOOK).unwrap_or_default();
        if anchor != alert.name.to_lowercase() || !anchors.iter().any(|known| known == anchor) {
            faults.push(format!(
                "{url} is no section of the runbook that is named after it"
            ));
        }
    }
    faults
}

/// The labels that the templates in a text name.
fn labels_in(text: &str) -> Vec<&str> {
    let ends = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let starts = text
        .match_indices("$labels.")
        .map(|(at, start)| &text[at + start.len()..]);
    starts
        .map(|rest| &rest[..rest.find(ends).unwrap_or(rest.len())])
        .collect()
}

fn load(text: &str) -> Result<Yaml, String> {
    let mut files = YamlLoader::load_from_str(text).map_err(|error| error.to_string())?;
    if files.len() == 1 {
        Ok(files.remove(0))
    } else {
        Err("not one YAML document".to_owned())
    }
}

fn rule(yaml: &Yaml) -> Result<Rule, String> {
    let is_alert = !yaml["alert"].is_badvalue();
    let name = &yaml[if is_alert { "alert" } else { "record" }];
    Ok(Rule {
        name: name.as_str().ok_or("a rule without a name")?.to_owned(),
        is_alert,
        expr: yaml["expr"]
            .as_str()
            .ok_or("a rule without expr")?
            .to_owned(),
        wait: yaml["for"].as_str().map(str::to_owned),
        labels: texts(&yaml["labels"])?,
        annotations: texts(&yaml["annotations"])?,
    })
}

fn texts(yaml: &Yaml) -> Result<BTreeMap<String, String>, String> {
    let pairs = yaml.as_hash().into_iter().flatten();
    let texts =
        pairs.map(|(key, text)| Some((key.as_str()?.to_owned(), text.as_str()?.to_owned())));
    texts
        .collect::<Option<_>>()
        .ok_or_else(|| "a label or annotation that is no text".to_owned())
}

const SEVERITIES: [&str; 2] = ["page", "ticket"];

/// What each alert says: what is, what it means, what to do first, where to read on.
const SAID: [&str; 4] = ["summary", "description", "action", "runbook_url"];

const RUNBOOK: &str = "docs/runbook.md#";

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
groups:
  - name: it
    rules:
      - alert: PoolSick
        expr: millpond_health == 2
        for: 2m
        labels: { severity: page }
        annotations:
          summary: \"{{ $labels.instance }} {{ $labels.db_client_connection_pool_name }}\"
          description: It is, says millpond_health.
          action: Look.
          runbook_url: docs/runbook.md#poolsick
";

    fn found(text: &str) -> Vec<String> {
        faults(&read(text).expect("rules"), "# Runbook\n\n## PoolSick\n")
    }

    #[test]
    fn a_good_alert_is_good() {
        assert_eq!(found(GOOD), [""; 0]);
    }

    #[test]
    fn what_an_alert_lacks_is_found() {
        for (good, bad) in [
            ("millpond_health == 2", "millpond_sickness == 2"),
            ("        for: 2m\n", ""),
            ("page", "critical"),
            ("          summary", "          title"),
            ("          description", "          text"),
            ("          action", "          act"),
            ("          runbook_url", "          url"),
            ("$labels.instance", "$labels.outcome"),
            ("says millpond_health", "says millpond_sickness"),
            ("#poolsick", "#poolwell"),
            ("PoolSick", "PoolWell"),
        ] {
            let broken = GOOD.replacen(good, bad, 1);
            assert_ne!(broken, GOOD, "{good}");
            assert_ne!(found(&broken), [""; 0], "{bad}");
        }
    }

    #[test]
    fn what_a_test_expects_is_read() {
        let text = "
tests:
  - alert_rule_test:
      - { alertname: A, exp_alerts: [] }
      - { alertname: B, exp_alerts: [{ exp_labels: { severity: page } }] }
";
        let (fired, silent) = tested(text).expect("tests");
        assert_eq!(
            (
                fired.into_iter().collect::<Vec<_>>(),
                silent.into_iter().collect::<Vec<_>>()
            ),
            (vec!["B".to_owned()], vec!["A".to_owned()])
        );
    }

    #[test]
    fn what_is_no_file_of_rules_is_told() {
        for text in [
            "",
            "groups: 1",
            "groups: [{ rules: [{ expr: x }] }]",
            "groups: [{ rules: [{ alert: x }] }]",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

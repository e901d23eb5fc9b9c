use super::{RUNBOOK, assert_faultless, real_rules};
use millpond_ops_tests::known::Known;
use millpond_ops_tests::prose::{anchors, faults, sections};
use millpond_ops_tests::text_of;

#[test]
fn pages_name_metrics_that_are_there() {
    let known = Known::with(&real_rules());
    for page in [RUNBOOK, "ops/README.md"] {
        assert_faultless(page, &faults(&text_of(page), &known));
    }
}

#[test]
fn every_alert_has_a_section_that_says_all() {
    let page = text_of(RUNBOOK);
    let sections = sections(&page);
    for alert in real_rules().iter().filter(|rule| rule.is_alert) {
        let section = sections.iter().find(|(heading, _)| *heading == alert.name);
        let (_, text) = section.unwrap_or_else(|| panic!("no section {}", alert.name));
        for lead in [
            "What it means.",
            "Look first.",
            "Typical causes.",
            "What to do.",
        ] {
            assert!(
                text.contains(&format!("**{lead}**")),
                "{}: {lead}",
                alert.name
            );
        }
        let severity = if alert.labels["severity"] == "page" {
            "Page."
        } else {
            "Ticket"
        };
        assert!(text.contains(severity), "{}: {severity}", alert.name);
    }
}

#[test]
fn sections_of_alerts_are_of_alerts_that_exist() {
    let page = text_of(RUNBOOK);
    let rules = real_rules();
    for (heading, _) in sections(&page)
        .iter()
        .filter(|(heading, _)| heading.starts_with("Pool"))
    {
        assert!(
            rules.iter().any(|rule| rule.name == *heading),
            "{heading} is no alert"
        );
    }
}

#[test]
fn links_within_the_runbook_point_to_sections() {
    let page = text_of(RUNBOOK);
    let anchors = anchors(&page);
    let links = page
        .split("](#")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap_or_default());
    let broken: Vec<_> = links
        .filter(|link| !anchors.iter().any(|anchor| anchor == link))
        .map(str::to_owned)
        .collect();
    assert_faultless("no section", &broken);
}

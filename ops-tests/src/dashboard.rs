//! The dashboard: its queries, its variables, and its panels' places.

use crate::known::Known;
use serde_json::Value;
use std::collections::BTreeSet;

/// A query of a panel or of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Who asks: the panel's title, or the variable's name.
    pub by: String,
    /// The query as Prometheus would see it, but for Grafana's variables.
    pub query: String,
}

/// The queries of all panels.
pub fn queries(dashboard: &Value) -> Vec<Asked> {
    let each = panels(dashboard).into_iter().flat_map(|panel| {
        let targets = array(&panel["targets"]);
        targets.map(|target| Asked {
            by: text(&panel["title"]),
            query: text(&target["expr"]),
        })
    });
    each.collect()
}

/// A query with a value in the place of each of Grafana's variables, for those who know none.
pub fn filled_in(query: &str) -> String {
    let query = query
        .replace("$__rate_interval", "5m")
        .replace("$__range", "1h");
    query.replace('$', "")
}

/// What is wrong with a dashboard: what cannot be imported, what cannot be seen, and queries of what is not there.
pub fn faults(dashboard: &Value, known: &Known) -> Vec<String> {
    let mut faults = shape_faults(dashboard);
    faults.extend(variable_faults(dashboard, known));
    for Asked { by, query } in queries(dashboard) {
        faults.extend(
            known
                .faults(&query)
                .into_iter()
                .map(|what| format!("{by}: {what}")),
        );
        let chosen = ["pool", "instance"]
            .iter()
            .all(|variable| query.contains(&format!("=~\"${variable}\"")));
        if !chosen {
            faults.push(format!(
                "{by}: `{query}` does not ask for the chosen pool and instance"
            ));
        }
    }
    faults
}

fn shape_faults(dashboard: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let named = !text(&dashboard["title"]).is_empty() && !text(&dashboard["uid"]).is_empty();
    if !named || !dashboard["schemaVersion"].is_u64() {
        faults.push("it has no title, uid or schemaVersion".to_owned());
    }
    if !dashboard["id"].is_null() {
        faults.push("its id is one of another Grafana's database".to_owned());
    }
    let panels = panels(dashboard);
    let ids: BTreeSet<_> = panels
        .iter()
        .filter_map(|panel| panel["id"].as_u64())
        .collect();
    if ids.len() != panels.len() {
        faults.push("two panels have one id, or one has none".to_owned());
    }
    for (index, panel) in panels.iter().enumerate() {
        let title = text(&panel["title"]);
        if title.is_empty() || (panel["type"] != "row" && text(&panel["description"]).is_empty()) {
            faults.push(format!("panel `{title}` has no title or description"));
        }
        if panel["type"] != "row" && (!asks(panel) || panel["datasource"]["uid"] != "${datasource}")
        {
            faults.push(format!(
                "panel `{title}` asks nothing, or not the chosen data source"
            ));
        }
        let Some(place) = Place::of(panel) else {
            faults.push(format!(
                "panel `{title}` has no place, or one beside the page"
            ));
            continue;
        };
        let before = panels[..index].iter().filter_map(|other| Place::of(other));
        if before.into_iter().any(|other| place.overlaps(&other)) {
            faults.push(format!("panel `{title}` lies over another"));
        }
    }
    faults
}

fn asks(panel: &Value) -> bool {
    let mut targets = array(&panel["targets"]).peekable();
    targets.peek().is_some() && targets.all(|target| target["datasource"]["uid"] == "${datasource}")
}

fn variable_faults(dashboard: &Value, known: &Known) -> Vec<String> {
    let mut faults = Vec::new();
    let variables: Vec<_> = array(&dashboard["templating"]["list"]).collect();
    let names: BTreeSet<_> = variables
        .iter()
        .map(|variable| text(&variable["name"]))
        .collect();
    for name in ["datasource", "instance", "pool"] {
        if !names.contains(name) {
            faults.push(format!("there is no variable {name}"));
        }
    }
    let used = queries(dashboard);
    let used = used.iter().flat_map(|asked| variables_in(&asked.query));
    let unknown = used.filter(|name| !name.starts_with("__") && !names.contains(*name));
    faults.extend(unknown.map(|name| format!("there is no variable {name}")));
    for variable in variables
        .iter()
        .filter(|variable| variable["type"] == "query")
    {
        let (name, query) = (text(&variable["name"]), text(&variable["query"]["query"]));
        let asked = query
            .strip_prefix("label_values(")
            .and_then(|rest| rest.strip_suffix(')'));
        let Some((series, label)) = asked.and_then(|asked| asked.rsplit_once(", ")) else {
            faults.push(format!(
                "{name}: `{query}` is no label_values(series, label)"
            ));
            continue;
        };
        let found = known.faults(&format!("count by ({label}) ({series})"));
        faults.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    faults
}

/// The names after `$`.
fn variables_in(query: &str) -> Vec<&str> {
    let ends = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let rests = query.split('$').skip(1);
    rests
        .map(|rest| &rest[..rest.find(ends).unwrap_or(rest.len())])
        .collect()
}

/// All panels, those in folded rows too.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let top = array(&dashboard["panels"]);
    top.flat_map(|panel| std::iter::once(panel).chain(array(&panel["panels"])))
        .collect()
}

/// Where a panel lies.
struct Place {
    x: u64,
    y: u64,
    w: u64,
    h: u64,
}

impl Place {
    /// Nothing if it lies nowhere, or beside the 24 columns of the page.
    fn of(panel: &Value) -> Option<Self> {
        let at = |key| panel["gridPos"][key].as_u64();
        let place = Self {
            x: at("x")?,
            y: at("y")?,
            w: at("w")?,
            h: at("h")?,
        };
        (place.w > 0 && place.h > 0 && place.x + place.w <= 24).then_some(place)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let beside = self.x + self.w <= other.x || other.x + other.w <= self.x;
        let below = self.y + self.h <= other.y || other.y + other.h <= self.y;
        !beside && !below
    }
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{
        "title": "t", "uid": "u", "schemaVersion": 39, "id": null,
        "templating": {"list": [
            {"name": "datasource", "type": "datasource"},
            {"name": "instance", "type": "query", "query": {"query": "label_values(millpond_health, instance)"}},
            {"name": "pool", "type": "query",
             "query": {"query": "label_values(millpond_health{instance=~\"$instance\"}, db_client_connection_pool_name)"}}
        ]},
        "panels": [
            {"id": 1, "type": "stat", "title": "one", "description": "d", "datasource": {"uid": "${datasource}"},
             "gridPos": {"x": 0, "y": 0, "w": 12, "h": 8},
             "targets": [{"datasource": {"uid": "${datasource}"},
                          "expr": "millpond_health{instance=~\"$instance\", db_client_connection_pool_name=~\"$pool\"}"}]},
            {"id": 2, "type": "row", "title": "two", "gridPos": {"x": 12, "y": 0, "w": 12, "h": 1}}
        ]
    }"#;

    fn found(text: &str) -> Vec<String> {
        let dashboard = serde_json::from_str(text).expect("JSON");
        faults(&dashboard, &Known::of_the_table())
    }

    #[test]
    fn a_good_dashboard_is_good() {
        assert_eq!(found(GOOD), [""; 0]);
    }

    #[test]
    fn what_is_wrong_with_it_is_found() {
        for (good, bad) in [
            ("\"uid\": \"u\", ", ""),
            ("\"id\": null", "\"id\": 7"),
            ("\"id\": 2", "\"id\": 1"),
            ("\"title\": \"two\"", "\"title\": \"\""),
            ("\"description\": \"d\", ", ""),
            (
                "\"description\": \"d\", \"datasource\": {\"uid\": \"${datasource}\"}",
                "\"description\": \"d\"",
            ),
            ("\"x\": 12", "\"x\": 6"),
            ("\"x\": 12", "\"x\": 13"),
            ("\"name\": \"datasource\"", "\"name\": \"source\""),
            (
                "millpond_health{instance=~\\\"$instance\\\", db",
                "millpond_sickness{instance=~\\\"$instance\\\", db",
            ),
            ("=~\\\"$pool\\\"}\"}]", "=~\\\"main\\\"}\"}]"),
            (
                "label_values(millpond_health, instance)",
                "label_values(millpond_health, reason)",
            ),
            ("label_values(millpond_health, instance)", "millpond_health"),
        ] {
            let broken = GOOD.replacen(good, bad, 1);
            assert_ne!(broken, GOOD, "{good}");
            assert_eq!(found(&broken).len(), 1, "{bad}: {:?}", found(&broken));
        }
    }

    #[test]
    fn variables_are_filled_in() {
        assert_eq!(
            filled_in("rate(a{b=~\"$pool\"}[$__rate_interval])"),
            "rate(a{b=~\"pool\"}[5m])"
        );
        assert_eq!(
            variables_in("a{b=~\"$pool\"}[$__range]"),
            ["pool", "__range"]
        );
    }
}

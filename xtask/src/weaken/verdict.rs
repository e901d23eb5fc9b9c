//! What became of each mutant: a committed file, `xtask/verdicts.json`, which `weaken` writes. Only the
//! reasons in it are written by hand.

use crate::failure::Failure;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The verdict on each mutant, by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdicts(BTreeMap<String, Verdict>);

/// What became of one mutant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The day it was run, `2026-11-23`.
    pub(crate) date: String,
    /// The tool and its test that failed; `None`: it survived.
    pub(crate) killed_by: Option<String>,
    /// Why a survivor may survive.
    pub(crate) reason: Option<String>,
}

impl Verdicts {
    /// Reads the file.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |why: String| Failure::new(format!("{VERDICTS}: {why}"));
        let all: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let each = all.into_iter().map(|(name, value)| {
            let text = |key: &str| value[key].as_str().map(str::to_owned);
            let date = text("date").ok_or_else(|| wrong(format!("`{name}` has no date")))?;
            let verdict = Verdict {
                date,
                killed_by: text("killed_by"),
                reason: text("reason"),
            };
            Ok((name, verdict))
        });
        each.collect::<Result<_, Failure>>().map(Self)
    }

    /// The file.
    pub(crate) fn to_text(&self) -> String {
        let all: Map<_, _> = self
            .0
            .iter()
            .map(|(name, verdict)| (name.clone(), verdict.to_value()))
            .collect();
        format!("{:#}\n", Value::Object(all))
    }

    /// The verdict on this mutant.
    pub(crate) fn of(&self, name: &str) -> Option<&Verdict> {
        self.0.get(name)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Verdict)> {
        self.0.iter()
    }

    /// A mutant was run. The reason of a survivor stays; one that is killed needs none.
    pub(crate) fn pass(&mut self, name: &str, date: &str, killed_by: Option<String>) {
        let verdict = self.0.entry(name.to_owned()).or_default();
        date.clone_into(&mut verdict.date);
        if killed_by.is_some() {
            verdict.reason = None;
        }
        verdict.killed_by = killed_by;
    }

    /// Forgets the mutants that are no more.
    pub(crate) fn keep(&mut self, is_there: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| is_there(name));
    }
}

impl Verdict {
    /// Whether nothing needs to be done about it.
    pub(crate) fn is_good(&self) -> bool {
        self.killed_by.is_some() || self.reason.is_some()
    }

    fn to_value(&self) -> Value {
        let mut value = json!({ "date": self.date });
        for (key, text) in [("killed_by", &self.killed_by), ("reason", &self.reason)] {
            if let Some(text) = text {
                value[key] = json!(text);
            }
        }
        value
    }
}

/// Where the verdicts are.
pub(crate) const VERDICTS: &str = "xtask/verdicts.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut verdicts = Verdicts::default();
        verdicts.pass("killed", "2026-11-23", Some("loom: it".to_owned()));
        verdicts.pass("survives", "2026-11-23", None);
        assert_eq!(
            Verdicts::parse(&verdicts.to_text()).expect("it is ours"),
            verdicts
        );
    }

    #[test]
    fn a_reason_stays_until_the_mutant_is_killed() {
        let text = r#"{"it": {"date": "2026-11-22", "reason": "the lock orders it"}}"#;
        let mut verdicts = Verdicts::parse(text).expect("good");
        verdicts.pass("it", "2026-11-23", None);
        let it = verdicts.of("it").expect("just passed");
        assert!(it.is_good() && it.reason.is_some() && it.date == "2026-11-23");
        verdicts.pass("it", "2026-11-23", Some("loom: new".to_owned()));
        let it = verdicts.of("it").expect("just passed");
        assert!(it.is_good() && it.reason.is_none());
    }

    #[test]
    fn a_survivor_without_a_reason_is_not_good() {
        let mut verdicts = Verdicts::default();
        verdicts.pass("it", "2026-11-23", None);
        assert!(!verdicts.of("it").expect("just passed").is_good());
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        assert!(Verdicts::parse("[]").is_err());
        assert!(Verdicts::parse(r#"{"it": {}}"#).is_err());
    }
}

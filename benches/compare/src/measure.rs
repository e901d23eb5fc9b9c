//! What is measured, and what one round came to, as it goes from the process of a round to the one that compares.

use std::fmt::Write;

/// One figure of some work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    /// With its unit.
    pub(crate) name: &'static str,
    pub(crate) better: Better,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Less,
    More,
}

impl Measure {
    pub(crate) const fn less(name: &'static str) -> Self {
        let better = Better::Less;
        Self { name, better }
    }

    pub(crate) const fn more(name: &'static str) -> Self {
        let better = Better::More;
        Self { name, better }
    }
}

/// What one round of one pool came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    /// In the order of the work's measures; none where the pool has no such thing.
    pub(crate) figures: Vec<Option<f64>>,
    /// What went wrong.
    pub(crate) faults: Vec<String>,
    /// Why the work was not done, if it cannot be by this pool.
    pub(crate) unfit: Option<String>,
}

impl Outcome {
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>, faults: Vec<String>) -> Self {
        Self {
            figures: figures.into_iter().map(Some).collect(),
            faults,
            unfit: None,
        }
    }

    pub(crate) fn fault(what: impl Into<String>) -> Self {
        Self {
            faults: vec![what.into()],
            ..Self::default()
        }
    }

    pub(crate) fn unfit(why: &str) -> Self {
        Self {
            unfit: Some(why.to_owned()),
            ..Self::default()
        }
    }

    /// Line by line.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        for figure in &self.figures {
            let figure = figure.map_or("none".to_owned(), |figure| figure.to_string());
            writeln!(text, "figure {figure}").expect("a string takes all");
        }
        for fault in &self.faults {
            writeln!(text, "fault {}", fault.replace('\n', " ")).expect("a string takes all");
        }
        if let Some(why) = &self.unfit {
            writeln!(text, "unfit {why}").expect("a string takes all");
        }
        text + "end\n"
    }

    /// None if it is not whole.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let mut outcome = Self::default();
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("figure", "none")) => outcome.figures.push(None),
                Some(("figure", figure)) => outcome.figures.push(Some(figure.parse().ok()?)),
                Some(("fault", fault)) => outcome.faults.push(fault.to_owned()),
                Some(("unfit", why)) => outcome.unfit = Some(why.to_owned()),
                _ if line == "end" => return Some(outcome),
                _ => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_survives_the_way_as_text() {
        let mut outcome = Outcome::of([1.5, 1e-7], vec!["two\nlines".to_owned()]);
        outcome.figures.push(None);
        let there = Outcome::of_text(&outcome.to_text()).expect("it is whole");
        assert_eq!(there.figures, outcome.figures);
        assert_eq!(there.faults, ["two lines"]);
        let unfit = Outcome::unfit("it blocks");
        assert_eq!(Outcome::of_text(&unfit.to_text()), Some(unfit));
    }

    #[test]
    fn half_an_outcome_is_none() {
        assert_eq!(Outcome::of_text("figure 1.5\n"), None);
        assert_eq!(Outcome::of_text("figure x\nend\n"), None);
        assert_eq!(Outcome::of_text(""), None);
    }
}

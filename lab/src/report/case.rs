//! A case in the page: what it asks, and what each pool made of it, side by side.

use super::page::badge;
use super::plot::{Limits, Scale, Width, timeline, waits};
use super::sum::finding;
use super::words::{Text, anchor, counted, role, time};
use crate::Failure;
use crate::data::{CaseReport, Check, Group, MarkKind, Outcome, Run, Verdict};
use std::collections::BTreeSet;

/// The section of a case.
pub(super) fn section(case: &CaseReport) -> Result<String, Failure> {
    let conditions: String = case
        .conditions
        .iter()
        .map(|line| format!("<li>{}</li>", Text(line)))
        .collect();
    let shared = Shared {
        limits: Limits::of(case),
        scale: Scale::of(case),
        outcomes: outcomes(case),
    };
    let mut runs = String::new();
    for run in &case.runs {
        runs += &shared.run(case, run)?;
    }
    let drawn = case.runs.iter().any(|run| !run.timelines.is_empty());
    Ok(format!(
        "<section class=\"case{many}\" id=\"{name}\">\n<h2>{title}</h2>\n<p class=\"question\">{question}</p>\n\
         <ul class=\"conditions\">{conditions}</ul>\n{legend}<div class=\"runs\">\n{runs}</div>\n</section>\n",
        name = anchor(&case.name),
        title = Text(&case.title),
        question = Text(&case.question),
        many = if case.runs.len() > 1 { " many" } else { "" },
        legend = if drawn { LEGEND } else { "" },
    ))
}

/// What is the same for all pools of a case.
struct Shared {
    limits: Limits,
    scale: Option<Scale>,
    outcomes: BTreeSet<Outcome>,
}

fn outcomes(case: &CaseReport) -> BTreeSet<Outcome> {
    let groups = case.runs.iter().flat_map(|run| &run.groups);
    groups
        .flat_map(|group| group.outcomes.keys().copied())
        .collect()
}

impl Shared {
    /// Six blocks, which stand in one line with those of the other pools.
    fn run(&self, case: &CaseReport, run: &Run) -> Result<String, Failure> {
        Ok(format!(
            "<article class=\"run\" aria-label=\"{case}, {pool}\">\n{head}{checks}{timelines}{waits}{outcomes}{notes}</article>\n",
            case = Text(&case.title),
            pool = Text(&run.pool),
            head = head(run),
            checks = checks(run),
            timelines = self.timelines(run)?,
            waits = self.waits(run)?,
            outcomes = self.groups(run),
            notes = notes(run),
        ))
    }

    fn timelines(&self, run: &Run) -> Result<String, Failure> {
        let mut figures = String::new();
        for line in &run.timelines {
            let name = role(&line.name, &run.pool);
            let [wide, narrow] = [Width::Wide, Width::Narrow].map(|width| {
                timeline(line, &run.marks, &self.limits, width).map(|svg| shown(width, &svg))
            });
            figures += &format!(
                "<figure class=\"plot timeline\"><figcaption>pool <b>{}</b></figcaption>{}{}</figure>\n",
                Text(name),
                wide?,
                narrow?
            );
        }
        let text = if figures.is_empty() {
            nothing("No pool was looked at.")
        } else {
            figures
        };
        Ok(format!(
            "<div><h4>Over time</h4>\n{text}{}</div>\n",
            happened(run)
        ))
    }

    fn waits(&self, run: &Run) -> Result<String, Failure> {
        let Some(scale) = self.scale.as_ref().filter(|_| !run.groups.is_empty()) else {
            return Ok(format!("<div>{}</div>\n", nothing("Nobody waited.")));
        };
        let [wide, narrow] = [Width::Wide, Width::Narrow]
            .map(|width| waits(&run.groups, scale, width).map(|svg| shown(width, &svg)));
        Ok(format!(
            "<div><h4>How long requests waited <span class=\"soft\">(both scales logarithmic)</span></h4>\n\
             <figure class=\"plot waits\">{}{}</figure></div>\n",
            wide?, narrow?
        ))
    }

    fn groups(&self, run: &Run) -> String {
        if run.groups.is_empty() {
            return format!("<div>{}</div>\n", nothing("No request was counted."));
        }
        let names: String = self
            .outcomes
            .iter()
            .map(|outcome| format!("<th class=\"number\">{}</th>", outcome.name()))
            .collect();
        let rows: String = run.groups.iter().map(|group| self.group(group)).collect();
        format!(
            "<div><h4>What requests came to</h4>\n<div class=\"scroll\"><table>\n<thead><tr><th>Who</th>\
             <th>Shares</th>{names}<th class=\"number\">p50</th><th class=\"number\">p99</th>\
             <th class=\"number\">longest</th></tr></thead>\n<tbody>{rows}</tbody></table></div>\n\
             <p class=\"soft\">Times of those served, their wait and work together.</p></div>\n"
        )
    }

    fn group(&self, group: &Group) -> String {
        let count = |outcome| group.outcomes.get(outcome).copied().unwrap_or(0);
        let all: u64 = group.outcomes.values().sum();
        let counts: String = self
            .outcomes
            .iter()
            .map(|outcome| format!("<td class=\"number\">{}</td>", count(outcome)))
            .collect();
        let shares: String = group
            .outcomes
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(outcome, count)| share(*outcome, *count, all))
            .collect();
        let total = |ms: f64| match group.totals.count {
            0 => "–".to_owned(),
            _ => time(ms),
        };
        format!(
            "<tr><td>{}</td><td><div class=\"bar\">{shares}</div></td>{counts}<td class=\"number\">{}</td>\
             <td class=\"number\">{}</td><td class=\"number\">{}</td></tr>\n",
            Text(&group.name),
            total(group.totals.p50),
            total(group.totals.p99),
            total(group.totals.max)
        )
    }
}

fn share(outcome: Outcome, count: u64, all: u64) -> String {
    // The names of the style sheet's colours.
    let color = outcome.name().replace(' ', "_");
    format!(
        "<i title=\"{}: {count} of {all}\" style=\"flex:{count};background:var(--{color})\"></i>",
        outcome.name()
    )
}

fn shown(width: Width, svg: &str) -> String {
    format!("<div class=\"{}\">{svg}</div>", width.class())
}

fn nothing(text: &str) -> String {
    format!("<p class=\"soft\">{text}</p>")
}

fn head(run: &Run) -> String {
    let why = match &run.verdict {
        Verdict::Passed | Verdict::Failed => String::new(),
        Verdict::Broken(_) => format!("<p class=\"why\">{}</p>", Text(&finding(run))),
        _ => format!("<p class=\"why-not\">{}</p>", Text(&finding(run))),
    };
    format!(
        "<div><div class=\"run-head\"><h3>{}</h3>{}<span class=\"soft\">{:.1} s</span></div>{why}{}</div>\n",
        Text(&run.pool),
        badge(&run.verdict),
        run.seconds,
        figures(run)
    )
}

fn figures(run: &Run) -> String {
    let figure = |figure: &crate::data::Figure| {
        let text = Text(&figure.to_string()).to_string();
        if figure.headline {
            format!("<b>{text}</b>")
        } else {
            text
        }
    };
    let mut figures: Vec<_> = run.figures.iter().collect();
    figures.sort_by_key(|figure| !figure.headline);
    let all: Vec<_> = figures.into_iter().map(figure).collect();
    match all.is_empty() {
        true => String::new(),
        false => format!("<p class=\"figures\">{}</p>", all.join(" · ")),
    }
}

/// What does not hold is always seen; of what holds, so much as leaves room for the plots.
fn checks(run: &Run) -> String {
    if run.checks.is_empty() {
        return format!("<div>{}</div>\n", nothing("Nothing was checked."));
    }
    let (hold, fail): (Vec<_>, Vec<_>) = run.checks.iter().partition(|check| check.holds);
    let failing = match fail.len() {
        0 => String::new(),
        _ => check_table(&fail),
    };
    let said = match (hold.len(), fail.len()) {
        (1, 0) => "The one check holds".to_owned(),
        (count, 0) => format!("All {count} checks hold"),
        (1, _) => "One check holds".to_owned(),
        (count, _) => format!("{count} checks hold"),
    };
    let open = if hold.len() <= SHOWN { " open" } else { "" };
    let holding = match hold.len() {
        0 => String::new(),
        _ => format!(
            "<details{open}><summary>{said}: what was asked, and what was found</summary>\n{}</details>\n",
            check_table(&hold)
        ),
    };
    format!("<div><h4>What must hold</h4>\n{failing}{holding}</div>\n")
}

fn check_table(checks: &[&Check]) -> String {
    let rows: String = checks.iter().map(|check| check_row(check)).collect();
    format!(
        "<div class=\"scroll\"><table>\n<thead><tr><th></th><th>Check</th><th>Asked</th><th>Found</th></tr></thead>\n\
         <tbody>{rows}</tbody></table></div>\n"
    )
}

fn check_row(check: &Check) -> String {
    let (row, holds) = match check.holds {
        true => ("", "<span class=\"holds\">✓ holds</span>"),
        false => (
            " class=\"fault-row\"",
            "<span class=\"fails\">✗ fails</span>",
        ),
    };
    format!(
        "<tr{row}><td>{holds}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        Text(&check.name),
        Text(&check.bound),
        Text(&check.found)
    )
}

/// So many checks that hold are shown at once.
const SHOWN: usize = 6;

/// Every phase and fault by its time: a plot has no room for many.
fn happened(run: &Run) -> String {
    if run.marks.is_empty() {
        return String::new();
    }
    let mut marks: Vec<_> = run.marks.iter().collect();
    marks.sort_by(|a, b| a.from.total_cmp(&b.from));
    let rows: String = marks
        .iter()
        .map(|mark| {
            let kind = match mark.kind {
                MarkKind::Phase => "phase",
                MarkKind::Fault => "fault",
            };
            let until = mark.to.map_or(String::new(), |to| format!("{to:.2} s"));
            format!(
                "<tr><td class=\"number\">{:.2} s</td><td class=\"number\">{until}</td><td>{kind}</td><td>{}</td></tr>\n",
                mark.from,
                Text(&mark.text)
            )
        })
        .collect();
    let faults = marks
        .iter()
        .filter(|mark| mark.kind == MarkKind::Fault)
        .count();
    format!(
        "<details><summary>What happened when: {}, {}</summary>\n<div class=\"scroll\"><table>\n<thead><tr>\
         <th class=\"number\">From</th><th class=\"number\">Until</th><th></th><th>What</th></tr></thead>\n\
         <tbody>{rows}</tbody></table></div></details>\n",
        counted(marks.len() - faults, "phase"),
        counted(faults, "fault")
    )
}

fn notes(run: &Run) -> String {
    if run.notes.is_empty() {
        return "<div></div>\n".to_owned();
    }
    let notes: String = run
        .notes
        .iter()
        .map(|note| format!("<li>{}</li>", Text(note)))
        .collect();
    format!("<div><h4>Notes</h4>\n<ul class=\"notes\">{notes}</ul></div>\n")
}

const LEGEND: &str = "<ul class=\"legend\">\
    <li><span class=\"key area-used\"></span>in use</li>\
    <li><span class=\"key line-size\"></span>size</li>\
    <li><span class=\"key line-idle\"></span>idle</li>\
    <li><span class=\"key line-most\"></span>most allowed</li>\
    <li><span class=\"key area-waiting\"></span>waiting in line</li>\
    <li><span class=\"key healthy\"></span>healthy</li>\
    <li><span class=\"key warning\"></span>warning</li>\
    <li><span class=\"key critical\"></span>critical</li>\
    <li><span class=\"key span-phase\"></span>phase</li>\
    <li><span class=\"key span-fault\"></span>fault</li></ul>\n";

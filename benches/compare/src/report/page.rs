//! The part of `docs/benchmarks.md` that is made: between two marks, so that what people wrote around it stays.

use super::machine;
use super::plot::{Panel, bars, digits};
use super::summary::{Loss, Row, Summary, is_floor};
use crate::contest::Contest;
use crate::job::{Job, OURS};
use crate::options::Options;
use crate::work::{Effort, Work};
use millpond_benches::statistics::Spread;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// What is written, and where.
#[derive(Debug)]
pub(crate) struct Page {
    text: String,
    /// Name and picture.
    plots: Vec<(String, String)>,
}

const BEGIN: &str = "<!-- made by `cargo xtask bench compare`: from here -->\n";
const END: &str = "<!-- made by `cargo xtask bench compare`: to here -->\n";

impl Page {
    pub(crate) fn of(
        options: &Options,
        contests: &[Contest],
        begun: Option<String>,
        server: Option<&str>,
    ) -> Self {
        let summaries: Vec<_> = contests.iter().map(Summary::of).collect();
        let mut text = circumstances(options, begun, server);
        text += &losses(&summaries);
        let mut plots = Vec::new();
        for group in groups(&summaries) {
            let (name, title) = (group.name, group.title);
            writeln!(text, "\n### {title}").expect("a string takes all");
            // Nothing over nothing cannot be drawn.
            if name != "allocations" {
                writeln!(text, "\n![{title}](benchmarks/{name}.svg)").expect("a string takes all");
                plots.push((format!("{name}.svg"), bars(&group.panels())));
            }
            group.of.iter().for_each(|summary| text += &table(summary));
        }
        Self { text, plots }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Into `docs/`.
    pub(crate) fn write(&self) -> Result<(), String> {
        let docs = docs();
        let page = docs.join("benchmarks.md");
        let failed = |error: std::io::Error| format!("{}: {error}", page.display());
        let old = fs::read_to_string(&page).map_err(failed)?;
        let new =
            between_marks(&old, &self.text).ok_or("docs/benchmarks.md: the marks are gone")?;
        fs::create_dir_all(docs.join("benchmarks")).map_err(failed)?;
        for (name, plot) in &self.plots {
            fs::write(docs.join("benchmarks").join(name), plot).map_err(failed)?;
        }
        fs::write(&page, new).map_err(failed)
    }
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// The page with another middle.
fn between_marks(page: &str, middle: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{middle}\n{END}{after}"))
}

/// When, where, with what.
fn circumstances(options: &Options, begun: Option<String>, server: Option<&str>) -> String {
    let load = |load: Option<String>| load.unwrap_or_else(|| "unknown".to_owned());
    let versions = [
        "deadpool",
        "bb8",
        "mobc",
        "qp",
        "fast_pool",
        "r2d2",
        "tokio",
    ]
    .into_iter()
    .chain(drivers().iter().copied());
    let versions = versions.filter_map(|name| Some(format!("{name} {}", machine::version(name)?)));
    let memory = options.jobs.iter().find(|job| !job.needs_server());
    let on_server = options.jobs.iter().find(|job| job.needs_server());
    let rounds = |job: Option<&Job>| job.map_or(0, |job| options.rounds(*job));
    format!(
        "Measured {}, at `{}`, with {}: {}. The load (runnable threads) was {} when it began and {} when it ended. \
         {} rounds in memory, {} on PostgreSQL {}{}.\n\nBeside {}.\n",
        machine::ask("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        machine::ask("git", &["rev-parse", "--short", "HEAD"]),
        machine::ask("rustc", &["--version"]),
        machine::told(),
        load(begun),
        load(machine::load()),
        rounds(memory),
        rounds(on_server),
        server.unwrap_or("(none)"),
        if options.effort == Effort::Full {
            ""
        } else {
            ", short ones"
        },
        versions.collect::<Vec<_>>().join(", "),
    )
}

fn drivers() -> &'static [&'static str] {
    if cfg!(feature = "postgres") {
        &[
            "tokio-postgres",
            "deadpool-postgres",
            "bb8-postgres",
            "mobc-postgres",
            "sqlx",
        ]
    } else {
        &[]
    }
}

/// Where another pool is ahead.
fn losses(summaries: &[Summary]) -> String {
    let mut text = "\n### Where millpond is behind\n\nWhere another pool's figure is better than ours by 2 % or \
                    more in three quarters of the rounds at least; theirs over ours, with the quartiles.\n\n"
        .to_owned();
    let lost: Vec<_> = summaries
        .iter()
        .flat_map(|summary| summary.losses().into_iter().map(|loss| (summary.job, loss)))
        .collect();
    if lost.is_empty() {
        return text + "Nowhere, in this run.\n";
    }
    text += "| work | figure | pool | theirs over ours |\n| --- | --- | --- | --- |\n";
    for (
        job,
        Loss {
            measure,
            pool,
            ratio,
        },
    ) in lost
    {
        writeln!(
            text,
            "| {} | {measure} | {pool} | {} |",
            job.title(),
            spread(ratio)
        )
        .expect("a string takes all");
    }
    text
}

fn table(summary: &Summary) -> String {
    let measures = summary.job.measures();
    let names: Vec<_> = measures.iter().map(|measure| measure.name).collect();
    let compared = summary.job.compared_by();
    let mut text = format!(
        "\n**{}** (`{}`)\n\n| | {} | {} over {OURS} | went wrong |\n| ---{} | --- | --- |\n",
        summary.job.title(),
        summary.job.name(),
        names.join(" | "),
        names[compared],
        " | ---".repeat(names.len()),
    );
    for row in &summary.rows {
        let name = match (row.pool, is_floor(row.pool)) {
            (OURS, _) => format!("**{OURS}**"),
            (floor, true) => format!("*{floor}*"),
            (pool, false) => pool.to_owned(),
        };
        let figures = row
            .figures
            .iter()
            .enumerate()
            .map(|(at, figure)| match figure {
                Some(figure) if at == compared => spread(*figure),
                Some(figure) => digits(figure.median),
                None => "–".to_owned(),
            });
        let figures: Vec<_> = figures.collect();
        let ratio = row.over_ours[compared].filter(|_| row.pool != OURS);
        let ratio = ratio.map_or("–".to_owned(), spread);
        writeln!(
            text,
            "| {name} | {} | {ratio} | {} |",
            figures.join(" | "),
            wrong(row)
        )
        .expect("a string takes all");
    }
    text
}

fn wrong(row: &Row) -> String {
    let faults = row
        .faults
        .iter()
        .map(|(fault, rounds)| format!("{fault} ({rounds}×)"));
    let unfit = row.unfit.iter().map(|why| format!("not done: {why}"));
    faults
        .chain(unfit)
        .collect::<Vec<_>>()
        .join("; ")
        .replace('|', "/")
}

/// The median, and the quartiles behind it.
fn spread(spread: Spread) -> String {
    let Spread {
        lower,
        median,
        upper,
    } = spread;
    let [lower, median, upper] = [lower, median, upper].map(digits);
    if lower == upper {
        return median;
    }
    format!("{median} ({lower} to {upper})")
}

/// Jobs of one kind.
struct Group<'a> {
    name: &'static str,
    title: &'static str,
    of: Vec<&'a Summary>,
}

impl<'a> Group<'a> {
    /// The figure that each is compared by, and the longest waits where they are measured.
    fn panels(&self) -> Vec<Panel<'a>> {
        let panels = self.of.iter().flat_map(|summary| {
            let measures = summary.job.measures().iter().enumerate();
            let compared = summary.job.compared_by();
            let shown = measures
                .filter(move |(at, measure)| *at == compared || measure.name.starts_with("p99.9"));
            shown.map(|(measure, _)| Panel { summary, measure })
        });
        panels.collect()
    }
}

fn groups(summaries: &[Summary]) -> Vec<Group<'_>> {
    type Kind = (&'static str, &'static str, fn(Job) -> bool);
    let kinds: [Kind; 9] = [
        ("alone", "One thread, an object idle", |job| {
            job == Job::Memory(Work::Alone)
        }),
        ("spawned", "Tasks on two workers", |job| {
            matches!(job, Job::Memory(Work::Spawned { .. }))
        }),
        ("held", "More tasks than objects", |job| {
            matches!(job, Job::Memory(Work::Held { .. }))
        }),
        ("line", "A line", |job| {
            matches!(job, Job::Memory(Work::Line { .. }))
        }),
        ("storm", "Getters that give up", |job| {
            job == Job::Memory(Work::Storm)
        }),
        ("allocations", "Allocations", |job| {
            job == Job::Memory(Work::Allocations)
        }),
        ("cold", "A cold start", |job| job == Job::Memory(Work::Cold)),
        ("sized", "As pools grow", |job| {
            matches!(job, Job::Memory(Work::Sized { .. }))
        }),
        ("postgres", "PostgreSQL", Job::needs_server),
    ];
    let groups = kinds.into_iter().map(|(name, title, is_of)| Group {
        name,
        title,
        of: summaries
            .iter()
            .filter(|summary| is_of(summary.job))
            .collect(),
    });
    groups.filter(|group| !group.of.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::summary::tests::contest;
    use super::*;
    use crate::measure::Outcome;

    #[test]
    fn what_is_written_by_hand_stays() {
        let page = format!("# Before\n{BEGIN}old\n{END}after\n");
        let new = between_marks(&page, "new").expect("both marks are there");
        assert_eq!(new, format!("# Before\n{BEGIN}\nnew\n{END}after\n"));
        assert_eq!(between_marks(&new, "new"), Some(new.clone()));
        assert_eq!(between_marks("no marks", "new"), None);
    }

    #[test]
    fn the_page_has_its_marks() {
        let page = fs::read_to_string(docs().join("benchmarks.md")).expect("it is there");
        assert!(between_marks(&page, "new").is_some());
    }

    #[test]
    fn every_job_is_in_one_group() {
        let all = crate::job::all();
        let summaries: Vec<_> = all
            .iter()
            .map(|job| Summary {
                job: *job,
                rows: Vec::new(),
            })
            .collect();
        let grouped: usize = groups(&summaries).iter().map(|group| group.of.len()).sum();
        assert_eq!(grouped, all.len());
    }

    #[test]
    fn a_pool_that_failed_has_its_row_all_the_same() {
        let mut contest = contest(&[20.0, 60.0, 40.0]);
        contest.entries[1].rounds = vec![Outcome::fault("hung: no end after 20 s"); 3];
        let text = table(&Summary::of(&contest));
        assert!(
            text.contains("| deadpool | – | – | – | hung: no end after 20 s (3×) |"),
            "{text}"
        );
    }

    #[test]
    fn what_we_lose_is_said() {
        let summary = Summary::of(&contest(&[8.0, 16.0, 32.0]));
        let text = losses(&[summary]);
        assert!(text.contains("| ns each | deadpool | 0.80 |"), "{text}");
        assert!(losses(&[]).contains("Nowhere"));
    }
}

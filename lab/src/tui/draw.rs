//! One picture of the live view. Everything can be told without its colour: by its letter, or by a word.

use super::histogram::histogram;
use crate::data::{Group, Level, Sample, Timeline, Verdict};
use crate::progress::counts;
use crate::record::Glimpse;
use crate::report::words::role;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Gauge, Paragraph, Sparkline, Wrap};

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// On what it runs.
    pub title: String,
    /// Seconds since all began.
    pub seconds: f64,
    /// Every run that is planned, runs, or has ended.
    pub rows: Vec<Row>,
    /// The one that runs, or ran last.
    pub current: Option<Current>,
    /// Whether all is about to end.
    pub stopping: bool,
}

/// One run among all.
#[derive(Clone, Debug)]
pub struct Row {
    /// The case.
    pub case: String,
    /// The pool.
    pub pool: String,
    /// How far it is.
    pub state: State,
}

/// How far a run is.
#[derive(Clone, Debug)]
pub enum State {
    /// It comes later.
    Planned,
    /// It runs.
    Runs,
    /// What came of it, and its figure.
    Ended(Verdict, String),
}

/// The run that is looked at.
#[derive(Clone, Debug, Default)]
pub struct Current {
    /// The case's title.
    pub title: String,
    /// What it asks.
    pub question: String,
    /// The pool.
    pub pool: String,
    /// About how many seconds it takes.
    pub expected: f64,
    /// What happens in it now.
    pub now: Glimpse,
    /// What its requests have come to so far.
    pub groups: Vec<Group>,
}

/// Draws it.
pub fn draw(frame: &mut Frame<'_>, view: &View) {
    let [top, middle, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let title = format!(" {}  {:.0} s", view.title, view.seconds);
    frame.render_widget(Line::from(title).style(bold()), top);
    let keys = match view.stopping {
        true => " stopping; what was measured so far is kept",
        false => " q stops",
    };
    frame.render_widget(Line::from(keys).style(soft()), bottom);
    let [left, right] =
        Layout::horizontal([Constraint::Length(LIST), Constraint::Min(0)]).areas(middle);
    list(frame, left, &view.rows);
    if let Some(current) = &view.current {
        stage(frame, right, current);
    }
}

fn list(frame: &mut Frame<'_>, area: Rect, rows: &[Row]) {
    let block = framed(" Verdicts ");
    // The newest are what one looks at: of too many, the first ones go.
    let ended = rows
        .iter()
        .filter(|row| !matches!(row.state, State::Planned))
        .count();
    let room = usize::from(block.inner(area).height) / 2;
    let from = ended
        .saturating_sub(room.max(1))
        .min(rows.len().saturating_sub(room));
    let lines: Vec<_> = rows[from..].iter().flat_map(of_row).collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn of_row(row: &Row) -> [Line<'static>; 2] {
    let (sign, word, color) = match &row.state {
        State::Planned => ("·", "", Color::DarkGray),
        State::Runs => ("▶", "runs", Color::Cyan),
        State::Ended(Verdict::Passed, _) => ("✓", "passed", Color::Green),
        State::Ended(Verdict::Failed, _) => ("✗", "FAILED", Color::Red),
        State::Ended(Verdict::Broken(_), _) => ("!", "BROKEN", Color::Red),
        State::Ended(Verdict::Skipped(_), _) => ("–", "skipped", Color::Yellow),
        State::Ended(Verdict::Interrupted, _) => ("■", "stopped", Color::Yellow),
    };
    let figure = match &row.state {
        State::Ended(_, figure) => figure.clone(),
        _ => String::new(),
    };
    let name = format!("{sign} {}, {} ", row.case, row.pool);
    [
        Line::from(vec![
            Span::styled(name, Style::new().fg(color)),
            Span::styled(word, Style::new().fg(color).add_modifier(Modifier::BOLD)),
        ]),
        Line::from(format!("  {figure}")).style(soft()),
    ]
}

fn stage(frame: &mut Frame<'_>, area: Rect, current: &Current) {
    let block = framed(&format!(" {}, {} ", current.title, current.pool));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let pools = current.now.pools.len();
    let of_pools = u16::try_from(pools)
        .unwrap_or(u16::MAX)
        .saturating_mul(POOL);
    let [question, gauge, happening, shown, waits] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Length(of_pools),
        Constraint::Min(0),
    ])
    .areas(inner);
    let text = Paragraph::new(current.question.as_str()).wrap(Wrap { trim: true });
    frame.render_widget(text.style(soft()), question);
    progress(frame, gauge, current);
    happens(frame, happening, &current.now);
    let each = Layout::vertical(vec![Constraint::Length(POOL); pools]).split(shown);
    for (line, area) in current.now.pools.iter().zip(each.iter()) {
        pool(frame, *area, line, &current.pool);
    }
    how_long(frame, waits, &current.groups);
}

fn progress(frame: &mut Frame<'_>, area: Rect, current: &Current) {
    let share = (current.now.at / current.expected.max(0.1)).clamp(0.0, 1.0);
    let label = format!("{:.1} of about {:.0} s", current.now.at, current.expected);
    let gauge = Gauge::default().ratio(share).label(label);
    frame.render_widget(gauge.gauge_style(Style::new().fg(Color::Blue)), area);
}

fn happens(frame: &mut Frame<'_>, area: Rect, now: &Glimpse) {
    let phase = now.phases.last().map_or("", String::as_str);
    let faults = match now.faults.is_empty() {
        true => Line::default(),
        false => Line::from(format!("fault: {}", now.faults.join(", "))).style(loud(Color::Red)),
    };
    frame.render_widget(
        Paragraph::new(vec![Line::from(phase.to_owned()), faults]),
        area,
    );
}

fn pool(frame: &mut Frame<'_>, area: Rect, line: &Timeline, of: &str) {
    let Some(last) = line.samples.last() else {
        return;
    };
    let [words, slots, queue, past, _] = Layout::vertical([Constraint::Length(1); 5]).areas(area);
    let health = match last.health {
        Some(Level::Healthy) => Span::styled(" healthy ", Style::new().fg(Color::Green)),
        Some(Level::Warning) => Span::styled(" WARNING ", loud(Color::Yellow)),
        Some(Level::Critical) => Span::styled(" CRITICAL ", loud(Color::Red)),
        None => Span::styled(" health unknown ", soft()),
    };
    let head = Line::from(vec![
        Span::styled(role(&line.name, of).to_owned(), bold()),
        health,
        Span::styled(counts(last), soft()),
    ]);
    frame.render_widget(head, words);
    frame.render_widget(cells(last, usize::from(slots.width)), slots);
    frame.render_widget(waiting(last, usize::from(queue.width)), queue);
    let used: Vec<u64> = line
        .samples
        .iter()
        .map(|sample| sample.in_use.map_or(0, |count| count as u64))
        .collect();
    let room = usize::from(past.width);
    let most = last.max.or(last.size).unwrap_or(1).max(1) as u64;
    let spark = Sparkline::default()
        .data(&used[used.len().saturating_sub(room)..])
        .max(most)
        .style(Style::new().fg(Color::Blue));
    frame.render_widget(spark, past);
}

/// Each slot as a cell: held, ready, being made, not made.
fn cells(sample: &Sample, room: usize) -> Line<'static> {
    let Some(size) = sample.size.or(sample.in_use) else {
        return Line::from("slots unknown").style(soft());
    };
    let count = |of: Option<usize>| of.unwrap_or(0);
    let unmade = sample.max.unwrap_or(size).saturating_sub(size);
    let idle = sample
        .idle
        .unwrap_or_else(|| size.saturating_sub(count(sample.in_use)));
    let kinds = [
        ("■ ", count(sample.in_use), Color::Blue),
        ("□ ", idle, Color::Green),
        ("◌ ", count(sample.connecting), Color::Yellow),
        ("· ", unmade, Color::DarkGray),
    ];
    let mut left = room / 2;
    let mut spans = Vec::new();
    for (cell, count, color) in kinds {
        let shown = count.min(left);
        left -= shown;
        spans.push(Span::styled(cell.repeat(shown), Style::new().fg(color)));
    }
    Line::from(spans)
}

/// Who waits, one letter each, as many as there is room for.
fn waiting(sample: &Sample, room: usize) -> Line<'static> {
    match sample.waiting {
        None => Line::from("the line is unknown").style(soft()),
        Some(0) => Line::from("nobody waits").style(soft()),
        Some(count) => {
            let number = format!(" {count}");
            let shown = count.min(room.saturating_sub(number.len()));
            let line = "›".repeat(shown) + &number;
            Line::from(line).style(Style::new().fg(Color::Yellow))
        }
    }
}

fn how_long(frame: &mut Frame<'_>, area: Rect, groups: &[Group]) {
    if area.height < 4 {
        return;
    }
    let mut lines = vec![Line::from("How long requests waited").style(bold())];
    let rows = usize::from(area.height - 2).min(MOST_ROWS);
    lines.extend(histogram(groups, usize::from(area.width), rows));
    frame.render_widget(Paragraph::new(lines), area);
}

fn framed(title: &str) -> Block<'static> {
    let block = Block::bordered().border_type(BorderType::Rounded);
    block.border_style(soft()).title(title.to_owned())
}

fn soft() -> Style {
    Style::new().fg(Color::Gray)
}

fn bold() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

fn loud(color: Color) -> Style {
    Style::new().fg(color).add_modifier(Modifier::BOLD)
}

/// How wide the list of verdicts is.
const LIST: u16 = 36;
/// How many rows a pool takes.
const POOL: u16 = 5;
/// How high the histogram is at most.
const MOST_ROWS: usize = 8;

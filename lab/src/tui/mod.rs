//! The live view: the pool breathing while a case drives it. `lab run --tui`.

mod draw;
mod histogram;
mod screen;

pub use draw::{Current, Row, State, View, draw};

use crate::Failure;
use crate::cases::Case;
use crate::data::Run;
use crate::record::Recorder;
use crate::report::sum;
use crate::runner::{Audience, Plan};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use screen::Screen;
use std::io::{IsTerminal, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The view, on a thread of its own, until this is dropped: then the terminal is as it was.
#[derive(Debug)]
pub(crate) struct Live {
    stage: Arc<Stage>,
    thread: Option<JoinHandle<()>>,
}

/// What the view is made of, between the run and the thread that draws.
#[derive(Debug)]
struct Stage {
    title: String,
    begun: Instant,
    rows: Mutex<Vec<Row>>,
    current: Mutex<Option<Playing>>,
    stop: CancellationToken,
    over: AtomicBool,
}

/// The run that is looked at.
#[derive(Clone, Debug)]
struct Playing {
    title: String,
    question: String,
    pool: String,
    expected: Duration,
    recorder: Recorder,
}

impl Live {
    /// Begins to draw; `q`, Esc or Ctrl-C cancels `stop`.
    ///
    /// # Errors
    ///
    /// There is no terminal to draw on.
    pub(crate) fn begin(
        plan: &Plan,
        title: String,
        stop: &CancellationToken,
    ) -> Result<Self, Failure> {
        if !stdout().is_terminal() {
            return Err("--tui draws on a terminal, and there is none; leave it out".into());
        }
        let makers = || plan.makers.iter().map(|maker| maker.name().to_owned());
        let rows = plan.cases.iter().flat_map(|case| {
            makers().map(|pool| Row {
                case: case.name().to_owned(),
                pool,
                state: State::Planned,
            })
        });
        let stage = Arc::new(Stage {
            title,
            begun: Instant::now(),
            rows: Mutex::new(rows.collect()),
            current: Mutex::default(),
            stop: stop.clone(),
            over: AtomicBool::new(false),
        });
        let screen = Screen::open().map_err(|error| format!("--tui: the terminal: {error}"))?;
        let theirs = Arc::clone(&stage);
        let thread = Builder::new()
            .name("lab-tui".to_owned())
            .spawn(move || theirs.play(screen))?;
        Ok(Self {
            stage,
            thread: Some(thread),
        })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stage.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // Its panic has been told by the hook, and its screen closed.
            let _told = thread.join();
        }
    }
}

impl Audience for Live {
    fn begins(&self, case: &dyn Case, pool: &str, recorder: &Recorder, expected: Duration) {
        self.stage.turn(case.name(), pool, State::Runs);
        *held(&self.stage.current) = Some(Playing {
            title: case.title().to_owned(),
            question: case.question().to_owned(),
            pool: pool.to_owned(),
            expected,
            recorder: recorder.clone(),
        });
    }

    fn ended(&self, case: &dyn Case, run: &Run) {
        let state = State::Ended(run.verdict.clone(), sum::figure(run));
        self.stage.turn(case.name(), &run.pool, state);
    }
}

impl Stage {
    fn turn(&self, case: &str, pool: &str, state: State) {
        let mut rows = held(&self.rows);
        if let Some(row) = rows
            .iter_mut()
            .find(|row| row.case == case && row.pool == pool)
        {
            row.state = state;
        }
    }

    /// Draws until all is over. A terminal that is gone stops the run: nobody looks on any more.
    fn play(&self, mut screen: Screen) {
        while !self.over.load(Ordering::SeqCst) {
            let view = self.view();
            let shown = screen.draw(|frame| draw(frame, &view));
            let heard = shown.and_then(|()| self.hear());
            if let Err(error) = heard {
                tracing::error!("the live view ends: {error}");
                self.stop.cancel();
                return;
            }
        }
    }

    fn view(&self) -> View {
        let current = held(&self.current).clone().map(|playing| Current {
            title: playing.title,
            question: playing.question,
            pool: playing.pool,
            expected: playing.expected.as_secs_f64(),
            now: playing.recorder.glimpse(SAMPLES),
            groups: playing.recorder.groups(),
        });
        View {
            title: self.title.clone(),
            seconds: self.begun.elapsed().as_secs_f64(),
            rows: held(&self.rows).clone(),
            current,
            stopping: self.stop.is_cancelled(),
        }
    }

    /// Waits for a key until it is time for the next picture.
    fn hear(&self) -> std::io::Result<()> {
        if event::poll(PICTURE)? {
            if let Event::Key(key) = event::read()? {
                if stops(key) {
                    self.stop.cancel();
                }
            }
        }
        Ok(())
    }
}

/// In raw mode Ctrl-C is a key like others.
fn stops(key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let asks = match key.code {
        KeyCode::Char('q' | 'Q') | KeyCode::Esc => true,
        KeyCode::Char('c' | 'd') => control,
        _ => false,
    };
    asks && key.kind != KeyEventKind::Release
}

fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long a picture stands.
const PICTURE: Duration = Duration::from_millis(80);

/// How many looks at a pool a picture may show.
const SAMPLES: usize = 240;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn these_keys_stop_and_no_others() {
        let key = |code, modifiers| stops(KeyEvent::new(code, modifiers));
        assert!(key(KeyCode::Char('q'), KeyModifiers::NONE));
        assert!(key(KeyCode::Esc, KeyModifiers::NONE));
        assert!(key(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert!(!key(KeyCode::Char('c'), KeyModifiers::NONE));
        assert!(!key(KeyCode::Enter, KeyModifiers::NONE));
    }
}

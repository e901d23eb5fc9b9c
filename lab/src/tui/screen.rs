//! The terminal while it shows pictures. However that ends, it is as it was before.

use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::prelude::CrosstermBackend;
use ratatui::{Frame, Terminal};
use std::io::{self, Stdout, stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// A terminal that is given back when this is dropped, and before a panic is told.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

/// Whether a screen is open, for the hook.
static OPEN: AtomicBool = AtomicBool::new(false);

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        hooked();
        OPEN.store(true, Ordering::SeqCst);
        let opened = enable_raw_mode().and_then(|()| {
            execute!(stdout(), EnterAlternateScreen)?;
            Terminal::new(CrosstermBackend::new(stdout()))
        });
        match opened {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(picture).map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Once only, whoever comes first. What fails here cannot be told: the terminal is gone.
fn give_back() {
    if OPEN.swap(false, Ordering::SeqCst) {
        let _gone = execute!(stdout(), LeaveAlternateScreen, Show);
        let _gone = disable_raw_mode();
    }
}

/// A panic of the thread that draws, or of the one that waits for all, is told on the terminal as it was; one of a case's
/// tasks is caught, and the picture goes on.
fn hooked() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = std::thread::current();
            let of_a_task = thread.name().is_some_and(|name| name.starts_with("tokio"));
            if !of_a_task {
                give_back();
            }
            before(panic);
        }));
    });
}

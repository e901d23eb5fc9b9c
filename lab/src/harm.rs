//! What is done to a server, and its undoing.

use crate::Failure;
use crate::site::{Site, blocking};
use millpond_testdb::Stop;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// What may be done to a server, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It is stopped; healed, it is started again.
    Stopped(Stop),
    /// All its processes stand still, by SIGSTOP; healed, they go on.
    Frozen,
    /// Its database takes no more than so many connections (SQLSTATE 53300). Those that are there stay; superusers
    /// are let in.
    Full {
        /// How many it takes.
        places: u32,
    },
    /// Its `max_connections` is lowered, and raised again: each takes a restart.
    Shrunk {
        /// How many connections it takes, three of which are kept for superusers.
        places: u32,
    },
}

/// A server that was harmed. Dropped, it is healed aside, when there is still somebody to do that.
#[derive(Debug)]
#[must_use = "it is healed when it is dropped"]
pub struct Harmed {
    harm: Harm,
    /// `None` once it is healed.
    site: Option<Site>,
    is_over: Over,
}

/// Held while the harness works: who heals waits for who harms, and what is over is not begun any more.
type Over = Arc<Mutex<bool>>;

impl Harmed {
    /// Whoever is dropped while the harness works has harmed it all the same: so this is made before.
    pub(crate) async fn begin(site: &Site, harm: Harm) -> Result<Self, Failure> {
        if !site.is_ours() {
            let ours =
                "only a server that was started for this run can be stopped, frozen or limited";
            return Err(site.forbids().unwrap_or_else(|| ours.to_owned()).into());
        }
        let harmed = Self {
            harm,
            site: Some(site.clone()),
            is_over: Over::default(),
        };
        let (site, is_over) = (site.clone(), Arc::clone(&harmed.is_over));
        blocking(move || {
            let over = is_over.lock().unwrap_or_else(PoisonError::into_inner);
            if *over { Ok(()) } else { harm.apply(&site) }
        })
        .await?;
        Ok(harmed)
    }

    /// What was done to it.
    pub fn harm(&self) -> Harm {
        self.harm
    }

    /// Undoes it, and returns when that is done.
    ///
    /// # Errors
    ///
    /// The harness failed.
    pub async fn heal(mut self) -> Result<(), Failure> {
        match self.undoing() {
            Some(undo) => blocking(undo).await,
            None => Ok(()),
        }
    }

    /// What undoes it, once.
    fn undoing(&mut self) -> Option<impl FnOnce() -> Result<(), Failure> + use<>> {
        let (harm, site) = (self.harm, self.site.take()?);
        let is_over = Arc::clone(&self.is_over);
        Some(move || {
            let mut over = is_over.lock().unwrap_or_else(PoisonError::into_inner);
            *over = true;
            harm.undo(&site)
        })
    }
}

impl Drop for Harmed {
    fn drop(&mut self) {
        let here = tokio::runtime::Handle::try_current().ok();
        if let Some((undo, runtime)) = self.undoing().zip(here) {
            drop(runtime.spawn_blocking(undo));
        }
    }
}

impl Harm {
    fn apply(self, site: &Site) -> Result<(), Failure> {
        let server = site.server().ok_or("the server is to be spared")?;
        match self {
            Self::Stopped(how) => server.stop(how)?,
            Self::Frozen => server.freeze()?,
            Self::Full { places } => limit(site, &places.to_string())?,
            Self::Shrunk { places } => server.set("max_connections", &places.to_string())?,
        }
        Ok(())
    }

    fn undo(self, site: &Site) -> Result<(), Failure> {
        let server = site.server().ok_or("the server is to be spared")?;
        match self {
            Self::Stopped(_) => server.start()?,
            Self::Frozen => server.thaw()?,
            Self::Full { .. } => limit(site, "-1")?,
            Self::Shrunk { .. } => server.set("max_connections", USUAL)?,
        }
        Ok(())
    }
}

fn limit(site: &Site, most: &str) -> Result<(), Failure> {
    let server = site.server().ok_or("the server is to be spared")?;
    let database = site.database()?;
    server.query(&format!(
        "ALTER DATABASE {database} CONNECTION LIMIT {most}"
    ))?;
    Ok(())
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(Stop::Smart) => f.write_str("a smart restart"),
            Self::Stopped(Stop::Fast) => f.write_str("a fast restart"),
            Self::Stopped(Stop::Immediate) => f.write_str("an immediate restart"),
            Self::Frozen => f.write_str("the server stands still"),
            Self::Full { places } => write!(f, "room for {places} connections"),
            Self::Shrunk { places } => write!(f, "max_connections = {places}"),
        }
    }
}

/// As the harness has it.
const USUAL: &str = "200";

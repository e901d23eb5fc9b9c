//! What a manager keeps of statements, and what it leads to that may not know their names.

use super::statements::BOUND;
use super::{Error, Manager, PgBouncer, StatementCache};

/// As a manager was told.
pub(super) struct Keeping {
    size: usize,
    pub(super) bouncer: Option<PgBouncer>,
}

impl Keeping {
    pub(super) fn new() -> Self {
        Self {
            size: BOUND,
            bouncer: None,
        }
    }
}

impl Manager {
    /// How many prepared statements a connection keeps: those that were used last. One that makes room is
    /// closed at the server. With 0 none is kept, and `prepare_cached` prepares each time.
    ///
    /// Default: 256, as in pgjdbc. A trivial one costs the server 8 kB.
    #[must_use]
    pub fn statement_cache_size(mut self, statements: usize) -> Self {
        self.keeping.size = statements;
        self
    }

    /// Sets it up for connections that lead to a PgBouncer: what would fail there now and then is refused at
    /// once, here or when it is used ([`PgBouncer`] tells what), and a connection is checked by an empty query.
    ///
    /// # Errors
    ///
    /// What this manager is told beside it cannot be had behind a PgBouncer of that mode: `options`, or a
    /// session's reset. The error tells the way out. What it is told afterwards is refused by each connect.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond::postgres::{Manager, PgBouncer, tokio_postgres::NoTls};
    ///
    /// let behind: fn(&str) -> _ = |config| {
    ///     Manager::new(config.parse().unwrap(), NoTls).pgbouncer(PgBouncer::Transaction)
    /// };
    /// assert!(behind("host=bouncer port=6432 user=alice dbname=shop").is_ok());
    /// let refused = behind("host=bouncer options='-c statement_timeout=5s'").unwrap_err();
    /// assert!(refused.to_string().contains("ALTER ROLE"), "{refused}");
    /// ```
    pub fn pgbouncer(mut self, mode: PgBouncer) -> Result<Self, Error> {
        self.keeping.bouncer = Some(mode);
        self.fits_pgbouncer()?;
        Ok(self)
    }

    /// Whether a session of one's own, which keeps what it listens on, can be had.
    pub(super) fn fits_listening(&self) -> Result<(), Error> {
        self.fits_pgbouncer()?;
        match self.keeping.bouncer {
            None | Some(PgBouncer::Session) => Ok(()),
            Some(_) => Err(Error::refused(&self.route.target, LISTENS.to_owned())),
        }
    }

    /// Whether what it was told can be had behind the PgBouncer, if there is one.
    pub(super) fn fits_pgbouncer(&self) -> Result<(), Error> {
        let Some(mode) = self.keeping.bouncer else {
            return Ok(());
        };
        let resets = &self.returning.reset;
        mode.fits(&self.route.config, &self.config, resets)
            .map_err(|reason| Error::refused(&self.route.target, reason))
    }

    pub(super) fn statement_cache(&self) -> StatementCache {
        match self.keeping.bouncer {
            Some(mode) if !mode.knows_names() => StatementCache::without_names(),
            _ => StatementCache::new(self.keeping.size),
        }
    }
}

const LISTENS: &str = "LISTEN is kept by a session, and in transaction mode there is none: give the listener a manager of \
    its own that leads to the server, or to a PgBouncer in session mode";

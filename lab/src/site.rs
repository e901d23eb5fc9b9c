//! Where a run takes place: the database, and what may be done to it.

use crate::Failure;
use crate::data::{Backend, Sleeps};
use crate::scratch::Scratch;
use crate::subject::Target;
use clap::ValueEnum;
use millpond_testdb::{Database, Server};
use std::fmt;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// A kind of database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A server of its own.
    #[default]
    #[value(alias = "postgres")]
    Postgresql,
    /// A library, and a file. Only where it is asked for by name: never in place of a server that is not there.
    Sqlite,
}

/// A database of this run's own, which goes with this value.
///
/// It is on a real PostgreSQL: `TEST_DATABASE_URL` or `DATABASE_URL` if one is set; else a private server, started from
/// the machine's PostgreSQL, which ends with this process, whatever ends it. Or, where that is asked for, it is SQLite's,
/// a file in a folder that is removed, whatever ends this process.
#[derive(Clone, Debug)]
pub struct Site(Arc<Place>);

#[derive(Debug)]
enum Place {
    Postgresql(Postgresql),
    Sqlite { version: String, folder: Scratch },
}

#[derive(Debug)]
struct Postgresql {
    // Dropped in this order: the database before its server.
    database: Database,
    server: Server,
    faults: bool,
}

impl Site {
    /// Finds or starts the server. Faults are done to a server that we did not start only if `faults_anywhere`.
    ///
    /// # Errors
    ///
    /// A variable is set that leads to no server, or there is no PostgreSQL to start: the thing and the way out.
    pub async fn find(faults_anywhere: bool) -> Result<Self, Failure> {
        blocking(move || {
            let server = Server::find()?;
            let database = server.database()?;
            let faults = faults_anywhere || server.is_private();
            Ok(Self(Arc::new(Place::Postgresql(Postgresql {
                database,
                server,
                faults,
            }))))
        })
        .await
    }

    /// An empty file for SQLite, which is of that version.
    ///
    /// # Errors
    ///
    /// There can be no folder for it.
    pub async fn sqlite(version: String) -> Result<Self, Failure> {
        blocking(move || {
            let folder = Scratch::new("sqlite")?;
            Ok(Self(Arc::new(Place::Sqlite { version, folder })))
        })
        .await
    }

    /// What kind it is.
    pub fn kind(&self) -> Kind {
        match &*self.0 {
            Place::Postgresql(_) => Kind::Postgresql,
            Place::Sqlite { .. } => Kind::Sqlite,
        }
    }

    /// How the report tells of it.
    pub fn backend(&self) -> Backend {
        let (version, origin, sleeps) = match &*self.0 {
            Place::Postgresql(place) => (place.server.version(), place.origin(), Sleeps::InServer),
            Place::Sqlite { version, .. } => {
                (version.as_str(), "a file of this run", Sleeps::InClient)
            }
        };
        Backend {
            kind: self.kind().to_string(),
            version: version.to_owned(),
            origin: origin.to_owned(),
            sleeps,
        }
    }

    /// Where connections lead.
    pub fn target(&self) -> Target {
        match &*self.0 {
            Place::Postgresql(place) => Target::Postgres(Box::new(place.database.config())),
            Place::Sqlite { folder, .. } => Target::Sqlite(folder.path().join("lab.db")),
        }
    }

    /// The server, if faults may be done to it: it is private, or we were told so.
    pub fn server(&self) -> Option<&Server> {
        let place = self.postgresql().ok().filter(|place| place.faults)?;
        Some(&place.server)
    }

    /// Why a case that needs a server cannot be asked here, if so.
    pub fn without_server(&self) -> Option<String> {
        self.postgresql().err().map(|failure| failure.to_string())
    }

    /// Whether there is a server that keeps a list of its connections, so that a pool's counts can be held against it.
    pub fn keeps_list(&self) -> bool {
        self.postgresql().is_ok()
    }

    /// How many connections of that name the server has itself.
    ///
    /// # Errors
    ///
    /// It does not answer, or there is none.
    pub async fn count(&self, name: &str) -> Result<usize, Failure> {
        let name = name.to_owned();
        self.aside(move |place| Ok(place.database.count_connections(&name)?))
            .await
    }

    /// Asks the server, on a connection of the lab's own, with the database's name as the statement may need it.
    ///
    /// # Errors
    ///
    /// It does not answer, or refuses, or there is none.
    pub async fn query(&self, sql: String) -> Result<Vec<Vec<Option<String>>>, Failure> {
        self.aside(move |place| Ok(place.database.query_rows(&sql)?))
            .await
    }

    /// Ends every connection of that name at the server. How many there were.
    ///
    /// # Errors
    ///
    /// The server does not answer, or refuses, or there is none.
    pub async fn terminate(&self, name: &str) -> Result<usize, Failure> {
        let quoted = name.replace('\'', "''");
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{quoted}'"
        );
        Ok(self.query(sql).await?.len())
    }

    /// Does something to the server that takes its time. `None` where that is not allowed.
    pub async fn with_server<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Server) -> Result<T, millpond_testdb::Error> + Send + 'static,
    ) -> Option<Result<T, Failure>> {
        self.server()?;
        Some(self.aside(move |place| Ok(act(&place.server)?)).await)
    }

    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Postgresql) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let here = self.clone();
        blocking(move || work(here.postgresql()?)).await
    }

    fn postgresql(&self) -> Result<&Postgresql, Failure> {
        match &*self.0 {
            Place::Postgresql(place) => Ok(place),
            Place::Sqlite { .. } => Err(
                "SQLite is no server: it keeps no list of its connections, and none of \
                                         them can be ended or frozen"
                    .into(),
            ),
        }
    }
}

impl Postgresql {
    fn origin(&self) -> &'static str {
        if self.server.is_private() {
            "started for this run"
        } else if std::env::var_os("TEST_DATABASE_URL").is_some() {
            "TEST_DATABASE_URL"
        } else {
            "DATABASE_URL"
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgresql => "PostgreSQL",
            Self::Sqlite => "SQLite",
        })
    }
}

/// The harness blocks: it runs aside. An error of its own thread is one of ours.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    spawn_blocking(work).await?
}

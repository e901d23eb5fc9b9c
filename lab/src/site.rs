//! Where a run takes place: the database, and what may be done to it.

use crate::Failure;
use crate::data::{Backend, Sleeps};
use crate::harm::{Harm, Harmed};
use crate::scratch::Scratch;
use crate::subject::Target;
use clap::ValueEnum;
use millpond_testdb::{Database, Server};
use millpond_testkit::proxy::Upstream;
use std::fmt;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

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
pub struct Site {
    place: Arc<Place>,
    faults: bool,
}

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
            let place = Place::Postgresql(Postgresql { database, server });
            Ok(Self::at(place, faults))
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
            Ok(Self::at(Place::Sqlite { version, folder }, false))
        })
        .await
    }

    /// A private server, whatever the variables say.
    ///
    /// # Errors
    ///
    /// There is no PostgreSQL to start: the thing and the way out.
    pub async fn start() -> Result<Self, Failure> {
        blocking(move || {
            let server = Server::private()?;
            let database = server.database()?;
            let place = Place::Postgresql(Postgresql { database, server });
            Ok(Self::at(place, true))
        })
        .await
    }

    fn at(place: Place, faults: bool) -> Self {
        Self {
            place: Arc::new(place),
            faults,
        }
    }

    /// The same place, whose server is to be spared, whoever started it.
    pub fn spared(&self) -> Self {
        Self {
            place: Arc::clone(&self.place),
            faults: false,
        }
    }

    /// What kind it is.
    pub fn kind(&self) -> Kind {
        match &*self.place {
            Place::Postgresql(_) => Kind::Postgresql,
            Place::Sqlite { .. } => Kind::Sqlite,
        }
    }

    /// How the report tells of it.
    pub fn backend(&self) -> Backend {
        let (version, origin, sleeps) = match &*self.place {
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
        match &*self.place {
            Place::Postgresql(place) => Target::Postgres(Box::new(place.database.config())),
            Place::Sqlite { folder, .. } => Target::Sqlite(folder.path().join("lab.db")),
        }
    }

    /// The same, as a role that is no superuser, so that limits hold for it too.
    ///
    /// # Errors
    ///
    /// The server does not answer. Or there is none. On a server that we did not start there is no other role: it is the URL's own.
    pub async fn guest(&self) -> Result<Config, Failure> {
        let place = self.postgresql()?;
        let mut config = place.database.config();
        if place.server.is_private() {
            self.query(MAKE_GUEST.to_owned()).await?;
            config.user(GUEST);
        }
        Ok(config)
    }

    /// How the lab itself connects, with nothing in between.
    ///
    /// # Errors
    ///
    /// There is no server.
    pub fn direct(&self) -> Result<Config, Failure> {
        Ok(self.postgresql()?.database.config())
    }

    /// Where the server listens, for a proxy before it.
    ///
    /// # Errors
    ///
    /// The URL names no host, or there is no server.
    pub fn upstream(&self) -> Result<Upstream, Failure> {
        let config = self.direct()?;
        let port = config.get_ports().first().copied().unwrap_or(5432);
        match config.get_hosts().first() {
            Some(Host::Tcp(name)) => Ok((name.as_str(), port).into()),
            Some(Host::Unix(folder)) => Ok(folder.join(format!(".s.PGSQL.{port}")).into()),
            None => Err("the URL of the server names no host: name one".into()),
        }
    }

    /// Whether the server is one that can be stopped, frozen and limited: it is ours, and not to be spared.
    pub fn is_ours(&self) -> bool {
        let place = self.postgresql();
        self.faults && place.is_ok_and(|place| place.server.is_private())
    }

    /// Why faults may not be done to the server, if so.
    pub fn forbids(&self) -> Option<String> {
        let why = "the server was not started for this run, and is not to be hurt; \
                   --faults-on-a-server-that-is-not-ours says otherwise";
        let spared = (!self.faults).then(|| why.to_owned());
        self.without_server().or(spared)
    }

    /// Hurts the server, until what this returns is [healed](Harmed::heal) or dropped.
    ///
    /// # Errors
    ///
    /// It is not [ours](Site::is_ours), or the harness failed.
    pub async fn harm(&self, harm: Harm) -> Result<Harmed, Failure> {
        Harmed::begin(self, harm).await
    }

    /// Kills one backend of that name by SIGKILL, which PostgreSQL takes for a crash. Whether there was one.
    ///
    /// # Errors
    ///
    /// The server is not [ours](Site::is_ours), or does not answer.
    pub async fn kill(&self, name: &str) -> Result<bool, Failure> {
        let quoted = name.replace('\'', "''");
        let sql = format!(
            "SELECT pid FROM pg_stat_activity WHERE application_name = '{quoted}' ORDER BY pid LIMIT 1"
        );
        let rows = self.query(sql).await?;
        let Some(pid) = rows.into_iter().flatten().flatten().next() else {
            return Ok(false);
        };
        let pid: i32 = pid.parse()?;
        match self
            .with_server(move |server| server.kill_backend(pid))
            .await
        {
            None => Err(self.forbids().unwrap_or_default().into()),
            // It may have ended meanwhile.
            Some(Err(_)) => Ok(false),
            Some(Ok(())) => Ok(true),
        }
    }

    /// The name of the database.
    ///
    /// # Errors
    ///
    /// There is no server.
    pub(crate) fn database(&self) -> Result<&str, Failure> {
        Ok(self.postgresql()?.database.name())
    }

    /// The server, if faults may be done to it: it is private, or we were told so.
    pub fn server(&self) -> Option<&Server> {
        let place = self.postgresql().ok().filter(|_| self.faults)?;
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
        match &*self.place {
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

/// The same database as the same role, by a port on 127.0.0.1.
pub fn by_port(config: &Config, port: u16) -> Config {
    let mut other = Config::new();
    other.host("127.0.0.1").port(port);
    other.ssl_mode(config.get_ssl_mode());
    config.get_user().map(|user| other.user(user));
    config.get_password().map(|word| other.password(word));
    config.get_dbname().map(|name| other.dbname(name));
    config.get_options().map(|options| other.options(options));
    other
}

/// A role that is no superuser, on a private server.
const GUEST: &str = "lab_guest";
const MAKE_GUEST: &str = "DO $$ BEGIN CREATE ROLE lab_guest LOGIN; \
                          EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$";

/// The harness blocks: it runs aside. An error of its own thread is one of ours.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    spawn_blocking(work).await?
}

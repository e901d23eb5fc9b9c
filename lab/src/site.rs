//! Where a run takes place: the database, and what may be done to it.

use crate::Failure;
use crate::data::{Backend, Sleeps};
use crate::harm::{Harm, Harmed};
use crate::subject::Target;
use millpond_testdb::{Database, Server};
use millpond_testkit::proxy::Upstream;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// A real PostgreSQL, and a database of this run's own on it, which is dropped with this value.
///
/// The server is `TEST_DATABASE_URL` or `DATABASE_URL` if one is set; else a private one, started from the machine's
/// PostgreSQL, which ends with this process, whatever ends it.
#[derive(Clone, Debug)]
pub struct Site {
    place: Arc<Place>,
    faults: bool,
}

#[derive(Debug)]
struct Place {
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
            let place = Arc::new(Place { database, server });
            Ok(Self { place, faults })
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
            let place = Arc::new(Place { database, server });
            Ok(Self {
                place,
                faults: true,
            })
        })
        .await
    }

    /// The same place, whose server is to be spared, whoever started it.
    pub fn spared(&self) -> Self {
        Self {
            place: Arc::clone(&self.place),
            faults: false,
        }
    }

    /// How the report tells of it.
    pub fn backend(&self) -> Backend {
        let origin = if self.place.server.is_private() {
            "started for this run"
        } else if std::env::var_os("TEST_DATABASE_URL").is_some() {
            "TEST_DATABASE_URL"
        } else {
            "DATABASE_URL"
        };
        Backend {
            kind: "PostgreSQL".to_owned(),
            version: self.place.server.version().to_owned(),
            origin: origin.to_owned(),
            sleeps: Sleeps::InServer,
        }
    }

    /// Where connections lead.
    pub fn target(&self) -> Target {
        Target::Postgres(Box::new(self.place.database.config()))
    }

    /// The same, as a role that is no superuser, so that limits hold for it too.
    ///
    /// # Errors
    ///
    /// The server does not answer. On a server that we did not start there is no other role: it is the URL's own.
    pub async fn guest(&self) -> Result<Config, Failure> {
        let mut config = self.place.database.config();
        if self.place.server.is_private() {
            self.query(MAKE_GUEST.to_owned()).await?;
            config.user(GUEST);
        }
        Ok(config)
    }

    /// How the lab itself connects, with nothing in between.
    pub fn direct(&self) -> Config {
        self.place.database.config()
    }

    /// Where the server listens, for a proxy before it.
    ///
    /// # Errors
    ///
    /// The URL names no host.
    pub fn upstream(&self) -> Result<Upstream, Failure> {
        let config = self.place.database.config();
        let port = config.get_ports().first().copied().unwrap_or(5432);
        match config.get_hosts().first() {
            Some(Host::Tcp(name)) => Ok((name.as_str(), port).into()),
            Some(Host::Unix(folder)) => Ok(folder.join(format!(".s.PGSQL.{port}")).into()),
            None => Err("the URL of the server names no host: name one".into()),
        }
    }

    /// Whether the server is one that can be stopped, frozen and limited: it is ours, and not to be spared.
    pub fn is_ours(&self) -> bool {
        self.faults && self.place.server.is_private()
    }

    /// Why faults may not be done to the server, if so.
    pub fn forbids(&self) -> Option<String> {
        let why = "the server was not started for this run, and is not to be hurt; \
                   --faults-on-a-server-that-is-not-ours says otherwise";
        (!self.faults).then(|| why.to_owned())
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
    pub(crate) fn database(&self) -> &str {
        self.place.database.name()
    }

    /// The server, if faults may be done to it: it is private, or we were told so.
    pub fn server(&self) -> Option<&Server> {
        self.faults.then_some(&self.place.server)
    }

    /// How many connections of that name the server has itself.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub async fn count(&self, name: &str) -> Result<usize, Failure> {
        let (place, name) = (Arc::clone(&self.place), name.to_owned());
        blocking(move || Ok(place.database.count_connections(&name)?)).await
    }

    /// Asks the server, on a connection of the lab's own, with the database's name as the statement may need it.
    ///
    /// # Errors
    ///
    /// It does not answer, or refuses.
    pub async fn query(&self, sql: String) -> Result<Vec<Vec<Option<String>>>, Failure> {
        let place = Arc::clone(&self.place);
        blocking(move || Ok(place.database.query_rows(&sql)?)).await
    }

    /// Ends every connection of that name at the server. How many there were.
    ///
    /// # Errors
    ///
    /// The server does not answer, or refuses.
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
        let place = self.faults.then(|| Arc::clone(&self.place))?;
        Some(blocking(move || Ok(act(&place.server)?)).await)
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

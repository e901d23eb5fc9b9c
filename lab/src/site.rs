//! Where a run takes place: the database, and what may be done to it.

use crate::Failure;
use crate::data::{Backend, Sleeps};
use crate::subject::Target;
use millpond_testdb::{Database, Server};
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// A real PostgreSQL, and a database of this run's own on it, which is dropped with this value.
///
/// The server is `TEST_DATABASE_URL` or `DATABASE_URL` if one is set; else a private one, started from the machine's
/// PostgreSQL, which ends with this process, whatever ends it.
#[derive(Clone, Debug)]
pub struct Site(Arc<Place>);

#[derive(Debug)]
struct Place {
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
            Ok(Self(Arc::new(Place {
                database,
                server,
                faults,
            })))
        })
        .await
    }

    /// How the report tells of it.
    pub fn backend(&self) -> Backend {
        let origin = if self.0.server.is_private() {
            "started for this run"
        } else if std::env::var_os("TEST_DATABASE_URL").is_some() {
            "TEST_DATABASE_URL"
        } else {
            "DATABASE_URL"
        };
        Backend {
            kind: "PostgreSQL".to_owned(),
            version: self.0.server.version().to_owned(),
            origin: origin.to_owned(),
            sleeps: Sleeps::InServer,
        }
    }

    /// Where connections lead.
    pub fn target(&self) -> Target {
        Target::Postgres(Box::new(self.0.database.config()))
    }

    /// The server, if faults may be done to it: it is private, or we were told so.
    pub fn server(&self) -> Option<&Server> {
        self.0.faults.then_some(&self.0.server)
    }

    /// How many connections of that name the server has itself.
    ///
    /// # Errors
    ///
    /// It does not answer.
    pub async fn count(&self, name: &str) -> Result<usize, Failure> {
        let (place, name) = (Arc::clone(&self.0), name.to_owned());
        blocking(move || Ok(place.database.count_connections(&name)?)).await
    }

    /// Asks the server, on a connection of the lab's own, with the database's name as the statement may need it.
    ///
    /// # Errors
    ///
    /// It does not answer, or refuses.
    pub async fn query(&self, sql: String) -> Result<Vec<Vec<Option<String>>>, Failure> {
        let place = Arc::clone(&self.0);
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
        let place = self.0.faults.then(|| Arc::clone(&self.0))?;
        Some(blocking(move || Ok(act(&place.server)?)).await)
    }
}

/// The harness blocks: it runs aside. An error of its own thread is one of ours.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    spawn_blocking(work).await?
}

//! A server that somebody else runs, told by a URL: we only create and drop databases of our own there.

use tokio_postgres::Config;

use crate::client::{ask, ask_value, whereabouts};
use crate::error::{Error, Result};
use crate::leftover;

#[derive(Clone)]
pub(crate) struct External {
    url: String,
    config: Config,
}

impl std::fmt::Debug for External {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "External({})", whereabouts(&self.config))
    }
}

/// The URL that the environment tells, with the name of its variable. An empty variable counts as unset.
pub(crate) fn told() -> Result<Option<(&'static str, String)>> {
    for name in ["TEST_DATABASE_URL", "DATABASE_URL"] {
        match std::env::var(name) {
            Ok(url) if url.trim().is_empty() => {}
            Ok(url) => return Ok(Some((name, url))),
            Err(std::env::VarError::NotPresent) => {}
            Err(e) => return Err(unusable(name).because(e)),
        }
    }
    Ok(None)
}

impl External {
    /// Connects once to the server at `url`, which `origin` told, and sees whether we may create databases there.
    pub(crate) fn connect(origin: &str, url: &str) -> Result<External> {
        let url = url.trim();
        let config = parse(origin, url)?;
        let may_create =
            "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user";
        let may_create = ask_value(&config, may_create).map_err(|e| unusable(origin).because(e))?;
        if may_create.as_deref() != Some("t") {
            let user = config.get_user().unwrap_or("the user");
            return Err(unusable(origin)
                .because(format!(
                    "{}: this user may not create databases",
                    whereabouts(&config)
                ))
                .way_out(format!("on that server: ALTER ROLE \"{user}\" CREATEDB")));
        }
        let external = External {
            url: url.to_owned(),
            config,
        };
        external.sweep();
        Ok(external)
    }

    pub(crate) fn config(&self, database: &str) -> Config {
        let mut config = self.config.clone();
        config.dbname(database);
        config
    }

    /// How we come for our own questions: by the database that we were told.
    pub(crate) fn admin(&self) -> Config {
        self.config.clone()
    }

    /// The URL with another database in it.
    pub(crate) fn url(&self, database: &str) -> String {
        with_database(&self.url, database)
    }

    /// Drops the databases that runs of ours left here. That it fails is no reason not to test.
    fn sweep(&self) {
        let ours = "SELECT datname FROM pg_database WHERE datname LIKE 'millpond\\_%' \
            AND pg_get_userbyid(datdba) = current_user";
        let names = ask(&self.admin(), &[ours])
            .into_iter()
            .flatten()
            .flatten()
            .flatten();
        for name in names.filter(|name| leftover::is_one(name)) {
            let _in_use = ask(&self.admin(), &[&format!("DROP DATABASE IF EXISTS {name}")]);
        }
    }
}

/// What a URL says, which must be one of PostgreSQL.
fn parse(origin: &str, url: &str) -> Result<Config> {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_word = !scheme.is_empty()
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if is_word && !["postgres", "postgresql"].contains(&scheme) {
        return Err(unusable(origin).because(format!(
            "it is a `{scheme}:` URL, and millpond runs its tests on PostgreSQL only"
        )));
    }
    let config: Config = url
        .parse()
        .map_err(|e: tokio_postgres::Error| unusable(origin).because(e))?;
    if config.get_hosts().is_empty() {
        return Err(unusable(origin).because("it names no host"));
    }
    Ok(config)
}

fn unusable(origin: &str) -> Error {
    Error::new(format!("{origin} does not lead to a server to test on"))
        .way_out("correct it, for example postgres://user:password@host:5432/database")
        .way_out("unset TEST_DATABASE_URL and DATABASE_URL: then a private PostgreSQL is started")
}

/// Replaces the path of a URL, or adds the last word to a list of `key=value`. The parts of a URL are found in the
/// order in which tokio-postgres finds them: what is before the first `@`, the hosts, the path.
fn with_database(url: &str, database: &str) -> String {
    let Some(scheme) = url.find("://") else {
        return format!("{url} dbname={database}");
    };
    let hosts = url.find('@').map_or(scheme + 3, |at| at + 1);
    let path = url[hosts..]
        .find(['/', '?'])
        .map_or(url.len(), |at| hosts + at);
    let query = url[path..].find('?').map_or(url.len(), |at| path + at);
    format!("{}/{database}{}", &url[..path], &url[query..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced() {
        for (url, expected) in [
            (
                "postgres://u:p%2F@h:1/old?connect_timeout=3",
                "postgres://u:p%2F@h:1/new?connect_timeout=3",
            ),
            ("postgresql://u:a/b@h", "postgresql://u:a/b@h/new"),
            ("postgres://h?user=u", "postgres://h/new?user=u"),
            ("postgres://h1:1,h2:2/old", "postgres://h1:1,h2:2/new"),
            (
                "host=h user=u dbname=old",
                "host=h user=u dbname=old dbname=new",
            ),
        ] {
            assert_eq!(with_database(url, "new"), expected);
            let config: Config = expected.parse().unwrap();
            assert_eq!(config.get_dbname(), Some("new"), "{expected}");
        }
    }

    #[test]
    fn another_database_is_refused_by_name() {
        for url in [
            "sqlite::memory:",
            "mysql://root:hunter2@h/db",
            "sqlite://file.db",
        ] {
            let error = parse("DATABASE_URL", url).unwrap_err().to_string();
            assert!(
                error.contains("DATABASE_URL") && error.contains("PostgreSQL only"),
                "{error}"
            );
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_malformed_url_keeps_its_password() {
        for url in [
            "postgres://u:hunter2@h:port/db",
            "postgres://u:hunter2",
            "host=h password='hunter2",
            "host=h hunter2",
            "postgres://u:hunter2@h/db?hunter=1",
        ] {
            let error = parse("DATABASE_URL", url).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{url} -> {error}");
        }
    }
}

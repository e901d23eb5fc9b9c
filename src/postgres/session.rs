//! Settings of a session that the server keeps, from its first moment on.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;
use tokio_postgres::Config as PgConfig;

/// Settings that each connection begins with: time-outs that the server keeps, so that they hold whatever becomes
/// of the client.
///
/// They travel with the startup message, so that they are what `RESET ALL` and `DISCARD ALL` go back to. PgBouncer
/// refuses that (`08P01`, "unsupported startup parameter: options"); behind it, set them for the role or the
/// database.
///
/// # Examples
///
/// ```
/// use millpond::postgres::{Manager, Pool, SessionSettings, tokio_postgres::NoTls};
/// use std::time::Duration;
///
/// let settings = SessionSettings::recommended().statement_timeout(Duration::from_secs(5));
/// let manager = Manager::new("host=localhost user=alice dbname=shop".parse()?, NoTls).session(settings);
/// let pool = Pool::builder(manager).build()?;
/// # drop(pool);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `Display` is the text for the field `options` of a [`Config`](super::Config):
///
/// ```
/// use millpond::postgres::{Config, SessionSettings};
/// use std::time::Duration;
///
/// let settings = SessionSettings::new().lock_timeout(Duration::from_secs(2));
/// let mut config = Config::new();
/// config.options = Some(settings.to_string());
/// assert_eq!(config.options.as_deref(), Some("-c lock_timeout=2000ms"));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[must_use]
pub struct SessionSettings {
    set: Vec<(Cow<'static, str>, String)>,
}

impl SessionSettings {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// For a service that answers requests. PostgreSQL's own default is no bound on any of them.
    ///
    /// | setting | value | why |
    /// | --- | --- | --- |
    /// | `statement_timeout` | 30 s | nobody waits for an answer any longer, but the statement holds its locks |
    /// | `lock_timeout` | 10 s | whoever waits for a lock makes others wait for the ones that it has |
    /// | `idle_in_transaction_session_timeout` | 60 s | a transaction that was forgotten keeps its locks, and dead rows from being removed |
    /// | `client_connection_check_interval` | 2 s | a query whose client is gone ends, and frees its place; PostgreSQL 14 and later |
    pub fn recommended() -> Self {
        Self::new()
            .statement_timeout(Duration::from_secs(30))
            .lock_timeout(Duration::from_secs(10))
            .idle_in_transaction_session_timeout(Duration::from_secs(60))
            .client_connection_check_interval(Duration::from_secs(2))
    }

    /// How long a statement may take; then it is cancelled (`57014`). Zero: any time.
    pub fn statement_timeout(self, bound: Duration) -> Self {
        self.time("statement_timeout", bound)
    }

    /// How long a statement may wait for each lock; then it fails (`55P03`). Zero: any time.
    pub fn lock_timeout(self, bound: Duration) -> Self {
        self.time("lock_timeout", bound)
    }

    /// How long a transaction may lie idle; then the connection is ended (`25P03`). Zero: any time.
    pub fn idle_in_transaction_session_timeout(self, bound: Duration) -> Self {
        self.time("idle_in_transaction_session_timeout", bound)
    }

    /// How often the server looks, while a query runs, whether its client is still there. Zero: never. Needs
    /// PostgreSQL 14.
    pub fn client_connection_check_interval(self, interval: Duration) -> Self {
        self.time("client_connection_check_interval", interval)
    }

    /// Any other setting, as `SET` takes it. One that the server does not know, or a value that it does not take,
    /// is an error of each connect.
    pub fn set(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.set.retain(|(other, _)| *other != name);
        self.set.push((name, value.into()));
        self
    }

    /// In whole milliseconds, the unit of all of them, and written with it. What is less than one is one, since
    /// zero would be none; more than PostgreSQL can hold, 24 days, is the most that it can.
    fn time(self, name: &'static str, time: Duration) -> Self {
        let rounded_up = time.as_nanos().div_ceil(1_000_000);
        let ms = i32::try_from(rounded_up).unwrap_or(i32::MAX);
        self.set(name, format!("{ms}ms"))
    }

    /// Adds them to what is there, which they override.
    pub(super) fn apply_to(&self, config: &mut PgConfig) {
        if self.set.is_empty() {
            return;
        }
        let options = match config.get_options() {
            Some(there) => format!("{there} {self}"),
            None => self.to_string(),
        };
        config.options(options);
    }
}

impl fmt::Display for SessionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (name, value)) in self.set.iter().enumerate() {
            let space = if place > 0 { " " } else { "" };
            write!(f, "{space}-c {}={}", Escaped(name), Escaped(value))?;
        }
        Ok(())
    }
}

/// As the server wants it: it splits the options at spaces, unless a backslash stands before them.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            let special = c == '\\' || c.is_ascii_whitespace();
            write!(f, "{}{c}", if special { "\\" } else { "" })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_milliseconds_and_never_zero_by_rounding() {
        for (time, told) in [
            (Duration::from_secs(30), "30000ms"),
            (Duration::from_nanos(1), "1ms"),
            (Duration::from_micros(1500), "2ms"),
            (Duration::ZERO, "0ms"),
            (Duration::MAX, "2147483647ms"),
        ] {
            let settings = SessionSettings::new().statement_timeout(time);
            assert_eq!(settings.to_string(), format!("-c statement_timeout={told}"));
        }
    }

    #[test]
    fn the_last_one_of_a_name_counts_and_comes_after_what_is_there() {
        let settings = SessionSettings::new()
            .set("search_path", "a, b")
            .set("search_path", r"c\d, e");
        let mut config: PgConfig = "host=h options='-c geqo=off'".parse().unwrap();
        settings.apply_to(&mut config);
        let options = r"-c geqo=off -c search_path=c\\d,\ e";
        assert_eq!(config.get_options(), Some(options));
        let before = config.clone();
        SessionSettings::new().apply_to(&mut config);
        assert_eq!(config, before);
    }
}

//! What the server calls our connections, where the user did not say.

use super::Manager;
use tokio_postgres::Config as PgConfig;

/// The names that are known, of which a connection's is made.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    service: Option<String>,
    pool: Option<String>,
}

impl Names {
    pub(super) fn set_service(&mut self, name: String) {
        self.service = Some(name);
    }

    pub(super) fn set_pool(&mut self, name: &str) {
        self.pool = Some(name.to_owned());
    }

    /// `service:pool`, or the one of them that is known.
    fn joined(&self) -> Option<String> {
        match (&self.service, &self.pool) {
            (Some(service), Some(pool)) => Some(format!("{service}:{pool}")),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        }
    }

    pub(super) fn apply_to(&self, config: &mut PgConfig) {
        if let Some(name) = self.joined() {
            config.application_name(cut(&name.replace('\0', "")));
        }
    }
}

/// Whether the user said how his connections are called.
pub(super) fn is_named(config: &PgConfig) -> bool {
    config.get_application_name().is_some() || is_named_by_options(config)
}

pub(super) fn is_named_by_options(config: &PgConfig) -> bool {
    let options = config.get_options();
    options.is_some_and(|options| options.contains("application_name"))
}

/// As much of a name as a server keeps, in whole characters.
fn cut(name: &str) -> &str {
    let mut end = name.len().min(LONGEST);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

/// PostgreSQL's `NAMEDATALEN`, less the byte that ends it.
const LONGEST: usize = 63;

impl Manager {
    /// Names the service whose connections these are, for the server: `application_name` becomes
    /// `<service>:<pool>` where the pool has a [name](crate::managed::PoolBuilder::name), and the service's alone
    /// where not. Without this call it is the pool's name alone.
    ///
    /// It is cut to 63 bytes, as the server would, but between characters; the server shows what is not ASCII as
    /// `?`, from PostgreSQL 16 on as `\xNN`. One that the configuration sets stays as it is.
    #[must_use]
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.rename(|names| names.set_service(name.into()));
        self
    }

    pub(super) fn rename(&mut self, rename: impl FnOnce(&mut Names)) {
        if let Some(names) = &mut self.names {
            rename(names);
            names.apply_to(&mut self.route.config);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"a".repeat(100)), "a".repeat(63));
        assert_eq!(cut(&"ä".repeat(50)), "ä".repeat(31));
        assert_eq!(cut(&"𝄞".repeat(25)), "𝄞".repeat(15));
    }

    #[test]
    fn what_is_known_is_joined() {
        let mut names = Names::default();
        assert_eq!(names.joined(), None);
        names.set_pool("orders");
        assert_eq!(names.joined().as_deref(), Some("orders"));
        names.set_service("shop".to_owned());
        assert_eq!(names.joined().as_deref(), Some("shop:orders"));
    }

    #[test]
    fn a_name_by_option_is_a_name() {
        for (text, named) in [
            ("host=h", false),
            ("host=h application_name=a", true),
            ("host=h options='-c application_name=a'", true),
        ] {
            assert_eq!(is_named(&text.parse().unwrap()), named, "{text}");
        }
    }
}

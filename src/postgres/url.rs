//! Reading a URL or a connection string, and saying what is wrong with one without a piece of its password.

use super::Error;
use super::params::{self, Extras, is_url};
use crate::managed::Settings;
use std::borrow::Cow;
use std::error::Error as _;
use tokio_postgres::Config as PgConfig;
use tokio_postgres::config::Host;

/// Reads a URL (`postgres://…`) or a connection string (`host=… user=…`).
///
/// What tokio-postgres does not know is told beside its configuration, which has the nearest that it does know.
///
/// # Errors
///
/// What is wrong with it. Where an unknown option is in it, its name is told only if it is one that libpq
/// knows: what looks like an option may as well be a piece of a password that was not quoted, or not
/// percent-encoded.
pub(super) fn read(url: &str) -> Result<(PgConfig, Extras), Error> {
    // Parameters of the pool are no business of the server's.
    let url = &*Settings::strip_url(url);
    let (url, extras) = params::split_off(url);
    let url = &*url;
    let mut config: PgConfig = url
        .parse()
        .map_err(|error| Error::url(reason(url, &error)))?;
    let cut_wrong =
        |host: &Host| matches!(host, Host::Tcp(name) if name.contains('@') && url.contains("://"));
    if config.get_hosts().iter().any(cut_wrong) {
        return Err(Error::url(
            "there is an @ in its host: in a user name or a password, write %40 for it",
        ));
    }
    if let Some(attrs) = extras.target_session_attrs {
        config.target_session_attrs(attrs.into());
    }
    if let Some(mode) = extras.ssl_mode {
        config.ssl_mode(mode.into());
    }
    Ok((config, extras))
}

fn reason(url: &str, error: &tokio_postgres::Error) -> Cow<'static, str> {
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    let unknown = text
        .strip_prefix("unknown option `")
        .and_then(|rest| rest.strip_suffix('`'));
    match unknown {
        Some(option) => match LIBPQ_ONLY.iter().find(|known| **known == option) {
            Some(known) => format!("the option {known} of libpq is not supported").into(),
            None if !is_url(url) && url.contains("://") => {
                "it begins neither with postgres:// nor with postgresql://".into()
            }
            None => {
                "there is an unknown option in it (not shown: it could be a piece of the password)"
                    .into()
            }
        },
        // Names the character that it met, which could be of the password.
        None if text.starts_with("unexpected character") => NOT_PAIRS.into(),
        None if text == "unexpected EOF" => match is_url(url) {
            true => "it ends too early".into(),
            false => NOT_PAIRS.into(),
        },
        None => text.into(),
    }
}

const NOT_PAIRS: &str = "it is neither a URL that begins with postgres:// or postgresql://, \
    nor pairs such as host=localhost user=alice";

/// Options of libpq that tokio-postgres does not have, and that are often met in a URL.
const LIBPQ_ONLY: &[&str] = &[
    "client_encoding",
    "fallback_application_name",
    "gssencmode",
    "gsslib",
    "krbsrvname",
    "max_protocol_version",
    "min_protocol_version",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslpassword",
    "sslsni",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        read(url).unwrap_err().to_string()
    }

    #[test]
    fn a_piece_of_a_password_is_never_told() {
        for url in [
            "alice:sesame@host/db?sslmode=require",
            "postgress://alice:sesame@host/db?sslmode=require",
            "host=a password=open sesame=1",
            "host=a password=open sesame",
            "postgres://alice:open@sesame@host/db",
            "postgres://alice:open@host?sesame=1",
            "postgres://alice:sesame@host:x/db",
            "postgres://alice:sesame@[host/db",
            "postgres://alice:sesame%ff@host/%ff",
            "postgres://alice:x@host/db?sesame",
            "password='sesame",
        ] {
            let error = read(url).unwrap_err();
            for told in [format!("{error}"), format!("{error:?}")] {
                assert!(!told.contains("sesame"), "{url}: {told}");
            }
        }
    }

    #[test]
    fn the_reason_is_told() {
        let unsupported = refused("postgres://a@h/d?sslcrl=/x");
        assert!(unsupported.contains("sslcrl"), "{unsupported}");
        assert!(refused("postgres://a@h:x/d").contains("`port`"));
        assert!(refused("mysql://a@h/d?x=1").contains("postgres://"));
        assert!(refused("nonsense").contains("postgres://"));
        assert!(refused("postgres://a:b@c@h/d").contains("%40"));
    }
}

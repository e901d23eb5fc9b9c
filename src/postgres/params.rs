//! The parameters of a URL or a connection string that tokio-postgres does not know and this crate does: taken out
//! before it reads the rest.

use super::{SslMode, TargetSessionAttrs};
use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;

/// What such a text says beyond tokio-postgres' own configuration.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Extras {
    pub(super) target_session_attrs: Option<TargetSessionAttrs>,
    /// One that verifies.
    pub(super) ssl_mode: Option<SslMode>,
    /// `sslrootcert`
    pub(super) root: Option<PathBuf>,
    /// `sslcert`
    pub(super) certificate: Option<PathBuf>,
    /// `sslkey`
    pub(super) key: Option<PathBuf>,
}

impl Extras {
    /// Whether a parameter is one of these; if so, its value is kept. A value that nobody knows is left for
    /// tokio-postgres to refuse.
    fn take(&mut self, name: &str, value: &str) -> bool {
        match name {
            "target_session_attrs" => {
                let named = TargetSessionAttrs::named(value);
                self.target_session_attrs = named;
                return named.is_some();
            }
            "sslmode" => {
                // The last one counts, also where that is tokio-postgres' to read.
                self.ssl_mode = match value {
                    "verify-ca" => Some(SslMode::VerifyCa),
                    "verify-full" => Some(SslMode::VerifyFull),
                    _ => None,
                };
                return self.ssl_mode.is_some();
            }
            "sslrootcert" => self.root = Some(value.into()),
            "sslcert" => self.certificate = Some(value.into()),
            "sslkey" => self.key = Some(value.into()),
            _ => return false,
        }
        true
    }
}

/// Takes them out of `text`.
pub(super) fn split_off(text: &str) -> (Cow<'_, str>, Extras) {
    match is_url(text) {
        true => of_url(text),
        false => of_pairs(text),
    }
}

/// Whether tokio-postgres reads it as a URL.
pub(super) fn is_url(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

fn of_url(url: &str) -> (Cow<'_, str>, Extras) {
    let mut extras = Extras::default();
    let Some((before, query)) = url.split_once('?') else {
        return (url.into(), extras);
    };
    let mut is_other = |piece: &&str| {
        let pair = piece.split_once('=');
        let decoded = pair.and_then(|(name, value)| Some((decoded(name)?, decoded(value)?)));
        !decoded.is_some_and(|(name, value)| extras.take(&name, &value))
    };
    let others: Vec<_> = query.split('&').filter(|piece| is_other(piece)).collect();
    let rest = match others.is_empty() {
        true => before.to_owned(),
        false => format!("{before}?{}", others.join("&")),
    };
    (rest.into(), extras)
}

fn of_pairs(text: &str) -> (Cow<'_, str>, Extras) {
    let mut extras = Extras::default();
    let mut rest = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(pair) = pair(text, at) {
        if extras.take(&text[pair.name], &pair.value) {
            rest.push(' ');
        } else {
            rest.push_str(&text[at..pair.end]);
        }
        at = pair.end;
    }
    // From the first thing on that is no pair, all is tokio-postgres' to refuse.
    rest.push_str(&text[at..]);
    (rest.into(), extras)
}

/// `name = value`, where it lies in a text.
struct Pair {
    name: Range<usize>,
    value: String,
    end: usize,
}

/// The pair that begins at `at`, behind white space: libpq's way to write it, with quotes and backslashes.
fn pair(text: &str, at: usize) -> Option<Pair> {
    let skip = |at: usize| at + text[at..].len() - text[at..].trim_start().len();
    let start = skip(at);
    let ends = |c: char| c == '=' || c.is_whitespace();
    let name = start..start + text[start..].find(ends)?;
    let equals = skip(name.end);
    text[equals..].strip_prefix('=')?;
    let begin = skip(equals + 1);
    let quoted = text[begin..].starts_with('\'');
    let mut value = String::new();
    let mut rest = text[begin..].char_indices();
    if quoted {
        rest.next();
    }
    let length = loop {
        match rest.next() {
            Some((at, '\'')) if quoted => break at + 1,
            Some((at, c)) if !quoted && c.is_whitespace() => break at,
            Some((_, '\\')) => value.extend(rest.next().map(|(_, c)| c)),
            Some((_, c)) => value.push(c),
            None if quoted => return None,
            None => break text.len() - begin,
        }
    };
    Some(Pair {
        name,
        value,
        end: begin + length,
    })
}

/// The text with each `%` and its two digits as the byte that they mean; `None`, if that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut digit = || (bytes.next()? as char).to_digit(16);
        let byte = match byte {
            b'%' => u8::try_from(digit()? * 16 + digit()?).ok()?,
            plain => plain,
        };
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks_for(attrs: TargetSessionAttrs) -> Extras {
        Extras {
            target_session_attrs: Some(attrs),
            ..Extras::default()
        }
    }

    #[test]
    fn ours_are_taken_out_of_a_url() {
        let standby = asks_for(TargetSessionAttrs::PreferStandby);
        for (url, rest) in [
            (
                "postgres://a@h/d?target_session_attrs=prefer-standby",
                "postgres://a@h/d",
            ),
            (
                "postgres://a@h/d?x=%20&target%5Fsession_attrs=prefer%2Dstandby&y=1",
                "postgres://a@h/d?x=%20&y=1",
            ),
        ] {
            let (left, extras) = split_off(url);
            assert_eq!((&*left, &extras), (rest, &standby), "{url}");
        }
    }

    #[test]
    fn ours_are_taken_out_of_pairs() {
        let primary = asks_for(TargetSessionAttrs::Primary);
        for (text, rest) in [
            ("target_session_attrs=primary", " "),
            (
                "password=x://? target_session_attrs=primary",
                "password=x://? ",
            ),
            (
                "host=h target_session_attrs = 'pri\\mary' port=1",
                "host=h  port=1",
            ),
            (
                r"password='a b\'c target_session_attrs=standby ' target_session_attrs=primary",
                r"password='a b\'c target_session_attrs=standby '  ",
            ),
        ] {
            let (left, extras) = split_off(text);
            assert_eq!(left.trim_end(), rest.trim_end(), "{text}");
            assert_eq!(extras, primary, "{text}");
        }
    }

    #[test]
    fn what_verifies_is_ours_and_what_does_not_is_not() {
        let verified = Extras {
            ssl_mode: Some(SslMode::VerifyFull),
            root: Some("/a b".into()),
            certificate: Some("/c".into()),
            key: Some("/k".into()),
            ..Extras::default()
        };
        let url = "postgres://h/d?sslmode=verify-full&sslrootcert=/a%20b&sslcert=/c&sslkey=/k";
        assert_eq!(split_off(url), ("postgres://h/d".into(), verified));
        for (url, rest) in [
            (
                "postgres://h?sslmode=require",
                "postgres://h?sslmode=require",
            ),
            (
                "postgres://h?sslmode=verify-ca&sslmode=require",
                "postgres://h?sslmode=require",
            ),
        ] {
            assert_eq!(split_off(url), (rest.into(), Extras::default()));
        }
    }

    #[test]
    fn what_is_not_ours_or_wrong_stays_as_it_is() {
        for text in [
            "",
            "host",
            "host=",
            "host='a",
            "host=a target_session_attrs=best",
            "postgres://a@h/d?target_session_attrs=best&x",
            "postgres://a@h/d?target_session_attrs=%zz",
            "ü=ä\\ö 'é'= x",
        ] {
            let (left, extras) = split_off(text);
            assert_eq!((&*left, extras), (text, Extras::default()));
        }
    }
}

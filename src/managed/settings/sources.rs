//! Where settings come from: the environment, and the parameters of a URL.

use super::error::near;
use super::{Knob, Settings, SettingsError};
use std::env;

impl Settings {
    /// Reads what variables of the environment begin with `prefix`: with `SHOP_POOL_`, the variable
    /// `SHOP_POOL_MAX_SIZE=20` sets `max_size`. A variable that is set to nothing counts as not set.
    ///
    /// Choose a prefix that nothing else has: a variable that has it and is no knob is an error, so that a slip is
    /// found.
    ///
    /// # Errors
    ///
    /// As [`from_pairs`](Self::from_pairs), and a value that is not Unicode.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond::managed::Settings;
    ///
    /// let settings = Settings::from_env("SHOP_POOL_")?;
    /// assert_eq!(settings, Settings::default());
    /// # Ok::<(), millpond::managed::SettingsError>(())
    /// ```
    pub fn from_env(prefix: &str) -> Result<Self, SettingsError> {
        Self::default().with_env(prefix)
    }

    /// As [`from_env`](Self::from_env), on top of these settings.
    ///
    /// # Errors
    ///
    /// As [`from_env`](Self::from_env).
    pub fn with_env(self, prefix: &str) -> Result<Self, SettingsError> {
        let spell = |knob: &str| format!("{prefix}{}", knob.to_uppercase());
        let mut pairs = Vec::new();
        for (name, value) in env::vars_os() {
            let Some(name) = name.to_str() else { continue };
            let Some(knob) = name.strip_prefix(prefix) else {
                continue;
            };
            let knob = knob.to_lowercase();
            if value.is_empty() {
                continue;
            }
            let Some(value) = value.to_str() else {
                return Err(SettingsError::unshown(name, "its value is not Unicode"));
            };
            pairs.push((knob, value.to_owned()));
        }
        self.with_pairs(pairs).map_err(|error| error.spelled(spell))
    }

    /// Takes the parameters of a URL that begin with `pool_`, and returns the URL without them:
    /// `?pool_max_size=20&pool_max_lifetime=30m`. Their values may be percent-encoded. All others are left as they
    /// are, and so is a text that is no URL.
    ///
    /// # Errors
    ///
    /// As [`from_pairs`](Self::from_pairs), and a parameter without a value or whose percent-encoding is wrong. Of
    /// the URL, nothing but a wrong `pool_…` parameter is shown; and where an `@` stands behind the `?`, not even
    /// that, for it could be a piece of a password in which a `?` was not percent-encoded.
    ///
    /// # Examples
    ///
    /// ```
    /// use millpond::managed::Settings;
    ///
    /// let url = "postgres://alice:sesame@localhost/shop?pool_max_size=many";
    /// let error = Settings::from_url(url).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     r#"pool_max_size = "many": not a whole number; write digits alone, as in 20"#
    /// );
    /// ```
    pub fn from_url(url: &str) -> Result<(Self, String), SettingsError> {
        Self::default().with_url(url)
    }

    /// As [`from_url`](Self::from_url), on top of these settings.
    ///
    /// # Errors
    ///
    /// As [`from_url`](Self::from_url).
    pub fn with_url(self, url: &str) -> Result<(Self, String), SettingsError> {
        let Some((before, query)) = query(url) else {
            return Ok((self, url.to_owned()));
        };
        let may_be_secret = query.contains('@');
        let tell = |error: SettingsError| {
            let error = error.spelled(|knob| format!("{PREFIX}{knob}"));
            match may_be_secret {
                true => error.hidden(),
                false => error,
            }
        };
        let ours: Vec<_> = query.split('&').filter(|piece| is_ours(piece)).collect();
        if ours.is_empty() {
            return Ok((self, url.to_owned()));
        }
        let pairs: Result<Vec<_>, _> = ours
            .iter()
            .map(|piece| read(piece, may_be_secret))
            .collect();
        let settings = self.with_pairs(pairs.map_err(tell)?).map_err(tell)?;
        Ok((settings, without_ours(before, query)))
    }

    /// The URL without the pool's parameters, which are not looked at: for who wants to know what else it says.
    pub fn strip_url(url: &str) -> String {
        query(url).map_or_else(
            || url.to_owned(),
            |(before, query)| without_ours(before, query),
        )
    }
}

fn without_ours(before: &str, query: &str) -> String {
    let others: Vec<_> = query.split('&').filter(|piece| !is_ours(piece)).collect();
    match others.is_empty() {
        true => before.to_owned(),
        false => format!("{before}?{}", others.join("&")),
    }
}

/// A URL cut at its first `?`; a text without a scheme has no parameters.
fn query(url: &str) -> Option<(&str, &str)> {
    let (scheme, _) = url.split_once(':')?;
    let of_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let is_url =
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(of_scheme);
    if is_url { url.split_once('?') } else { None }
}

/// Whether a parameter is one of the pool's.
fn is_ours(piece: &str) -> bool {
    let (name, _) = piece.split_once('=').unwrap_or((piece, ""));
    decoded(name).is_some_and(|name| name.starts_with(PREFIX))
}

/// The knob that a parameter means, and its value.
fn read(piece: &str, may_be_secret: bool) -> Result<(&'static str, String), SettingsError> {
    let (name, value) = match piece.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (piece, None),
    };
    let name = decoded(name).unwrap_or_default();
    let name = name.strip_prefix(PREFIX).unwrap_or_default();
    let Some(knob) = Knob::named(name) else {
        // What is near to a knob is a slip; what is not may be a piece of something else, and is not shown.
        let slip = !may_be_secret && !near(name).is_empty();
        let shown = if slip { name } else { "…" };
        return Err(SettingsError::unknown(shown));
    };
    let value = value.ok_or_else(|| SettingsError::unshown(knob.name, "it has no value"))?;
    let value = decoded(value).ok_or_else(|| {
        SettingsError::new(
            knob.name,
            value,
            "its percent-encoding is wrong; write %25 for a %",
        )
    })?;
    Ok((knob.name, value))
}

/// The text with each `%` and its two digits as the byte that they mean; `None`, if that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || (bytes.next()? as char).to_digit(16);
        let value = digit()? * 16 + digit()?;
        decoded.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(decoded).ok()
}

const PREFIX: &str = "pool_";

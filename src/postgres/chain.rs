//! An error in one line. tokio-postgres' own `Display` has hidden the causes since 0.7.15.

use std::error::Error as StdError;
use std::fmt;
use tokio_postgres::Error as PgError;
use tokio_postgres::error::DbError;

/// What the server said, with its SQLSTATE; or the whole chain of causes. No text stands there twice.
pub(super) struct Chain<'a>(pub(super) &'a PgError);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_db_error() {
            Some(said) => write_said(f, said),
            None => Causes(self.0).fmt(f),
        }
    }
}

fn write_said(f: &mut fmt::Formatter<'_>, said: &DbError) -> fmt::Result {
    write!(f, "{}: {}", said.severity(), OneLine(said.message()))?;
    if let Some(detail) = said.detail() {
        write!(f, "; detail: {}", OneLine(detail))?;
    }
    if let Some(hint) = said.hint() {
        write!(f, "; hint: {}", OneLine(hint))?;
    }
    write!(f, " (SQLSTATE {})", said.code().code())
}

/// The whole chain of causes of any error. No text stands there twice.
pub(super) struct Causes<'a>(pub(super) &'a (dyn StdError + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = self.0.to_string();
        write!(f, "{}", OneLine(&told))?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !told.contains(&text) {
                write!(f, ": {}", OneLine(&text))?;
                told = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

/// A text with its line ends made `; `.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.lines().map(str::trim);
        for (place, line) in lines.filter(|line| !line.is_empty()).enumerate() {
            f.write_str(if place > 0 { "; " } else { "" })?;
            f.write_str(line)?;
        }
        Ok(())
    }
}

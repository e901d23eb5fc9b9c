//! What the rounds came to: tables, plots, and the page that has them.

pub(crate) mod machine;
mod page;
mod plot;
mod stable;
mod summary;

pub(crate) use self::page::Page;
pub(crate) use self::stable::{MEASURE, stable};

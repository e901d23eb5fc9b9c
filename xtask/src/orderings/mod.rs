//! `cargo xtask orderings`: every memory ordering of `src/` on one page, `docs/orderings.md`.
//!
//! The page is made of the `ORDERING(name): …` comments and of what `cargo xtask weaken` found when it
//! weakened them ([`Verdicts`]). A rule of the house keeps it fresh.

mod comment;
mod page;

pub(crate) use comment::{Site, sites};
pub(crate) use page::is_ordering;

use crate::failure::Failure;
use crate::house::File;
use crate::weaken::{VERDICTS, Verdicts};
use crate::workspace::Workspace;
use std::fs;

/// Writes the page; or, with `check`, fails if it is stale.
pub(crate) fn run(here: &Workspace, check: bool) -> Result<(), Failure> {
    let files = here.files()?;
    let fresh = fresh(&files)?;
    let is_fresh = files
        .iter()
        .any(|file| file.path == PAGE && file.text == fresh);
    match (is_fresh, check) {
        (true, _) => println!("{PAGE} is fresh"),
        (false, true) => return Err(Failure::new(STALE)),
        (false, false) => {
            fs::write(here.root().join(PAGE), fresh).map_err(|error| Failure::io(PAGE, &error))?;
            println!("{PAGE} is written");
        }
    }
    Ok(())
}

/// The page as it should be.
pub(crate) fn fresh(files: &[File]) -> Result<String, Failure> {
    Ok(page::page(&all_sites(files), &verdicts(files)?))
}

/// The committed verdicts.
pub(crate) fn verdicts(files: &[File]) -> Result<Verdicts, Failure> {
    let file = files.iter().find(|file| file.path == VERDICTS);
    Verdicts::parse(file.map_or("{}", |file| &file.text))
}

/// The orderings of all sources, file by file.
pub(crate) fn all_sites(files: &[File]) -> Vec<Site> {
    files
        .iter()
        .filter(|file| file.path.starts_with("src/") && file.path.ends_with(".rs"))
        .flat_map(sites)
        .collect()
}

/// Where the page is.
pub(crate) const PAGE: &str = "docs/orderings.md";
/// What to do about a stale one.
pub(crate) const STALE: &str = "docs/orderings.md is stale: run `cargo xtask orderings`";

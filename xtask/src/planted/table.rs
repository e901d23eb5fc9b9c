//! The table of `loom-tests/planted/README.md`: `| patch | fault | loom | proptest | fuzz |`.

use crate::failure::Failure;

/// What the table says of one patch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The file's name without `.patch`.
    pub(super) patch: String,
    /// What each of the three says of it.
    pub(super) said: Vec<Said>,
}

/// One cell.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is noticed, by this test when it was run last.
    Caught(Option<String>),
    /// It cannot be noticed; the cell says why.
    Cannot,
    /// Who could notice was not there yet.
    NotYet,
}

/// In front of a test's name.
pub(super) const CAUGHT: &str = "caught by";
/// Every test passed.
pub(super) const MISSED: &str = "missed";
/// Nobody was asked.
pub(super) const NOT_YET: &str = "not there yet";

/// The rows: lines that begin with a patch's name.
pub(super) fn rows(text: &str) -> Result<Vec<Row>, Failure> {
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(row).collect()
}

fn row(line: &str) -> Result<Row, Failure> {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [patch, _, said @ ..] = cells.as_slice() else {
        return Err(Failure::new(format!("not a row: {line}")));
    };
    let said: Option<Vec<_>> = said.iter().map(|cell| Said::read(cell)).collect();
    let said = said.filter(|said| said.len() == 3);
    let said = said.ok_or_else(|| {
        let must = format!("three cells that begin with `{CAUGHT}`, `cannot` or `{NOT_YET}`");
        Failure::new(format!("{must} are wanted: {line}"))
    })?;
    Ok(Row {
        patch: patch.trim_matches('`').to_owned(),
        said,
    })
}

/// Rows without a patch, and patches without a row.
pub(super) fn faults(rows: &[Row], patches: &[&str]) -> Vec<String> {
    let gone = rows.iter().filter(|row| !patches.contains(&&*row.patch));
    let gone = gone.map(|row| format!("{}.patch is not there", row.patch));
    let known = |patch: &str| rows.iter().any(|row| row.patch == patch);
    let new = patches.iter().filter(|patch| !known(patch));
    gone.chain(new.map(|patch| format!("{patch}.patch has no row")))
        .collect()
}

impl Said {
    fn read(cell: &str) -> Option<Self> {
        if let Some(rest) = cell.strip_prefix(CAUGHT) {
            let test = rest.split('`').nth(1).map(str::to_owned);
            return Some(Self::Caught(test));
        }
        if cell.starts_with(NOT_YET) {
            return Some(Self::NotYet);
        }
        cell.starts_with("cannot").then_some(Self::Cannot)
    }

    /// The test to ask first.
    pub(super) fn test(&self) -> Option<&str> {
        match self {
            Self::Caught(test) => test.as_deref(),
            Self::Cannot | Self::NotYet => None,
        }
    }

    /// What is wrong with it, if `cell` is how it is.
    pub(super) fn differs_from(&self, cell: &str) -> Option<String> {
        let now = Self::read(cell);
        match (self, now) {
            (Self::Caught(_), Some(Self::Caught(_)))
            | (Self::Cannot, None | Some(Self::NotYet))
            | (_, Some(Self::NotYet)) => None,
            (Self::Caught(_), _) => Some("it is not caught".to_owned()),
            (Self::Cannot, _) => Some(format!("it can be: {cell}")),
            (Self::NotYet, _) => Some(format!("it is there now, and says: {cell}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Planted\n| patch | fault | loom | proptest | fuzz |\n|---|---|---|---|---|\n\
        | `leak` | of room | caught by `cancel::it` (2026-11-23) | cannot: one thread | not there yet |\n";

    #[test]
    fn a_row_is_read() {
        let row = rows(GOOD).expect("good").remove(0);
        assert_eq!(row.patch, "leak");
        let caught = Said::Caught(Some("cancel::it".to_owned()));
        assert_eq!(row.said, [caught, Said::Cannot, Said::NotYet]);
        assert_eq!(row.said[0].test(), Some("cancel::it"));
    }

    #[test]
    fn a_cell_that_says_nothing_is_refused() {
        assert!(rows("| `leak` | of room | perhaps | cannot | cannot |").is_err());
        assert!(rows("| `leak` | of room | cannot | cannot |").is_err());
    }

    #[test]
    fn the_table_and_the_folder_agree() {
        let rows = rows(GOOD).expect("good");
        assert_eq!(faults(&rows, &["leak"]), [""; 0]);
        assert_eq!(
            faults(&rows, &["new"]),
            ["leak.patch is not there", "new.patch has no row"]
        );
    }

    #[test]
    fn what_is_said_must_be_so() {
        let caught = Said::Caught(None);
        assert!(caught.differs_from("caught by `a::b`").is_none());
        assert!(caught.differs_from(MISSED).is_some());
        assert!(caught.differs_from(NOT_YET).is_none());
        assert!(Said::Cannot.differs_from(MISSED).is_none());
        assert!(Said::Cannot.differs_from("caught by `a::b`").is_some());
        assert!(Said::NotYet.differs_from(NOT_YET).is_none());
        assert!(Said::NotYet.differs_from(MISSED).is_some());
    }
}

//! `docs/orderings.md` is what it would be if it were made now; every ordering stronger than Relaxed has a
//! test that fails when it is weakened, or a reason why none does; and what the mutation run leaves out of
//! the code is still there to be left out.

use super::{File, Finding};
use crate::orderings::{PAGE, STALE, Site, all_sites, fresh, is_ordering, verdicts};
use crate::weaken::{VERDICTS, Verdicts, edit_names, faults, weakenings};

/// A stale page, each ordering without a verdict that stands, and each mutation that does not fit any more.
pub(super) fn check(files: &[File]) -> Vec<Finding> {
    let lost = faults(files).into_iter().map(|what| at(LISTS, what));
    let mut found: Vec<_> = lost.collect();
    found.extend(check_page(files, edit_names()));
    found
}

fn check_page(files: &[File], edits: impl Iterator<Item = String>) -> Vec<Finding> {
    let verdicts = match verdicts(files) {
        Ok(verdicts) => verdicts,
        Err(failure) => return vec![at(VERDICTS, failure.to_string())],
    };
    let orderings: Vec<_> = all_sites(files)
        .iter()
        .filter(|site| site.is_shipped())
        .flat_map(weakenings)
        .map(|weakening| weakening.name)
        .collect();
    let mut found = unexplained(&orderings, &verdicts);
    found.extend(all_sites(files).iter().filter_map(belied));
    let edits: Vec<_> = edits.collect();
    found.extend(gone(&orderings, &edits, &verdicts));
    let page = files.iter().find(|file| file.path == PAGE);
    if fresh(files).ok().as_deref() != page.map(|page| page.text.as_str()) {
        found.push(at(PAGE, STALE));
    }
    found
}

/// A comment that begins with an ordering which its code does not have.
fn belied(site: &Site) -> Option<Finding> {
    let said = site.reason.split(|c: char| !c.is_alphanumeric()).next()?;
    let is_one = ["Relaxed", "Acquire", "Release", "AcqRel"].contains(&said);
    let is_said = |ordering: &str| ordering == said || (ordering == "AcqRel" && said != "Relaxed");
    let has = site.uses.iter().any(|one| is_said(&one.ordering));
    (is_one && !has).then(|| {
        let name = &site.name;
        at(
            &site.path,
            format!("ORDERING({name}) says {said}; the code does not"),
        )
    })
}

fn unexplained(orderings: &[String], verdicts: &Verdicts) -> Vec<Finding> {
    let of = |name: &String| verdicts.of(name);
    let open = orderings
        .iter()
        .filter(|name| !of(name).is_some_and(|verdict| verdict.is_good()));
    let each = open.map(|name| {
        let what = match of(name) {
            None => "was never run: `cargo xtask weaken`",
            Some(_) => "survives without a reason",
        };
        at(VERDICTS, format!("`{name}` {what}"))
    });
    each.collect()
}

fn gone(orderings: &[String], edits: &[String], verdicts: &Verdicts) -> Vec<Finding> {
    let known = |name: &String| {
        let all = if is_ordering(name) { orderings } else { edits };
        all.contains(name)
    };
    let gone = verdicts.iter().filter(|(name, _)| !known(name));
    gone.map(|(name, _)| at(VERDICTS, format!("`{name}` is no mutant any more")))
        .collect()
}

fn at(path: &str, what: impl Into<String>) -> Finding {
    Finding {
        path: path.to_owned(),
        line: 1,
        what: what.into(),
    }
}

const LISTS: &str = "xtask/src/weaken/lists.rs";

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "// ORDERING(it): pairs with `other`.\nx.load(Ordering::Acquire);\n";
    const NAME: &str = "ordering it: Acquire → Relaxed";

    fn files(verdicts: &str) -> Vec<File> {
        let mut files = vec![
            File::new("src/engine/it.rs", TEXT),
            File::new(VERDICTS, verdicts),
        ];
        let page = fresh(&files).expect("good verdicts");
        files.push(File::new(PAGE, &page));
        files
    }

    fn found(files: &[File]) -> Vec<String> {
        check_page(files, std::iter::empty())
            .into_iter()
            .map(|finding| finding.what)
            .collect()
    }

    fn verdict(more: &str) -> String {
        format!("{{\"{NAME}\": {{\"date\": \"2026-11-23\"{more}}}}}")
    }

    #[test]
    fn a_fresh_page_with_verdicts_is_good() {
        for more in [
            ", \"killed_by\": \"loom: it\"",
            ", \"reason\": \"the lock\"",
        ] {
            assert_eq!(found(&files(&verdict(more))), [""; 0]);
        }
    }

    #[test]
    fn a_stale_page_is_found() {
        let mut files = files(&verdict(", \"reason\": \"the lock\""));
        files[0].text = TEXT.replace("other", "another");
        assert_eq!(found(&files), [STALE]);
        files.pop();
        assert_eq!(found(&files), [STALE]);
    }

    #[test]
    fn an_ordering_without_killer_or_reason_is_found() {
        let survivor = found(&files(&verdict("")));
        assert_eq!(survivor, [format!("`{NAME}` survives without a reason")]);
        let new = found(&files("{}"));
        assert_eq!(
            new,
            [format!("`{NAME}` was never run: `cargo xtask weaken`")]
        );
    }

    #[test]
    fn a_comment_that_says_another_ordering_is_found() {
        let relaxed = TEXT.replace("pairs with `other`", "Relaxed; a hint");
        let site = crate::orderings::all_sites(&[File::new("src/it.rs", &relaxed)]).remove(0);
        let found = belied(&site).expect("the code has Acquire");
        assert_eq!(
            found.to_string(),
            "src/it.rs:1: ORDERING(it) says Relaxed; the code does not"
        );
        let site = crate::orderings::all_sites(&[File::new("src/it.rs", TEXT)]).remove(0);
        assert_eq!(belied(&site), None);
    }

    #[test]
    fn a_verdict_on_nothing_is_found() {
        let mut files = files(&verdict(", \"reason\": \"the lock\""));
        files[0].text = TEXT.replace("Acquire", "Relaxed");
        assert!(found(&files).contains(&format!("`{NAME}` is no mutant any more")));
    }

    #[test]
    fn a_mutation_that_does_not_fit_is_found() {
        assert!(!check(&files(&verdict(", \"reason\": \"the lock\""))).is_empty());
    }
}

//! Pages for people: which sections they have, and which metrics they name.

use crate::known::Known;

/// Every metric that a text names and that is not there, and every query in its code that names a wrong one.
pub fn faults(text: &str, known: &Known) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    let words = words.map(|word| word.trim_matches(':'));
    let gone = words.filter(|word| is_ours(word) && !known.has(word) && !is_label(word));
    let gone = gone.map(|word| format!("there is no metric {word}"));
    let queries = code(text)
        .into_iter()
        .filter(|code| code.contains(['{', '(', '[']) && names_one(code));
    gone.chain(queries.flat_map(|query| known.faults(query)))
        .collect()
}

/// The anchors of the headings, as GitHub makes them.
pub fn anchors(page: &str) -> Vec<String> {
    headings(page).map(|(_, heading)| anchor(heading)).collect()
}

/// The sections under headings of the second and lower ranks: the heading, and what follows it up to the next.
pub fn sections(page: &str) -> Vec<(&str, &str)> {
    let starts: Vec<_> = headings(page).collect();
    let ends = starts.iter().skip(1).map(|(at, _)| *at).chain([page.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|((at, heading), end)| (*heading, &page[*at..end]))
        .collect()
}

fn headings(page: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    let mut at = 0;
    page.split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        fenced ^= line.starts_with("```");
        let heading = line.strip_prefix('#').filter(|_| !fenced)?;
        Some((start, heading.trim_start_matches('#').trim()))
    })
}

fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c })
        .flat_map(char::to_lowercase)
        .collect()
}

/// What stands in code spans, and in fences of `promql`.
fn code(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (index, part) in page.split("```").enumerate() {
        if index % 2 == 1 {
            found.extend(part.strip_prefix("promql"));
        } else {
            found.extend(part.split('`').skip(1).step_by(2));
        }
    }
    found
}

fn names_one(code: &str) -> bool {
    PREFIXES.iter().any(|prefix| code.contains(prefix))
}

fn is_ours(word: &str) -> bool {
    PREFIXES.iter().any(|prefix| word.starts_with(prefix))
}

/// Two of our labels begin as metrics do.
fn is_label(word: &str) -> bool {
    [
        "db_client_connection_pool_name",
        "db_client_connection_state",
    ]
    .contains(&word)
}

const PREFIXES: [&str; 3] = ["db_client_", "millpond_", "pool:"];

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        faults(text, &Known::of_the_table())
    }

    #[test]
    fn metrics_in_prose_and_in_code_are_looked_up() {
        for text in [
            "See millpond_leaks_total, and `db_client_connection_pending_requests`:",
            "`rate(millpond_gets_total{outcome=\"shed\"}[5m])` by db_client_connection_pool_name",
            "`millpond::observe` and `pool.health()`",
            "```promql\nmillpond_health == 2\n```\n`x`",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
        for text in [
            "See millpond_leak_total.",
            "`rate(millpond_gets_total{outcome=\"gone\"}[5m])`",
            "pool:gone:ratio",
            "```promql\nsum by (reason) (millpond_gets_total)\n```",
        ] {
            assert_eq!(found(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn headings_have_anchors_and_sections() {
        let page = "# A page\n\n## It's `this`: 80 %\ntext\n```sh\n# no heading\n```\n### Last\n";
        assert_eq!(anchors(page), ["a-page", "its-this-80-", "last"]);
        let sections = sections(page);
        assert_eq!(sections[1].0, "It's `this`: 80 %");
        assert!(sections[1].1.ends_with("```\n") && sections[2].1.starts_with("### Last"));
    }
}

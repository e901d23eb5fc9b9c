//! Alerts with one thing wrong, each of which the unit tests of the rules must notice: without that a near
//! miss may be no near one, and an alert that never fires looks like a quiet night.

/// A file of rules with one thing wrong in one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// The alert's name.
    pub alert: String,
    /// What is wrong.
    pub what: String,
    /// The whole file.
    pub rules: String,
}

/// Every mutant of the alerts in a file of rules: each alert without its wait, each with a wait that never ends,
/// and each of its thresholds out of reach or always reached.
pub fn all(rules: &str) -> Vec<Mutant> {
    let starts: Vec<_> = rules.match_indices(ALERT).map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([rules.len()]);
    starts
        .iter()
        .zip(ends)
        .flat_map(|(start, end)| of_alert(rules, *start, end))
        .collect()
}

/// The tests of one alert out of a file of tests, with its head.
pub fn tests_of(tests: &str, alert: &str) -> String {
    let mut parts = tests.split(TEST);
    let head = parts.next().unwrap_or_default().to_owned();
    let line = format!("alertname: {alert}\n");
    let kept = parts.filter(|part| part.contains(&line));
    kept.fold(head, |text, part| text + TEST + part)
}

fn of_alert(rules: &str, start: usize, end: usize) -> Vec<Mutant> {
    let block = &rules[start..end];
    let alert = block[ALERT.len()..].lines().next().unwrap_or_default();
    let spans = waits(block).into_iter().chain(thresholds(block));
    let mutants = spans.map(|(at, length, new)| {
        let (at, until) = (start + at, start + at + length);
        let line = rules[..at].matches('\n').count() + 1;
        Mutant {
            alert: alert.to_owned(),
            what: format!("`{new}` instead of `{}` in line {line}", &rules[at..until]),
            rules: format!("{}{new}{}", &rules[..at], &rules[until..]),
        }
    });
    mutants.collect()
}

/// Where a wait stands, how long that is, and what to write there.
fn waits(block: &str) -> Vec<(usize, usize, &'static str)> {
    let Some(at) = block
        .find("\n        for: ")
        .map(|at| at + "\n        ".len())
    else {
        return Vec::new();
    };
    let length = block[at..].find('\n').unwrap_or(block.len() - at);
    vec![(at, length, "for: 0s"), (at, length, "for: 7d")]
}

/// Where thresholds stand: a comparison with a number, before the wait, outside of comments.
fn thresholds(block: &str) -> Vec<(usize, usize, &'static str)> {
    let expr = &block[..block.find("\n        for: ").unwrap_or(block.len())];
    let mut found = Vec::new();
    for sign in [" > ", " >= ", " == "] {
        for (at, _) in expr.match_indices(sign) {
            let number = at + sign.len();
            let ends = |c: char| !c.is_ascii_digit() && c != '.';
            let length = expr[number..].find(ends).unwrap_or(expr.len() - number);
            if length > 0 {
                found.push((at, sign.len() + length, " >= -1"));
                found.push((at, sign.len() + length, " > 1e9"));
            }
        }
    }
    found
}

const ALERT: &str = "      - alert: ";
const TEST: &str = "\n  - name: ";

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "groups:
      - alert: A
        expr: a > 0 and b >= 0.95
        for: 2m
        labels: x > 3
      - alert: B
        expr: c == 2
        for: 5m
";

    #[test]
    fn every_wait_and_threshold_is_got_wrong_once() {
        let mutants = all(RULES);
        let of = |alert: &str| {
            mutants
                .iter()
                .filter(|mutant| mutant.alert == alert)
                .count()
        };
        assert_eq!((of("A"), of("B")), (6, 4));
        assert_eq!(mutants[0].what, "`for: 0s` instead of `for: 2m` in line 4");
        assert_eq!(mutants[0].rules, RULES.replace("for: 2m", "for: 0s"));
        let rules: Vec<_> = mutants.iter().map(|mutant| &mutant.rules).collect();
        assert!(rules.contains(&&RULES.replace(" >= 0.95", " > 1e9")));
        assert!(rules.contains(&&RULES.replace(" == 2", " >= -1")));
    }

    #[test]
    fn the_tests_of_one_alert_are_kept() {
        let tests = "head:\n\n  - name: 1\n    alertname: A\n\n  - name: 2\n    alertname: AB\n\n  - name: 3\n    alertname: A\n";
        assert_eq!(
            tests_of(tests, "A"),
            "head:\n\n  - name: 1\n    alertname: A\n\n  - name: 3\n    alertname: A\n"
        );
    }
}

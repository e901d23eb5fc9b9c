//! A Prometheus page, read line by line.

use crate::expected::{Figure, Series, Sum, value};
use millpond::observe::names::{BUCKETS_SECONDS, Kind, METRICS, Metric};
use std::collections::BTreeMap;

/// Every series of the page. Fails at whatever is not in the table: a name, a type, a help, a label, a bound.
pub(crate) fn read(page: &str) -> BTreeMap<Series, Figure> {
    let mut reader = Reader::default();
    for line in page.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("# ") {
            Some(comment) => reader.comment(comment),
            None => reader.sample(line),
        }
    }
    reader.end()
}

#[derive(Default)]
struct Reader {
    /// The family whose `# TYPE` was read last.
    family: Option<&'static Metric>,
    helped: Vec<&'static str>,
    seen: BTreeMap<Series, Figure>,
}

impl Reader {
    fn comment(&mut self, comment: &str) {
        let (what, rest) = comment.split_once(' ').expect("HELP or TYPE");
        let (name, rest) = rest.split_once(' ').expect("a name");
        let metric = family(name);
        match what {
            "HELP" => {
                assert_eq!(rest, metric.help, "{name}");
                self.helped.push(metric.name);
            }
            "TYPE" => {
                assert_eq!(rest, metric.kind.prometheus_type(), "{name}");
                self.family = Some(metric);
            }
            what => panic!("{what}"),
        }
    }

    fn sample(&mut self, line: &str) {
        let (series, number) = line.rsplit_once(' ').expect("a number at the end");
        let number: f64 = number.parse().expect("a number");
        let (name, labels) = series.split_once('{').expect("at least the pool");
        let mut labels = labels_of(labels.strip_suffix('}').expect("the end of the labels"));
        let metric = self.family.expect("a type first");
        assert!(
            metric.prometheus_series().iter().any(|of| of == name),
            "{line}"
        );
        let pool = labels.remove("db_client_connection_pool_name").expect(line);
        let le = labels.remove("le");
        let label = metric.labels.get(1).map(|label| label.prometheus_name());
        let told = label.and_then(|label| labels.remove(&label));
        assert!(
            labels.is_empty(),
            "labels that are not in the table: {line}"
        );
        let key = (metric.name, pool, value(metric, told.as_deref()));
        if metric.kind != Kind::Histogram {
            let before = self.seen.insert(key, Figure::Number(number));
            assert_eq!(before, None, "twice: {line}");
            return;
        }
        let empty = Figure::Times {
            up_to: Vec::new(),
            count: u64::MAX,
            sum: Sum(f64::NAN),
        };
        let Figure::Times { up_to, count, sum } = self.seen.entry(key).or_insert(empty) else {
            panic!("{line}")
        };
        match (name.rsplit_once('_').expect(line).1, le.as_deref()) {
            ("bucket", Some("+Inf")) => *count = number as u64,
            ("bucket", Some(le)) => {
                let bound: f64 = le.parse().expect(line);
                assert_eq!(bound, BUCKETS_SECONDS[up_to.len()], "{line}");
                up_to.push(number as u64);
            }
            ("sum", None) => *sum = Sum(number),
            ("count", None) => assert_eq!(number as u64, *count, "{line}"),
            _ => panic!("{line}"),
        }
    }

    fn end(self) -> BTreeMap<Series, Figure> {
        for (name, ..) in self.seen.keys() {
            let helps = self.helped.iter().filter(|helped| *helped == name).count();
            assert_eq!(helps, 1, "{name} has a line of help");
        }
        self.seen
    }
}

fn family(name: &str) -> &'static Metric {
    let found = METRICS
        .iter()
        .find(|metric| metric.prometheus_name() == name);
    found.unwrap_or_else(|| panic!("{name} is not in the table"))
}

/// The tests' values have no quote and no comma in them.
fn labels_of(text: &str) -> BTreeMap<String, String> {
    let label = |text: &str| {
        let (key, value) = text.split_once('=').expect("a value");
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        (key.to_owned(), value.expect("in quotes").to_owned())
    };
    text.split(',').map(label).collect()
}

#[test]
#[should_panic(expected = "millpond_gets is not in the table")]
fn a_name_that_is_not_in_the_table_is_found() {
    read("# TYPE millpond_gets counter\n");
}

#[test]
#[should_panic(expected = "outcome is never timed_out")]
fn a_value_that_is_not_in_the_table_is_found() {
    read(
        "# TYPE millpond_gets_total counter\n\
         millpond_gets_total{db_client_connection_pool_name=\"main\",outcome=\"timed_out\"} 1\n",
    );
}

//! Every knob in one value: each is read, written, told in the table and set in a pool; and what is wrong with a
//! setting is said so that it can be put right, without a piece of a password.

mod any;
#[cfg(feature = "serde")]
mod files;
mod sources;
#[path = "../support/mod.rs"]
mod support;

use any::{nearly, settings};
use millpond::Runtime;
use millpond::managed::settings::{Form, KNOBS, Knob};
use millpond::managed::{Defaults, QueueMode, Settings};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;
use support::World;
use support::scene::TestPool;

const S: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn error(pairs: &[(&str, &str)]) -> String {
    let error = Settings::from_pairs(pairs.iter().copied()).unwrap_err();
    error.to_string()
}

fn pairs(settings: &Settings) -> BTreeMap<&'static str, String> {
    settings.to_pairs().collect()
}

/// The example of each knob, with whatever else it needs.
fn examples() -> impl Iterator<Item = (&'static Knob, Vec<(&'static str, &'static str)>)> {
    KNOBS.iter().map(|knob| {
        let mut given = vec![(knob.name, knob.example)];
        if knob.name == "connect_backoff_longest" {
            given.push(("connect_backoff", "1ms"));
        }
        (knob, given)
    })
}

#[test]
fn every_field_is_a_knob_and_every_knob_a_field() {
    let debug = format!("{:#?}", Settings::default());
    let field = |line: &str| {
        let field = line.strip_prefix("    ")?.split_once(": ")?.0;
        (!field.starts_with(' ')).then(|| field.to_owned())
    };
    let mut fields: Vec<_> = debug.lines().filter_map(field).collect();
    let mut knobs: Vec<_> = KNOBS.iter().map(|knob| knob.name.to_owned()).collect();
    fields.sort_unstable();
    knobs.sort_unstable();
    assert_eq!(fields, knobs);
    let groups: Vec<_> = KNOBS.iter().map(|knob| knob.group).collect();
    let mut joined = groups.clone();
    joined.dedup();
    for group in &joined {
        let times = joined.iter().filter(|other| *other == group).count();
        assert_eq!(times, 1, "{group:?} is told in two places");
    }
}

#[test]
fn every_knob_takes_its_example_and_changes_nothing_else() {
    for (knob, given) in examples() {
        let set = pairs(&Settings::from_pairs(given.clone()).unwrap());
        let neutral = pairs(&Settings::default());
        assert_eq!(set[knob.name], knob.example, "{}", knob.name);
        assert_ne!(set[knob.name], neutral[knob.name], "{}", knob.name);
        let changed = set.iter().filter(|(name, text)| neutral[*name] != **text);
        assert_eq!(changed.count(), given.len(), "{}", knob.name);
    }
}

#[test]
fn the_table_tells_the_defaults_there_are() {
    let neutral = pairs(&Settings::default());
    let server = pairs(&Settings::from(Defaults::server()));
    for knob in KNOBS {
        let begins = knob.server.map_or(&*neutral[knob.name], |(value, _)| value);
        assert_eq!(server[knob.name], begins);
        if knob.name == "max_size" {
            let two_each = 2 * std::thread::available_parallelism().unwrap().get();
            assert_eq!(neutral["max_size"], two_each.to_string());
        } else {
            assert_eq!(neutral[knob.name], knob.default);
        }
        // What is left away in a file is none, so none must be the default.
        assert_eq!(knob.is_optional(), knob.default == "none", "{}", knob.name);
        for text in [knob.meaning, knob.interaction, knob.why] {
            assert!(text.ends_with('.') && text.len() > 10, "{}", knob.name);
        }
    }
}

#[test]
fn settings_are_equal_where_every_knob_is() {
    let server = Settings::from(Defaults::server());
    let mut other = Settings::from(Defaults::server().keepalive(7 * S));
    assert_ne!(other, server);
    assert_eq!(other.keepalive, Some(7 * S));
    other.keepalive = server.keepalive;
    assert_eq!(other, server, "nothing else was changed");
}

#[test]
fn every_knob_reaches_the_pool() {
    for (knob, given) in examples() {
        let settings = Settings::from_pairs(given).unwrap();
        let builder = TestPool::builder(World::default());
        let builder = builder.settings(settings.clone()).unwrap();
        let mut told = settings.clone();
        // The first pause alone has a longest one beside it.
        let longest = || settings.connect_backoff.map(|_| 500 * MS);
        told.connect_backoff_longest = settings.connect_backoff_longest.or_else(longest);
        assert_eq!(builder.to_settings(), told, "{}", knob.name);
    }
    let builder = TestPool::builder(World::default()).runtime(Runtime::Tokio1);
    let builder = builder.max_size(7).min_idle(2).max_idle(Some(3));
    let builder = builder.connect_backoff(10 * MS, S).name("told");
    let told = builder
        .to_settings()
        .with_pairs([("max_idle", "4")])
        .unwrap();
    assert_eq!(
        (told.max_size, told.min_idle, told.max_idle),
        (7, 2, Some(4))
    );
    assert_eq!(told.connect_backoff, Some(10 * MS));
    assert_eq!(told.connect_backoff_longest, Some(S));
    let pool = builder.settings(told).unwrap().build().unwrap();
    assert_eq!((pool.status().max_size, pool.name()), (7, "told".into()));
}

#[test]
fn a_builder_takes_no_settings_that_contradict_each_other() {
    let mut settings = Settings::default();
    settings.max_size = 2;
    settings.min_idle = 3;
    let refused = TestPool::builder(World::default()).settings(settings);
    let error = refused.unwrap_err();
    assert_eq!((error.knob(), error.value()), ("min_idle", Some("3")));
    // As a text it would stand for no name.
    let mut settings = Settings::default();
    settings.name = Some("none".to_owned());
    let error = settings.validate().unwrap_err();
    assert_eq!((error.knob(), error.value()), ("name", Some("none")));
}

#[test]
fn contradictions_name_the_knob_its_value_and_the_way_out() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[("max_size", "20"), ("min_idle", "30")],
            r#"min_idle = "30": never so many can lie idle, for max_size is 20; lower it, or raise max_size"#,
        ),
        (
            &[("max_size", "9"), ("min_idle", "5"), ("max_idle", "4")],
            r#"min_idle = "5": no more than max_idle = 4 are kept; lower it, raise max_idle, or leave max_idle away"#,
        ),
        (
            &[("max_size", "65536")],
            r#"max_size = "65536": a pool holds at most 65535 objects; lower it"#,
        ),
        (
            &[("max_connecting", "1024")],
            r#"max_connecting = "1024": at most 1023 connect at once; lower it, or leave it away"#,
        ),
        (
            &[
                ("connect_backoff", "1s"),
                ("connect_backoff_longest", "1ms"),
            ],
            r#"connect_backoff_longest = "1ms": shorter than the first pause; raise it, or lower connect_backoff"#,
        ),
        (
            &[("connect_backoff_longest", "1s")],
            r#"connect_backoff_longest = "1s": there is no first pause; set connect_backoff too"#,
        ),
        (
            &[("max_size", "1"), ("max_size", "2")],
            r#"max_size = "2": it is given twice; leave one away"#,
        ),
    ];
    for (given, told) in cases {
        assert_eq!(error(given), *told);
    }
    for (name, value) in [
        ("lifetime_jitter", "1.5"),
        ("lifetime_jitter", "-0.1"),
        ("lifetime_jitter", "NaN"),
        ("max_connecting", "0"),
        ("max_waiters", "0"),
        ("name", ""),
    ] {
        let told = error(&[(name, value)]);
        assert!(told.starts_with(&format!("{name} = {value:?}: ")), "{told}");
    }
}

#[test]
fn zero_is_not_taken_for_off() {
    for name in [
        "max_lifetime",
        "idle_timeout",
        "keepalive",
        "connect_backoff",
        "leak_threshold",
    ] {
        let told = error(&[(name, "0s")]);
        assert!(told.ends_with("write none or leave it away"), "{told}");
    }
    for name in ["max_uses", "breaker"] {
        let told = error(&[(name, "0")]);
        assert!(told.ends_with("write none or leave it away"), "{told}");
    }
}

#[test]
fn what_means_something_is_taken_up_to_its_bounds() {
    for (name, value) in [
        ("max_size", "65535"),
        ("max_connecting", "1023"),
        ("wait_timeout", "0s"),
        ("check_after_idle", "0s"),
        ("max_size", "0"),
        ("max_idle", "0"),
        ("lifetime_jitter", "0"),
    ] {
        Settings::from_pairs([(name, value)]).unwrap();
    }
}

#[test]
fn what_is_pointless_is_no_contradiction() {
    for pairs in [
        [("idle_timeout", "2h"), ("max_lifetime", "1h")],
        [("max_size", "2"), ("max_idle", "100")],
        [("connect_backoff", "1s"), ("connect_backoff_longest", "1s")],
        [("keepalive", "2h"), ("idle_timeout", "1h")],
        [("lifetime_jitter", "1"), ("max_lifetime", "none")],
    ] {
        Settings::from_pairs(pairs).unwrap();
    }
}

#[test]
fn an_unknown_name_brings_up_those_that_are_near() {
    for (name, meant) in [
        ("max_sizes", "max_size"),
        ("max-size", "max_size"),
        ("MAX_SIZE", "max_size"),
        ("max_lifetine", "max_lifetime"),
        ("lifetime", "max_lifetime or lifetime_jitter"),
    ] {
        let told = error(&[(name, "1")]);
        let wanted = format!("{name}: there is no such knob; do you mean {meant}?");
        assert_eq!(told, wanted);
    }
    for name in [
        "",
        "zzz",
        "abmax_sixe",
        "max_size.or.something.else.of.this.kind.and.so.on.and.so.on.and.on",
    ] {
        let told = error(&[(name, "sesame")]);
        let all = KNOBS.iter().all(|knob| told.contains(knob.name));
        assert!(all && !told.contains("sesame"), "{told}");
    }
}

#[test]
fn durations_are_read_as_people_write_them() {
    for (text, meant) in [
        ("30s", 30 * S),
        ("1500ms", 1500 * MS),
        ("30m", 1800 * S),
        ("1h30m", 5400 * S),
        (" 1h 30m ", 5400 * S),
        ("2d", 172_800 * S),
        ("10us", MS / 100),
        ("1s1ns", S + Duration::from_nanos(1)),
        ("90m", 5400 * S),
        ("5000000000ms", 5_000_000 * S),
    ] {
        let settings = Settings::from_pairs([("wait_timeout", text)]).unwrap();
        assert_eq!(settings.wait_timeout, Some(meant), "{text}");
    }
    for (text, told) in [
        ("30", "a number without its unit"),
        ("0", "a number without its unit"),
        ("", "not a duration"),
        ("s", "not a duration"),
        ("1.5s", "not a duration"),
        ("-1s", "not a duration"),
        ("1M", "not a duration"),
        ("1y", "not a duration"),
        ("1m1h", "not a duration"),
        ("1s1s", "not a duration"),
        ("213503982334602d", "too long a duration"),
        ("99999999999999999999s", "too long a duration"),
        ("18446744073709551615s1000ms", "too long a duration"),
    ] {
        let error = error(&[("wait_timeout", text)]);
        assert!(error.contains(told), "{text}: {error}");
    }
    let mut longest = Settings::default();
    longest.wait_timeout = Some(Duration::MAX);
    assert_eq!(Settings::from_pairs(longest.to_pairs()), Ok(longest));
}

#[test]
fn what_cannot_be_read_is_told_with_the_form_it_should_have() {
    for knob in KNOBS {
        let (bad, told) = match knob.form() {
            Form::Whole => ("12x", "write digits alone"),
            Form::Share => ("a tenth", "write a number from 0 to 1"),
            Form::Duration => ("soon", "as in 30s"),
            Form::Flag => ("yes", "neither true nor false"),
            Form::Order => ("Filo", "neither Fifo nor Lifo"),
            _ => continue,
        };
        let error = error(&[(knob.name, bad)]);
        let begins = format!("{} = {bad:?}: ", knob.name);
        assert!(
            error.starts_with(&begins) && error.contains(told),
            "{error}"
        );
    }
    for text in ["", "-1", "+1", "1_000", " 1", "99999999999999999999"] {
        error(&[("max_size", text)]);
    }
    let lower = Settings::from_pairs([("queue_mode", "lifo")]).unwrap();
    assert!(matches!(lower.queue_mode, QueueMode::Lifo));
    let long = "7".repeat(1000);
    assert!(error(&[("max_size", &long)]).len() < 200, "it is cut");
}

proptest! {
    #[test]
    fn settings_are_read_back_as_they_were_written(settings in settings()) {
        prop_assert_eq!(settings.validate(), Ok(()));
        prop_assert_eq!(&Settings::from_pairs(settings.to_pairs()).unwrap(), &settings);
        let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        let query: Vec<_> = settings.to_pairs().map(|(name, text)| format!("pool_{name}={}", encoded(&text))).collect();
        let url = format!("db://u:p@h/d?{}", query.join("&"));
        prop_assert_eq!(Settings::from_url(&url).unwrap(), (settings, "db://u:p@h/d".to_owned()));
    }

    #[test]
    fn no_text_panics(index in 0..KNOBS.len(), text in nearly(), url in "db:[a-z:/@]{0,5}\\?(&?(pool_(max_size|na|)|%|@|é)=?\\PC{0,5}){0,4}") {
        let name = KNOBS[index].name;
        for read in [Settings::from_pairs([(name, &text)]), Settings::from_pairs([(&text, name)])] {
            match read {
                Ok(settings) => {
                    let pairs = settings.to_pairs();
                    prop_assert_eq!(Settings::from_pairs(pairs), Ok(settings));
                }
                Err(error) => prop_assert!(error.to_string().contains(": ")),
            }
        }
        for url in [&text, &url] {
            if let Err(error) = Settings::from_url(url) {
                prop_assert!(error.to_string().starts_with("pool_"));
            }
        }
    }
}

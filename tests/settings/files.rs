//! Settings in files, ours and deadpool's.

use crate::any::{nearly, settings};
use crate::{MS, S};
use millpond::managed::settings::KNOBS;
use millpond::managed::{QueueMode, Settings};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::value::{Error, MapDeserializer};
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde_json::{Value, from_value, json};

fn refused(file: Value) -> String {
    from_value::<Settings>(file).unwrap_err().to_string()
}

#[test]
fn a_file_says_durations_as_people_do() {
    let file = json!({
        "max_size": 20,
        "wait_timeout": "1500ms",
        "max_lifetime": "1h30m",
        "idle_timeout": null,
        "lifetime_jitter": 0.25,
        "suspicion": true,
        "queue_mode": "Lifo",
        "max_uses": "100",
    });
    let read: Settings = from_value(file).unwrap();
    assert_eq!((read.max_size, read.wait_timeout), (20, Some(1500 * MS)));
    assert_eq!(
        (read.max_lifetime, read.idle_timeout),
        (Some(5400 * S), None)
    );
    assert_eq!(
        (read.lifetime_jitter, read.suspicion, read.max_uses),
        (0.25, true, Some(100))
    );
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(written["max_size"], json!(20));
    assert_eq!(written["max_lifetime"], json!("1h30m"));
    assert_eq!(written["suspicion"], json!(true));
    assert_eq!(written["lifetime_jitter"], json!(0.25));
    assert_eq!(written.get("idle_timeout"), None);
    assert_eq!(
        from_value::<Settings>(json!({})).unwrap(),
        Settings::default()
    );
}

#[test]
fn deadpools_format_is_read_as_it_is() {
    let mut theirs = millpond::managed::PoolConfig::new(42);
    theirs.timeouts.wait = Some(1500 * MS);
    theirs.timeouts.recycle = Some(2 * S);
    theirs.queue_mode = QueueMode::Lifo;
    let file = serde_json::to_value(theirs).unwrap();
    assert_eq!(
        file["timeouts"]["wait"],
        json!({"secs": 1, "nanos": 500_000_000})
    );
    let read: Settings = from_value(file).unwrap();
    assert_eq!((read.max_size, read.wait_timeout), (42, Some(1500 * MS)));
    assert_eq!(
        (read.create_timeout, read.recycle_timeout),
        (None, Some(2 * S))
    );
    assert!(matches!(read.queue_mode, QueueMode::Lifo));
    let mixed = json!({"timeouts": {"wait": "2s"}, "idle_timeout": {"secs": 1, "nanos": 0}});
    let read: Settings = from_value(mixed).unwrap();
    assert_eq!(
        (read.wait_timeout, read.idle_timeout),
        (Some(2 * S), Some(S))
    );
}

#[test]
fn what_is_wrong_in_a_file_is_told() {
    for (file, told) in [
        (
            json!({"max_sizes": 1}),
            "max_sizes: there is no such knob; do you mean max_size?",
        ),
        (
            json!({"timeouts": {"weight": "1s"}}),
            "unknown field `weight`",
        ),
        (
            json!({"timeouts": {"wait": "1s"}, "wait_timeout": "1s"}),
            "it is given twice",
        ),
        (
            json!({"max_size": 1, "min_idle": 2}),
            "never so many can lie idle",
        ),
        (
            json!({"max_size": -1}),
            r#"max_size = "-1": not a whole number"#,
        ),
        (json!({"max_size": 1.5}), "not a whole number"),
        (json!({"max_size": null}), "not a whole number"),
        (json!({"max_lifetime": 30}), "a number without its unit"),
        (
            json!({"max_lifetime": {"secs": 1}}),
            "missing field `nanos`",
        ),
        (json!({"max_lifetime": [1]}), "expected a text, a number"),
        (json!([]), "expected a map of the settings of a pool"),
    ] {
        let error = refused(file);
        assert!(error.contains(told), "{error}");
    }
}

/// A number as a format gives it that tells what is there from what is not.
struct Perhaps(Option<u64>);

impl<'de> Deserializer<'de> for Perhaps {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Some(number) => visitor.visit_some(number.into_deserializer()),
            None => visitor.visit_none(),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Perhaps {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[test]
fn what_may_not_be_there_is_read_from_formats_that_say_so() {
    let file = [("max_uses", Some(7)), ("max_idle", None)];
    let file = file.map(|(name, value)| (name, Perhaps(value)));
    let read = Settings::deserialize(MapDeserializer::new(file.into_iter())).unwrap();
    assert_eq!((read.max_uses, read.max_idle), (Some(7), None));
}

proptest! {
    #[test]
    fn a_file_is_read_back_as_it_was_written(settings in settings()) {
        let text = serde_json::to_string(&settings).unwrap();
        prop_assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
    }

    #[test]
    fn no_file_panics(index in 0..KNOBS.len(), text in nearly(), number in any::<f64>()) {
        let name = KNOBS[index].name;
        for value in [json!(text), json!(number), json!({text: number})] {
            if let Ok(settings) = from_value::<Settings>(json!({name: value})) {
                prop_assert_eq!(settings.validate(), Ok(()));
            }
        }
    }
}

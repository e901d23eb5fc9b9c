//! Settings in a file, by way of serde. What is written is text that people read; what is read may also be as
//! deadpool writes it: `{"max_size": 16, "timeouts": {"wait": {"secs": 5, "nanos": 0}}}`.

use super::text::{NONE, Text};
use super::{Form, KNOBS, Settings};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for knob in KNOBS {
            let text = knob.written(self);
            // Not there is as good as none, and some formats have no word for it.
            if knob.is_optional() && text == NONE {
                continue;
            }
            match (knob.form(), text.parse(), text.parse(), text.parse()) {
                (Form::Whole, Ok::<u64, _>(number), _, _) => {
                    map.serialize_entry(knob.name, &number)
                }
                (Form::Share, _, Ok::<f64, _>(share), _) => map.serialize_entry(knob.name, &share),
                (Form::Flag, _, _, Ok::<bool, _>(flag)) => map.serialize_entry(knob.name, &flag),
                _ => map.serialize_entry(knob.name, &text),
            }?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Settings {
    /// On top of the [default](Settings::default); the whole is [validated](Settings::validate).
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = deserializer.deserialize_map(Pairs)?;
        Self::from_pairs(pairs).map_err(D::Error::custom)
    }
}

/// The names and texts of a map.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of the settings of a pool")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "timeouts" {
                let Bounds {
                    wait,
                    create,
                    recycle,
                } = map.next_value()?;
                let bounds = [
                    ("wait_timeout", wait),
                    ("create_timeout", create),
                    ("recycle_timeout", recycle),
                ];
                let given = bounds
                    .into_iter()
                    .filter_map(|(name, bound)| Some((name, bound?)));
                pairs.extend(given.map(|(name, Given(text))| (name.to_owned(), text)));
            } else {
                let Given(text) = map.next_value()?;
                pairs.push((name, text));
            }
        }
        Ok(pairs)
    }
}

/// deadpool's table of bounds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    #[serde(default)]
    wait: Option<Given>,
    #[serde(default)]
    create: Option<Given>,
    #[serde(default)]
    recycle: Option<Given>,
}

/// A value in whatever type the format has for it, as a text.
struct Given(String);

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Value).map(Given)
    }
}

struct Value;

impl<'de> Visitor<'de> for Value {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false, or a duration as {secs, nanos}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<String, E> {
        Ok(flag.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Ok(NONE.to_owned())
    }

    fn visit_none<E: Error>(self) -> Result<String, E> {
        Ok(NONE.to_owned())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<String, A::Error> {
        let duration = Duration::deserialize(MapAccessDeserializer::new(map))?;
        Ok(duration.written())
    }
}

use super::KNOBS;
use std::borrow::Cow;
use std::fmt;

/// A knob that cannot be set so: which one, to what, and the way out.
///
/// Of a URL no more is shown than the parameter that is wrong, and not even that where it could be a piece of a
/// password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    /// As it was written.
    name: String,
    value: Option<String>,
    why: Cow<'static, str>,
}

impl SettingsError {
    pub(super) fn new(name: &str, value: &str, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            why: why.into(),
        }
    }

    /// Of a value that is not shown.
    pub(super) fn unshown(name: &str, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.to_owned(),
            value: None,
            why: why.into(),
        }
    }

    /// The value is not shown: what is no knob may be anything, a password for example.
    pub(super) fn unknown(name: &str) -> Self {
        Self::unshown(name, hint(name))
    }

    /// The name of the knob as it was written: `max_size`, `pool_max_size` in a URL, or a variable of the
    /// environment.
    pub fn knob(&self) -> &str {
        &self.name
    }

    /// The value as it was written, if it may be shown.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// The same, without the value.
    pub(super) fn hidden(self) -> Self {
        Self {
            value: None,
            ..self
        }
    }

    /// The same, of a knob that is written otherwise where it comes from.
    pub(super) fn spelled(mut self, spell: impl FnOnce(&str) -> String) -> Self {
        self.name = spell(&self.name);
        self
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&cut(&self.name))?;
        if let Some(value) = &self.value {
            write!(f, " = {:?}", cut(value))?;
        }
        write!(f, ": {}", self.why)
    }
}

impl std::error::Error for SettingsError {}

/// Names that are near to one that is not known, or have words in common with it; all there are, if none is.
fn hint(name: &str) -> String {
    let mut meant = near(name);
    if meant.is_empty() && (SHORTEST_WORD..LONGEST_NAME).contains(&name.len()) {
        let alike = |knob: &&str| knob.contains(name) || name.contains(knob);
        meant = names().filter(alike).collect();
    }
    if meant.is_empty() {
        let all: Vec<_> = names().collect();
        format!("there is no such knob; there are {}", all.join(", "))
    } else {
        format!("there is no such knob; do you mean {}?", meant.join(" or "))
    }
}

/// The knobs of which this name is a slip or two away, the nearest alone.
pub(super) fn near(name: &str) -> Vec<&'static str> {
    if name.len() > LONGEST_NAME {
        return Vec::new();
    }
    let name = name.to_lowercase().replace('-', "_");
    let distances = names().map(|knob| (distance(&name, knob), knob));
    let distances: Vec<_> = distances
        .filter(|(slips, knob)| *slips <= knob.len() / LETTERS_PER_SLIP)
        .collect();
    let least = distances.iter().map(|(slips, _)| *slips).min();
    let nearest = distances.iter().filter(|(slips, _)| Some(*slips) == least);
    nearest.map(|(_, knob)| *knob).collect()
}

fn names() -> impl Iterator<Item = &'static str> {
    KNOBS.iter().map(|knob| knob.name)
}

/// How many letters must be put in, left away or changed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<_> = b.chars().collect();
    let mut row: Vec<_> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = corner + usize::from(from != *to);
            corner = row[j + 1];
            row[j + 1] = changed.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// A text of which not too much is shown.
fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// A short name with many slips is another word.
const LETTERS_PER_SLIP: usize = 4;
const SHORTEST_WORD: usize = 3;
const LONGEST_NAME: usize = 64;
const LONGEST_SHOWN: usize = 80;

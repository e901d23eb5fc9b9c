//! What rustdoc knows of a crate, as JSON.

use crate::failure::Failure;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// One crate.
#[derive(Debug)]
pub(super) struct Krate {
    name: String,
    json: Value,
}

/// An item, and the crate that it is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) krate: &'a Krate,
    pub(super) json: &'a Value,
}

/// What an id stands for.
#[derive(Debug)]
pub(super) enum Target<'a> {
    /// An item of one of our crates.
    Item(Item<'a>),
    /// Something of another crate, by its path.
    Foreign(String),
}

impl Krate {
    /// Reads it. It must be the crate of this version, not one that lies in its place.
    pub(super) fn read(file: &Path, name: &str, version: &str) -> Result<Self, Failure> {
        let failed = |why: String| Failure::new(format!("{}: {why}", file.display()));
        let bytes = fs::read(file).map_err(|error| failed(error.to_string()))?;
        let json: Value =
            serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
        match json["crate_version"].as_str() {
            Some(found) if found == version => Ok(Self {
                name: name.to_owned(),
                json,
            }),
            found => Err(failed(format!("is of {found:?}, not of {version}"))),
        }
    }

    /// One that was not read, for tests.
    #[cfg(test)]
    pub(super) fn of(name: &str, json: Value) -> Self {
        let name = name.to_owned();
        Self { name, json }
    }

    /// Gives an item of its own a path.
    #[cfg(test)]
    pub(super) fn know(&mut self, id: &str, path: &[&str]) {
        self.json["paths"][id] = serde_json::json!({ "crate_id": 0, "path": path });
    }

    /// The crate itself, as a module.
    pub(super) fn root(&self) -> Option<Item<'_>> {
        self.item(&self.json["root"])
    }

    /// The item of an id, if it is of this crate.
    pub(super) fn item(&self, id: &Value) -> Option<Item<'_>> {
        let json = self.json["index"].get(id.to_string())?;
        Some(Item { krate: self, json })
    }

    /// The path by which a crate knows an item, its own or another's.
    pub(super) fn path(&self, id: &Value) -> Option<Vec<&str>> {
        let path = self.json["paths"].get(id.to_string())?["path"].as_array()?;
        path.iter().map(Value::as_str).collect()
    }

    /// The item that has this path.
    fn at(&self, path: &[&str]) -> Option<Item<'_>> {
        let mut paths = self.json["paths"].as_object()?.iter();
        let (id, _) = paths.find(|(_, entry)| {
            let theirs = entry["path"].as_array().into_iter().flatten();
            entry["crate_id"] == 0 && theirs.filter_map(Value::as_str).eq(path.iter().copied())
        })?;
        let json = self.json["index"].get(id)?;
        Some(Item { krate: self, json })
    }
}

impl<'a> Item<'a> {
    /// Its kind, and what rustdoc says of it.
    pub(super) fn inner(self) -> (&'a str, &'a Value) {
        let inner = self.json["inner"].as_object();
        let first = inner.and_then(|inner| inner.iter().next());
        first.map_or(("", &Value::Null), |(kind, value)| (kind.as_str(), value))
    }

    /// Its name.
    pub(super) fn name(self) -> &'a str {
        self.json["name"].as_str().unwrap_or_default()
    }

    /// Whether it is said of it that it may grow.
    pub(super) fn is_non_exhaustive(self) -> bool {
        let attributes = self.json["attrs"].as_array().into_iter().flatten();
        attributes
            .map(Value::to_string)
            .any(|attribute| attribute.contains("non_exhaustive"))
    }

    /// The items of this crate among a list of ids.
    pub(super) fn items(self, ids: &'a Value) -> impl Iterator<Item = Item<'a>> {
        let ids = ids.as_array().into_iter().flatten();
        ids.filter_map(move |id| self.krate.item(id))
    }

    /// What an id means that this item names.
    pub(super) fn target(self, id: &Value, crates: &'a [Krate]) -> Target<'a> {
        if let Some(item) = self.krate.item(id) {
            return Target::Item(item);
        }
        let path = self.krate.path(id).unwrap_or_default();
        let of = path.first().copied().unwrap_or_default();
        let krate = crates.iter().find(|krate| krate.name == of);
        match krate.and_then(|krate| krate.at(&path).or_else(|| root_of(krate, &path))) {
            Some(item) => Target::Item(item),
            None => Target::Foreign(path.join("::")),
        }
    }
}

fn root_of<'a>(krate: &'a Krate, path: &[&str]) -> Option<Item<'a>> {
    (path.len() == 1).then(|| krate.root()).flatten()
}

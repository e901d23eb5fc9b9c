//! The one table of the published crates that judge.

/// A published crate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Published {
    /// Its name.
    pub(super) name: &'static str,
    /// Its one version: another may have other tests. In a manifest of ours `{=name}` stands for it.
    pub(super) version: &'static str,
}

const fn published(name: &'static str, version: &'static str) -> Published {
    Published { name, version }
}

pub(super) const DEADPOOL: Published = published("deadpool", "0.13.1");
pub(super) const DEADPOOL_POSTGRES: Published = published("deadpool-postgres", "0.14.2");
pub(super) const DEADPOOL_SQLITE: Published = published("deadpool-sqlite", "0.14.0");
pub(super) const DEADPOOL_REDIS: Published = published("deadpool-redis", "0.23.1");
pub(super) const DEADPOOL_MEMCACHED: Published = published("deadpool-memcached", "0.5.0");
const DEADPOOL_LAPIN: Published = published("deadpool-lapin", "0.14.0");
const DIESEL_ASYNC: Published = published("diesel-async", "0.9.2");

const ALL: [Published; 7] = [
    DEADPOOL,
    DEADPOOL_POSTGRES,
    DEADPOOL_SQLITE,
    DEADPOOL_REDIS,
    DEADPOOL_MEMCACHED,
    DEADPOOL_LAPIN,
    DIESEL_ASYNC,
];

/// A manifest with the versions in their places.
pub(super) fn pinned(manifest: &str) -> String {
    ALL.iter().fold(manifest.to_owned(), |text, it| {
        text.replace(&format!("{{={}}}", it.name), &format!("={}", it.version))
    })
}

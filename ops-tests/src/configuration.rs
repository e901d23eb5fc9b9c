//! `docs/configuration.md`, made of the table of knobs.

use millpond::managed::settings::{Form, Group, KNOBS, Knob};
use std::fmt::Write;

/// The page as it should be.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str(ALL);
    for knob in KNOBS {
        let (name, default) = (knob.name, default_of(knob));
        writeln!(
            page,
            "| [`{name}`](#{name}) | {} | {default} |",
            form_of(knob)
        )
        .expect("a string grows");
    }
    for (group, title) in GROUPS {
        write!(page, "\n## {title}\n").expect("a string grows");
        let knobs = KNOBS.iter().filter(|knob| knob.group == group);
        knobs.for_each(|knob| push_knob(&mut page, knob));
    }
    page
}

/// The knobs whose group has no title here: none, or they would not be on the page.
pub fn untitled() -> Vec<&'static str> {
    let titled = |knob: &&Knob| GROUPS.iter().any(|(group, _)| *group == knob.group);
    let missing = KNOBS.iter().filter(|knob| !titled(knob));
    missing.map(|knob| knob.name).collect()
}

fn push_knob(page: &mut String, knob: &Knob) {
    let (name, form, default) = (knob.name, form_of(knob), default_of(knob));
    let (meaning, interaction, why) = (knob.meaning, knob.interaction, knob.why);
    let server = knob
        .server
        .map(|(value, why)| format!("* For a server: `{value}`. {why}\n"));
    let server = server.unwrap_or_default();
    write!(
        page,
        "\n### {name}\n\n{meaning}\n\n* Value: {form}, as in `{name} = {example}`.\n\
         * With others: {interaction}\n* Default: {default}. {why}\n{server}",
        example = knob.example,
    )
    .expect("a string grows");
}

/// What is code is marked as such; the one default that depends on the machine is prose.
fn default_of(knob: &Knob) -> String {
    match knob.default.contains(' ') {
        true => knob.default.to_owned(),
        false => format!("`{}`", knob.default),
    }
}

fn form_of(knob: &Knob) -> String {
    let form = match knob.form() {
        Form::Whole => "whole number",
        Form::Share => "number from 0 to 1",
        Form::Duration => "duration",
        Form::Flag => "`true` or `false`",
        Form::Order => "`Fifo` or `Lifo`",
        _ => "text",
    };
    match knob.is_optional() {
        true => format!("{form}, or `none`"),
        false => form.to_owned(),
    }
}

const GROUPS: [(Group, &str); 7] = [
    (Group::Size, "How many, and in which order"),
    (Group::Bounds, "How long a get takes at most"),
    (Group::Spare, "What lies ready"),
    (Group::Renewal, "When an object has served its time"),
    (Group::Checks, "Whether an object is still good"),
    (Group::Storms, "Outages and overload"),
    (Group::Sight, "How the pool is seen"),
];

/// Where it is.
pub const PAGE: &str = "docs/configuration.md";
/// What to do about a stale one.
pub const STALE: &str = "docs/configuration.md is stale: run `cargo xtask configuration`";

const HEAD: &str = "\
# Configuration

Made by `cargo xtask configuration` from the table in
[src/managed/settings/table.rs](../src/managed/settings/table.rs); do not edit it. `cargo xtask test` fails if it is
stale.

Every knob of a pool is a field of `millpond::managed::Settings`, and a method of `PoolBuilder`. The defaults are
deadpool's, under which a pool does nothing that deadpool would not; a few are others \"for a server\", which is what
pools of `millpond::postgres` begin with (`Defaults::server`). To keep those, begin with `builder.to_settings()` or
`Settings::from(Defaults::server())`, and put a file, the environment or a URL on top. Wherever the settings come from, a name that is
not known, a value that cannot be read, a knob that is given twice and values that contradict each other are errors,
which name the knob, its value and the way out.

## From where

In code:

```rust
use millpond::managed::Settings;
use std::time::Duration;

let mut settings = Settings::default();
settings.max_size = 20;
settings.max_lifetime = Some(Duration::from_secs(30 * 60));
settings.validate()?; // as PoolBuilder::settings does
# Ok::<(), millpond::managed::SettingsError>(())
```

From a URL, whose other parameters are handed back; the `url` of `millpond::postgres::Config` may have such parameters
as well:

```rust
use millpond::managed::Settings;

let url = \"postgres://alice@localhost/shop?pool_max_size=20&pool_max_lifetime=30m&sslmode=disable\";
let (settings, url) = Settings::from_url(url)?;
assert_eq!(settings.max_size, 20);
assert_eq!(url, \"postgres://alice@localhost/shop?sslmode=disable\");
# Ok::<(), millpond::managed::SettingsError>(())
```

From the environment, by a prefix of your choice (`SHOP_POOL_MAX_SIZE=20 SHOP_POOL_MAX_LIFETIME=30m`), here on top of
what came from elsewhere:

```rust
use millpond::managed::{Defaults, Settings};

let settings = Settings::from(Defaults::server()).with_pairs([(\"max_size\", \"20\")])?;
let settings = settings.with_env(\"SHOP_POOL_\")?;
assert_eq!((settings.max_size, settings.suspicion), (20, true));
# Ok::<(), millpond::managed::SettingsError>(())
```

From a file, by serde (feature `serde`), in TOML for example:

```toml
max_size = 20
max_lifetime = \"30m\"
```

deadpool's format is read as well: a table `timeouts` of `wait`, `create` and `recycle`, and durations as
`{ secs = 5, nanos = 0 }`.

A duration is one or more whole numbers with their units, the larger unit first: `30s`, `1500ms`, `1h30m`; the units
are `d`, `h`, `m`, `s`, `ms`, `us` and `ns`. A number without a unit is an error. Where there may be no value, `none`
says so; 0 never means \"off\".
";

const ALL: &str = "
## All of them

| knob | value | default |
| --- | --- | --- |
";

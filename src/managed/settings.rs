//! Every knob of a pool in one value, wherever it comes from: code, a file, the environment, a URL. The
//! knobs are told one by one in [`KNOBS`], of which `docs/configuration.md` is made.
//!
//! ```text
//! file  ┐
//! env   ├─► pairs of name and text ─► Knob::read, one after the other ─► validate ─► PoolBuilder::settings
//! URL   ┘
//! ```
//!
//! Whatever the source, a name that is not known, a text that cannot be read, a knob that is given twice and
//! values that contradict each other are a [`SettingsError`], which names the knob, its value and the way out.
//!
//! # Examples
//!
//! ```
//! use millpond::managed::Settings;
//! use std::time::Duration;
//!
//! let url = "postgres://alice@localhost/shop?pool_max_size=20&sslmode=disable&pool_max_lifetime=30m";
//! let (settings, rest) = Settings::from_url(url)?;
//! assert_eq!(settings.max_size, 20);
//! assert_eq!(settings.max_lifetime, Some(Duration::from_secs(1800)));
//! assert_eq!(rest, "postgres://alice@localhost/shop?sslmode=disable");
//!
//! let error = Settings::from_pairs([("min_idel", "2")]).unwrap_err();
//! assert_eq!(error.to_string(), "min_idel: there is no such knob; do you mean min_idle?");
//! # Ok::<(), millpond::managed::SettingsError>(())
//! ```

mod error;
#[cfg(feature = "serde")]
mod format;
mod knobs;
mod rules;
mod sources;
mod table;
mod text;

pub use self::error::SettingsError;
pub use self::knobs::{Form, Group, Knob};
pub use self::table::KNOBS;

use super::{Defaults, Manager, Object, PoolBuilder, PoolConfig, QueueMode, Timeouts};
use crate::managed::options::Options;
use crate::managed::upkeep::Jitter;
use std::time::Duration;

/// Every knob of a pool that is a plain value; the fields are explained in [`KNOBS`] and at the methods of
/// [`PoolBuilder`].
///
/// Not here, because they are code: hooks, a listener, a clock, the runtime; and the thresholds by which health
/// is judged, which do not change what the pool does.
///
/// Two are equal if they are written alike.
///
/// # Examples
///
/// ```
/// # use millpond::managed::{Manager, Metrics, Pool, RecycleResult};
/// # struct Numbers;
/// # impl Manager for Numbers {
/// #     type Type = u64;
/// #     type Error = std::convert::Infallible;
/// #     async fn create(&self) -> Result<u64, Self::Error> { Ok(7) }
/// #     async fn recycle(&self, _: &mut u64, _: &Metrics) -> RecycleResult<Self::Error> { Ok(()) }
/// # }
/// use millpond::managed::Settings;
/// use std::time::Duration;
///
/// let mut settings = Settings::default();
/// settings.max_size = 16;
/// settings.min_idle = 2;
/// settings.idle_timeout = Some(Duration::from_secs(600));
/// let pool: Pool<Numbers> = Pool::builder(Numbers).settings(settings)?.build()?;
/// assert_eq!(pool.status().max_size, 16);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// [`PoolBuilder::name`].
    pub name: Option<String>,
    /// [`PoolBuilder::max_size`].
    pub max_size: usize,
    /// [`PoolBuilder::queue_mode`].
    pub queue_mode: QueueMode,
    /// [`Timeouts::wait`].
    pub wait_timeout: Option<Duration>,
    /// [`Timeouts::create`].
    pub create_timeout: Option<Duration>,
    /// [`Timeouts::recycle`].
    pub recycle_timeout: Option<Duration>,
    /// [`PoolBuilder::min_idle`].
    pub min_idle: usize,
    /// [`PoolBuilder::max_idle`].
    pub max_idle: Option<usize>,
    /// [`PoolBuilder::max_lifetime`].
    pub max_lifetime: Option<Duration>,
    /// [`PoolBuilder::lifetime_jitter`].
    pub lifetime_jitter: f64,
    /// [`PoolBuilder::idle_timeout`].
    pub idle_timeout: Option<Duration>,
    /// [`PoolBuilder::max_uses`].
    pub max_uses: Option<u64>,
    /// [`PoolBuilder::keepalive`].
    pub keepalive: Option<Duration>,
    /// [`PoolBuilder::check_after_idle`].
    pub check_after_idle: Option<Duration>,
    /// [`PoolBuilder::suspicion`].
    pub suspicion: bool,
    /// [`PoolBuilder::max_connecting`].
    pub max_connecting: usize,
    /// The first pause of [`PoolBuilder::connect_backoff`].
    pub connect_backoff: Option<Duration>,
    /// The longest pause of [`PoolBuilder::connect_backoff`].
    pub connect_backoff_longest: Option<Duration>,
    /// [`PoolBuilder::breaker`].
    pub breaker: Option<u32>,
    /// [`PoolBuilder::max_waiters`].
    pub max_waiters: Option<usize>,
    /// [`PoolBuilder::shed_overload`].
    pub shed_overload: bool,
    /// [`PoolBuilder::reserve`].
    pub reserve: usize,
    /// [`PoolBuilder::leak_threshold`].
    pub leak_threshold: Option<Duration>,
}

impl Default for Settings {
    /// Neutral, as in deadpool. What a manager suggests is [`Settings::from`] its [`Defaults`].
    fn default() -> Self {
        Self::from(Defaults::none())
    }
}

impl Settings {
    /// Reads pairs of the name of a knob and a text, on top of the [default](Self::default): the one parser
    /// under all sources.
    ///
    /// # Errors
    ///
    /// A name that is not known or occurs twice, a text that cannot be read, or what
    /// [`validate`](Self::validate) says of the whole.
    pub fn from_pairs<N, T>(pairs: impl IntoIterator<Item = (N, T)>) -> Result<Self, SettingsError>
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        Self::default().with_pairs(pairs)
    }

    /// As [`from_pairs`](Self::from_pairs), on top of these settings.
    ///
    /// # Errors
    ///
    /// As [`from_pairs`](Self::from_pairs).
    pub fn with_pairs<N, T>(
        mut self,
        pairs: impl IntoIterator<Item = (N, T)>,
    ) -> Result<Self, SettingsError>
    where
        N: AsRef<str>,
        T: AsRef<str>,
    {
        let mut given = Vec::new();
        for (name, text) in pairs {
            let (name, text) = (name.as_ref(), text.as_ref());
            let knob = Knob::named(name).ok_or_else(|| SettingsError::unknown(name))?;
            if given.contains(&knob.name) {
                return Err(SettingsError::new(
                    knob.name,
                    text,
                    "it is given twice; leave one away",
                ));
            }
            given.push(knob.name);
            knob.read(&mut self, text)?;
        }
        self.validate()?;
        Ok(self)
    }

    /// Every knob and its value as a text, in the order of [`KNOBS`], from which
    /// [`from_pairs`](Self::from_pairs) makes the same settings again.
    pub fn to_pairs(&self) -> impl Iterator<Item = (&'static str, String)> + '_ {
        KNOBS.iter().map(|knob| (knob.name, knob.written(self)))
    }
}

impl From<Defaults> for Settings {
    /// What a manager [suggests](Manager::defaults), to put a file, the environment or a URL on top of it.
    fn from(defaults: Defaults) -> Self {
        told(&PoolConfig::default(), &Options::by_default(defaults))
    }
}

impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        self.to_pairs().eq(other.to_pairs())
    }
}

impl Eq for Settings {}

impl<M: Manager, W: From<Object<M>>> PoolBuilder<M, W> {
    /// Sets every knob at once; what was said before of any of them is forgotten, and so are the manager's
    /// [defaults](Manager::defaults): to keep them, begin with [`to_settings`](Self::to_settings) or
    /// [`Settings::from`] them. Hooks, listener and runtime stay as they are.
    ///
    /// # Errors
    ///
    /// What [`Settings::validate`] says.
    pub fn settings(mut self, settings: Settings) -> Result<Self, SettingsError> {
        settings.validate()?;
        let backoff = settings.backoff();
        self.config = PoolConfig {
            max_size: settings.max_size,
            timeouts: Timeouts {
                wait: settings.wait_timeout,
                create: settings.create_timeout,
                recycle: settings.recycle_timeout,
            },
            queue_mode: settings.queue_mode,
        };
        let options = &mut self.options;
        options.name = settings.name;
        options.leak_threshold = settings.leak_threshold;
        options.max_waiters = settings.max_waiters;
        options.shed_overload = settings.shed_overload;
        options.reserve = settings.reserve;
        let upkeep = &mut options.upkeep;
        upkeep.min_idle = settings.min_idle;
        upkeep.max_idle = settings.max_idle;
        upkeep.max_lifetime = settings.max_lifetime;
        upkeep.lifetime_jitter = Jitter(settings.lifetime_jitter);
        upkeep.idle_timeout = settings.idle_timeout;
        upkeep.max_uses = settings.max_uses;
        upkeep.keepalive = settings.keepalive;
        upkeep.check_after_idle = settings.check_after_idle;
        upkeep.suspicion = settings.suspicion;
        let caution = &mut options.caution;
        caution.max_connecting = settings.max_connecting;
        caution.backoff = backoff;
        caution.breaker = settings.breaker;
        Ok(self)
    }

    /// What was said of every knob so far, by whichever method, or is the manager's [default](Manager::defaults): to
    /// put a file, the environment or a URL [on top](Settings::with_pairs) of it.
    pub fn to_settings(&self) -> Settings {
        told(&self.config, &self.options)
    }
}

fn told(config: &PoolConfig, options: &Options) -> Settings {
    let (upkeep, caution) = (&options.upkeep, &options.caution);
    Settings {
        name: options.name.clone(),
        max_size: config.max_size,
        queue_mode: config.queue_mode,
        wait_timeout: config.timeouts.wait,
        create_timeout: config.timeouts.create,
        recycle_timeout: config.timeouts.recycle,
        min_idle: upkeep.min_idle,
        max_idle: upkeep.max_idle,
        max_lifetime: upkeep.max_lifetime,
        lifetime_jitter: upkeep.lifetime_jitter.0,
        idle_timeout: upkeep.idle_timeout,
        max_uses: upkeep.max_uses,
        keepalive: upkeep.keepalive,
        check_after_idle: upkeep.check_after_idle,
        suspicion: upkeep.suspicion,
        max_connecting: caution.max_connecting,
        connect_backoff: caution.backoff.map(|(first, _)| first),
        connect_backoff_longest: caution.backoff.map(|(_, longest)| longest),
        breaker: caution.breaker,
        max_waiters: options.max_waiters,
        shed_overload: options.shed_overload,
        reserve: options.reserve,
        leak_threshold: options.leak_threshold,
    }
}

/// The page's examples are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/configuration.md")]
struct Page;

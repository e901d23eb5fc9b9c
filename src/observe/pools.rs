use super::Observe;
use crate::engine::sync::{Arc, Mutex};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{OnceLock, Weak};

/// Pools by name, for exporters: the pools of a process are listed once, wherever they were built.
///
/// Two pools never overwrite one another: the second of a name is listed as `name#2`. Being listed does not
/// keep a pool open; one that is gone leaves the list.
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
/// use millpond::observe::Pools;
///
/// let build = || Pool::<Numbers>::builder(Numbers).name("numbers").build().unwrap();
/// let (one, two) = (build(), build());
/// let pools = Pools::new();
/// assert_eq!(pools.list(&one), "numbers");
/// assert_eq!(pools.list(&two), "numbers#2");
///
/// drop(one);
/// let names: Vec<_> = pools.all().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["numbers#2"]);
/// ```
#[derive(Clone, Default)]
pub struct Pools(Arc<Mutex<BTreeMap<String, Weak<dyn Observe>>>>);

/// A pool that can be listed in [`Pools`]: without keeping it open.
pub trait Listed {
    /// What the pool is called.
    fn listed_name(&self) -> Cow<'_, str>;

    /// How to look at it as long as it is there.
    fn listed(&self) -> Weak<dyn Observe>;
}

impl<T: Observe + 'static> Listed for Arc<T> {
    fn listed_name(&self) -> Cow<'_, str> {
        self.name()
    }

    fn listed(&self) -> Weak<dyn Observe> {
        let weak: Weak<T> = Arc::downgrade(self);
        weak
    }
}

impl Pools {
    /// A list of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The list of this process.
    #[must_use]
    pub fn global() -> &'static Self {
        static GLOBAL: OnceLock<Pools> = OnceLock::new();
        GLOBAL.get_or_init(Self::new)
    }

    /// Lists a pool, under its name or, where that is taken, `name#2` and so on. Says under which. A pool
    /// that is listed already stays where it is.
    pub fn list(&self, pool: &impl Listed) -> String {
        self.list_as(&pool.listed_name(), pool)
    }

    /// [`list`](Self::list), under another name than its own.
    pub fn list_as(&self, name: &str, pool: &impl Listed) -> String {
        let observed = pool.listed();
        let mut pools = self.0.lock();
        pools.retain(|_, pool| pool.strong_count() > 0);
        let there = pools.iter().find(|(_, pool)| pool.ptr_eq(&observed));
        if let Some((name, _)) = there {
            return name.clone();
        }
        let numbered = (2_usize..).map(|number| format!("{name}#{number}"));
        let free = std::iter::once(name.to_owned())
            .chain(numbered)
            .find(|name| !pools.contains_key(name));
        let free = free.expect("there are more numbers than pools");
        pools.insert(free.clone(), observed);
        free
    }

    /// Takes a name off the list. Says whether it was there.
    pub fn unlist(&self, name: &str) -> bool {
        self.0.lock().remove(name).is_some()
    }

    /// All pools that are there, in the order of their names.
    #[must_use]
    pub fn all(&self) -> Vec<(String, Arc<dyn Observe>)> {
        let mut pools = self.0.lock();
        pools.retain(|_, pool| pool.strong_count() > 0);
        let there = pools
            .iter()
            .filter_map(|(name, pool)| Some((name.clone(), pool.upgrade()?)));
        there.collect()
    }
}

impl fmt::Debug for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.lock().keys()).finish()
    }
}

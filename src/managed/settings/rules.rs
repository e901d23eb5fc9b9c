//! Which values make no sense, alone or together. What is merely pointless is let through.

use super::{Knob, Settings, SettingsError};
use crate::engine::state::{MAX_CONNECTING, MAX_SIZE};
use std::borrow::Cow;
use std::time::Duration;

impl Settings {
    /// Whether these settings make sense together.
    ///
    /// # Errors
    ///
    /// The first of them that does not: a value out of its range, or one that contradicts another.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let rules = [
            Self::wrong_name,
            Self::wrong_size,
            Self::wrong_idle,
            Self::wrong_reserve,
            Self::wrong_zero,
            Self::wrong_jitter,
            Self::wrong_connecting,
            Self::wrong_backoff,
        ];
        match rules.into_iter().find_map(|rule| rule(self)) {
            None => Ok(()),
            Some((name, why)) => {
                let value = Knob::named(name).map_or_else(String::new, |knob| knob.written(self));
                Err(SettingsError::new(name, &value, why))
            }
        }
    }

    /// The pauses after failed connects, if any.
    pub(super) fn backoff(&self) -> Option<(Duration, Duration)> {
        let first = self.connect_backoff?;
        let longest = self.connect_backoff_longest.unwrap_or(LONGEST_PAUSE);
        Some((first, longest.max(first)))
    }

    fn wrong_name(&self) -> Option<Wrong> {
        let name = self.name.as_deref()?;
        let why = match name {
            "" => {
                "an empty name names nothing; leave it away, and the pool is called after its manager's target"
            }
            super::text::NONE => "that stands for no name at all; choose another",
            _ => return None,
        };
        Some(("name", why.into()))
    }

    fn wrong_size(&self) -> Option<Wrong> {
        let why = format!("a pool holds at most {MAX_SIZE} objects; lower it");
        (self.max_size > MAX_SIZE).then(|| ("max_size", why.into()))
    }

    fn wrong_idle(&self) -> Option<Wrong> {
        let (least, size) = (self.min_idle, self.max_size);
        if least > size {
            let why = format!(
                "never so many can lie idle, for max_size is {size}; lower it, or raise max_size"
            );
            return Some(("min_idle", why.into()));
        }
        let most = self.max_idle.filter(|most| *most < least)?;
        let why = format!(
            "no more than max_idle = {most} are kept; lower it, raise max_idle, or leave max_idle away"
        );
        Some(("min_idle", why.into()))
    }

    fn wrong_reserve(&self) -> Option<Wrong> {
        let (reserve, size) = (self.reserve, self.max_size);
        (reserve > 0 && reserve >= size).then(|| {
            let why = format!(
                "nobody without priority would ever be served, for max_size is {size}; lower it, or raise max_size"
            );
            ("reserve", why.into())
        })
    }

    /// Elsewhere 0 often means "off"; here that is `none`, and 0 would mean what it says.
    fn wrong_zero(&self) -> Option<Wrong> {
        let times = [
            ("max_lifetime", self.max_lifetime),
            ("idle_timeout", self.idle_timeout),
            ("keepalive", self.keepalive),
            ("connect_backoff", self.connect_backoff),
            ("leak_threshold", self.leak_threshold),
        ];
        let zero = times
            .into_iter()
            .find(|(_, time)| time.is_some_and(|time| time.is_zero()));
        let zero = zero.map(|(name, _)| name);
        let zero = zero.or(self
            .max_uses
            .is_some_and(|uses| uses == 0)
            .then_some("max_uses"));
        let zero = zero.or((self.breaker == Some(0)).then_some("breaker"));
        zero.map(|name| (name, "to switch it off, write none or leave it away".into()))
    }

    fn wrong_jitter(&self) -> Option<Wrong> {
        let share = (0.0..=1.0).contains(&self.lifetime_jitter);
        (!share).then(|| {
            let why = "not a share; write a number from 0 to 1, as in 0.1".into();
            ("lifetime_jitter", why)
        })
    }

    fn wrong_connecting(&self) -> Option<Wrong> {
        if self.max_connecting == 0 {
            let why =
                "nothing could ever be made; write 1 or more, or max_size = 0 for an empty pool";
            return Some(("max_connecting", why.into()));
        }
        if self.max_connecting > MAX_CONNECTING {
            let why =
                format!("at most {MAX_CONNECTING} connect at once; lower it, or leave it away");
            return Some(("max_connecting", why.into()));
        }
        // Who connects stands in the line, too.
        (self.max_waiters == Some(0)).then(|| {
            let why =
                "nobody could even connect; write 1 or more, or wait_timeout = 0s for no waiting";
            ("max_waiters", why.into())
        })
    }

    fn wrong_backoff(&self) -> Option<Wrong> {
        let longest = self.connect_backoff_longest?;
        let why = match self.connect_backoff {
            None => "there is no first pause; set connect_backoff too",
            Some(first) if longest < first => {
                "shorter than the first pause; raise it, or lower connect_backoff"
            }
            Some(_) => return None,
        };
        Some(("connect_backoff_longest", why.into()))
    }
}

/// A knob, and what is wrong with it.
type Wrong = (&'static str, Cow<'static, str>);

/// Where only the first pause is given: short enough that a pool is whole again within a second of the server
/// being back.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

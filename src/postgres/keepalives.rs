//! How soon the kernel finds out that a server has gone without a word.

use std::time::Duration;
use tokio_postgres::Config as PgConfig;

/// The configuration with our defaults where it has tokio-postgres', which are the system's: 2 hours, and whatever.
pub(super) fn with_defaults(mut config: PgConfig) -> PgConfig {
    if config.get_keepalives_idle() == UNSAID {
        config.keepalives_idle(IDLE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(INTERVAL);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(RETRIES);
    }
    config
}

/// What tokio-postgres' configuration tells where nothing was said.
const UNSAID: Duration = Duration::from_secs(2 * 60 * 60);

/// Shorter than firewalls and load balancers forget a connection that is silent, minutes for the most part; and a
/// server that is gone is found within a minute.
const IDLE: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_secs(10);
const RETRIES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_stays() {
        assert_eq!(PgConfig::new().get_keepalives_idle(), UNSAID);
        let of = |text: &str| {
            let config = with_defaults(text.parse().unwrap());
            let interval = config.get_keepalives_interval().unwrap();
            let retries = config.get_keepalives_retries().unwrap();
            (config.get_keepalives_idle(), interval, retries)
        };
        assert_eq!(of(""), (IDLE, INTERVAL, RETRIES));
        let said = "keepalives_idle=60 keepalives_interval=5 keepalives_retries=9";
        let seconds = Duration::from_secs;
        assert_eq!(of(said), (seconds(60), seconds(5), 9));
    }
}

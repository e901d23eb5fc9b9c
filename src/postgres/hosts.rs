//! The hosts of a configuration: how they are called in messages, and each as a configuration of its own.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use tokio_postgres::Config as PgConfig;
use tokio_postgres::config::{Host, LoadBalanceHosts};

/// One host to try.
pub(super) struct Candidate {
    /// Its name and port, for messages.
    pub(super) at: String,
    /// How to connect to it alone.
    pub(super) config: PgConfig,
    /// Whether its name may stand for several addresses, which are tried one after the other.
    pub(super) has_addresses: bool,
}

/// The hosts in the order in which they are to be tried.
///
/// A configuration that tokio-postgres will refuse is one candidate, so that its own error is told.
pub(super) fn candidates(config: &PgConfig) -> Vec<Candidate> {
    let count = count(config);
    if count < 2 || !adds_up(config, count) {
        return vec![Candidate {
            at: names(config),
            config: config.clone(),
            has_addresses: has_addresses(config, 0),
        }];
    }
    let mut order: Vec<usize> = (0..count).collect();
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        shuffle(&mut order);
    }
    order
        .into_iter()
        .map(|place| Candidate {
            at: name(config, place),
            config: alone(config, place),
            has_addresses: has_addresses(config, place),
        })
        .collect()
}

/// How many hosts there are: names, addresses, or both for each.
pub(super) fn count(config: &PgConfig) -> usize {
    config.get_hosts().len().max(config.get_hostaddrs().len())
}

/// `postgres host:port,host:port/dbname as user`: what a configuration leads to, without its secrets.
pub(super) fn target(config: &PgConfig) -> String {
    let mut text = format!("postgres {}", names(config));
    if let Some(dbname) = config.get_dbname() {
        text.push('/');
        text.push_str(after_at(dbname));
    }
    if let Some(user) = config.get_user() {
        text.push_str(" as ");
        text.push_str(user);
    }
    text
}

fn names(config: &PgConfig) -> String {
    let names: Vec<_> = (0..count(config))
        .map(|place| name(config, place))
        .collect();
    match names.as_slice() {
        [] => "(no host)".to_owned(),
        names => names.join(","),
    }
}

/// `host:port`, `host[address]:port` or `[address]:port`.
fn name(config: &PgConfig, place: usize) -> String {
    let mut text = match config.get_hosts().get(place) {
        Some(Host::Tcp(host)) => after_at(host).to_owned(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => String::new(),
    };
    if let Some(address) = config.get_hostaddrs().get(place) {
        text.push_str(&format!("[{address}]"));
    }
    format!("{text}:{}", port(config, place))
}

/// A URL whose password has an `@` in it is cut at the wrong one, and the rest of the password becomes
/// part of the host, or of the database.
fn after_at(name: &str) -> &str {
    name.rsplit('@').next().unwrap_or(name)
}

fn port(config: &PgConfig, place: usize) -> u16 {
    let ports = config.get_ports();
    let port = ports.get(place).or_else(|| ports.first());
    port.copied().unwrap_or(DEFAULT_PORT)
}

/// Whether names, addresses and ports belong together, by the rules of tokio-postgres.
fn adds_up(config: &PgConfig, count: usize) -> bool {
    let all_or_none = |len: usize| len == 0 || len == count;
    all_or_none(config.get_hosts().len())
        && all_or_none(config.get_hostaddrs().len())
        && (config.get_ports().len() == 1 || all_or_none(config.get_ports().len()))
}

fn has_addresses(config: &PgConfig, place: usize) -> bool {
    match config.get_hosts().get(place) {
        Some(Host::Tcp(name)) => {
            config.get_hostaddrs().get(place).is_none() && name.parse::<IpAddr>().is_err()
        }
        _ => false,
    }
}

/// The same configuration with one of its hosts only.
fn alone(config: &PgConfig, place: usize) -> PgConfig {
    let mut one = PgConfig::new();
    match config.get_hosts().get(place) {
        Some(Host::Tcp(name)) => drop(one.host(name)),
        #[cfg(unix)]
        Some(Host::Unix(path)) => drop(one.host_path(path)),
        None => {}
    }
    if let Some(address) = config.get_hostaddrs().get(place) {
        one.hostaddr(*address);
    }
    one.port(port(config, place));
    copy_identity(config, &mut one);
    copy_transport(config, &mut one);
    one
}

/// A configuration with one host that is known by its address alone, as if that were its name too.
pub(super) fn named_by_address(config: &PgConfig) -> PgConfig {
    let mut named = alone(config, 0);
    if let Some(address) = config.get_hostaddrs().first() {
        named.host(address.to_string());
    }
    named
}

fn copy_identity(from: &PgConfig, to: &mut PgConfig) {
    if let Some(user) = from.get_user() {
        to.user(user);
    }
    if let Some(password) = from.get_password() {
        to.password(password);
    }
    if let Some(dbname) = from.get_dbname() {
        to.dbname(dbname);
    }
    if let Some(options) = from.get_options() {
        to.options(options);
    }
    if let Some(name) = from.get_application_name() {
        to.application_name(name);
    }
    to.target_session_attrs(from.get_target_session_attrs());
}

fn copy_transport(from: &PgConfig, to: &mut PgConfig) {
    to.ssl_mode(from.get_ssl_mode());
    to.ssl_negotiation(from.get_ssl_negotiation());
    to.channel_binding(from.get_channel_binding());
    to.load_balance_hosts(from.get_load_balance_hosts());
    to.keepalives(from.get_keepalives());
    to.keepalives_idle(from.get_keepalives_idle());
    if let Some(interval) = from.get_keepalives_interval() {
        to.keepalives_interval(interval);
    }
    if let Some(retries) = from.get_keepalives_retries() {
        to.keepalives_retries(retries);
    }
    if let Some(timeout) = from.get_connect_timeout() {
        to.connect_timeout(*timeout);
    }
    if let Some(timeout) = from.get_tcp_user_timeout() {
        to.tcp_user_timeout(*timeout);
    }
}

/// Fisher and Yates, with the keys of std's hash maps as the dice: fair enough to spread load.
fn shuffle(order: &mut [usize]) {
    for last in (1..order.len()).rev() {
        let dice = RandomState::new().hash_one(last);
        let chosen = usize::try_from(dice % (last as u64 + 1)).unwrap_or(last);
        order.swap(last, chosen);
    }
}

/// PostgreSQL's own.
const DEFAULT_PORT: u16 = 5432;

#[cfg(test)]
mod tests {
    use super::*;

    /// Every setting there is, none at its default. A setting that tokio-postgres adds must come here.
    const ALL: &str = "host=a hostaddr=10.0.0.1 port=6000 user=u password=secret dbname=d options=-cx=1 \
        application_name=n sslmode=require sslnegotiation=direct connect_timeout=3 tcp_user_timeout=4 \
        keepalives=0 keepalives_idle=5 keepalives_interval=6 keepalives_retries=7 \
        target_session_attrs=read-write channel_binding=require load_balance_hosts=random";

    #[test]
    fn a_host_alone_keeps_every_setting() {
        let config: PgConfig = ALL.parse().unwrap();
        assert_eq!(alone(&config, 0), config);
        let shown = format!("{config:?}");
        assert_eq!(shown.matches(": ").count(), 18, "a new setting? {shown}");
    }

    #[test]
    fn an_address_stands_for_a_name() {
        let config: PgConfig = ALL.replace("host=a ", "").parse().unwrap();
        let mut named: PgConfig = ALL.replace("host=a ", "host=10.0.0.1 ").parse().unwrap();
        assert_eq!(named_by_address(&config), named);
        named.host("b");
        assert_ne!(named_by_address(&config), named);
    }

    #[test]
    fn candidates_are_each_host_with_its_port() {
        let config: PgConfig = "host=a,b port=1,2 dbname=d user=u".parse().unwrap();
        let at: Vec<_> = candidates(&config).into_iter().map(|one| one.at).collect();
        assert_eq!(at, ["a:1", "b:2"]);
        assert_eq!(target(&config), "postgres a:1,b:2/d as u");
    }

    #[test]
    fn only_a_name_may_have_several_addresses() {
        let config = "host=name,10.0.0.1,::1,/tmp".parse().unwrap();
        let several = candidates(&config).into_iter().map(|one| one.has_addresses);
        assert_eq!(several.collect::<Vec<_>>(), [true, false, false, false]);
        let config = "host=name hostaddr=10.0.0.1".parse().unwrap();
        assert!(!candidates(&config)[0].has_addresses);
    }

    #[test]
    fn what_does_not_add_up_is_left_to_tokio_postgres() {
        let config: PgConfig = "host=a,b port=1,2,3".parse().unwrap();
        assert_eq!(candidates(&config).len(), 1);
    }

    #[test]
    fn shuffling_reaches_every_order() {
        let orders: std::collections::BTreeSet<_> = (0..1000)
            .map(|_| {
                let mut order = [0, 1, 2];
                shuffle(&mut order);
                order
            })
            .collect();
        assert_eq!(orders.len(), 6);
    }

    #[test]
    fn a_target_has_no_piece_of_a_password_with_an_at_sign() {
        let config: PgConfig = "postgres://u:se@cret@host/d".parse().unwrap();
        assert_eq!(target(&config), "postgres host:5432/d as u");
    }
}

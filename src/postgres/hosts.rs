//! The hosts of a configuration: how they are called in messages, and each as a configuration of its own.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use tokio::net::lookup_host;
use tokio_postgres::Config as PgConfig;
use tokio_postgres::config::{Host, LoadBalanceHosts};

/// One server to try: a host, or one of its addresses.
pub(super) struct Candidate {
    /// Its name and port, for messages.
    pub(super) at: String,
    /// How to connect to it alone.
    pub(super) config: PgConfig,
}

/// The places of the hosts in the order in which they are to be tried.
///
/// A configuration that tokio-postgres will refuse is one place, so that its own error is told.
pub(super) fn order(config: &PgConfig) -> Vec<usize> {
    let count = match adds_up(config) {
        true => count(config),
        false => 1,
    };
    let mut order: Vec<usize> = (0..count).collect();
    if is_balanced(config) {
        shuffle(&mut order);
    }
    order
}

/// Whether the hosts have no order of their own.
pub(super) fn is_balanced(config: &PgConfig) -> bool {
    config.get_load_balance_hosts() == LoadBalanceHosts::Random
}

/// Whether any of them is reached through the network: several Unix sockets are places where one server may be found.
pub(super) fn are_remote(config: &PgConfig) -> bool {
    let by_name = |host: &Host| matches!(host, Host::Tcp(_));
    config.get_hosts().iter().any(by_name) || !config.get_hostaddrs().is_empty()
}

/// The host at `place`: where its name is to be looked up, each of the addresses that it has now.
///
/// A name that cannot be resolved is left to tokio-postgres, so that its own error is told.
pub(super) async fn candidates(config: &PgConfig, place: usize) -> Vec<Candidate> {
    if !adds_up(config) {
        return vec![Candidate {
            at: names(config),
            config: config.clone(),
        }];
    }
    let host = alone(config, place);
    let mut addresses = match name_to_look_up(&host) {
        Some(name) => addresses(name, port(&host, 0)).await,
        None => Vec::new(),
    };
    if is_balanced(config) {
        shuffle(&mut addresses);
    }
    if addresses.is_empty() {
        let at = name(config, place);
        return vec![Candidate { at, config: host }];
    }
    let at_address = |address| {
        let mut config = host.clone();
        config.hostaddr(address);
        let at = name(&config, 0);
        Candidate { at, config }
    };
    addresses.into_iter().map(at_address).collect()
}

/// All addresses of a name, each once.
async fn addresses(name: &str, port: u16) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    let found = lookup_host((name, port)).await.into_iter().flatten();
    for address in found.map(|socket| socket.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
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
pub(super) fn name(config: &PgConfig, place: usize) -> String {
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
fn adds_up(config: &PgConfig) -> bool {
    let count = count(config);
    let all_or_none = |len: usize| len == 0 || len == count;
    count > 0
        && all_or_none(config.get_hosts().len())
        && all_or_none(config.get_hostaddrs().len())
        && (config.get_ports().len() == 1 || all_or_none(config.get_ports().len()))
}

/// The name of a host alone, if it stands for addresses that are not known.
fn name_to_look_up(host: &PgConfig) -> Option<&str> {
    match host.get_hosts().first() {
        Some(Host::Tcp(name)) => {
            let known = !host.get_hostaddrs().is_empty() || name.parse::<IpAddr>().is_ok();
            (!known).then_some(name.as_str())
        }
        _ => None,
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
fn shuffle<T>(order: &mut [T]) {
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

    /// Where the candidates of each host lead.
    fn led_to(text: &str) -> Vec<Vec<String>> {
        let config: PgConfig = text.parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.unwrap();
        let of = |place| runtime.block_on(candidates(&config, place)).into_iter();
        let places = order(&config).into_iter();
        places
            .map(|place| of(place).map(|one| one.at).collect())
            .collect()
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
        assert_eq!(
            led_to("host=10.0.0.1,/tmp,10.0.0.2 port=1,2,3 dbname=d user=u"),
            [["10.0.0.1:1"], ["/tmp:2"], ["10.0.0.2:3"]]
        );
        let config = "host=a,b port=1,2 dbname=d user=u".parse().unwrap();
        assert_eq!(target(&config), "postgres a:1,b:2/d as u");
    }

    #[test]
    fn a_name_is_each_of_its_addresses_unless_one_is_given() {
        let of_name = &led_to("host=localhost port=7")[0];
        assert!(
            of_name.contains(&"localhost[127.0.0.1]:7".to_owned()),
            "{of_name:?}"
        );
        assert_eq!(
            led_to("host=name hostaddr=10.0.0.1"),
            [["name[10.0.0.1]:5432"]]
        );
    }

    #[test]
    fn what_does_not_add_up_is_left_to_tokio_postgres() {
        assert_eq!(led_to("host=a,b port=1,2,3"), [["a:1,b:2"]]);
        assert_eq!(led_to("user=u"), [["(no host)"]]);
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

//! Reading a configuration. No server needed.

use crate::ground::SECRET;
use millpond::postgres::tokio_postgres::config::{self as pg, Host};
use millpond::postgres::{
    ChannelBinding, Config, ConfigError, LoadBalanceHosts, Manager, PoolConfig, SslMode,
    TargetSessionAttrs, tokio_postgres::NoTls,
};
use std::net::IpAddr;
use std::time::Duration;

fn named() -> Config {
    Config {
        dbname: Some("shop".to_owned()),
        ..Config::new()
    }
}

#[test]
fn fields_override_the_url_but_hosts_come_on_top() {
    let config = Config {
        url: Some("postgresql://zombie@localhost:1/deadpool".to_owned()),
        user: Some("human".to_owned()),
        dbname: Some("livepool".to_owned()),
        host: Some("remote".to_owned()),
        port: Some(2),
        ..Config::new()
    };
    let pg = config.get_pg_config().unwrap();
    assert_eq!(pg.get_user(), Some("human"));
    assert_eq!(pg.get_dbname(), Some("livepool"));
    let hosts = ["localhost", "remote"].map(|name| Host::Tcp(name.to_owned()));
    assert_eq!(pg.get_hosts(), hosts);
    assert_eq!(pg.get_ports(), [1, 2]);
}

#[test]
fn every_field_takes_effect() {
    let address: IpAddr = "10.0.0.7".parse().unwrap();
    let config = Config {
        user: Some("alice".to_owned()),
        password: Some(SECRET.to_owned()),
        options: Some("-c a=b".to_owned()),
        application_name: Some("till".to_owned()),
        ssl_mode: Some(SslMode::Require),
        hosts: Some(vec!["h".to_owned()]),
        hostaddrs: Some(vec![address]),
        ports: Some(vec![6000]),
        connect_timeout: Some(Duration::from_secs(1)),
        keepalives: Some(false),
        keepalives_idle: Some(Duration::from_secs(2)),
        keepalives_interval: Some(Duration::from_secs(3)),
        keepalives_retries: Some(4),
        tcp_user_timeout: Some(Duration::from_millis(5)),
        target_session_attrs: Some(TargetSessionAttrs::ReadWrite),
        channel_binding: Some(ChannelBinding::Require),
        load_balance_hosts: Some(LoadBalanceHosts::Random),
        ..named()
    };
    let pg = config.get_pg_config().unwrap();
    assert_eq!(pg.get_password(), Some(SECRET.as_bytes()));
    assert_eq!(pg.get_options(), Some("-c a=b"));
    assert_eq!(pg.get_application_name(), Some("till"));
    assert_eq!(pg.get_ssl_mode(), pg::SslMode::Require);
    assert_eq!(pg.get_hostaddrs(), [address]);
    assert_eq!(pg.get_ports(), [6000]);
    assert_eq!(pg.get_connect_timeout(), Some(&Duration::from_secs(1)));
    assert!(!pg.get_keepalives());
    assert_eq!(pg.get_keepalives_idle(), Duration::from_secs(2));
    let interval = pg.get_keepalives_interval();
    assert_eq!(interval, Some(Duration::from_secs(3)));
    assert_eq!(pg.get_keepalives_retries(), Some(4));
    let timeout = pg.get_tcp_user_timeout();
    assert_eq!(timeout, Some(&Duration::from_millis(5)));
    let attrs = pg.get_target_session_attrs();
    assert_eq!(attrs, pg::TargetSessionAttrs::ReadWrite);
    assert_eq!(pg.get_channel_binding(), pg::ChannelBinding::Require);
    assert_eq!(pg.get_load_balance_hosts(), pg::LoadBalanceHosts::Random);
}

#[test]
fn what_the_url_says_stays_where_a_field_is_none() {
    let options =
        "target_session_attrs=read-only&channel_binding=require&load_balance_hosts=random";
    let config = Config {
        url: Some(format!("postgres://a@h/d?{options}&sslmode=require")),
        ..Config::new()
    };
    let pg = config.get_pg_config().unwrap();
    let attrs = pg.get_target_session_attrs();
    assert_eq!(attrs, pg::TargetSessionAttrs::ReadOnly);
    assert_eq!(pg.get_channel_binding(), pg::ChannelBinding::Require);
    assert_eq!(pg.get_load_balance_hosts(), pg::LoadBalanceHosts::Random);
    assert_eq!(pg.get_ssl_mode(), pg::SslMode::Require);
}

/// With or without a connector of this crate: [`NoTls`](millpond::postgres::tokio_postgres::NoTls) is none.
#[test]
fn what_demands_to_verify_is_refused_where_nobody_verifies() {
    for (parameter, named) in [
        ("sslmode=verify-full", "sslmode=verify-full"),
        ("sslmode=verify-ca", "sslmode=verify-ca"),
        ("sslrootcert=/ca.pem", "sslrootcert"),
        ("sslmode=require&sslrootcert=system", "sslrootcert"),
        ("sslcert=/c.pem&sslkey=/k.pem", "sslcert"),
        ("sslkey=/k.pem", "sslkey"),
    ] {
        let pairs = parameter.replace('&', " ");
        for url in [
            format!("postgres://alice:{SECRET}@h/d?{parameter}"),
            format!("host=h user=alice password={SECRET} dbname=d {pairs}"),
        ] {
            let config = Config {
                url: Some(url),
                ..Config::new()
            };
            let refused = config.create_pool(None, NoTls).unwrap_err().to_string();
            assert!(
                refused.contains(&format!("{named} needs the ")),
                "{refused}"
            );
            assert!(refused.contains("Config::tls"), "{refused}");
            assert!(!refused.contains(SECRET), "{refused}");
        }
    }
    let by_field = Config {
        ssl_mode: Some(SslMode::VerifyFull),
        ..named()
    };
    assert!(matches!(by_field.builder(NoTls), Err(ConfigError::Tls(_))));
    let can_verify = cfg!(any(
        feature = "postgres-rustls",
        feature = "postgres-native-tls"
    ));
    assert_eq!(by_field.get_pg_config().is_ok(), can_verify);
}

#[test]
fn pool_parameters_of_a_url_set_the_pool() {
    let with = |url: &str| Config {
        url: Some(url.to_owned()),
        pool: Some(PoolConfig::new(9)),
        ..Config::new()
    };
    let config = with("postgres://a@h/d?pool_min_idle=5&sslmode=require&pool_max_lifetime=30m");
    assert_eq!(
        config.get_pg_config().unwrap().get_ssl_mode(),
        pg::SslMode::Require
    );
    let told = config.builder(NoTls).unwrap().to_settings();
    assert_eq!((told.max_size, told.min_idle), (9, 5));
    assert_eq!(told.max_lifetime, Some(Duration::from_secs(1800)));
    assert!(told.suspicion, "a server's defaults stay");
    let pool = with("postgres://a@h/d?pool_max_size=3").create_pool(None, NoTls);
    assert_eq!(pool.unwrap().status().max_size, 3);
    let huge = Config {
        pool: Some(PoolConfig::new(100_000)),
        ..with("postgres://a@h/d")
    };
    assert_eq!(huge.builder(NoTls).unwrap().to_settings().max_size, 100_000);
    for (url, told) in [
        (
            "postgres://a:{}@h/d?pool_max_sise=20",
            "url cannot be read: pool_max_sise: there is no such knob; do you mean max_size?",
        ),
        (
            "postgres://a:{}@h/d?pool_min_idle=10",
            "url cannot be read: pool_min_idle = \"10\": never so many can lie idle, for max_size is 9; \
             lower it, or raise max_size",
        ),
    ] {
        let error = with(&url.replace("{}", SECRET)).builder(NoTls).unwrap_err();
        assert_eq!(error.to_string(), told);
    }
}

#[test]
fn a_database_must_be_named() {
    let missing = Config::new().get_pg_config().unwrap_err();
    assert!(matches!(missing, ConfigError::DbnameMissing), "{missing:?}");
    let empty = Config {
        url: Some("dbname=''".to_owned()),
        ..Config::new()
    };
    let empty = empty.get_pg_config().unwrap_err();
    assert!(matches!(empty, ConfigError::DbnameEmpty), "{empty:?}");
}

#[test]
fn without_a_host_the_usual_sockets_are_tried() {
    let pg = named().get_pg_config().unwrap();
    let expected = ["/run/postgresql", "/var/run/postgresql", "/tmp"];
    assert_eq!(pg.get_hosts(), expected.map(|path| Host::Unix(path.into())));

    let by_address = Config {
        hostaddr: Some("10.0.0.7".parse().unwrap()),
        ..named()
    };
    assert!(by_address.get_pg_config().unwrap().get_hosts().is_empty());
}

#[test]
fn no_debug_shows_a_password() {
    for url in [
        format!("postgres://alice:{SECRET}@db.example/shop"),
        format!("host=db.example user=alice password={SECRET} dbname=shop"),
        format!("alice:{SECRET}@db.example/shop?x=y"),
        format!("postgres://alice:x@{SECRET}@db.example/shop"),
        format!("postgres://alice:{SECRET}@db.example/shop?pool_max_size=3"),
        format!("postgres://alice:{SECRET}@db.example/shop?pool_max_size=x"),
        format!("postgres://alice:x?pool_{SECRET}@db.example/shop"),
        format!("postgres://alice:x?pool_max_size={SECRET}@db.example/shop"),
    ] {
        let config = Config {
            url: Some(url),
            password: Some(SECRET.to_owned()),
            ..Config::new()
        };
        let mut shown = vec![format!("{config:?}"), format!("{config:#?}")];
        match config.builder(millpond::postgres::tokio_postgres::NoTls) {
            Ok(builder) => {
                shown.push(format!("{builder:?}"));
                shown.push(format!("{:?}", builder.build().unwrap()));
            }
            Err(error) => {
                shown.push(format!("{error}"));
                shown.push(format!("{error:?}"));
            }
        }
        for shown in shown {
            assert!(!shown.contains(SECRET), "{shown}");
        }
    }
}

#[test]
fn the_target_is_told_without_secrets() {
    use millpond::managed::Manager as _;
    let target = |text: &str| {
        let config = text.parse().unwrap();
        let manager = Manager::new(config, millpond::postgres::tokio_postgres::NoTls);
        manager.target().into_owned()
    };
    let by_url = target("postgres://alice:secret@db.example:6432/shop");
    assert_eq!(by_url, "postgres db.example:6432/shop as alice");
    let several = target("host=a,/tmp,::1 port=1,2,3 dbname=shop");
    assert_eq!(several, "postgres a:1,/tmp:2,::1:3/shop");
    let with_address = target("host=a hostaddr=10.0.0.7 user=u");
    assert_eq!(with_address, "postgres a[10.0.0.7]:5432 as u");
}

#[cfg(feature = "serde")]
#[test]
fn deadpools_files_are_read_and_written() {
    let text = r#"{
        "host": "pg.example.com", "port": 5433, "user": "john_doe", "dbname": "example",
        "ssl_mode": "Require", "target_session_attrs": "ReadWrite",
        "channel_binding": "Disable", "load_balance_hosts": "Random",
        "connect_timeout": {"secs": 3, "nanos": 0},
        "manager": {"recycling_method": {"Custom": "SELECT 1"}},
        "pool": {"max_size": 42, "timeouts": {"wait": {"secs": 1, "nanos": 0}, "create": null, "recycle": null}}
    }"#;
    let config: Config = serde_json::from_str(text).unwrap();
    assert_eq!(config.get_pool_config().max_size, 42);
    let wait = config.get_pool_config().timeouts.wait;
    assert_eq!(wait, Some(Duration::from_secs(1)));
    let method = config.get_manager_config().recycling_method;
    assert_eq!(method.query(), Some("SELECT 1"));
    let again: Config = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
    assert_eq!(
        again.target_session_attrs,
        Some(TargetSessionAttrs::ReadWrite)
    );
    assert_eq!(format!("{again:?}"), format!("{config:?}"));
}

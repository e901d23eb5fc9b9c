//! No password in anything that is ever shown: whatever is wrong, wherever it stands, whichever way it is told.
//!
//! The password is such that any four characters of it are recognised. What `tracing` is told is looked at in
//! `export-tests`.

use crate::ground::{black_hole, closed_port, silent};
use millpond::managed::{Acquire, Manager as _};
use millpond::postgres::tokio_postgres::{Config as PgConfig, NoTls};
use millpond::postgres::{
    Config, Credentials, Manager, ManagerConfig, Pool, PoolConfig, PoolError, RecyclingMethod,
    Runtime, TargetSessionAttrs,
};
use millpond_testdb::Server;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::io;
use std::time::Duration;

const MARKED: &str = "Q7xKw2Zp9Vj4Tg";

#[track_caller]
fn has_no_piece(shown: &str) {
    for at in 0..=MARKED.len() - 4 {
        let piece = &MARKED[at..at + 4];
        assert!(
            !shown.contains(piece),
            "{piece} of the password in: {shown}"
        );
    }
}

#[track_caller]
fn is_clean(what: &impl Debug) {
    has_no_piece(&format!("{what:?}"));
    has_no_piece(&format!("{what:#?}"));
}

/// An error in all words that it has, and all that it was caused by.
#[track_caller]
fn tells_nothing(error: &(impl Error + 'static)) {
    is_clean(error);
    let mut told: Option<&dyn Error> = Some(error);
    while let Some(error) = told {
        has_no_piece(&format!("{error} {error:?} {error:#?}"));
        told = error.source();
    }
}

/// Everything that comes of a configuration without a server.
#[track_caller]
fn comes_to_nothing(config: &Config) {
    is_clean(config);
    match config.get_pg_config() {
        Ok(pg_config) => is_clean(&pg_config),
        Err(error) => tells_nothing(&error),
    }
    match config.create_manager(NoTls) {
        Ok(manager) => {
            is_clean(&manager);
            has_no_piece(&manager.target());
        }
        Err(error) => tells_nothing(&error),
    }
    match config.create_pool(Some(Runtime::Tokio1), NoTls) {
        Ok(pool) => {
            is_clean(&pool);
            is_clean(pool.manager());
        }
        Err(error) => tells_nothing(&error),
    }
}

/// Where one character too many stands makes another text of it: the password becomes part of a host, a port, a
/// name, a parameter.
#[test]
fn one_character_too_many_shows_no_piece_of_it() {
    let parameters = "sslmode=require&pool_max_size=3&target_session_attrs=standby";
    let url = format!("postgres://alice:{MARKED}@db.example:5432/shop?{parameters}");
    let pairs = format!("host=db.example user=alice password={MARKED} dbname=shop");
    let quoted = format!("host=db.example user=alice password='{MARKED}' dbname=shop");
    for (text, strays) in [
        (&url, "@:/?#%&= '\\[],"),
        // A backslash before a blank makes what follows part of the name, and that is shown.
        (&pairs, "@:/?#%&= ',"),
        (&quoted, "@:/?#%&= ',"),
    ] {
        for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            for stray in strays.chars() {
                let mut text = text.clone();
                text.insert(at, stray);
                comes_to_nothing(&Config {
                    url: Some(text),
                    ..Config::new()
                });
            }
        }
    }
}

#[test]
fn a_text_that_ends_too_early_shows_no_piece_of_it() {
    for text in [
        format!("postgres://alice:{MARKED}@db.example:5432/shop?sslmode=require&pool_name=x"),
        format!("host=db.example user=alice password='{MARKED}' dbname=shop"),
    ] {
        for end in 0..=text.len() {
            let part = &text[..end];
            // Of one that has lost its `@` the password may be taken for a host.
            let is_whole = !part.contains("alice:") || part.contains('@');
            if is_whole {
                comes_to_nothing(&Config {
                    url: Some(part.to_owned()),
                    dbname: Some("d".to_owned()),
                    ..Config::new()
                });
            }
        }
    }
}

#[test]
fn every_field_that_may_hold_one_hides_it() {
    let password = Some(MARKED.to_owned());
    comes_to_nothing(&Config {
        password: password.clone(),
        dbname: Some("shop".to_owned()),
        ..Config::new()
    });
    comes_to_nothing(&Config {
        password,
        ..Config::new()
    });
    let given = Credentials::password(MARKED);
    is_clean(&given);
    is_clean(&given.user("alice"));
}

/// A configuration with the marked password, for a server of this port.
fn at(port: u16) -> PgConfig {
    let mut config = PgConfig::new();
    config.host("127.0.0.1").port(port).user("postgres");
    config.password(MARKED).dbname("postgres");
    config
}

fn manager(config: PgConfig) -> Manager {
    let bound = Duration::from_millis(300);
    Manager::new(config, NoTls).connect_bound(bound)
}

/// The errors of one pool, told in each way.
async fn tells_nothing_of(manager: Manager) {
    is_clean(&manager);
    let builder = Pool::builder(manager)
        .config(PoolConfig::new(1))
        .runtime(Runtime::Tokio1)
        .breaker(1);
    is_clean(&builder);
    let pool = builder.build().unwrap();
    match pool.get().await {
        Err(PoolError::Backend(error)) => {
            tells_nothing(&error);
            error.into_cause().iter().for_each(tells_nothing);
        }
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("connected"),
    }
    // And now the breaker is open, which tells of the last failure.
    let Err(error) = pool.get().await else {
        panic!("connected");
    };
    tells_nothing(&error);
    let refused = pool.acquire(&Acquire::new()).await;
    tells_nothing(&refused.err().unwrap());
    is_clean(&pool);
    is_clean(&pool.stats());
    has_no_piece(&pool.health().to_string());
    is_clean(&pool.health());
}

#[tokio::test]
async fn no_error_of_a_connect_shows_it() {
    let server = Server::builder().password_auth("another").start().unwrap();
    let right = Server::builder().password_auth(MARKED).start().unwrap();
    let (to_wrong, to_right) = (server.port().unwrap(), right.port().unwrap());
    let changed = |config: PgConfig, change: fn(&mut PgConfig)| {
        let mut config = config;
        change(&mut config);
        config
    };
    let (_quiet, to_silence) = silent();
    let (_full, to_nowhere) = black_hole();
    for config in [
        at(to_wrong),
        at(closed_port()),
        at(to_silence),
        at(to_nowhere),
        changed(at(to_right), |config| {
            config.dbname("none");
        }),
        changed(at(to_right), |config| {
            config.user("nobody");
        }),
        changed(at(to_right), |config| {
            config.options("-c no_such=1");
        }),
        changed(at(to_right), |config| {
            config.hostaddr([127, 0, 0, 1].into()).port(1);
        }),
        changed(at(to_right), |config| {
            config.port(1).port(2);
        }),
        changed(at(to_right), |config| {
            config.ssl_mode(millpond::postgres::tokio_postgres::config::SslMode::Require);
        }),
    ] {
        tells_nothing_of(manager(config)).await;
    }
    let standby = TargetSessionAttrs::Standby;
    tells_nothing_of(manager(at(to_right)).target_session_attrs(standby)).await;
    tells_nothing_of(
        manager(at(to_wrong))
            .credentials(async || Ok::<_, io::Error>(Credentials::password(MARKED))),
    )
    .await;
    has_no_piece(&server.log_tail().unwrap());
    has_no_piece(&right.log_tail().unwrap());
}

#[tokio::test]
async fn nothing_of_a_connection_that_works_or_ends_shows_it() {
    let server = Server::builder().password_auth(MARKED).start().unwrap();
    let config = ManagerConfig {
        recycling_method: RecyclingMethod::Custom("SELECT no_such_column".to_owned()),
    };
    let manager = Manager::from_config(at(server.port().unwrap()), NoTls, config);
    let mut client = manager.create().await.unwrap();
    is_clean(&client);
    let turned_down = manager.recycle(&mut client, &Default::default()).await;
    tells_nothing(&turned_down.unwrap_err());
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IS NOT NULL \
                 AND pid <> pg_backend_pid()";
    server.query(ended).unwrap();
    crate::ground::eventually("it heard", || client.ending().is_some()).await;
    is_clean(&client.ending());
    has_no_piece(&shown(client.ending().unwrap()));
    let turned_down = manager.recycle(&mut client, &Default::default()).await;
    tells_nothing(&turned_down.unwrap_err());
}

fn shown(what: &impl Display) -> String {
    what.to_string()
}

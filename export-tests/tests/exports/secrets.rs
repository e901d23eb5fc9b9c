//! No password is told through `tracing`, whatever goes wrong between a pool and a PostgreSQL server.

use crate::events::Scribe;
use millpond::Runtime;
use millpond::postgres::tokio_postgres::{Config as PgConfig, NoTls};
use millpond::postgres::{Credentials, Manager, Pool};
use millpond_testdb::Server;
use std::io;
use std::net::TcpListener;
use std::time::Duration;
use tracing::subscriber;

const MARKED: &str = "Q7xKw2Zp9Vj4Tg";

fn config(port: u16) -> PgConfig {
    let mut config = PgConfig::new();
    config.host("127.0.0.1").port(port).user("postgres");
    config.password(MARKED).dbname("postgres");
    config
}

#[test]
fn what_a_postgres_pool_tells_shows_no_password() {
    let server = Server::builder().password_auth("another").start().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let given = async || Ok::<_, io::Error>(Credentials::password(MARKED));
    let sealed = async || Err::<Credentials, _>(io::Error::other("the vault is sealed"));
    let of = |port| Manager::new(config(port), NoTls);
    let (to_wrong, to_silence) = (server.port().unwrap(), silent.local_addr().unwrap().port());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for (manager, why) in [
        (of(to_wrong), "password authentication failed"),
        (
            of(to_wrong).credentials(given),
            "password authentication failed",
        ),
        (
            of(to_silence).connect_bound(Duration::from_millis(50)),
            "timed out",
        ),
        (of(to_wrong).credentials(sealed), "the vault is sealed"),
    ] {
        let scribe = Scribe::default();
        subscriber::with_default(scribe.clone(), || {
            runtime.block_on(async {
                let pool = Pool::builder(manager).max_size(1).runtime(Runtime::Tokio1);
                assert!(pool.build().unwrap().get().await.is_err());
            });
        });
        let told = format!("{:?}", scribe.told());
        assert!(told.contains(why), "{told}");
        for at in 0..=MARKED.len() - 4 {
            assert!(!told.contains(&MARKED[at..at + 4]), "{told}");
        }
    }
}

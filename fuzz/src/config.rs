//! Configuration from anything at all: a clear answer, never a panic, never the password.

use millpond::Runtime;
use millpond::managed::PoolConfig;
use millpond::postgres::{Config, tokio_postgres::NoTls};

/// As a URL, as JSON of a whole configuration, and as JSON of a pool's.
pub fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if text.contains(SECRET) {
        // It would be shown where it is no password.
        return;
    }
    let urls = [
        text.clone().into_owned(),
        format!("postgres://user:{SECRET}@{text}"),
        format!("host=h password={SECRET} {text}"),
    ];
    for url in urls {
        let mut config = Config::new();
        config.url = Some(url);
        build(&config);
    }
    if let Ok(mut config) = serde_json::from_slice::<Config>(bytes) {
        config.password = Some(SECRET.to_owned());
        build(&config);
    }
    if let Ok(config) = serde_json::from_slice::<PoolConfig>(bytes) {
        let text = serde_json::to_string(&config).expect("what was read can be written");
        let again: PoolConfig = serde_json::from_str(&text).expect("what was written can be read");
        assert_eq!(again.max_size, config.max_size);
    }
}

fn build(config: &Config) {
    assert_no_secret(&format!("{config:?}"));
    match config.create_pool(Some(Runtime::Tokio1), NoTls) {
        Ok(pool) => assert_no_secret(&format!("{:?}", pool.manager())),
        Err(error) => assert_no_secret(&format!("{error} {error:?}")),
    }
}

fn assert_no_secret(text: &str) {
    assert!(!text.contains(SECRET), "a password was shown: {text}");
}

const SECRET: &str = "sesame-7391";

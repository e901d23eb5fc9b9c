use serde::Deserialize;

/// What the environment says: `LISTEN`, and `PG__HOST`, `PG__POOL__MAX_SIZE` and the like.
#[derive(Deserialize)]
pub struct Config {
    #[serde(default = "default_listen")]
    pub listen: String,
    pub pg: deadpool_postgres::Config,
}

impl Config {
    pub fn from_env() -> Result<Self, config::ConfigError> {
        config::Config::builder()
            .add_source(config::Environment::default().separator("__"))
            .build()?
            .try_deserialize()
    }
}

fn default_listen() -> String {
    "127.0.0.1:8080".to_owned()
}

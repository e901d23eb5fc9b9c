//! What is different behind a PgBouncer, and what is refused there, so that it fails at once and not now and then.

use super::refusal;
use super::{ManagerConfig, RecyclingMethod, Reset};
use tokio_postgres::{Config as PgConfig, Error as PgError};

/// How the PgBouncer that connections lead to gives out its connections to the server: its `pool_mode`. For
/// [`Manager::pgbouncer`](super::Manager::pgbouncer).
///
/// | | `Session` | `Transaction` | `TransactionWithStatements` |
/// |---|---|---|---|
/// | prepared statements, `prepare_cached`, `query_cached` | as usual | refused, with the way out | as usual |
/// | `query("…")`, `execute("…")`, which prepare by themselves | as usual | refused, with the way out | as usual |
/// | `query_typed`, `query_typed_cached` and their like | as usual | without a name: one round trip | as usual |
/// | `options` in the configuration | refused | refused | refused |
/// | [`Clean`](RecyclingMethod::Clean), [`Custom`](RecyclingMethod::Custom) and each [`Reset`] | as usual | refused | refused |
///
/// In both transaction modes, what a session keeps beyond a transaction is nobody's: `SET`, `LISTEN`, advisory
/// locks of the session, temporary tables, `WITH HOLD` cursors. They cannot be seen in your SQL, and so are not
/// refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PgBouncer {
    /// `pool_mode = session`: a connection to it is one to the server, as long as it lasts.
    Session,
    /// `pool_mode = transaction`: outside of a transaction, each request may go to another connection of its. What
    /// it does not know of is refused: statements with names.
    Transaction,
    /// The same, by a PgBouncer that passes the names of statements on: 1.21 or later, with
    /// `max_prepared_statements` above 0. What `DEALLOCATE` and `DISCARD` do is beyond it even then.
    TransactionWithStatements,
}

impl PgBouncer {
    /// Whether statements may have names.
    pub(super) fn knows_names(self) -> bool {
        self != Self::Transaction
    }

    /// Whether it can be had with such a configuration; if not, what to do about it.
    pub(super) fn fits(
        self,
        pg_config: &PgConfig,
        config: &ManagerConfig,
        reset: &Reset,
    ) -> Result<(), String> {
        if pg_config
            .get_options()
            .is_some_and(|options| !options.is_empty())
        {
            return Err(OPTIONS.to_owned());
        }
        let resets = match (&config.recycling_method, reset) {
            (RecyclingMethod::Clean, _) => "RecyclingMethod::Clean",
            (RecyclingMethod::Custom(_), _) => "RecyclingMethod::Custom",
            (_, Reset::None) => return Ok(()),
            _ => "Reset",
        };
        match self {
            Self::Session => Ok(()),
            Self::Transaction | Self::TransactionWithStatements => Err(format!(
                "{resets} undoes what a session keeps, and in transaction mode each request may meet another one: use \
                 RecyclingMethod::Fast or Verified and Reset::None, and keep what you set within transactions, by SET \
                 LOCAL"
            )),
        }
    }
}

/// The error of a call that would have made a statement with a name, where that must not be.
pub(super) async fn no_name(call: &str) -> PgError {
    let message = format!(
        "{call} prepares a statement with a name, and a PgBouncer in transaction mode may send its use to a connection \
         that does not know it"
    );
    refusal::by_us(&message, NO_NAME).await
}

const OPTIONS: &str = "PgBouncer refuses the startup parameter `options` (08P01): give settings to the role or the \
    database (ALTER ROLE … SET), or to PgBouncer's own server connections (connect_query), or set them within each \
    transaction (SET LOCAL)";

const NO_NAME: &str = "Use query_typed, execute_typed, or query_typed_cached and its like, which send the types of \
    the parameters instead; or PgBouncer 1.21 with max_prepared_statements > 0, and \
    PgBouncer::TransactionWithStatements.";

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(mode: PgBouncer, text: &str, recycling_method: RecyclingMethod) -> Result<(), String> {
        let config = ManagerConfig { recycling_method };
        mode.fits(&text.parse().unwrap(), &config, &Reset::None)
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_way_out() {
        use PgBouncer::{Session, Transaction, TransactionWithStatements};
        use RecyclingMethod::{Clean, Custom, Fast, Verified};
        for mode in [Session, Transaction, TransactionWithStatements] {
            for method in [Fast, Verified] {
                assert_eq!(
                    fits(mode, "host=a application_name=b", method.clone()),
                    Ok(())
                );
                let refused = fits(mode, "host=a options='-c a=b'", method).unwrap_err();
                assert!(refused.contains("ALTER ROLE"), "{refused}");
            }
            for method in [Clean, Custom("DISCARD ALL".to_owned())] {
                let resets = fits(mode, "host=a", method);
                match mode {
                    Session => assert_eq!(resets, Ok(())),
                    _ => assert!(resets.unwrap_err().contains("SET LOCAL")),
                }
            }
            let fast = ManagerConfig::default();
            let resets = mode.fits(&PgConfig::new(), &fast, &Reset::Targeted);
            assert_eq!(resets.is_ok(), mode == Session);
        }
    }

    #[tokio::test]
    async fn a_refusal_names_the_call_and_the_way_out() {
        let refused = no_name("prepare_cached").await;
        let told = refused.as_db_error().unwrap();
        assert_eq!(told.code().code(), "0A000");
        assert!(
            told.message().starts_with("prepare_cached prepares"),
            "{told}"
        );
        assert!(told.hint().unwrap().contains("query_typed"), "{told}");
        assert_eq!(told.routine(), Some("millpond"));
    }
}

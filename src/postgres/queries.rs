//! tokio-postgres' queries, which learn from their errors.
//!
//! Whoever prepares a statement with `prepare_cached` and runs it by hand holds it alone: a stale one cannot be
//! prepared anew under way. But that it is stale is seen here, and no statement of that time is used again:
//! the next `prepare_cached` prepares anew. (`query_cached` heals at once: `cached.rs`.) And when one of them is dropped,
//! what it may have left at the server is written down (`lost.rs`).
//!
//! All of them give statements names, and are refused where there must be none (`pgbouncer.rs`).

use super::lost::Unnamed;
use super::stale::Stale;
use super::{ClientWrapper, Transaction};
use tokio_postgres::types::{BorrowToSql, ToSql, Type};
use tokio_postgres::{Error as PgError, Row, RowStream, Statement, ToStatement};

macro_rules! queries {
    ($($Type:tt)+) => {
        /// tokio-postgres' own queries. When one of them meets a prepared statement that no longer fits the
        /// database, after an `ALTER TABLE` or a `DEALLOCATE ALL` for example, the
        /// [cache](Self::statement_cache) is emptied, so that the next `prepare_cached` prepares anew.
        impl $($Type)+ {
            /// [`tokio_postgres::Client::query`].
            ///
            /// # Errors
            ///
            /// See there.
            pub async fn query<T>(
                &self,
                statement: &T,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<Vec<Row>, PgError>
            where
                T: ?Sized + ToStatement,
            {
                self.demand_names("query").await?;
                let unnamed = Unnamed::within::<T>(&self.statement_cache);
                let outcome = self.bare().query(statement, params).await;
                unnamed.ended(&outcome);
                self.learn(outcome)
            }

            /// [`tokio_postgres::Client::query_one`].
            ///
            /// # Errors
            ///
            /// See there.
            pub async fn query_one<T>(
                &self,
                statement: &T,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<Row, PgError>
            where
                T: ?Sized + ToStatement,
            {
                self.demand_names("query_one").await?;
                let unnamed = Unnamed::within::<T>(&self.statement_cache);
                let outcome = self.bare().query_one(statement, params).await;
                unnamed.ended(&outcome);
                self.learn(outcome)
            }

            /// [`tokio_postgres::Client::query_opt`].
            ///
            /// # Errors
            ///
            /// See there.
            pub async fn query_opt<T>(
                &self,
                statement: &T,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<Option<Row>, PgError>
            where
                T: ?Sized + ToStatement,
            {
                self.demand_names("query_opt").await?;
                let unnamed = Unnamed::within::<T>(&self.statement_cache);
                let outcome = self.bare().query_opt(statement, params).await;
                unnamed.ended(&outcome);
                self.learn(outcome)
            }

            /// [`tokio_postgres::Client::query_raw`].
            ///
            /// # Errors
            ///
            /// See there.
            pub async fn query_raw<T, P, I>(&self, statement: &T, params: I) -> Result<RowStream, PgError>
            where
                T: ?Sized + ToStatement,
                P: BorrowToSql,
                I: IntoIterator<Item = P>,
                I::IntoIter: ExactSizeIterator,
            {
                self.demand_names("query_raw").await?;
                let unnamed = Unnamed::within::<T>(&self.statement_cache);
                let outcome = self.bare().query_raw(statement, params).await;
                unnamed.ended(&outcome);
                self.learn(outcome)
            }

            /// [`tokio_postgres::Client::execute`].
            ///
            /// # Errors
            ///
            /// See there.
            pub async fn execute<T>(
                &self,
                statement: &T,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<u64, PgError>
            where
                T: ?Sized + ToStatement,
            {
                self.demand_names("execute").await?;
                let unnamed = Unnamed::within::<T>(&self.statement_cache);
                let outcome = self.bare().execute(statement, params).await;
                unnamed.ended(&outcome);
                self.learn(outcome)
            }

            /// [`tokio_postgres::Client::execute_raw`].
            ///
            /// # Errors
            ///
            /// See there.
            pub async fn execute_raw<T, P, I>(&self, statement: &T, params: I) -> Result<u64, PgError>
            where
                T: ?Sized + ToStatement,
                P: BorrowToSql,
                I: IntoIterator<Item = P>,
                I::IntoIter: ExactSizeIterator,
            {
                self.demand_names("execute_raw").await?;
                let unnamed = Unnamed::within::<T>(&self.statement_cache);
                let outcome = self.bare().execute_raw(statement, params).await;
                unnamed.ended(&outcome);
                self.learn(outcome)
            }

            /// [`tokio_postgres::Client::prepare`], which leaves nothing at the server when it is dropped.
            ///
            /// # Errors
            ///
            /// See there.
            pub async fn prepare(&self, query: &str) -> Result<Statement, PgError> {
                self.demand_names("prepare").await?;
                self.prepare_by_hand(query, &[]).await
            }

            /// [`tokio_postgres::Client::prepare_typed`], which leaves nothing at the server when it is dropped.
            ///
            /// # Errors
            ///
            /// See there.
            pub async fn prepare_typed(
                &self,
                query: &str,
                types: &[Type],
            ) -> Result<Statement, PgError> {
                self.demand_names("prepare_typed").await?;
                self.prepare_by_hand(query, types).await
            }

            async fn demand_names(&self, call: &str) -> Result<(), PgError> {
                self.statement_cache.demand_names(call).await
            }

            fn learn<T>(&self, outcome: Result<T, PgError>) -> Result<T, PgError> {
                outcome.inspect_err(|error| {
                    if Stale::is_told_by(error) {
                        self.statement_cache.clear();
                        self.bare().clear_type_cache();
                    }
                })
            }
        }
    };
}

queries!(ClientWrapper);
queries!(Transaction<'_>);

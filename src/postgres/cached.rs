//! Queries by statements of the cache that are right again after the database has changed.
//!
//! ```text
//! prepared (from the cache) → run → stale? (stale.rs) → forgotten; in a transaction: the error
//!                                 → prepared anew → run once more
//! ```
//!
//! A stale statement fails before it has done anything, or PostgreSQL takes back what it did: running it
//! once more is safe, but in a transaction, which is lost as a whole. A [`Transaction`] knows that it is one.
//! Whether a client is in one, by a plain `BEGIN`, the server tells: it prepares nothing in a transaction
//! that failed.
//!
//! Where statements must not have names (`pgbouncer.rs`), the queries with types are sent without one.

use super::kept::Cell;
use super::orphans::{Lender, Prepared};
use super::stale::{Stale, sooner_if_in_failed_transaction};
use super::statements::statement;
use super::{ClientWrapper, StatementCache, Transaction};
use crate::engine::sync::Arc;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client as PgClient, Error as PgError, Row, Statement};

/// What a query runs on.
#[derive(Clone, Copy)]
pub(super) enum On<'a> {
    Session(&'a Lender),
    Transaction(&'a PgClient),
}

/// A query, by a statement of the cache.
pub(super) struct Cached<'a> {
    on: On<'a>,
    cache: &'a Arc<StatementCache>,
    query: &'a str,
    types: &'a [Type],
    cell: Arc<Cell<Statement>>,
    statement: Statement,
    /// It was prepared anew: what fails now is not made right by that.
    anew: bool,
}

impl<'a> Cached<'a> {
    pub(super) async fn begin(
        on: On<'a>,
        cache: &'a Arc<StatementCache>,
        query: &'a str,
        types: &'a [Type],
    ) -> Result<Self, PgError> {
        let cell = on.prepared(cache, query, types).await?;
        Ok(Self {
            on,
            cache,
            query,
            types,
            statement: statement(Ok(Arc::clone(&cell)))?,
            cell,
            anew: false,
        })
    }

    async fn query(mut self, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, PgError> {
        loop {
            match self.on.client().query(&self.statement, params).await {
                Err(error) => self.heal(error).await?,
                rows => return rows,
            }
        }
    }

    async fn query_one(mut self, params: &[&(dyn ToSql + Sync)]) -> Result<Row, PgError> {
        loop {
            match self.on.client().query_one(&self.statement, params).await {
                Err(error) => self.heal(error).await?,
                row => return row,
            }
        }
    }

    async fn query_opt(mut self, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, PgError> {
        loop {
            match self.on.client().query_opt(&self.statement, params).await {
                Err(error) => self.heal(error).await?,
                row => return row,
            }
        }
    }

    async fn execute(mut self, params: &[&(dyn ToSql + Sync)]) -> Result<u64, PgError> {
        loop {
            match self.on.client().execute(&self.statement, params).await {
                Err(error) => self.heal(error).await?,
                changed => return changed,
            }
        }
    }

    /// After an error: `Ok` if the statement was stale, is prepared anew, and shall be run once more.
    async fn heal(&mut self, error: PgError) -> Result<(), PgError> {
        let Some(stale) = Stale::judge(&error, &self.statement) else {
            return Err(error);
        };
        self.cache.forget(self.query, self.types, &self.cell);
        self.on.client().clear_type_cache();
        if self.anew || matches!(self.on, On::Transaction(_)) {
            return Err(error);
        }
        let prepared = self.on.prepared(self.cache, self.query, self.types).await;
        let cell = match prepared {
            Ok(cell) => cell,
            Err(second) => return Err(sooner_if_in_failed_transaction(error, second)),
        };
        let before = std::mem::replace(&mut self.statement, statement(Ok(Arc::clone(&cell)))?);
        self.cell = cell;
        self.anew = true;
        match stale.is_settled(&before, &self.statement) {
            true => Ok(()),
            false => Err(error),
        }
    }
}

impl<'a> On<'a> {
    fn client(self) -> &'a PgClient {
        match self {
            Self::Session(client) => client,
            Self::Transaction(client) => client,
        }
    }

    async fn prepared(self, cache: &Arc<StatementCache>, query: &str, types: &[Type]) -> Prepared {
        match self {
            Self::Session(client) => cache.seen_through(client, query, types).await,
            Self::Transaction(client) => cache.prepared(client, query, types).await,
        }
    }
}

/// Parameters with their types, apart.
fn unzip<'a>(
    params: &[(&'a (dyn ToSql + Sync), Type)],
) -> (Vec<&'a (dyn ToSql + Sync)>, Vec<Type>) {
    params
        .iter()
        .map(|(value, each)| (*value, each.clone()))
        .unzip()
}

macro_rules! cached_queries {
    ($($Type:tt)+) => {
        impl $($Type)+ {
            /// [`query`](PgClient::query) by a statement of the [cache](Self::statement_cache), which heals: one
            /// that no longer fits the database, after an `ALTER TABLE` for example, is forgotten, prepared anew,
            /// and run once more. In a transaction, which is lost as a whole then, the error is returned, and the
            /// next use is right.
            ///
            /// # Errors
            ///
            /// See [`tokio_postgres::Client::query`].
            ///
            /// # Cancel safety
            ///
            /// As that of tokio-postgres: once it is sent, the server goes on. A statement that is being prepared
            /// does not stay at the server unknown.
            ///
            /// # Examples
            ///
            /// ```no_run
            /// # async fn paid(client: &millpond::postgres::Client) -> Result<(), tokio_postgres::Error> {
            /// let paid = client.query_cached("SELECT * FROM orders WHERE paid = $1", &[&true]).await?;
            /// # Ok(())
            /// # }
            /// ```
            pub async fn query_cached(
                &self,
                query: &str,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<Vec<Row>, PgError> {
                match self.without_a_name("query_cached", params).await? {
                    Some(client) => client.query_typed(query, &[]).await,
                    None => self.cached(query, &[]).await?.query(params).await,
                }
            }

            /// [`query_one`](PgClient::query_one), cached and healing as [`query_cached`](Self::query_cached).
            ///
            /// # Errors
            ///
            /// See [`tokio_postgres::Client::query_one`].
            pub async fn query_one_cached(
                &self,
                query: &str,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<Row, PgError> {
                match self.without_a_name("query_one_cached", params).await? {
                    Some(client) => client.query_typed_one(query, &[]).await,
                    None => self.cached(query, &[]).await?.query_one(params).await,
                }
            }

            /// [`query_opt`](PgClient::query_opt), cached and healing as [`query_cached`](Self::query_cached).
            ///
            /// # Errors
            ///
            /// See [`tokio_postgres::Client::query_opt`].
            pub async fn query_opt_cached(
                &self,
                query: &str,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<Option<Row>, PgError> {
                match self.without_a_name("query_opt_cached", params).await? {
                    Some(client) => client.query_typed_opt(query, &[]).await,
                    None => self.cached(query, &[]).await?.query_opt(params).await,
                }
            }

            /// [`execute`](PgClient::execute), cached and healing as [`query_cached`](Self::query_cached).
            ///
            /// # Errors
            ///
            /// See [`tokio_postgres::Client::execute`].
            pub async fn execute_cached(
                &self,
                query: &str,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<u64, PgError> {
                match self.without_a_name("execute_cached", params).await? {
                    Some(client) => client.execute_typed(query, &[]).await,
                    None => self.cached(query, &[]).await?.execute(params).await,
                }
            }

            /// [`query_cached`](Self::query_cached) with the types of the parameters, as
            /// [`query_typed`](PgClient::query_typed) takes them.
            ///
            /// # Errors
            ///
            /// See [`tokio_postgres::Client::query_typed`].
            pub async fn query_typed_cached(
                &self,
                query: &str,
                params: &[(&(dyn ToSql + Sync), Type)],
            ) -> Result<Vec<Row>, PgError> {
                if !self.statement_cache.has_names() {
                    return self.bare().query_typed(query, params).await;
                }
                let (params, types) = unzip(params);
                self.cached(query, &types).await?.query(&params).await
            }

            /// [`query_one_cached`](Self::query_one_cached) with the types of the parameters.
            ///
            /// # Errors
            ///
            /// See [`tokio_postgres::Client::query_one`].
            pub async fn query_typed_one_cached(
                &self,
                query: &str,
                params: &[(&(dyn ToSql + Sync), Type)],
            ) -> Result<Row, PgError> {
                if !self.statement_cache.has_names() {
                    return self.bare().query_typed_one(query, params).await;
                }
                let (params, types) = unzip(params);
                self.cached(query, &types).await?.query_one(&params).await
            }

            /// [`query_opt_cached`](Self::query_opt_cached) with the types of the parameters.
            ///
            /// # Errors
            ///
            /// See [`tokio_postgres::Client::query_opt`].
            pub async fn query_typed_opt_cached(
                &self,
                query: &str,
                params: &[(&(dyn ToSql + Sync), Type)],
            ) -> Result<Option<Row>, PgError> {
                if !self.statement_cache.has_names() {
                    return self.bare().query_typed_opt(query, params).await;
                }
                let (params, types) = unzip(params);
                self.cached(query, &types).await?.query_opt(&params).await
            }

            /// [`execute_cached`](Self::execute_cached) with the types of the parameters.
            ///
            /// # Errors
            ///
            /// See [`tokio_postgres::Client::execute`].
            pub async fn execute_typed_cached(
                &self,
                query: &str,
                params: &[(&(dyn ToSql + Sync), Type)],
            ) -> Result<u64, PgError> {
                if !self.statement_cache.has_names() {
                    return self.bare().execute_typed(query, params).await;
                }
                let (params, types) = unzip(params);
                self.cached(query, &types).await?.execute(&params).await
            }

            /// Where statements must not have names: the client, to send it without one. That takes the types of
            /// the parameters, so that without them it is refused, unless there are none.
            async fn without_a_name(
                &self,
                call: &str,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<Option<&PgClient>, PgError> {
                if params.is_empty() && !self.statement_cache.has_names() {
                    return Ok(Some(self.bare()));
                }
                self.statement_cache.demand_names(call).await?;
                Ok(None)
            }
        }
    };
}

cached_queries!(ClientWrapper);
cached_queries!(Transaction<'_>);

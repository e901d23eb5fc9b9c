use super::{ClientWrapper, Transaction};
use crate::managed::{Manager, Object};
use async_trait::async_trait;
use tokio_postgres::types::{BorrowToSql, ToSql, Type};
use tokio_postgres::{Error, Row, RowStream, Statement, ToStatement};

mod sealed {
    pub trait Sealed {}
}

/// What a [`Client`](super::Client) and a [`Transaction`] have in common, for functions that take either:
/// deadpool-postgres' trait, with queries that heal. Nobody else can implement it.
///
/// A client of any manager has it whose objects are [`ClientWrapper`]s. Each method is that of [`tokio_postgres::Client`] or of [`ClientWrapper`] with the same name.
///
/// # Examples
///
/// ```
/// use millpond::postgres::{GenericClient, tokio_postgres::Error};
///
/// async fn count(on: &impl GenericClient) -> Result<i64, Error> {
///     let statement = on.prepare_cached("SELECT count(*) FROM orders").await?;
///     Ok(on.query_one(&statement, &[]).await?.get(0))
/// }
/// ```
#[async_trait]
pub trait GenericClient: Sync + sealed::Sealed {
    /// Runs a statement; says how many rows it changed.
    async fn execute<T>(&self, query: &T, params: &[&(dyn ToSql + Sync)]) -> Result<u64, Error>
    where
        T: ?Sized + ToStatement + Sync + Send;

    /// [`execute`](Self::execute), with parameters from an iterator.
    async fn execute_raw<P, I, T>(&self, statement: &T, params: I) -> Result<u64, Error>
    where
        T: ?Sized + ToStatement + Sync + Send,
        P: BorrowToSql,
        I: IntoIterator<Item = P> + Sync + Send,
        I::IntoIter: ExactSizeIterator;

    /// Runs a statement; returns its rows.
    async fn query<T>(&self, query: &T, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error>
    where
        T: ?Sized + ToStatement + Sync + Send;

    /// Runs a statement that must return exactly one row.
    async fn query_one<T>(
        &self,
        statement: &T,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, Error>
    where
        T: ?Sized + ToStatement + Sync + Send;

    /// Runs a statement that must return one row at most.
    async fn query_opt<T>(
        &self,
        statement: &T,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error>
    where
        T: ?Sized + ToStatement + Sync + Send;

    /// Runs a statement; returns its rows as they come.
    async fn query_raw<T, P, I>(&self, statement: &T, params: I) -> Result<RowStream, Error>
    where
        T: ?Sized + ToStatement + Sync + Send,
        P: BorrowToSql,
        I: IntoIterator<Item = P> + Sync + Send,
        I::IntoIter: ExactSizeIterator;

    /// Prepares a statement.
    async fn prepare(&self, query: &str) -> Result<Statement, Error>;

    /// Prepares a statement with these types of its parameters.
    async fn prepare_typed(
        &self,
        query: &str,
        parameter_types: &[Type],
    ) -> Result<Statement, Error>;

    /// [`ClientWrapper::prepare_cached`].
    async fn prepare_cached(&self, query: &str) -> Result<Statement, Error>;

    /// [`ClientWrapper::prepare_typed_cached`].
    async fn prepare_typed_cached(&self, query: &str, types: &[Type]) -> Result<Statement, Error>;

    /// [`ClientWrapper::query_cached`].
    async fn query_cached(
        &self,
        query: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error>;

    /// [`ClientWrapper::query_one_cached`].
    async fn query_one_cached(
        &self,
        query: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, Error>;

    /// [`ClientWrapper::query_opt_cached`].
    async fn query_opt_cached(
        &self,
        query: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error>;

    /// [`ClientWrapper::execute_cached`].
    async fn execute_cached(
        &self,
        query: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error>;

    /// [`ClientWrapper::query_typed_cached`].
    async fn query_typed_cached(
        &self,
        query: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Error>;

    /// [`ClientWrapper::query_typed_one_cached`].
    async fn query_typed_one_cached(
        &self,
        query: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Row, Error>;

    /// [`ClientWrapper::query_typed_opt_cached`].
    async fn query_typed_opt_cached(
        &self,
        query: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Option<Row>, Error>;

    /// [`ClientWrapper::execute_typed_cached`].
    async fn execute_typed_cached(
        &self,
        query: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<u64, Error>;

    /// Begins a transaction, or one within it.
    async fn transaction(&mut self) -> Result<Transaction<'_>, Error>;

    /// Runs statements, separated by `;`, without parameters and without results.
    async fn batch_execute(&self, query: &str) -> Result<(), Error>;
}

/// The same methods, passed on to tokio-postgres' type and to the wrapper around it.
macro_rules! pass_on {
    ([$($Generic:tt)*] $Wrapper:ty, $Wrapped:ty, $($Own:tt)+) => {
        impl $($Generic)* sealed::Sealed for $Wrapper {}

        #[async_trait]
        impl $($Generic)* GenericClient for $Wrapper {
            async fn execute<T>(
                &self,
                query: &T,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<u64, Error>
            where
                T: ?Sized + ToStatement + Sync + Send,
            {
                $($Own)+::execute(self, query, params).await
            }

            async fn execute_raw<P, I, T>(&self, statement: &T, params: I) -> Result<u64, Error>
            where
                T: ?Sized + ToStatement + Sync + Send,
                P: BorrowToSql,
                I: IntoIterator<Item = P> + Sync + Send,
                I::IntoIter: ExactSizeIterator,
            {
                $($Own)+::execute_raw(self, statement, params).await
            }

            async fn query<T>(
                &self,
                query: &T,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<Vec<Row>, Error>
            where
                T: ?Sized + ToStatement + Sync + Send,
            {
                $($Own)+::query(self, query, params).await
            }

            async fn query_one<T>(
                &self,
                statement: &T,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<Row, Error>
            where
                T: ?Sized + ToStatement + Sync + Send,
            {
                $($Own)+::query_one(self, statement, params).await
            }

            async fn query_opt<T>(
                &self,
                statement: &T,
                params: &[&(dyn ToSql + Sync)],
            ) -> Result<Option<Row>, Error>
            where
                T: ?Sized + ToStatement + Sync + Send,
            {
                $($Own)+::query_opt(self, statement, params).await
            }

            async fn query_raw<T, P, I>(&self, statement: &T, params: I) -> Result<RowStream, Error>
            where
                T: ?Sized + ToStatement + Sync + Send,
                P: BorrowToSql,
                I: IntoIterator<Item = P> + Sync + Send,
                I::IntoIter: ExactSizeIterator,
            {
                $($Own)+::query_raw(self, statement, params).await
            }

            async fn prepare(&self, query: &str) -> Result<Statement, Error> {
                $($Own)+::prepare(self, query).await
            }

            async fn prepare_typed(
                &self,
                query: &str,
                parameter_types: &[Type],
            ) -> Result<Statement, Error> {
                $($Own)+::prepare_typed(self, query, parameter_types).await
            }

            async fn prepare_cached(&self, query: &str) -> Result<Statement, Error> {
                $($Own)+::prepare_cached(self, query).await
            }

            async fn prepare_typed_cached(
                &self,
                query: &str,
                types: &[Type],
            ) -> Result<Statement, Error> {
                $($Own)+::prepare_typed_cached(self, query, types).await
            }

            async fn query_cached(
        &self,
        query: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
                $($Own)+::query_cached(self, query, params).await
            }

            async fn query_one_cached(
        &self,
        query: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, Error> {
                $($Own)+::query_one_cached(self, query, params).await
            }

            async fn query_opt_cached(
        &self,
        query: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Error> {
                $($Own)+::query_opt_cached(self, query, params).await
            }

            async fn execute_cached(
        &self,
        query: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
                $($Own)+::execute_cached(self, query, params).await
            }

            async fn query_typed_cached(
        &self,
        query: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, Error> {
                $($Own)+::query_typed_cached(self, query, params).await
            }

            async fn query_typed_one_cached(
        &self,
        query: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Row, Error> {
                $($Own)+::query_typed_one_cached(self, query, params).await
            }

            async fn query_typed_opt_cached(
        &self,
        query: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Option<Row>, Error> {
                $($Own)+::query_typed_opt_cached(self, query, params).await
            }

            async fn execute_typed_cached(
        &self,
        query: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<u64, Error> {
                $($Own)+::execute_typed_cached(self, query, params).await
            }

            async fn transaction(&mut self) -> Result<Transaction<'_>, Error> {
                $($Own)+::transaction(self).await
            }

            async fn batch_execute(&self, query: &str) -> Result<(), Error> {
                <$Wrapped>::batch_execute(self, query).await
            }
        }
    };
}

pass_on!(
    [<M: Manager<Type = ClientWrapper>>] Object<M>,
    tokio_postgres::Client,
    ClientWrapper
);
pass_on!(
    [] Transaction<'_>,
    tokio_postgres::Transaction<'_>,
    Transaction
);

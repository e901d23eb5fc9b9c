//! What is behind an error of anybody's: PostgreSQL's own, wrapped in whatever type.

use super::{AcquireError, Class, Classify, Error, PoolError, RunError};
use std::error::Error as StdError;
use std::ops::Deref;
use tokio_postgres::Error as PgError;

/// An error behind which one of PostgreSQL's may stand: what a closure for [`Pool::run`](super::Pool::run) or
/// [`Pool::transaction`](super::Pool::transaction) fails with.
///
/// Every [`std::error::Error`] is one, and so is what leads to one, such as `Box<dyn Error + Send + Sync>` and
/// `anyhow::Error`: its chain of [sources](StdError::source) is looked through. `Kind` is found by the compiler.
pub trait Cause<Kind> {
    /// What it means, if there is an error in its chain that PostgreSQL or the pool is behind.
    fn postgres_class(&self) -> Option<Class>;
}

/// The kind of [`Cause`] that is an error itself.
#[derive(Debug)]
pub enum Itself {}

/// The kind of [`Cause`] that leads to an error.
#[derive(Debug)]
pub enum LeadsTo {}

/// The kind of [`Cause`] that leads to an error which must stay in its thread.
#[derive(Debug)]
pub enum LeadsToLocal {}

impl<E: StdError + 'static> Cause<Itself> for E {
    fn postgres_class(&self) -> Option<Class> {
        class_in(self)
    }
}

impl<E> Cause<LeadsTo> for E
where
    E: Deref<Target = dyn StdError + Send + Sync + 'static>,
{
    fn postgres_class(&self) -> Option<Class> {
        class_in(&**self)
    }
}

impl<E> Cause<LeadsToLocal> for E
where
    E: Deref<Target = dyn StdError + 'static>,
{
    fn postgres_class(&self) -> Option<Class> {
        class_in(&**self)
    }
}

/// The outermost error of its chain that can be classified.
fn class_in(error: &(dyn StdError + 'static)) -> Option<Class> {
    let mut next = Some(error);
    while let Some(error) = next {
        let class = class_of(error);
        if class.is_some() {
            return class;
        }
        next = error.source();
    }
    None
}

fn class_of(error: &(dyn StdError + 'static)) -> Option<Class> {
    fn as_one<E: Classify + StdError + 'static>(error: &(dyn StdError + 'static)) -> Option<Class> {
        error.downcast_ref::<E>().map(Classify::class)
    }
    as_one::<PgError>(error)
        .or_else(|| as_one::<Error>(error))
        .or_else(|| as_one::<PoolError>(error))
        .or_else(|| as_one::<AcquireError>(error))
        .or_else(|| as_one::<RunError>(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[derive(Debug)]
    struct Wrapped(PoolError);

    impl fmt::Display for Wrapped {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("wrapped")
        }
    }

    impl StdError for Wrapped {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            Some(&self.0)
        }
    }

    fn class<K>(error: &impl Cause<K>) -> Option<Class> {
        error.postgres_class()
    }

    #[test]
    fn it_is_found_behind_whatever_stands_before_it() {
        let closed = || Wrapped(PoolError::Closed);
        assert_eq!(class(&closed()), Some(Class::Permanent));
        let boxed: Box<dyn StdError + Send + Sync> = Box::new(closed());
        assert_eq!(class(&boxed), Some(Class::Permanent));
        let local: Box<dyn StdError> = Box::new(closed());
        assert_eq!(class(&local), Some(Class::Permanent));
        assert_eq!(class(&fmt::Error), None);
    }
}

//! A crate with a manager of its own, as deadpool's documentation says one is written. It knows the pool as
//! `deadpool`, and nothing else of it; it must compile with our crate of that name, and with millpond itself
//! renamed to it.

use deadpool::managed::{self, RecycleError};
use std::fmt;
use std::time::Duration;

pub use deadpool::managed::reexports::*;

deadpool::managed_reexports!("backend", Manager, Connection, Error, ConfigError);

/// A manager, as crates for backends have one.
#[derive(Debug, Default)]
pub struct Manager {
    /// Whether the backend is down.
    pub down: bool,
}

/// What can go wrong at the backend.
#[derive(Debug)]
pub struct Error;

/// What can be wrong with a configuration.
#[derive(Debug)]
pub struct ConfigError;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the backend is down")
    }
}

impl std::error::Error for Error {}

impl managed::Manager for Manager {
    type Type = Vec<u8>;
    type Error = Error;

    async fn create(&self) -> Result<Vec<u8>, Error> {
        if self.down {
            Err(Error)
        } else {
            Ok(Vec::new())
        }
    }

    async fn recycle(&self, _: &mut Vec<u8>, metrics: &Metrics) -> managed::RecycleResult<Error> {
        if metrics.age() > Duration::from_secs(3600) {
            return Err(RecycleError::message("an hour old"));
        }
        if self.down {
            Err(Error)?
        }
        Ok(())
    }

    fn detach(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
    }
}

/// An object in a wrapper of the crate's own, as deadpool-redis has one.
#[derive(Debug)]
pub struct Connection {
    object: Object,
}

impl From<Object> for Connection {
    fn from(object: Object) -> Self {
        Self { object }
    }
}

impl Connection {
    /// Out of the pool for good.
    #[must_use]
    pub fn take(this: Self) -> Vec<u8> {
        Object::take(this.object)
    }

    /// What it holds.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.object
    }
}

/// An error of an application, which `?` makes of the pool's.
#[derive(Debug)]
pub struct AppError(pub String);

impl From<PoolError> for AppError {
    fn from(error: PoolError) -> Self {
        Self(match error {
            PoolError::Timeout(TimeoutType::Wait) => "busy".to_owned(),
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => "slow".to_owned(),
            PoolError::Backend(Error) => "down".to_owned(),
            PoolError::Closed => "closed".to_owned(),
            PoolError::NoRuntimeSpecified => "no runtime".to_owned(),
            PoolError::PostCreateHook(HookError::Message(why)) => why.into_owned(),
            PoolError::PostCreateHook(HookError::Backend(Error)) => "down".to_owned(),
        })
    }
}

/// The usual way to a pool of a backend's.
///
/// # Errors
///
/// A time-out without a runtime.
pub fn create_pool(manager: Manager, runtime: Option<Runtime>) -> Result<Pool, CreatePoolError> {
    let builder: PoolBuilder = Pool::builder(manager)
        .config(PoolConfig {
            max_size: 2,
            timeouts: Timeouts::wait_millis(0),
            ..Default::default()
        })
        .queue_mode(QueueMode::Lifo)
        .post_create(Hook::sync_fn(|buffer: &mut Vec<u8>, _: &Metrics| {
            buffer.push(1);
            Ok(())
        }));
    let builder = match runtime {
        Some(runtime) => builder.runtime(runtime),
        None => builder,
    };
    builder.build().map_err(CreatePoolError::Build)
}

/// What an application does with it.
///
/// # Errors
///
/// Whatever the pool says.
pub async fn use_it(pool: &Pool) -> Result<usize, AppError> {
    let mut connection = pool.get().await?;
    connection.buffer().push(2);
    let length = connection.buffer().len();
    assert!(Connection::take(connection).is_empty(), "it was detached");
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_backend_of_old_works() {
        let pool = create_pool(Manager::default(), Some(Runtime::Tokio1)).unwrap();
        assert_eq!(use_it(&pool).await.unwrap(), 2);
        let held = [pool.get().await.unwrap(), pool.get().await.unwrap()];
        assert_eq!(use_it(&pool).await.unwrap_err().0, "busy");
        drop(held);
        let Status {
            max_size,
            size,
            available,
            waiting,
        } = pool.status();
        assert_eq!((max_size, size, available, waiting), (2, 2, 2, 0));
        pool.close();
        assert_eq!(use_it(&pool).await.unwrap_err().0, "closed");
    }

    #[tokio::test]
    async fn its_errors_are_its_own() {
        let pool = create_pool(Manager { down: true }, Some(Runtime::Tokio1)).unwrap();
        assert_eq!(use_it(&pool).await.unwrap_err().0, "down");
        let refused = create_pool(Manager::default(), None).unwrap_err();
        assert!(matches!(
            refused,
            CreatePoolError::Build(BuildError::NoRuntimeSpecified)
        ));
    }
}

//! The pool of objects that a [`Manager`] makes and checks: deadpool's names, and more beside them.
//!
//! ```text
//! get → claim, or stand in line and perhaps connect → check → Object → drop → return or hand-over
//!       (get.rs)                                      (check.rs)       (object.rs, and tether.rs beside)
//! ```
//!
//! # Examples
//!
//! ```
//! use millpond::managed::{Manager, Metrics, Pool, RecycleResult};
//!
//! struct Computers;
//! struct Computer;
//!
//! impl Manager for Computers {
//!     type Type = Computer;
//!     type Error = std::convert::Infallible;
//!
//!     async fn create(&self) -> Result<Computer, Self::Error> {
//!         Ok(Computer)
//!     }
//!
//!     async fn recycle(&self, _: &mut Computer, _: &Metrics) -> RecycleResult<Self::Error> {
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let pool: Pool<Computers> = Pool::builder(Computers).max_size(2).build().unwrap();
//! let computer = pool.get().await.unwrap();
//! drop(computer);
//! assert_eq!(pool.snapshot().idle, 1);
//! # }
//! ```

mod acquire;
mod alarm;
mod aside;
mod attempt;
mod bell;
mod budget;
mod builder;
mod chance;
mod check;
mod config;
mod connect;
mod core;
mod errors;
mod flow;
mod gate;
mod get;
mod held;
mod hooks;
mod keeper;
mod lifecycle;
mod manager;
mod metrics;
mod object;
mod observed;
mod options;
mod pool;
mod ready;
pub mod reexports;
mod retain;
pub mod settings;
mod slot;
mod storm;
mod upkeep;
mod watch;

pub use self::acquire::{Acquire, AcquireError, LastFailure, Reason};
pub use self::bell::Bell;
pub use self::budget::{Budget, BudgetShare, BudgetSnapshot};
pub use self::builder::{BuildError, PoolBuilder};
pub use self::config::{CreatePoolError, PoolConfig, QueueMode, Timeouts};
pub use self::errors::{PoolError, RecycleError, TimeoutType};
pub use self::gate::Priority;
pub use self::hooks::{Hook, HookError, HookFuture, HookResult};
pub use self::lifecycle::{Drain, Undrained};
pub use self::manager::{Manager, RecycleResult};
pub use self::metrics::Metrics;
pub use self::object::{Object, ObjectId};
pub use self::options::Defaults;
pub use self::pool::{Pool, WeakPool};
pub use self::ready::{ReadyError, ReadyStep};
pub use self::retain::RetainResult;
pub use self::settings::{Settings, SettingsError};
pub use crate::Status;
pub use crate::observe::{Checkout, Snapshot};

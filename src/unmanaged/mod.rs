//! The pool of objects that you put in: deadpool's names, on the same engine as [`managed`](crate::managed).
//!
//! Nothing is made and nothing is checked here. Objects are put in when the pool is made, or later by
//! [`Pool::add`] and [`Pool::try_add`]; they leave it by [`Object::take`] and [`Pool::remove`].
//!
//! ```text
//! get → claim, or stand in line → Object → drop → return or hand-over
//!       (get.rs)                  (object.rs, and tether.rs beside)
//! add → room, or stand in the line of those who add → idle or hand-over
//!       (add.rs)
//! ```
//!
//! # Examples
//!
//! ```
//! use millpond::unmanaged::Pool;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let pool = Pool::from(["north", "south"]);
//! let mill = pool.get().await.unwrap();
//! assert_eq!(*mill, "south", "the one that came last");
//! assert_eq!((pool.status().available, pool.status().waiting), (1, 0));
//!
//! // There is room for two. The third waits until one has left for good.
//! let adds = pool.add("east");
//! let leaves = async { millpond::unmanaged::Object::take(mill) };
//! let (added, left) = tokio::join!(adds, leaves);
//! assert!(added.is_ok());
//! assert_eq!(left, "south");
//! # }
//! ```

mod add;
mod config;
mod core;
mod errors;
mod get;
mod object;
mod observed;
mod pool;

pub use self::config::PoolConfig;
pub use self::errors::PoolError;
pub use self::object::Object;
pub use self::pool::Pool;
pub use crate::Status;
pub use crate::observe::Snapshot;

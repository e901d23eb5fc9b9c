//! What a crate with a manager of its own exports for its users.
//!
//! Crates that are built on this one (or on deadpool, whose macro this is) write:
//!
//! ```text
//! pub use deadpool::managed::reexports::*;
//! deadpool::managed_reexports!("name_of_crate", Manager, Object<Manager>, Error, ConfigError);
//! ```

pub use crate::Runtime;
pub use crate::Status;
pub use crate::managed::{Metrics, ObjectId, PoolConfig, TimeoutType, Timeouts};

/// Type aliases for a crate that has a manager of its own, by whatever name it knows this one.
#[macro_export]
macro_rules! managed_reexports {
    ($crate_name:literal, $Manager:ty, $Wrapper:ty, $Error:ty, $ConfigError:ty) => {
        #[doc = concat!("A pool of [`", $crate_name, "`] objects.")]
        pub type Pool = $crate::managed::Pool<$Manager, $Wrapper>;

        #[doc = concat!("A handle on a pool of [`", $crate_name, "`] objects that does not keep it open.")]
        pub type WeakPool = $crate::managed::WeakPool<$Manager, $Wrapper>;

        #[doc = concat!("A builder of pools of [`", $crate_name, "`] objects.")]
        pub type PoolBuilder = $crate::managed::PoolBuilder<$Manager, $Wrapper>;

        #[doc = concat!("Why a pool of [`", $crate_name, "`] objects could not be built.")]
        pub type BuildError = $crate::managed::BuildError;

        #[doc = concat!("Why a configuration did not become a pool of [`", $crate_name, "`] objects.")]
        pub type CreatePoolError = $crate::managed::CreatePoolError<$ConfigError>;

        #[doc = concat!("Why a pool of [`", $crate_name, "`] objects has none to give.")]
        pub type PoolError = $crate::managed::PoolError<$Error>;

        #[doc = concat!("An object of [`", $crate_name, "`] that was taken from its pool.")]
        pub type Object = $crate::managed::Object<$Manager>;

        #[doc = concat!("A hook on a pool of [`", $crate_name, "`] objects.")]
        pub type Hook = $crate::managed::Hook<$Manager>;

        #[doc = concat!("Why a hook turned a [`", $crate_name, "`] object down.")]
        pub type HookError = $crate::managed::HookError<$Error>;

        #[doc = concat!("In which order idle [`", $crate_name, "`] objects are given out.")]
        pub type QueueMode = $crate::managed::QueueMode;
    };
}

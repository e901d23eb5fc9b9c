//! The hooks of a world's pool.

use super::{Hand, Scripts, World};
use crate::script::{Script, ScriptedError};
use millpond::managed::{Hook, HookError, HookFuture, Pool, PoolBuilder};

impl World {
    /// A builder of a pool whose hooks follow this world's scripts as well, and whose objects come in [`Hand`]s.
    ///
    /// A pool without hooks and hands is built with `Pool::builder(world.clone())`.
    pub fn builder(&self) -> PoolBuilder<Self, Hand> {
        Pool::builder(self.clone())
            .post_create(self.hook(|scripts| &scripts.post_create))
            .pre_recycle(self.hook(|scripts| &scripts.pre_recycle))
            .post_recycle(self.hook(|scripts| &scripts.post_recycle))
    }

    fn hook(&self, script: fn(&Scripts) -> &Script) -> Hook<Self> {
        let world = self.clone();
        Hook::async_fn(move |_, _| -> HookFuture<'_, ScriptedError> {
            let step = script(&world).next();
            Box::pin(async move { step.play().await.map_err(HookError::Backend) })
        })
    }
}

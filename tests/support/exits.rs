//! Every way for an object to leave its pool, as a move on a pool of one object.

use super::scene::Scene;
use super::{Gate, Step};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// A way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Take,
    Retain,
    ShrinkIdle,
    ShrinkBusy,
    CloseIdle,
    CloseBusy,
    Broken,
    BrokenPanics,
    PreRecycleFails,
    PreRecyclePanics,
    PreRecycleCancelled,
    RecycleFails,
    RecyclePanics,
    RecycleCancelled,
    PostRecycleFails,
    PostRecyclePanics,
    PostRecycleCancelled,
    PostCreateFails,
    PostCreatePanics,
    PostCreateCancelled,
    SurplusConnect,
    ConnectAfterClose,
    ProbeFails,
    ProbePanics,
    ProbeCancelled,
    TidyFails,
    TidyPanics,
    TidyTooLong,
}

impl Exit {
    pub const ALL: [Self; 28] = [
        Self::Take,
        Self::Retain,
        Self::ShrinkIdle,
        Self::ShrinkBusy,
        Self::CloseIdle,
        Self::CloseBusy,
        Self::Broken,
        Self::BrokenPanics,
        Self::PreRecycleFails,
        Self::PreRecyclePanics,
        Self::PreRecycleCancelled,
        Self::RecycleFails,
        Self::RecyclePanics,
        Self::RecycleCancelled,
        Self::PostRecycleFails,
        Self::PostRecyclePanics,
        Self::PostRecycleCancelled,
        Self::PostCreateFails,
        Self::PostCreatePanics,
        Self::PostCreateCancelled,
        Self::SurplusConnect,
        Self::ConnectAfterClose,
        Self::ProbeFails,
        Self::ProbePanics,
        Self::ProbeCancelled,
        Self::TidyFails,
        Self::TidyPanics,
        Self::TidyTooLong,
    ];

    /// Whether there is this way without a background.
    pub fn needs_runtime(self) -> bool {
        matches!(
            self,
            Self::ConnectAfterClose | Self::TidyFails | Self::TidyPanics | Self::TidyTooLong
        )
    }

    /// Without and with a background, where there is this way.
    pub fn runtimes(self) -> impl Iterator<Item = bool> {
        let without = !self.needs_runtime();
        [false, true]
            .into_iter()
            .filter(move |with| *with || without)
    }

    /// Whether the pool is closed by it.
    pub fn closes(self) -> bool {
        matches!(
            self,
            Self::CloseIdle | Self::CloseBusy | Self::ConnectAfterClose
        )
    }

    /// Sends the first object of an empty pool of one this way; panics on the way are swallowed. In the
    /// end nobody holds or waits, and the pool is of one again, or closed.
    pub fn play(self, scene: &Scene) {
        match self {
            Self::Take => ignore(|| drop(scene.hold().take())),
            Self::Retain => {
                drop(scene.hold());
                ignore(|| drop(scene.retain(|_| false)));
            }
            Self::ShrinkIdle | Self::ShrinkBusy => self.shrink(scene),
            Self::CloseIdle => {
                drop(scene.hold());
                ignore(|| scene.pool.close());
            }
            Self::CloseBusy => {
                let held = scene.hold();
                scene.pool.close();
                ignore(|| drop(held));
            }
            Self::Broken | Self::BrokenPanics => {
                let held = scene.hold();
                let panics = self == Self::BrokenPanics;
                let step = if panics { Step::Panic } else { Step::Err };
                scene.world.broken.then(step);
                ignore(|| drop(held));
            }
            Self::SurplusConnect | Self::ConnectAfterClose => self.connect_too_late(scene),
            Self::ProbeFails | Self::ProbePanics | Self::ProbeCancelled => self.probe(scene),
            Self::TidyFails | Self::TidyPanics | Self::TidyTooLong => self.tidy(scene),
            _ => self.fail_a_step(scene),
        }
    }

    fn shrink(self, scene: &Scene) {
        let mut held = Some(scene.hold());
        if self == Self::ShrinkIdle {
            held = None;
        }
        ignore(|| scene.pool.resize(0));
        ignore(|| drop(held));
        ignore(|| scene.pool.resize(1));
    }

    fn connect_too_late(self, scene: &Scene) {
        let gate = Gate::new();
        scene.world.create.then(Step::at(&gate));
        let mut getter = scene.get().waits();
        if self == Self::ConnectAfterClose {
            // Abandoned before the close, it is under way in the background.
            getter.cancel().unwrap();
            scene.settle();
            scene.pool.close();
            gate.open();
            return scene.settle();
        }
        scene.pool.resize(0);
        gate.open();
        ignore(|| drop(getter.poll()));
        drop(getter);
        scene.pool.resize(1);
    }

    fn probe(self, scene: &Scene) {
        scene.world.probe.then(match self {
            Self::ProbeFails => Step::Err,
            Self::ProbePanics => Step::Panic,
            _ => Step::Never,
        });
        let mut warm = scene.polled(scene.pool.warm_up(1));
        ignore(|| drop(warm.poll()));
        let _ = warm.cancel();
    }

    fn tidy(self, scene: &Scene) {
        let held = scene.hold();
        scene.world.untidy.then(Step::Err);
        scene.world.tidy.then(match self {
            Self::TidyFails => Step::Err,
            Self::TidyPanics => Step::Panic,
            _ => Step::Never,
        });
        drop(held);
        scene.settle();
        if self == Self::TidyTooLong {
            scene.advance(Duration::from_secs(6));
        }
    }

    /// A check, or the hook of a new object, that fails, panics or is cancelled.
    fn fail_a_step(self, scene: &Scene) {
        let fresh = matches!(
            self,
            Self::PostCreateFails | Self::PostCreatePanics | Self::PostCreateCancelled
        );
        if !fresh {
            drop(scene.hold());
        }
        let world = &scene.world;
        let (script, step) = match self {
            Self::PreRecycleFails => (&world.pre_recycle, Step::Err),
            Self::PreRecyclePanics => (&world.pre_recycle, Step::Panic),
            Self::PreRecycleCancelled => (&world.pre_recycle, Step::Never),
            Self::RecycleFails => (&world.recycle, Step::Err),
            Self::RecyclePanics => (&world.recycle, Step::Panic),
            Self::RecycleCancelled => (&world.recycle, Step::Never),
            Self::PostRecycleFails => (&world.post_recycle, Step::Err),
            Self::PostRecyclePanics => (&world.post_recycle, Step::Panic),
            Self::PostRecycleCancelled => (&world.post_recycle, Step::Never),
            Self::PostCreateFails => (&world.post_create, Step::Err),
            Self::PostCreatePanics => (&world.post_create, Step::Panic),
            _ => (&world.post_create, Step::Never),
        };
        script.then(step);
        let mut getter = scene.get();
        ignore(|| drop(getter.poll()));
        let _ = getter.cancel();
        if self == Self::PostCreateCancelled && scene.handle().is_some() {
            // It goes on in the background, but not for ever.
            scene.settle();
            scene.advance(Duration::from_secs(11));
        }
    }
}

/// Whether `step` panics.
pub fn panics(step: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(step)).is_err()
}

/// Runs `step`, whatever it panics with.
pub fn ignore(step: impl FnOnce()) {
    let _ = panics(step);
}

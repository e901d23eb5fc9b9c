//! The scout of a pool whose connections lead to a host that is not its first choice: it tries the better ones from
//! time to time, so that neither a getter pays for one that is still dead, nor the pool stays where it is for ever.

use super::route::Route;
use crate::engine::sync::Mutex;
use crate::managed::Bell;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// The one scout of a manager, while it is out. Dropped, it is called off.
#[derive(Debug)]
pub(super) struct Scout {
    pause: Duration,
    out: Mutex<Option<AbortHandle>>,
}

impl Scout {
    pub(super) fn new(pause: Duration) -> Self {
        Self {
            pause,
            out: Mutex::new(None),
        }
    }

    /// Sends it out on this route, if there is something to be seen and it is not out already.
    pub(super) fn send(&self, route: &Route, runtime: &Handle, bell: Option<&Bell>) {
        if self.pause == Duration::MAX || route.search.worth_a_look().is_empty() {
            return;
        }
        let mut out = self.out.lock();
        if out.as_ref().is_none_or(AbortHandle::is_finished) {
            let round = look_around(route.clone(), self.pause, runtime.clone(), bell.cloned());
            let task = runtime.spawn(round);
            *out = Some(task.abort_handle());
        }
    }
}

impl Drop for Scout {
    fn drop(&mut self) {
        if let Some(task) = self.out.lock().take() {
            task.abort();
        }
    }
}

/// Until there is nothing better to be found. What it connects to it lets go at once: that the host serves is
/// written down by the search, and the pool is told, so that those lying idle elsewhere go.
async fn look_around(route: Route, pause: Duration, runtime: Handle, bell: Option<Bell>) {
    loop {
        tokio::time::sleep(pause).await;
        let places = route.search.worth_a_look();
        if places.is_empty() {
            return;
        }
        if route.go_to(&places, &runtime).await.is_ok() {
            bell.iter().for_each(Bell::ring);
        }
    }
}

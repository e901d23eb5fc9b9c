use super::Manager;
use super::core::Core;
use super::slot::Slot;

/// A slot in hand: dropped, it goes back to its pool.
pub(crate) struct Held<M: Manager>(Option<Box<Slot<M>>>);

impl<M: Manager> Held<M> {
    pub(crate) fn new(slot: Box<Slot<M>>) -> Self {
        Self(Some(slot))
    }

    pub(crate) fn slot(&mut self) -> &mut Slot<M> {
        self.0.as_mut().expect("here until it is kept")
    }

    /// It does not go back.
    pub(crate) fn keep(mut self) -> Box<Slot<M>> {
        self.0.take().expect("here until it is kept")
    }
}

impl<M: Manager> Drop for Held<M> {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            Core::give_back(slot);
        }
    }
}

//! The hand of a test's user: the wrapper type of the tests' pools, which says who holds an object.

use super::world::{Thing, World};
use millpond::managed::{Metrics, Object, ObjectId};
use std::ops::Deref;

/// An object in somebody's hand. Dropped, the object goes back.
#[derive(Debug)]
pub struct Hand(Option<Object<World>>);

impl From<Object<World>> for Hand {
    fn from(object: Object<World>) -> Self {
        object.world().pick_up(&object);
        Self(Some(object))
    }
}

impl Hand {
    /// Takes the object out of its pool.
    pub fn take(self) -> Thing {
        self.goes_away();
        Object::take(self.into_object())
    }

    /// The object without the hand.
    pub fn into_object(mut self) -> Object<World> {
        let object = self.0.take().expect("here until it is put down");
        object.world().put_down(&object);
        object
    }

    pub fn object(&self) -> &Object<World> {
        self.0.as_ref().expect("here until it is put down")
    }

    pub fn object_id(&self) -> ObjectId {
        Object::id(self.object())
    }

    pub fn metrics(&self) -> Metrics {
        *Object::metrics(self.object())
    }
}

impl Deref for Hand {
    type Target = Thing;
    fn deref(&self) -> &Thing {
        self.object()
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        if let Some(object) = &self.0 {
            object.world().put_down(object);
        }
    }
}

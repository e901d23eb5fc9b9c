//! The hand of a pool's user: the wrapper type of a world's pools, which says who holds an object.

use super::{Thing, World};
use millpond::managed::{Metrics, Object, ObjectId};
use std::ops::Deref;

/// An object in somebody's hand: in a `Pool<World, Hand>`, the book knows that it is held. Dropped, the object goes back.
#[derive(Debug)]
pub struct Hand(Option<Object<World>>);

impl From<Object<World>> for Hand {
    fn from(object: Object<World>) -> Self {
        object.world().book().pick_up(object.id);
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
        object.world().book().put_down(object.id);
        object
    }

    /// The object in it.
    pub fn object(&self) -> &Object<World> {
        self.0.as_ref().expect("here until it is put down")
    }

    /// The number of its object in its pool, which is not that in the world.
    pub fn object_id(&self) -> ObjectId {
        Object::id(self.object())
    }

    /// What the pool knows of its object.
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
            object.world().book().put_down(object.id);
        }
    }
}

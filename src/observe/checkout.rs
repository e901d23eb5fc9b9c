use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// An object that is out: who took it, and how long ago.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checkout {
    /// The object's number, as [`Object::id`](crate::managed::Object::id) shows it.
    pub id: usize,
    /// How long it has been out.
    pub held: Duration,
    /// The file and line of the `get` or `acquire`.
    pub caller: &'static Location<'static>,
    /// What the taker called itself ([`Acquire::label`](crate::managed::Acquire::label)).
    pub label: Option<Arc<str>>,
}

impl fmt::Display for Checkout {
    /// `src/checkout.rs:88 for 41.0 s`, and the label where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.caller.file(), self.caller.line())?;
        if let Some(label) = &self.label {
            write!(f, " ({label})")?;
        }
        write!(f, " for {:.1} s", self.held.as_secs_f64())
    }
}

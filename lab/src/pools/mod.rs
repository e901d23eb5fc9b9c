//! The pools that this program can drive.

mod millpond;

pub use self::millpond::{Millpond, Own, Works};
pub(crate) use self::millpond::{look, refusal};

use crate::subject::Maker;
use std::sync::Arc;

/// Those of this project.
pub fn own() -> Vec<Arc<dyn Maker>> {
    vec![Arc::new(Millpond)]
}

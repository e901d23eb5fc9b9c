//! The fuzz targets as plain functions of bytes: what libFuzzer calls, and what the tests replay the
//! corpus through.

mod config;
mod operations;
mod word;

pub use config::config;
pub use operations::operations;
pub use word::word;

//! Everything that is exported is in the table of metrics, and everything of the table is exported, with the
//! figures that the pools have.

mod events;
mod expected;
mod opentelemetry;
mod page;
mod pools;
mod prometheus;
mod secrets;

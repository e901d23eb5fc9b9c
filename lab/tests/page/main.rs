//! What a report looks like: the page, and the table in the terminal.

mod browser;
mod fixture;
mod html;
mod looks;

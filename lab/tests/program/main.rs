//! The program as its users have it: what it says when it is told something wrong, and what it leaves behind when it is
//! stopped.

#![cfg(unix)]

mod ends;
mod misuse;
mod started;

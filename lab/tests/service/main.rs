//! The example service, over real sockets: what each address says, who is turned away and how, and how it ends.

mod away;
mod endings;
mod says;
mod stage;

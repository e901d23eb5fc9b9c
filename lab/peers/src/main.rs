//! The lab's program with the pools of other projects beside millpond's; `cargo lab compare` builds it.

use millpond_lab::pools;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut makers = pools::own();
    makers.extend(millpond_lab_peers::all());
    millpond_lab::main(makers)
}

//! The exhaustion lab's program, with millpond's own pools. `lab/peers` is the same with other pools beside it.

use millpond_lab::pools;
use std::process::ExitCode;

fn main() -> ExitCode {
    millpond_lab::main(pools::own())
}

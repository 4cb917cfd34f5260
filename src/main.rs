//! The `brevet` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    brevet::cli::run(std::env::args_os())
}

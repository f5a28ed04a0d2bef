//! The `ocelli` command.
//!
//! `args` says what can be typed, `settings` what it means; every command is a file of `commands`
//! that calls the libraries and shows what they answer. Data goes to stdout through `output`,
//! everything else to stderr through `talk`, and every failure leaves through `failure`.

#![forbid(unsafe_code)]

mod args;
mod circumstances;
mod commands;
mod device;
mod failure;
mod memory;
mod output;
mod own_place;
mod panic_hook;
mod run_data;
mod settings;
mod signals;
mod talk;
mod whole_file;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    panic_hook::install();
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            // A reader of the help that has gone away is no failure.
            let _ = usage.print();
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(failure::USAGE));
        }
    };
    talk::start(&cli.global);
    match commands::run(cli) {
        Ok(done) => done.into(),
        Err(error) => failure::report(&error),
    }
}

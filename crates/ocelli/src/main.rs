//! The `ocelli` command.
//!
//! `args` says what can be typed, `settings` what it means; every command is a file of `commands`
//! that calls the libraries and shows what they answer. Data goes to stdout through `output`,
//! everything else to stderr through `talk`, and every failure leaves through `failure`.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod args;
mod commands;
mod device;
mod failure;
mod memory;
mod npy;
mod output;
mod own_files;
mod panic_hook;
mod run_data;
mod settings;
mod signals;
mod talk;
mod whole_file;

use clap::Parser;
use std::process::ExitCode;

/// Prints help, or what is wrong with a command line. What was typed may be the name of a stranger's file,
/// as behind a glob; then there are no colours, and no commands to the terminal.
fn print_usage(usage: &clap::Error) {
    let is_plain =
        |word: std::ffi::OsString| output::plain(&word.to_string_lossy()).len() == word.len();
    if !usage.use_stderr() || std::env::args_os().all(is_plain) {
        // A reader of the help that has gone away is no failure.
        let _ = usage.print();
    } else {
        talk::line(&output::plain_lines(&usage.render().to_string()));
    }
}

fn main() -> ExitCode {
    panic_hook::install();
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            print_usage(&usage);
            return ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(failure::USAGE));
        }
    };
    talk::start(cli.global.color, cli.global.quiet);
    talk::listen(cli.global.quiet, cli.global.verbose);
    match commands::run(cli) {
        Ok(done) => done.into(),
        Err(error) => failure::report(&error),
    }
}

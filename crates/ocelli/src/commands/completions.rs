//! `ocelli completions`: what a shell needs to complete commands and flags.

use clap_complete::Shell;
use serde_json::json;

use crate::failure::Done;
use crate::settings::Settings;

const EXAMPLES: &str = "\
Examples:
  ocelli completions bash > ~/.local/share/bash-completion/completions/ocelli
  ocelli completions zsh > ~/.zfunc/_ocelli
  ocelli completions fish > ~/.config/fish/completions/ocelli.fish";

/// What can be typed after `ocelli completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the completions of `command`, all that can be typed.
pub(crate) fn run(
    args: &Args,
    mut command: clap::Command,
    mut settings: Settings,
) -> anyhow::Result<Done> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "ocelli", &mut script);
    let script = String::from_utf8_lossy(&script);
    settings.output.text(script.trim_end())?;
    settings.output.finish(&json!({ "shell": args.shell.to_string(), "script": script }))?;
    Ok(Done::Complete)
}

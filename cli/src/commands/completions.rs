//! `barnabas completions`: scripts with which shells complete commands and options.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{Cli, output};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    barnabas completions bash > ~/.local/share/bash-completion/completions/barnabas\n  \
    barnabas completions zsh > \"${fpath[1]}/_barnabas\"\n  \
    barnabas completions fish > ~/.config/fish/completions/barnabas.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<()> {
    Ok(output::bytes(&script(args.shell))?)
}

/// In memory first: clap panics where it cannot write.
fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "barnabas", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_learns_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = String::from_utf8(script(shell)).expect("text");
            for word in ["add-partitions", "bootstrap-server", "end-to-end"] {
                assert!(script.contains(word), "{shell}: no {word}");
            }
        }
    }
}

//! `barnabas man`: manual pages, one to standard output or all into a directory.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use crate::{Cli, output};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    barnabas man topic create | man -l -\n  \
    barnabas man --all /usr/local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The command whose page to print; barnabas itself without one.
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Write the pages of all commands into this directory.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    all: Option<PathBuf>,
}

pub(crate) fn run(args: &ManArgs) -> anyhow::Result<()> {
    let mut root = Cli::command();
    // Gives every command below its full name.
    root.build();
    match &args.all {
        Some(dir) => {
            std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
            for command in with_subcommands(&root) {
                let path = dir.join(format!("{}.1", full_name(command)));
                std::fs::write(&path, page(command)?)
                    .with_context(|| path.display().to_string())?;
            }
            Ok(())
        }
        None => Ok(output::bytes(&page(find(&root, &args.command)?)?)?),
    }
}

fn full_name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}

fn find<'a>(root: &'a Command, names: &[String]) -> anyhow::Result<&'a Command> {
    names.iter().try_fold(root, |command, name| {
        let unknown = || format!("{} has no command {name}", full_name(command).replace('-', " "));
        command.find_subcommand(name).with_context(unknown)
    })
}

fn with_subcommands(command: &Command) -> Vec<&Command> {
    // `barnabas help` repeats all the others.
    let below = command.get_subcommands().filter(|below| below.get_name() != "help");
    std::iter::once(command).chain(below.flat_map(with_subcommands)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_by_name() {
        let mut root = Cli::command();
        root.build();
        let names = ["topic".to_owned(), "create".to_owned()];
        let create = page(find(&root, &names).expect("a command")).expect("a page");
        let create = String::from_utf8(create).expect("text");
        for part in [".TH barnabas-topic-create 1", "replication\\-factor", "partitions 6"] {
            assert!(create.contains(part), "no {part} in {create}");
        }
        let unknown = find(&root, &["topic".to_owned(), "x".to_owned()]).expect_err("unknown");
        assert_eq!(unknown.to_string(), "barnabas topic has no command x");
        let names: Vec<_> = with_subcommands(&root).into_iter().map(full_name).collect();
        assert!(names.contains(&"barnabas") && names.contains(&"barnabas-perf-end-to-end"));
    }
}

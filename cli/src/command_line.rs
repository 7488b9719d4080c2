//! Parses command lines, and prints help, versions and mistakes.
//!
//! clap wraps help at the width of the terminal, examples included, and a command that is broken
//! over two lines cannot be copied. So the blanks of examples, the indented lines of `after_help`,
//! are no-break spaces until they are printed: clap does not wrap there.

mod retired;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Parser};

/// The version as `barnabas --version` prints it.
pub(crate) const VERSION: &str = concat!("barnabas ", env!("CARGO_PKG_VERSION"));

/// The version as Kafka's tools print it: first the number, without a name.
const VERSION_AS_KAFKA: &str = concat!(env!("CARGO_PKG_VERSION"), " (Barnabas)");

/// clap's exit code for a command line that is wrong.
const WRONG_USAGE: i32 = 2;
/// That of Kafka's tools.
const WRONG_USAGE_AS_KAFKA: i32 = 1;

const NO_BREAK_SPACE: char = '\u{a0}';

/// Parses a command line of `barnabas`; does not return if there is only something to print.
pub(crate) fn parse<T: Parser>(arguments: &[OsString]) -> T {
    try_parse(arguments).unwrap_or_else(|error| {
        print(&error);
        process::exit(if error.use_stderr() { WRONG_USAGE } else { 0 })
    })
}

/// Parses a command line of one of Kafka's tools; does not return if there is only something to
/// print.
pub(crate) fn parse_as_kafka<T: Parser>(arguments: &[OsString]) -> T {
    try_parse(arguments).unwrap_or_else(|error| {
        match (error.kind(), retired_flag::<T>(&error)) {
            // An output that nobody reads any more is no mistake.
            (ErrorKind::DisplayVersion, _) => {
                let _ = crate::output::line(VERSION_AS_KAFKA);
            }
            (_, Some(sentence)) => crate::output::note(sentence),
            _ => print(&error),
        }
        process::exit(if error.use_stderr() { WRONG_USAGE_AS_KAFKA } else { 0 })
    })
}

fn try_parse<T: Parser>(arguments: &[OsString]) -> Result<T, clap::Error> {
    let mut command = protect_examples(T::command());
    let matches = command.try_get_matches_from_mut(arguments)?;
    T::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// What to say of an option that Kafka's tool had once, or has and this one lacks.
fn retired_flag<T: Parser>(error: &clap::Error) -> Option<String> {
    let unknown = error.kind() == ErrorKind::UnknownArgument;
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg).filter(|_| unknown)
    else {
        return None;
    };
    let advice = retired::advice(T::command().get_name(), flag)?;
    Some(format!("{flag} is not an option of this tool: {advice}"))
}

/// Makes the examples of a command and of all below it unbreakable.
fn protect_examples(command: Command) -> Command {
    let command = command.mut_subcommands(protect_examples);
    match command.get_after_help().map(ToString::to_string) {
        Some(text) => command.after_help(protect_indented(&text)),
        None => command,
    }
}

fn protect_indented(text: &str) -> String {
    let protect = |line: &str| match line.starts_with("  ") {
        true => line.replace(' ', &NO_BREAK_SPACE.to_string()),
        false => line.to_owned(),
    };
    text.split('\n').map(protect).collect::<Vec<_>>().join("\n")
}

/// Prints what clap says, in colour on a terminal.
fn print(error: &clap::Error) {
    let rendered = error.render();
    let text = |terminal: bool| {
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty());
        let text = if colour { rendered.ansi().to_string() } else { rendered.to_string() };
        text.replace(NO_BREAK_SPACE, " ")
    };
    // Nobody has to read it.
    let _ = if error.use_stderr() {
        let stderr = io::stderr();
        let text = text(stderr.is_terminal());
        stderr.lock().write_all(text.as_bytes())
    } else {
        let stdout = io::stdout();
        let text = text(stdout.is_terminal());
        stdout.lock().write_all(text.as_bytes())
    };
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::Cli;

    /// All commands with their full names.
    fn commands(prefix: &str, command: &Command, found: &mut Vec<(String, Command)>) {
        let name = format!("{prefix}{}", command.get_name());
        for below in command.get_subcommands() {
            commands(&format!("{name} "), below, found);
        }
        found.push((name, command.clone()));
    }

    #[test]
    fn examples_are_never_broken() {
        let mut all = Vec::new();
        commands("", &protect_examples(Cli::command()), &mut all);
        assert!(all.len() > 15, "{}", all.len());
        for (name, command) in all {
            let Some(text) = command.get_after_help().map(ToString::to_string) else { continue };
            let help = command.clone().term_width(40).render_help().to_string();
            for line in text.lines().filter(|line| line.contains(NO_BREAK_SPACE)) {
                assert!(help.lines().any(|printed| printed == line), "{name}: {line} in\n{help}");
            }
            let outside = text.lines().filter(|line| !line.contains(NO_BREAK_SPACE));
            let mention = |line: &&str| line.contains("barnabas ") || line.contains("kafka-");
            let loose: Vec<_> = outside.filter(mention).collect();
            assert!(loose.is_empty(), "{name}: a command outside the indented lines: {loose:?}");
        }
    }

    #[test]
    fn retired_flags_are_explained() {
        #[derive(Debug, Parser)]
        #[command(name = "kafka-topics")]
        struct Tool {
            #[arg(long)]
            list: bool,
        }
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        let error = try_parse::<Tool>(&words("kafka-topics --list --zookeeper=z:2181"));
        let sentence = retired_flag::<Tool>(&error.expect_err("unknown")).expect("explained");
        assert!(sentence.starts_with("--zookeeper is not"), "{sentence}");
        assert!(sentence.contains("--bootstrap-server"), "{sentence}");
        let error = try_parse::<Tool>(&words("kafka-topics --lst"));
        assert_eq!(retired_flag::<Tool>(&error.expect_err("unknown")), None);
    }
}

//! Writes results to standard output and notes to standard error. `println!` would panic when the
//! reader of a pipe has gone (`| head -1`); here that is an error, for which `main` ends quietly.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use clap::ValueEnum;

/// How a command prints its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Writes a line to standard output.
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Writes a JSON value to standard output.
pub(crate) fn json(value: &serde_json::Value) -> io::Result<()> {
    line(format_args!("{value:#}"))
}

/// Writes raw bytes to standard output.
pub(crate) fn bytes(bytes: &[u8]) -> io::Result<()> {
    io::stdout().lock().write_all(bytes)
}

/// Writes a line to standard error, if that is open.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a command failed only because the reader of its output has gone.
pub(crate) fn reader_left(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use barnabas_client::{Address, ClientError};

    use super::*;

    #[test]
    fn only_the_output_may_be_left() {
        let broken = || io::Error::from(ErrorKind::BrokenPipe);
        assert!(reader_left(&Err::<(), _>(broken()).context("listing").unwrap_err()));
        assert!(!reader_left(&io::Error::from(ErrorKind::StorageFull).into()));
        let peer = ClientError::Broken { address: Address::new("h", 1), source: broken() };
        assert!(!reader_left(&peer.into()));
    }
}

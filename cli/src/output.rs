//! Lines for people and scripts. Not `println!`, which panics when nobody reads any more (`| head -1`): that is no
//! mistake, and `main` ends quietly for it.

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

/// Writes a line to standard error, if that is open.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a command ended because whoever read its output has read enough.
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

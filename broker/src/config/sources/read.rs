//! The I/O of loading: the file and the machine's name.

use std::path::Path;

use super::properties::decode;
use super::{ConfigError, ConfigErrors, ConfigFile, Origin, Sources};

impl Sources {
    /// Reads the file and the machine's name; environment and overrides are passed through.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        overrides: &[String],
    ) -> Result<Self, ConfigErrors> {
        Ok(Self {
            file: file.map(read_file).transpose()?,
            environment: environment.into_iter().collect(),
            overrides: overrides.to_vec(),
            host_name: host_name(),
        })
    }
}

fn read_file(path: &Path) -> Result<ConfigFile, ConfigErrors> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => Ok(ConfigFile { name, text: decode(bytes) }),
        Err(error) => {
            let message = format!("cannot be read: {error}");
            let origin = Some(Origin::File { name, line: None });
            Err(ConfigErrors(vec![ConfigError { origin, message }]))
        }
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

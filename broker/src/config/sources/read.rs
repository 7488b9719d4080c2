//! Reads the configuration file.

use std::path::Path;

use super::properties::decode;
use super::{ConfigError, ConfigErrors, ConfigFile, Origin, Sources};

impl Sources {
    /// Reads the file; environment and overrides are passed through.
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
            presets: Vec::new(),
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

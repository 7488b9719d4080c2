//! Parses `--add-config a=b,c=[d,e]` and `--delete-config f,g`.

use std::collections::BTreeSet;

use anyhow::{Context, bail};

/// Changes to the settings of one topic or broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    /// Keys with their new values, in the order given.
    pub(crate) set: Vec<(String, String)>,
    /// Keys whose values are removed, so that the default applies again.
    pub(crate) delete: Vec<String>,
}

impl Changes {
    pub(crate) fn parse(add: Option<&str>, delete: Option<&str>) -> anyhow::Result<Self> {
        let keys =
            delete.unwrap_or_default().split(',').map(str::trim).filter(|key| !key.is_empty());
        Self {
            set: parse_settings(add.unwrap_or_default())?,
            delete: keys.map(str::to_owned).collect(),
        }
        .checked()
    }

    /// Adds settings that were read from a file.
    pub(crate) fn with(
        mut self,
        more: impl IntoIterator<Item = (String, String)>,
    ) -> anyhow::Result<Self> {
        self.set.extend(more);
        self.checked()
    }

    fn checked(self) -> anyhow::Result<Self> {
        let deleted: BTreeSet<_> = self.delete.iter().collect();
        match self.set.iter().find(|(key, _)| deleted.contains(key)) {
            Some((key, _)) => bail!("{key} cannot be set and deleted at once"),
            None => Ok(self),
        }
    }
}

/// Splits `a=b,c=[d,e]`. Brackets are for values that contain commas.
fn parse_settings(text: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut settings = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').with_context(|| not_a_setting(rest))?;
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('[') {
            Some(list) => {
                let (value, next) = list.split_once(']').with_context(|| not_a_setting(rest))?;
                (value, next.trim_start())
            }
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        if key.trim().is_empty() || key.contains(',') || !(next.is_empty() || next.starts_with(','))
        {
            bail!(not_a_setting(rest));
        }
        settings.push((key.trim().to_owned(), value.trim().to_owned()));
        rest = next.trim_start_matches(',').trim();
    }
    Ok(settings)
}

fn not_a_setting(text: &str) -> String {
    format!(
        "Invalid entity config: all configs to be added must be in the format \"key=val\" or \
         \"key=[val1,val2]\" to group values which contain commas, not: {text}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Vec<(String, String)> {
        Changes::parse(Some(text), None).expect("settings").set
    }

    #[test]
    fn settings_are_split_at_commas_but_for_those_in_brackets() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(set("a=b,c=[d,e]"), [pair("a", "b"), pair("c", "d,e")]);
        assert_eq!(set("c=[d,e], a = b "), [pair("c", "d,e"), pair("a", "b")]);
        assert_eq!(set("a=,b=x=y"), [pair("a", ""), pair("b", "x=y")]);
        assert_eq!(set("a=b,"), [pair("a", "b")]);
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for text in ["a", "a,b=c", "=b", "a=[b", "a=[b]c", "a=b,c"] {
            assert!(Changes::parse(Some(text), None).is_err(), "{text}");
        }
        assert!(Changes::parse(Some("a=b"), Some("c, a")).is_err());
        assert_eq!(Changes::parse(None, Some("a, b,")).expect("keys").delete, ["a", "b"]);
    }
}

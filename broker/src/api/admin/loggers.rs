//! The levels of this broker's loggers as configurations (BROKER_LOGGER, KIP-412).

use std::collections::HashSet;

use barnabas_protocol::kafka::error_code::ErrorCode;

use super::config_resource::Refusal;
use crate::config::{AlterOperation, Alteration};
use crate::telemetry::{LevelChange, LevelError, LogLevel, LogLevels};

/// Changes the levels of one request, all or none.
pub(super) fn alter(
    levels: &LogLevels,
    alterations: &[Alteration],
    validate_only: bool,
) -> Result<(), Refusal> {
    let mut named = HashSet::new();
    if let Some(twice) = alterations.iter().find(|one| !named.insert(one.name.as_str())) {
        let message = format!("The logger {} is named more than once.", twice.name);
        return Err(Refusal::invalid_request(message));
    }
    let changes = alterations.iter().map(change).collect::<Result<Vec<_>, _>>()?;
    levels.change(&changes, validate_only).map_err(|error| {
        let code = match error {
            LevelError::UnknownLogger(_) => ErrorCode::InvalidConfig,
            LevelError::RootRemoved => ErrorCode::InvalidRequest,
        };
        Refusal::new(code, error.to_string())
    })
}

fn change(alteration: &Alteration) -> Result<LevelChange, Refusal> {
    let Alteration { name, operation, value } = alteration;
    let level = match operation {
        AlterOperation::Delete => None,
        AlterOperation::Set => Some(level(name, value.as_deref())?),
        AlterOperation::Append | AlterOperation::Subtract => {
            let message = format!("The level of the logger {name} is no list.");
            return Err(Refusal::invalid_request(message));
        }
    };
    Ok(LevelChange { logger: name.clone(), level })
}

fn level(logger: &str, value: Option<&str>) -> Result<LogLevel, Refusal> {
    let Some(value) = value else {
        let message = format!("The logger {logger} needs a level.");
        return Err(Refusal::invalid_request(message));
    };
    LogLevel::from_name(value).ok_or_else(|| {
        let all = LogLevel::ALL.map(LogLevel::name).join(", ");
        let message = format!("{value} is no level for the logger {logger}; there are {all}.");
        Refusal::new(ErrorCode::InvalidConfig, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(name: &str, operation: AlterOperation, value: Option<&str>) -> ErrorCode {
        let one = Alteration { name: name.into(), operation, value: value.map(Into::into) };
        let altered = alter(&LogLevels::default(), &[one], true);
        altered.map_or_else(|refusal| refusal.code, |()| ErrorCode::None)
    }

    #[test]
    fn refusals_are_those_of_kafka() {
        use AlterOperation::{Append, Delete, Set, Subtract};
        let net = "barnabas_broker.net";
        for level in LogLevel::ALL {
            assert_eq!(code(net, Set, Some(level.name())), ErrorCode::None);
        }
        assert_eq!(code(net, Delete, None), ErrorCode::None);
        assert_eq!(code("root", Set, Some("DEBUG")), ErrorCode::None);
        for (name, operation, value) in [
            (net, Append, Some("INFO")),
            (net, Subtract, Some("INFO")),
            (net, Set, None),
            ("root", Delete, None),
        ] {
            assert_eq!(code(name, operation, value), ErrorCode::InvalidRequest);
        }
        for (name, operation, value) in [
            (net, Set, Some("debug")),
            (net, Set, Some("OFF")),
            ("no.such.logger", Set, Some("INFO")),
            ("no.such.logger", Delete, None),
        ] {
            assert_eq!(code(name, operation, value), ErrorCode::InvalidConfig);
        }
    }
}

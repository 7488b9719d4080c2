//! Errors of changing configurations.

use barnabas_protocol::kafka::ErrorCode;

use super::topics::controller;
use crate::config::AlterError;
use crate::controller::AlterConfigError;

pub(crate) fn alter_config(error: &AlterConfigError) -> ErrorCode {
    match error {
        AlterConfigError::UnknownTopic(_) => ErrorCode::UnknownTopicOrPartition,
        AlterConfigError::InvalidConfig(_) => ErrorCode::InvalidConfig,
        AlterConfigError::Controller(error) => controller(*error),
    }
}

/// Errors of the checks that come before the controller is asked.
pub(crate) const fn alter(error: &AlterError) -> ErrorCode {
    match error {
        AlterError::Request(_) => ErrorCode::InvalidRequest,
        AlterError::Config(_) => ErrorCode::InvalidConfig,
    }
}

//! Authentication, access control lists, SCRAM credentials and quotas. This broker has none of them
//! yet: questions are answered exactly (there is nothing), and changes are refused with the reason.

pub(crate) mod alter_client_quotas;
pub(crate) mod alter_user_scram_credentials;
pub(crate) mod create_acls;
pub(crate) mod delete_acls;
pub(crate) mod describe_acls;
pub(crate) mod describe_client_quotas;
pub(crate) mod describe_user_scram_credentials;
pub mod sasl;

/// What Kafka answers to everything about ACLs where no authorizer is configured, with
/// SECURITY_DISABLED.
const NO_AUTHORIZER: &str = "No authorizer is configured: this broker has no access control lists.";

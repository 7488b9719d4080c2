//! AlterClientQuotas: sets and removes quotas of users and clients (KIP-546).

use crate::kafka::{ErrorCode, Str};

api! {
    AlterClientQuotas: versions 0..=1, flexible 1..;

    /// The changes.
    request AlterClientQuotasRequest {
        /// The entities and the changes to each.
        entries: Vec<EntryData>;
        /// Whether to check only and change nothing.
        validate_only: bool;
    }

    /// One result for each entity.
    response AlterClientQuotasResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The results.
        entries: Vec<EntryResult>;
    }

    /// The changes to one entity.
    struct EntryData {
        /// The parts of the entity.
        entity: Vec<EntityData>;
        /// The changes.
        ops: Vec<OpData>;
    }

    /// One part of an entity.
    struct EntityData {
        /// The type: `user`, `client-id` or `ip`.
        entity_type: Str;
        /// The name, or null for the default.
        entity_name: Option<Str> = Some(Str::default());
    }

    /// One change.
    struct OpData {
        /// The name of the quota.
        key: Str;
        /// The value to set.
        value: f64;
        /// Whether the quota is removed instead.
        remove: bool;
    }

    /// The result of one entity; Kafka's schema calls it `EntryData`, too.
    struct EntryResult {
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// The parts of the entity.
        entity: Vec<EntityData>;
    }
}

//! DescribeClientQuotas: lists the quotas of users and clients (KIP-546).

use crate::kafka::{ErrorCode, Str};

api! {
    DescribeClientQuotas: versions 0..=1, flexible 1..;

    /// The filter.
    request DescribeClientQuotasRequest {
        /// The parts of the filter; an entity is listed if all of them match it.
        components: Vec<ComponentData>;
        /// Whether entities that have further parts are left out.
        strict: bool;
    }

    /// The quotas.
    response DescribeClientQuotasResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// The entities that have quotas, or null after an error.
        entries: Option<Vec<EntryData>> = Some(Vec::new());
    }

    /// One part of the filter.
    struct ComponentData {
        /// The type of the entity: `user`, `client-id` or `ip`.
        entity_type: Str;
        /// 0 matches a name, 1 the default, 2 any name.
        match_type: i8;
        /// The name, or null.
        r#match: Option<Str> = Some(Str::default());
    }

    /// The quotas of one entity.
    struct EntryData {
        /// The parts of the entity.
        entity: Vec<EntityData>;
        /// The quotas.
        values: Vec<ValueData>;
    }

    /// One part of an entity.
    struct EntityData {
        /// The type: `user`, `client-id` or `ip`.
        entity_type: Str;
        /// The name, or null for the default.
        entity_name: Option<Str> = Some(Str::default());
    }

    /// One quota.
    struct ValueData {
        /// The name of the quota.
        key: Str;
        /// Its value.
        value: f64;
    }
}

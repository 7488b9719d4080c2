//! The dynamic configuration of brokers.

use barnabas_protocol::state::ids::BrokerId;

use super::Image;
use crate::config::Overrides;

impl Image {
    /// What was changed of a broker's configuration while it ran.
    #[must_use]
    pub fn overrides(&self, broker: BrokerId) -> Overrides<'_> {
        let of = |id| self.broker_configs.get(&id).map(|config| &config.values);
        Overrides { broker: of(Some(broker)), cluster: of(None) }
    }
}

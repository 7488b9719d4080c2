//! The definition of one configuration key, and the words for the tables of keys.

/// Kafka's type of a value; decides how it is parsed and what DescribeConfigs calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, in any case.
    Boolean,
    /// Any text.
    String,
    /// A signed 32-bit number.
    Int,
    /// A signed 16-bit number.
    Short,
    /// A signed 64-bit number.
    Long,
    /// A decimal number.
    Double,
    /// Comma-separated items.
    List,
    /// The name of a Java class: nothing that this broker could load.
    Class,
    /// Text that is never shown again.
    Password,
}

/// The allowed values of the right type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check {
    /// All of them.
    Any,
    /// This number and larger ones.
    AtLeast(i64),
    /// Numbers from the first to the second, both included.
    Between(i64, i64),
    /// Decimal numbers from the first to the second, both included.
    Fraction(f64, f64),
    /// Numbers from the first to the second, or -1 for the codec's default.
    BetweenOrMinusOne(i64, i64),
    /// One of these words; for a list, each item.
    OneOf(&'static [&'static str]),
    /// One of these words in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// At least one character; for a list, at least one item.
    NotEmpty,
    /// `*`, or a list of `partition:broker`.
    ThrottledReplicas,
    /// A list of `address:count`.
    IpLimits,
}

/// How important the key is, in Kafka's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// Look at it before production.
    High,
    /// Worth knowing.
    Medium,
    /// Rarely touched.
    Low,
}

/// Whether the key can be changed while the broker runs (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Only by a restart.
    ReadOnly,
    /// At run time, for one broker at a time.
    PerBroker,
    /// At run time, for one broker or as the default of all.
    ClusterWide,
    /// At run time, for all brokers together only.
    ClusterOnly,
}

/// What this broker does with the key. No key is accepted and then ignored in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It does what Kafka's documentation says.
    Honoured,
    /// It has no effect: accepted with a warning that gives this reason and the replacement.
    Inert(&'static str),
    /// Only the default and these values are honoured; others are refused for this reason.
    Only(&'static [&'static str], &'static str),
}

/// What the key configures. Some names exist in both scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Overrides of one topic.
    Topic,
    /// A broker's own settings and the defaults of the topics.
    Broker,
}

/// One configuration key.
#[derive(Clone, Copy, Debug)]
pub struct ConfigDef {
    /// Kafka's name.
    pub name: &'static str,
    /// Topic or broker.
    pub scope: Scope,
    /// The type.
    pub kind: Kind,
    /// Kafka's default in its text form; `None` is null.
    pub default: Option<&'static str>,
    /// The allowed values.
    pub check: Check,
    /// How much it matters.
    pub importance: Importance,
    /// Whether it can change at run time.
    pub update: Update,
    /// What this broker does with it.
    pub support: Support,
    /// One or two sentences in our own words.
    pub doc: &'static str,
}

impl ConfigDef {
    /// Whether values must not be shown or logged.
    #[must_use]
    pub fn sensitive(&self) -> bool {
        self.kind == Kind::Password
    }

    /// Whether the key can only change by a restart.
    #[must_use]
    pub fn read_only(&self) -> bool {
        self.update == Update::ReadOnly
    }
}

impl Kind {
    /// The name in Kafka's messages ("Not a number of type INT").
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }

    /// The number in a DescribeConfigs response (KIP-569).
    #[must_use]
    pub fn wire(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::String => 2,
            Self::Int => 3,
            Self::Short => 4,
            Self::Long => 5,
            Self::Double => 6,
            Self::List => 7,
            Self::Class => 8,
            Self::Password => 9,
        }
    }
}

/// A table of keys of one scope; in each row, in this order: name, type, default, check,
/// importance, update, support, documentation. Words such as `Long` and `HONOURED` are those of
/// this module.
macro_rules! keys {
    ($(#[$attr:meta])* $table:ident, $scope:ident: $(
        $name:literal, $kind:ident, $default:expr, $check:expr, $importance:ident, $update:ident, $support:expr,
        $doc:literal;
    )*) => {
        $(#[$attr])*
        pub(in crate::config) static $table: &[crate::config::ConfigDef] = &[$(crate::config::ConfigDef {
            name: $name,
            scope: crate::config::Scope::$scope,
            kind: crate::config::Kind::$kind,
            default: $default,
            check: $check,
            importance: crate::config::Importance::$importance,
            update: crate::config::Update::$update,
            support: $support,
            doc: $doc,
        }),*];
    };
}
pub(in crate::config) use keys;

//! TLS, authorization and delegation tokens.

use super::def::Check::{Any, AtLeast, OneOf};
use super::def::Support::{Inert, Only};
use super::def::keys;
use crate::config::keys::reasons::{AUTHORIZER, CLASS, TLS, TOKENS};

keys! {
    /// TLS, authorization and delegation tokens.
    SECURITY, Broker:
    "authorizer.class.name", String, Some(""), Any, Low, ReadOnly, Only(&[], AUTHORIZER),
        "The authorizer; empty lets everybody do everything.";
    "principal.builder.class", Class, Some("org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder"),
        Any, Medium, ReadOnly,
        Only(&[], CLASS),
        "Java class that names who is connected.";
    "security.providers", String, None, Any, Low, ReadOnly, Only(&[], CLASS),
        "Java classes that provide security algorithms.";
    "delegation.token.expiry.check.interval.ms", Long, Some("3600000"), AtLeast(1), Low, ReadOnly,
        Inert(TOKENS),
        "Milliseconds between two searches for expired tokens.";
    "delegation.token.expiry.time.ms", Long, Some("86400000"), AtLeast(1), Medium, ReadOnly,
        Inert(TOKENS),
        "Milliseconds that a token is valid before it must be renewed.";
    "delegation.token.max.lifetime.ms", Long, Some("604800000"), AtLeast(1), Medium, ReadOnly,
        Inert(TOKENS),
        "Milliseconds after which a token cannot be renewed any more.";
    "delegation.token.secret.key", Password, None, Any, Medium, ReadOnly, Inert(TOKENS),
        "Secret from which tokens are made.";
    "ssl.engine.factory.class", Class, None, Any, Low, ClusterWide, Only(&[], CLASS),
        "Java class that makes TLS engines.";
    "ssl.allow.dn.changes", Boolean, Some("false"), Any, Low, ReadOnly, Inert(TLS),
        "Whether a new certificate may have another distinguished name.";
    "ssl.allow.san.changes", Boolean, Some("false"), Any, Low, ReadOnly, Inert(TLS),
        "Whether a new certificate may lack some alternative names.";
    "ssl.cipher.suites", List, Some(""), Any, Medium, PerBroker, Inert(TLS),
        "The allowed cipher suites.";
    "ssl.client.auth", String, Some("none"),
        OneOf(&["required", "requested", "none"]), Medium, PerBroker,
        Inert(TLS),
        "Whether clients must show a certificate.";
    "ssl.enabled.protocols", List, Some("TLSv1.2,TLSv1.3"), Any, Medium, PerBroker, Inert(TLS),
        "The allowed versions of TLS.";
    "ssl.endpoint.identification.algorithm", String, Some("https"), Any, Low, PerBroker, Inert(TLS),
        "How the name in a server's certificate is checked.";
    "ssl.key.password", Password, None, Any, Medium, PerBroker, Inert(TLS),
        "Password of the private key.";
    "ssl.keymanager.algorithm", String, Some("SunX509"), Any, Medium, PerBroker, Inert(TLS),
        "Java's key manager.";
    "ssl.keystore.certificate.chain", Password, None, Any, Medium, PerBroker, Inert(TLS),
        "Certificate chain in PEM.";
    "ssl.keystore.key", Password, None, Any, Medium, PerBroker, Inert(TLS),
        "Private key in PEM.";
    "ssl.keystore.location", String, None, Any, Medium, PerBroker, Inert(TLS),
        "File of the key store.";
    "ssl.keystore.password", Password, None, Any, Medium, PerBroker, Inert(TLS),
        "Password of the key store.";
    "ssl.keystore.type", String, Some("JKS"), Any, Medium, PerBroker, Inert(TLS),
        "Format of the key store.";
    "ssl.principal.mapping.rules", String, Some("DEFAULT"), Any, Low, ReadOnly, Inert(TLS),
        "Rules that make a user's name from a certificate's.";
    "ssl.protocol", String, Some("TLSv1.3"), Any, Medium, PerBroker, Inert(TLS),
        "Version of TLS that is preferred.";
    "ssl.provider", String, None, Any, Medium, PerBroker, Inert(TLS),
        "Java's security provider.";
    "ssl.secure.random.implementation", String, None, Any, Low, PerBroker, Inert(TLS),
        "Java's source of random numbers.";
    "ssl.trustmanager.algorithm", String, Some("PKIX"), Any, Medium, PerBroker, Inert(TLS),
        "Java's trust manager.";
    "ssl.truststore.certificates", Password, None, Any, Medium, PerBroker, Inert(TLS),
        "Trusted certificates in PEM.";
    "ssl.truststore.location", String, None, Any, Medium, PerBroker, Inert(TLS),
        "File of the trust store.";
    "ssl.truststore.password", Password, None, Any, Medium, PerBroker, Inert(TLS),
        "Password of the trust store.";
    "ssl.truststore.type", String, Some("JKS"), Any, Medium, PerBroker, Inert(TLS),
        "Format of the trust store.";
}

//! Authentication, which does not exist here yet.

use super::def::Check::{Any, Between, OneOfAnyCase};
use super::def::Support::Inert;
use super::def::keys;
use crate::config::keys::reasons::SASL;

keys! {
    /// Authentication, which does not exist here yet.
    SASL_KEYS, Broker:
    "connections.max.reauth.ms", Long, Some("0"), Any, Medium, ReadOnly, Inert(SASL),
        "Milliseconds after which a client must authenticate again.";
    "sasl.client.callback.handler.class", Class, None, Any, Medium, ReadOnly, Inert(SASL),
        "Java class for the client's side of authentication.";
    "sasl.enabled.mechanisms", List, Some("GSSAPI"), Any, Medium, PerBroker, Inert(SASL),
        "The mechanisms that clients may use.";
    "sasl.jaas.config", Password, None, Any, Medium, PerBroker, Inert(SASL),
        "Login settings in JAAS form.";
    "sasl.kerberos.kinit.cmd", String, Some("/usr/bin/kinit"), Any, Medium, PerBroker, Inert(SASL),
        "Path of kinit.";
    "sasl.kerberos.min.time.before.relogin", Long, Some("60000"), Any, Medium, PerBroker,
        Inert(SASL),
        "Milliseconds between two Kerberos logins.";
    "sasl.kerberos.principal.to.local.rules", List, Some("DEFAULT"), Any, Medium, PerBroker,
        Inert(SASL),
        "Rules that make a user's name from a Kerberos principal.";
    "sasl.kerberos.service.name", String, None, Any, Medium, PerBroker, Inert(SASL),
        "Kerberos name of the brokers' service.";
    "sasl.kerberos.ticket.renew.jitter", Double, Some("0.05"), Any, Medium, PerBroker, Inert(SASL),
        "Random share of the time before a ticket is renewed.";
    "sasl.kerberos.ticket.renew.window.factor", Double, Some("0.8"), Any, Medium, PerBroker,
        Inert(SASL),
        "Share of a ticket's life after which it is renewed.";
    "sasl.login.callback.handler.class", Class, None, Any, Medium, ReadOnly, Inert(SASL),
        "Java class for logging in.";
    "sasl.login.class", Class, None, Any, Medium, ReadOnly, Inert(SASL),
        "Java class that logs in.";
    "sasl.login.connect.timeout.ms", Int, None, Any, Low, ReadOnly, Inert(SASL),
        "Milliseconds that connecting to the identity provider may take.";
    "sasl.login.read.timeout.ms", Int, None, Any, Low, ReadOnly, Inert(SASL),
        "Milliseconds that the identity provider's answer may take.";
    "sasl.login.refresh.buffer.seconds", Short, Some("300"), Any, Medium, PerBroker, Inert(SASL),
        "Seconds before its end at which a credential is refreshed at the latest.";
    "sasl.login.refresh.min.period.seconds", Short, Some("60"), Any, Medium, PerBroker, Inert(SASL),
        "Seconds between two refreshes of a credential.";
    "sasl.login.refresh.window.factor", Double, Some("0.8"), Any, Medium, PerBroker, Inert(SASL),
        "Share of a credential's life after which it is refreshed.";
    "sasl.login.refresh.window.jitter", Double, Some("0.05"), Any, Medium, PerBroker, Inert(SASL),
        "Random share of the time before a refresh.";
    "sasl.login.retry.backoff.max.ms", Long, Some("10000"), Any, Low, ReadOnly, Inert(SASL),
        "Longest pause before another login.";
    "sasl.login.retry.backoff.ms", Long, Some("100"), Any, Low, ReadOnly, Inert(SASL),
        "First pause before another login.";
    "sasl.mechanism.controller.protocol", String, Some("GSSAPI"), Any, High, ReadOnly, Inert(SASL),
        "Mechanism of connections to the controller.";
    "sasl.mechanism.inter.broker.protocol", String, Some("GSSAPI"), Any, Medium, PerBroker,
        Inert(SASL),
        "Mechanism of connections between brokers.";
    "sasl.oauthbearer.assertion.algorithm", String, Some("RS256"),
        OneOfAnyCase(&["ES256", "RS256"]), Medium, ReadOnly,
        Inert(SASL),
        "Algorithm that signs assertions.";
    "sasl.oauthbearer.assertion.claim.aud", String, None, Any, Medium, ReadOnly, Inert(SASL),
        "Audience claim of assertions.";
    "sasl.oauthbearer.assertion.claim.exp.seconds", Int, Some("300"),
        Between(0, 86_400), Low, ReadOnly,
        Inert(SASL),
        "Seconds that an assertion is valid.";
    "sasl.oauthbearer.assertion.claim.iss", String, None, Any, Medium, ReadOnly, Inert(SASL),
        "Issuer claim of assertions.";
    "sasl.oauthbearer.assertion.claim.jti.include", Boolean, Some("false"), Any, Medium, ReadOnly,
        Inert(SASL),
        "Whether assertions get an id.";
    "sasl.oauthbearer.assertion.claim.nbf.seconds", Int, Some("60"),
        Between(0, 3600), Low, ReadOnly,
        Inert(SASL),
        "Seconds that an assertion's validity is dated back.";
    "sasl.oauthbearer.assertion.claim.sub", String, None, Any, Medium, ReadOnly, Inert(SASL),
        "Subject claim of assertions.";
    "sasl.oauthbearer.assertion.file", String, None, Any, Medium, ReadOnly, Inert(SASL),
        "File with a finished assertion.";
    "sasl.oauthbearer.assertion.private.key.file", String, None, Any, Medium, ReadOnly, Inert(SASL),
        "File of the key that signs assertions.";
    "sasl.oauthbearer.assertion.private.key.passphrase", Password, None, Any, Medium, ReadOnly,
        Inert(SASL),
        "Password of the key that signs assertions.";
    "sasl.oauthbearer.assertion.template.file", String, None, Any, Medium, ReadOnly, Inert(SASL),
        "File with a template of assertions.";
    "sasl.oauthbearer.client.credentials.client.id", String, None, Any, Medium, ReadOnly,
        Inert(SASL),
        "Client id at the identity provider.";
    "sasl.oauthbearer.client.credentials.client.secret", Password, None, Any, Medium, ReadOnly,
        Inert(SASL),
        "Client secret at the identity provider.";
    "sasl.oauthbearer.clock.skew.seconds", Int, Some("30"), Any, Low, ReadOnly, Inert(SASL),
        "Seconds that clocks may differ.";
    "sasl.oauthbearer.expected.audience", List, Some(""), Any, High, ReadOnly, Inert(SASL),
        "Audiences of which a token must name one.";
    "sasl.oauthbearer.expected.issuer", String, None, Any, High, ReadOnly, Inert(SASL),
        "Issuer that a token must name.";
    "sasl.oauthbearer.jwks.endpoint.refresh.ms", Long, Some("3600000"), Any, Low, ReadOnly,
        Inert(SASL),
        "Milliseconds between two fetches of the signing keys.";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", Long, Some("10000"), Any, Low, ReadOnly,
        Inert(SASL),
        "Longest pause before another fetch of the signing keys.";
    "sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", Long, Some("100"), Any, Low, ReadOnly,
        Inert(SASL),
        "First pause before another fetch of the signing keys.";
    "sasl.oauthbearer.jwks.endpoint.url", String, None, Any, Medium, ReadOnly, Inert(SASL),
        "Where the signing keys are.";
    "sasl.oauthbearer.jwt.retriever.class", Class, Some("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever"),
        Any, Medium, ReadOnly,
        Inert(SASL),
        "Java class that gets tokens.";
    "sasl.oauthbearer.jwt.validator.class", Class, Some("org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator"),
        Any, Medium, ReadOnly,
        Inert(SASL),
        "Java class that checks tokens.";
    "sasl.oauthbearer.scope", String, None, Any, Medium, ReadOnly, Inert(SASL),
        "Scope to ask for.";
    "sasl.oauthbearer.scope.claim.name", String, Some("scope"), Any, Low, ReadOnly, Inert(SASL),
        "Name of the scope claim.";
    "sasl.oauthbearer.sub.claim.name", String, Some("sub"), Any, Low, ReadOnly, Inert(SASL),
        "Name of the subject claim.";
    "sasl.oauthbearer.token.endpoint.url", String, None, Any, Medium, ReadOnly, Inert(SASL),
        "Where tokens come from.";
    "sasl.server.callback.handler.class", Class, None, Any, Medium, ReadOnly, Inert(SASL),
        "Java class for the server's side of authentication.";
    "sasl.server.max.receive.size", Int, Some("524288"), Any, Medium, ReadOnly, Inert(SASL),
        "Largest message during authentication.";
}

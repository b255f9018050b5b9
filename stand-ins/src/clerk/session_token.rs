//! Session tokens in Clerk's format, in both versions.
//! <https://clerk.com/docs/guides/sessions/session-tokens>

use serde_json::{Value, json};

use super::{
    keys::INSTANCE_KEY,
    user::{Organization, User},
};
use crate::{jwt::RsaKey, random_hex};

/// The issuer of the tokens: the instance's Frontend API.
pub const ISSUER: &str = "https://clerk.anteroom.localhost";

/// The default page that session tokens are issued to (`azp`).
pub const AUTHORIZED_PARTY: &str = "http://localhost:3000";

/// The lifetime of a session token, in seconds.
pub const SESSION_TOKEN_SECONDS: u64 = 60;

/// A token is valid from ten seconds before it was issued, to allow for slow clocks.
const NOT_BEFORE_SECONDS: u64 = 10;

/// The category of a session token, in its header.
const SESSION_TOKEN_CATEGORY: &str = "cl_B7d4PD111AAA";

/// The category of a token made from a JWT template, in its header.
const TEMPLATE_TOKEN_CATEGORY: &str = "cl_B7d4PD222AAA";

/// The header of a session token under the instance's first key.
pub fn session_header() -> Value {
    session_header_of(&INSTANCE_KEY)
}

/// The header of a token made from a JWT template, under the instance's first key.
pub fn template_header() -> Value {
    template_header_of(&INSTANCE_KEY)
}

pub(super) fn session_header_of(key: &RsaKey) -> Value {
    header(SESSION_TOKEN_CATEGORY, key)
}

pub(super) fn template_header_of(key: &RsaKey) -> Value {
    header(TEMPLATE_TOKEN_CATEGORY, key)
}

fn header(category: &str, key: &RsaKey) -> Value {
    json!({"alg": "RS256", "cat": category, "kid": key.kid, "typ": "JWT"})
}

/// The claims of a session token (version 2) issued at this Unix time.
pub fn session_claims(user: &User, issued_at: u64) -> Value {
    let mut claims = base_claims(user, issued_at);
    claims["v"] = json!(2);
    if let Some(organization) = &user.organization {
        let (compact, features) = compact_organization(organization);
        claims["o"] = compact;
        if let Some(features) = features {
            claims["fea"] = json!(features);
        }
    }
    claims
}

/// The claims of a version 1 session token, which Clerk still issues for older instances.
pub fn session_claims_version_1(user: &User, issued_at: u64) -> Value {
    let mut claims = base_claims(user, issued_at);
    if let Some(organization) = &user.organization {
        claims["org_id"] = json!(organization.id);
        claims["org_slug"] = json!(organization.slug);
        claims["org_role"] = json!(format!("org:{}", organization.role));
        let permissions = organization.permissions.iter();
        claims["org_permissions"] = permissions
            .map(|(feature, permission)| json!(format!("org:{feature}:{permission}")))
            .collect();
    }
    claims
}

/// The claims of a token made from a JWT template: the default claims, overridden by the
/// template's. It names no session.
pub(super) fn template_claims(template: &Value, user: &User, issued_at: u64) -> Value {
    let mut claims = json!({
        "azp": AUTHORIZED_PARTY,
        "exp": issued_at + SESSION_TOKEN_SECONDS,
        "iat": issued_at,
        "iss": ISSUER,
        "jti": random_hex(20),
        "nbf": issued_at.saturating_sub(NOT_BEFORE_SECONDS),
        "sub": user.id,
    });
    for (name, value) in template.as_object().into_iter().flatten() {
        claims[name] = match value.as_str() {
            Some("{{user.primary_email_address}}") => json!(user.primary_email_address()),
            _ => value.clone(),
        };
    }
    claims
}

fn base_claims(user: &User, issued_at: u64) -> Value {
    json!({
        "azp": AUTHORIZED_PARTY,
        "exp": issued_at + SESSION_TOKEN_SECONDS,
        "fva": [0, -1],
        "iat": issued_at,
        "iss": ISSUER,
        "jti": random_hex(20),
        "nbf": issued_at.saturating_sub(NOT_BEFORE_SECONDS),
        "sid": user.session_id,
        "sts": "active",
        "sub": user.id,
    })
}

/// The `o` claim of version 2 and the features for `fea`. `per` lists the permissions, and `fpm`
/// has a bit mask for each feature, whose lowest bit is the first permission.
fn compact_organization(organization: &Organization) -> (Value, Option<String>) {
    let features = unique(organization.permissions.iter().map(|(feature, _)| feature));
    let permissions = unique(organization.permissions.iter().map(|(_, permission)| permission));
    let mask = |feature: &str| {
        let granted = |permission: &&str| {
            organization.permissions.iter().any(|(f, p)| f == feature && p == permission)
        };
        let bits = permissions.iter().enumerate().filter(|(_, permission)| granted(permission));
        bits.map(|(bit, _)| 1_u64 << bit).sum::<u64>().to_string()
    };
    let mut compact = json!({
        "id": organization.id,
        "rol": organization.role,
        "slg": organization.slug,
    });
    if features.is_empty() {
        return (compact, None);
    }
    let masks: Vec<_> = features.iter().map(|feature| mask(feature)).collect();
    compact["per"] = json!(permissions.join(","));
    compact["fpm"] = json!(masks.join(","));
    let features: Vec<_> = features.iter().map(|feature| format!("o:{feature}")).collect();
    (compact, Some(features.join(",")))
}

fn unique<'a>(names: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut unique = Vec::new();
    for name in names {
        if !unique.contains(&name.as_str()) {
            unique.push(name.as_str());
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packs_the_permissions_of_an_organization() {
        let claims = session_claims(&User::seeded("member"), 1_800_000_000);
        assert_eq!(claims["fea"], "o:articles,o:billing,o:recordings,o:guests,o:rooms");
        assert_eq!(claims["o"]["per"], "read,write,manage,invite,moderate");
        assert_eq!(claims["o"]["fpm"], "3,1,4,8,16");
        assert_eq!(claims["o"]["rol"], "admin");
        assert_eq!(claims["o"]["slg"], "acme");
    }

    #[test]
    fn version_1_spells_the_organization_out() {
        let claims = session_claims_version_1(&User::seeded("member"), 1_800_000_000);
        assert_eq!(claims["org_role"], "org:admin");
        let permissions = [
            "org:articles:read",
            "org:articles:write",
            "org:billing:read",
            "org:recordings:manage",
            "org:guests:invite",
            "org:rooms:moderate",
        ];
        assert_eq!(claims["org_permissions"], json!(permissions));
        assert_eq!((&claims["v"], &claims["o"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn a_session_token_lives_a_minute() {
        let claims = session_claims(&User::seeded("jane"), 1_800_000_000);
        let times = [&claims["nbf"], &claims["iat"], &claims["exp"]];
        assert_eq!(times, [1_799_999_990_u64, 1_800_000_000, 1_800_000_060]);
        assert_eq!(claims["o"], Value::Null, "jane is in no organization");
    }
}

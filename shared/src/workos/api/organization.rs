//! Organizations and their domains.

use serde::Deserialize;

use crate::ids::id;
use crate::json;
use crate::workos::api::email::ascii_domain;

id!(OrganizationId, "an organization");

/// An organization. <https://workos.com/docs/reference/organization>
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    #[serde(default, deserialize_with = "json::or_default")]
    pub name: String,
    #[serde(default, deserialize_with = "json::readable_items")]
    domains: Vec<Domain>,
}

/// A domain that an organization claims.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Domain {
    domain: String,
    #[serde(default, deserialize_with = "json::or_default")]
    state: Option<String>,
}

impl Organization {
    /// Whether the organization has verified `domain`, given in its ASCII form. A domain that it
    /// only claims does not count; otherwise it could redirect other organizations' users to its
    /// own sign-in page.
    pub fn has_verified_domain(&self, domain: &str) -> bool {
        self.domains.iter().any(|own| own.is_verified() && own.is(domain))
    }
}

impl Domain {
    /// `legacy_verified` domains are from before WorkOS verified domains itself.
    fn is_verified(&self) -> bool {
        matches!(self.state.as_deref(), Some("verified" | "legacy_verified"))
    }

    fn is(&self, domain: &str) -> bool {
        ascii_domain(&self.domain).is_some_and(|own| own.eq_ignore_ascii_case(domain))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_verified_domain_counts() {
        for (state, verified) in [
            (json!("verified"), true),
            (json!("legacy_verified"), true),
            (json!("pending"), false),
            (json!("failed"), false),
            (json!("unverified"), false),
            (json!("something_new"), false),
            (json!(null), false),
        ] {
            let organization: Organization = serde_json::from_value(json!({
                "id": "org_1", "name": "Acme", "domains": [
                    {"domain": "other.example", "state": "verified"},
                    {"domain": "Example.com", "state": state},
                ],
            }))
            .expect("an organization");
            assert_eq!(organization.has_verified_domain("example.com"), verified, "{state}");
            assert!(!organization.has_verified_domain("sub.example.com"));
        }
    }

    #[test]
    fn a_domain_is_the_same_in_unicode_and_in_ascii() {
        for own in ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example", " x"] {
            let organization: Organization = serde_json::from_value(json!({
                "id": "org_1", "name": "Acme", "domains": [{"domain": own, "state": "verified"}],
            }))
            .expect("an organization");
            let has = organization.has_verified_domain("xn--bcher-kva.example");
            assert_eq!(has, own != " x", "{own}");
            assert!(!organization.has_verified_domain("bucher.example"));
        }
    }

    #[test]
    fn parts_that_are_absent_or_of_another_type_are_no_obstacle() {
        let good = json!({"domain": "example.com", "state": "verified"});
        for (domains, verified) in [
            (json!(null), false),
            (json!("example.com"), false),
            (json!([]), false),
            (json!([null, 1, "example.com", {"domain": null}, good]), true),
            (json!([{"domain": "example.com", "state": 1}]), false),
            (json!([{"domain": "example.com"}]), false),
        ] {
            for name in [json!("Acme"), json!(null), json!(7)] {
                let organization = json!({"id": "org_1", "name": name, "domains": domains});
                let organization: Organization = serde_json::from_value(organization).expect("one");
                assert_eq!(organization.has_verified_domain("example.com"), verified, "{domains}");
            }
        }
        let least: Organization = serde_json::from_value(json!({"id": "org_1"})).expect("one");
        assert!(!least.has_verified_domain("example.com"));
    }
}

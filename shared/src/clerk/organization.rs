//! A session's active organization, from either version of Clerk's claims.
//! <https://clerk.com/docs/guides/sessions/session-tokens>

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::json;

/// An organization, and what the user may do in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// Its name in URLs, if it has one.
    pub slug: Option<String>,
    /// The user's role in it, such as `org:admin`.
    pub role: Option<String>,
    /// The role's permissions, each as `org:<feature>:<permission>`.
    pub permissions: Vec<String>,
}

/// The claims about an organization. Version 2 keeps them under `o`, version 1 at the top.
///
/// A claim of an unexpected type counts as absent and grants nothing.
#[derive(Deserialize)]
pub(super) struct OrganizationClaims {
    /// JavaScript has one type of number: 2 may be written as 2.0.
    #[serde(default, deserialize_with = "json::or_default")]
    v: Option<f64>,
    #[serde(default, deserialize_with = "compact")]
    o: Option<Compact>,
    #[serde(default, deserialize_with = "json::or_default")]
    fea: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    org_id: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    org_slug: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    org_role: Option<String>,
    #[serde(default, deserialize_with = "json::readable_items")]
    org_permissions: Vec<String>,
}

#[derive(Deserialize)]
struct Compact {
    #[serde(default, deserialize_with = "json::or_default")]
    id: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    slg: Option<String>,
    #[serde(default, deserialize_with = "json::or_default")]
    rol: Option<String>,
    /// The permissions' names, comma separated.
    #[serde(default, deserialize_with = "json::or_default")]
    per: Option<String>,
    /// For each feature of the organization, a bit mask of the granted permissions.
    #[serde(default, deserialize_with = "json::or_default")]
    fpm: Option<String>,
}

/// Reads `o`. serde would also deserialize a struct from a list, which Clerk's SDK does not accept.
fn compact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Compact>, D::Error> {
    let claim = Box::<RawValue>::deserialize(deserializer)?;
    let object = Some(claim.get()).filter(|claim| claim.starts_with('{'));
    Ok(object.and_then(|claim| serde_json::from_str(claim).ok()))
}

impl OrganizationClaims {
    pub(super) fn into_organization(self) -> Option<Organization> {
        if self.v == Some(2.0) {
            return self.o?.into_organization(self.fea.as_deref());
        }
        Some(Organization {
            id: self.org_id?,
            slug: self.org_slug,
            role: self.org_role,
            permissions: self.org_permissions,
        })
    }
}

impl Compact {
    fn into_organization(self, features: Option<&str>) -> Option<Organization> {
        let permissions = permissions(
            features.unwrap_or_default(),
            self.per.as_deref().unwrap_or_default(),
            self.fpm.as_deref().unwrap_or_default(),
        );
        Some(Organization {
            id: self.id?,
            slug: self.slg,
            role: self.rol.map(|role| format!("org:{role}")),
            permissions,
        })
    }
}

/// Expands the bit masks into permissions. Unreadable parts grant nothing.
fn permissions(features: &str, names: &str, masks: &str) -> Vec<String> {
    let of_organization = features.split(',').filter_map(|feature| {
        let (scope, name) = feature.trim().split_once(':')?;
        scope.contains('o').then_some(name)
    });
    of_organization
        .zip(masks.split(','))
        .flat_map(|(feature, mask)| {
            // Rust would also parse a leading `+`.
            let digits = Some(mask.trim()).filter(|mask| !mask.starts_with('+'));
            let mask: u128 = digits.and_then(|mask| mask.parse().ok()).unwrap_or_default();
            names
                .split(',')
                .map(str::trim)
                .enumerate()
                .filter(move |(bit, name)| !name.is_empty() && *bit < 128 && mask & (1 << bit) != 0)
                .map(move |(_, name)| format!("org:{feature}:{name}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn organization(claims: Value) -> Option<Organization> {
        let claims: OrganizationClaims = serde_json::from_value(claims).expect("claims");
        claims.into_organization()
    }

    #[test]
    fn reads_version_1_at_the_top() {
        let read = organization(json!({
            "org_id": "org_1", "org_slug": "acme", "org_role": "org:admin",
            "org_permissions": ["org:rooms:record"],
        }));
        let read = read.expect("an organization");
        assert_eq!(read.id, "org_1");
        assert_eq!(read.role.as_deref(), Some("org:admin"));
        assert_eq!(read.permissions, ["org:rooms:record"]);
        assert_eq!(organization(json!({})), None);
    }

    #[test]
    fn unfolds_the_permissions_of_version_2() {
        let read = organization(json!({
            "v": 2, "fea": "o:rooms,u:profile,uo:files",
            "o": {"id": "org_1", "slg": "acme", "rol": "member", "per": "read,record", "fpm": "3,1"},
        }));
        let read = read.expect("an organization");
        assert_eq!(read.role.as_deref(), Some("org:member"));
        let expected = ["org:rooms:read", "org:rooms:record", "org:files:read"];
        assert_eq!(read.permissions, expected);
    }

    #[test]
    fn version_2_does_not_fall_back_to_version_1() {
        assert_eq!(organization(json!({"v": 2, "org_id": "org_1"})), None);
    }

    #[test]
    fn a_claim_of_another_type_is_absent() {
        let compact = json!({"id": "org_1", "rol": "admin", "per": "read", "fpm": "1"});
        for (claims, expected) in [
            // No organization without a readable id.
            (json!({"v": 2, "o": "org_1"}), None),
            (json!({"v": 2, "o": ["org_1"]}), None),
            (json!({"v": 2, "o": {"id": 1}}), None),
            (json!({"v": 2, "o": null, "fea": null}), None),
            (json!({"org_id": 1, "org_permissions": ["org:rooms:read"]}), None),
            // Unreadable parts are left out.
            (json!({"v": 2, "o": compact, "fea": ["o:rooms"]}), Some(vec![])),
            (
                json!({"v": 2, "o": {"id": "org_1", "per": 1, "fpm": 1}, "fea": "o:rooms"}),
                Some(vec![]),
            ),
            (json!({"v": "2", "org_id": "org_1", "org_permissions": "all"}), Some(vec![])),
            (json!({"org_id": "org_1", "org_permissions": null}), Some(vec![])),
            (
                json!({"v": [], "org_id": "org_1", "org_permissions": [1, "org:rooms:read", null]}),
                Some(vec!["org:rooms:read"]),
            ),
            (json!({"v": 2.0, "o": compact, "fea": "o:rooms"}), Some(vec!["org:rooms:read"])),
        ] {
            let permissions = organization(claims.clone()).map(|found| found.permissions);
            let expected = expected.map(|list| list.into_iter().map(str::to_owned).collect());
            assert_eq!(permissions, expected, "{claims}");
        }
    }

    #[test]
    fn what_cannot_be_read_permits_nothing() {
        for (fea, per, fpm) in [
            ("o:rooms", "read", ""),
            ("o:rooms", "read", "x"),
            ("o:rooms", "read", "-1"),
            ("o:rooms", "read", "+1"),
            ("rooms", "read", "1"),
            ("u:rooms", "read", "1"),
            ("o:rooms", "", "1"),
            ("", "read", "1"),
        ] {
            assert!(permissions(fea, per, fpm).is_empty(), "{fea} {per} {fpm}");
        }
    }
}

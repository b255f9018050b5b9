//! The organization that a session acts in, from either version of Clerk's claims.
//! <https://clerk.com/docs/guides/sessions/session-tokens>

use serde::Deserialize;

/// An organization, and what the user may do in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// Its name in addresses, where it has one.
    pub slug: Option<String>,
    /// The user's role in it, as `org:admin`.
    pub role: Option<String>,
    /// What the role permits, each as `org:<feature>:<permission>`.
    pub permissions: Vec<String>,
}

/// The claims about an organization. Version 2 keeps them under `o`, version 1 at the top.
#[derive(Deserialize)]
pub(super) struct OrganizationClaims {
    v: Option<u32>,
    o: Option<Compact>,
    fea: Option<String>,
    org_id: Option<String>,
    org_slug: Option<String>,
    org_role: Option<String>,
    org_permissions: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Compact {
    id: Option<String>,
    slg: Option<String>,
    rol: Option<String>,
    /// The permissions' names, comma separated.
    per: Option<String>,
    /// For each feature of the organization a number whose bits say which permissions it has.
    fpm: Option<String>,
}

impl OrganizationClaims {
    pub(super) fn into_organization(self) -> Option<Organization> {
        if self.v == Some(2) {
            return self.o?.into_organization(self.fea.as_deref());
        }
        Some(Organization {
            id: self.org_id?,
            slug: self.org_slug,
            role: self.org_role,
            permissions: self.org_permissions.unwrap_or_default(),
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

/// Unfolds the permissions. What cannot be read permits nothing.
fn permissions(features: &str, names: &str, masks: &str) -> Vec<String> {
    let of_organization = features.split(',').filter_map(|feature| {
        let (scope, name) = feature.trim().split_once(':')?;
        scope.contains('o').then_some(name)
    });
    of_organization
        .zip(masks.split(','))
        .flat_map(|(feature, mask)| {
            let mask: u128 = mask.trim().parse().unwrap_or_default();
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
    fn what_cannot_be_read_permits_nothing() {
        for (fea, per, fpm) in [
            ("o:rooms", "read", ""),
            ("o:rooms", "read", "x"),
            ("o:rooms", "read", "-1"),
            ("rooms", "read", "1"),
            ("u:rooms", "read", "1"),
            ("o:rooms", "", "1"),
            ("", "read", "1"),
        ] {
            assert!(permissions(fea, per, fpm).is_empty(), "{fea} {per} {fpm}");
        }
    }
}

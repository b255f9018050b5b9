//! The users of the imitated Clerk instance.

use serde_json::{Value, json};

/// 1 January 2025, in milliseconds: when everything was created.
const CREATED_AT: u64 = 1_735_689_600_000;

/// The fields of the `User` object that are the same for all users, as JSON.
const SAME_FOR_ALL: [(&str, &str); 28] = [
    ("username", "null"),
    ("locale", "null"),
    ("primary_phone_number_id", "null"),
    ("primary_web3_wallet_id", "null"),
    ("password_enabled", "false"),
    ("two_factor_enabled", "false"),
    ("totp_enabled", "false"),
    ("backup_code_enabled", "false"),
    ("phone_numbers", "[]"),
    ("web3_wallets", "[]"),
    ("passkeys", "[]"),
    ("external_accounts", "[]"),
    ("saml_accounts", "[]"),
    ("enterprise_accounts", "[]"),
    ("organization_memberships", "null"),
    ("password_last_updated_at", "null"),
    ("public_metadata", "{}"),
    ("private_metadata", "{}"),
    ("unsafe_metadata", "{}"),
    ("external_id", "null"),
    ("lockout_expires_in_seconds", "null"),
    ("verification_attempts_remaining", "100"),
    ("delete_self_enabled", "true"),
    ("create_organization_enabled", "true"),
    ("create_organizations_limit", "null"),
    ("mfa_enabled_at", "null"),
    ("mfa_disabled_at", "null"),
    ("legal_accepted_at", "null"),
];

/// A user with one active session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user's name in tests and in `GET /dev/session-token?user=`.
    pub short_name: String,
    /// `user_…`, derived from the short name, so that it is the same in every run.
    pub id: String,
    /// `sess_…`, the user's session.
    pub session_id: String,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// The URL of a picture that the user uploaded.
    pub picture: Option<String>,
    /// The addresses, in the order in which they were added.
    pub email_addresses: Vec<EmailAddress>,
    /// The id of one of them.
    pub primary_email_address_id: Option<String>,
    /// Banned by an administrator.
    pub is_banned: bool,
    /// Locked after too many failed attempts.
    pub is_locked: bool,
    /// The organization that is active in the session.
    pub organization: Option<Organization>,
}

/// An e-mail address of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    /// `idn_…`
    pub id: String,
    /// The address itself.
    pub address: String,
    /// Whether it is verified.
    pub is_verified: bool,
}

/// A user's membership in an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// `org_…`
    pub id: String,
    /// The name in URLs.
    pub slug: String,
    /// The role without its `org:`, such as `admin`.
    pub role: String,
    /// Feature and permission, such as `("articles", "read")`.
    pub permissions: Vec<(String, String)>,
}

impl User {
    /// A user without a name, picture or address. The short name should consist of letters and
    /// digits.
    pub fn new(short_name: &str) -> Self {
        Self {
            short_name: short_name.to_owned(),
            id: id("user", short_name),
            session_id: id("sess", short_name),
            first_name: None,
            last_name: None,
            picture: None,
            email_addresses: Vec::new(),
            primary_email_address_id: None,
            is_banned: false,
            is_locked: false,
            organization: None,
        }
    }

    /// One of the users that every instance starts with:
    ///
    /// | short name | has |
    /// |---|---|
    /// | `jane` | everything: Jane Doe, a picture, `jane.doe@example.com` |
    /// | `nameless` | an address, no name |
    /// | `mailless` | a name, and an address that is not primary |
    /// | `several` | three addresses, of which the second is primary |
    /// | `member` | a membership in the organization `acme` |
    /// | `unproven` | a primary address that is not verified |
    /// | `banned`, `locked` | a name and an address, but no access |
    ///
    /// # Panics
    /// If there is no such user.
    pub fn seeded(short_name: &str) -> Self {
        seeded_users()
            .into_iter()
            .find(|user| user.short_name == short_name)
            .unwrap_or_else(|| panic!("no user is called {short_name:?}"))
    }

    /// A copy with a name.
    #[must_use]
    pub fn with_name(mut self, first: &str, last: &str) -> Self {
        self.first_name = Some(first.to_owned());
        self.last_name = Some(last.to_owned());
        self
    }

    /// A copy with an uploaded picture.
    #[must_use]
    pub fn with_picture(mut self, url: &str) -> Self {
        self.picture = Some(url.to_owned());
        self
    }

    /// A copy with one more verified address, not the primary one.
    #[must_use]
    pub fn with_email(mut self, address: &str) -> Self {
        let id = id("idn", &format!("{}{}", self.short_name, self.email_addresses.len()));
        let address = address.to_owned();
        self.email_addresses.push(EmailAddress { id, address, is_verified: true });
        self
    }

    /// A copy with one more verified address, the primary one.
    #[must_use]
    pub fn with_primary_email(self, address: &str) -> Self {
        let mut user = self.with_email(address);
        user.primary_email_address_id =
            user.email_addresses.last().map(|address| address.id.clone());
        user
    }

    /// A copy with all addresses unverified.
    #[must_use]
    pub fn unverified(mut self) -> Self {
        for address in &mut self.email_addresses {
            address.is_verified = false;
        }
        self
    }

    /// A copy with a membership in an organization.
    #[must_use]
    pub fn in_organization(mut self, organization: Organization) -> Self {
        self.organization = Some(organization);
        self
    }

    /// The primary address.
    pub fn primary_email_address(&self) -> Option<&str> {
        let id = self.primary_email_address_id.as_ref()?;
        let address = self.email_addresses.iter().find(|address| address.id == *id)?;
        Some(&address.address)
    }

    /// The `User` object of the Backend API.
    /// <https://clerk.com/docs/reference/backend-api/tag/users>
    pub(super) fn to_json(&self) -> Value {
        let image_url = self.image_url();
        let addresses: Value = self.email_addresses.iter().map(EmailAddress::to_json).collect();
        let mut user = json!({
            "id": self.id,
            "object": "user",
            "first_name": self.first_name,
            "last_name": self.last_name,
            "image_url": image_url,
            "profile_image_url": image_url,
            "has_image": self.picture.is_some(),
            "primary_email_address_id": self.primary_email_address_id,
            "email_addresses": addresses,
            "banned": self.is_banned,
            "locked": self.is_locked,
            "last_sign_in_at": CREATED_AT,
            "last_active_at": CREATED_AT,
            "created_at": CREATED_AT,
            "updated_at": CREATED_AT,
        });
        for (name, value) in SAME_FOR_ALL {
            user[name] = serde_json::from_str(value).unwrap_or_default();
        }
        user
    }

    /// The `Session` object of the Backend API; `now` is in seconds.
    /// <https://clerk.com/docs/reference/backend-api/tag/sessions>
    pub(super) fn session_json(&self, now: u64) -> Value {
        const WEEK: u64 = 7 * 24 * 60 * 60;
        let mut session = json!({
            "object": "session",
            "id": self.session_id,
            "user_id": self.id,
            "client_id": id("client", &self.short_name),
            "actor": null,
            "status": "active",
            "last_active_at": now * 1000,
            "expire_at": (now + WEEK) * 1000,
            "abandon_at": (now + 4 * WEEK) * 1000,
            "created_at": CREATED_AT,
            "updated_at": CREATED_AT,
        });
        if let Some(organization) = &self.organization {
            session["last_active_organization_id"] = json!(organization.id);
        }
        session
    }

    /// Clerk generates a picture for a user who has none.
    fn image_url(&self) -> String {
        let drawn = || format!("https://img.clerk.com/drawn-for-{}", self.id);
        self.picture.clone().unwrap_or_else(drawn)
    }
}

impl EmailAddress {
    fn to_json(&self) -> Value {
        let status = if self.is_verified { "verified" } else { "unverified" };
        json!({
            "id": self.id,
            "object": "email_address",
            "email_address": self.address,
            "reserved": false,
            "verification": {
                "object": "verification_otp",
                "status": status,
                "strategy": "email_code",
                "attempts": 1,
                "expire_at": CREATED_AT,
            },
            "linked_to": [],
            "matches_sso_connection": false,
            "created_at": CREATED_AT,
            "updated_at": CREATED_AT,
        })
    }
}

/// The users that every instance starts with; see [`User::seeded`].
pub fn seeded_users() -> Vec<User> {
    vec![
        User::new("jane")
            .with_name("Jane", "Doe")
            .with_picture("https://img.example.com/jane.png")
            .with_primary_email("jane.doe@example.com"),
        User::new("nameless").with_primary_email("nameless@example.com"),
        User::new("mailless").with_name("Max", "Mailless").with_email("max@example.com"),
        User::new("several")
            .with_name("Sam", "Several")
            .with_email("first@example.com")
            .with_primary_email("second@example.com")
            .with_email("third@example.com"),
        User::new("member")
            .with_name("Mia", "Member")
            .with_primary_email("mia@acme.example.com")
            .in_organization(acme()),
        User::new("unproven")
            .with_name("Una", "Proven")
            .with_primary_email("una@example.com")
            .unverified(),
        User {
            is_banned: true,
            ..User::new("banned").with_name("Ben", "Banned").with_primary_email("ben@example.com")
        },
        User {
            is_locked: true,
            ..User::new("locked").with_name("Lou", "Locked").with_primary_email("lou@example.com")
        },
    ]
}

fn acme() -> Organization {
    let permissions = [
        ("articles", "read"),
        ("articles", "write"),
        ("billing", "read"),
        ("recordings", "manage"),
        ("guests", "invite"),
        ("rooms", "moderate"),
    ];
    Organization {
        id: id("org", "acme"),
        slug: "acme".to_owned(),
        role: "admin".to_owned(),
        permissions: permissions
            .map(|(feature, permission)| (feature.to_owned(), permission.to_owned()))
            .to_vec(),
    }
}

/// An id in Clerk's format, with 27 letters and digits after the prefix, derived from a name.
fn id(kind: &str, name: &str) -> String {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{kind}_{:0<27.27}", format!("2Anteroom{letters}"))
}

//! The seed data of every environment: a user for each possible outcome of a sign-in.

use super::{
    organization::{Membership, Organization},
    user::{Step, User},
};

/// The permission to record that the user `jane` has, and nobody else.
pub const RECORDING_PERMISSION: &str = "recordings:manage";

/// The permission to invite guests that the user `jane` has, and nobody else.
pub const INVITE_PERMISSION: &str = "guests:invite";

/// The permission to moderate that the user `jane` has, and nobody else.
pub const MODERATE_PERMISSION: &str = "rooms:moderate";

/// All permissions of the user `jane`.
pub const PERMISSIONS: [&str; 3] = [RECORDING_PERMISSION, INVITE_PERMISSION, MODERATE_PERMISSION];

/// The users that every environment starts with:
///
/// | short name | address | member of | sign-in |
/// |---|---|---|---|
/// | `jane` | `jane.doe@example.com` | Example, as admin | works |
/// | `member_of_two` | `123@gmail.com` | MASADAS, TAUNTA SCRE | requires the choice of an organization |
/// | `someone` | `someone@sso.example.com` | Sso Example | works by SSO only |
/// | `without_organization` | `without.organization@example.com` | none | works, without an organization |
/// | `member_of_hundred` | `member.of.hundred@example.com` | a hundred organizations | requires the choice of an organization |
/// | `consultant` | `consultant@example.com` | Example, Sso Example, Mfa Example | requires the choice of an organization; only Example works |
/// | `unverified` | `unverified@example.com` | Example | requires verification of the address |
/// | `enrolling` | `enrolling@example.com` | Example | requires enrollment of a second factor |
/// | `challenged` | `challenged@example.com` | Example | requires the second factor |
/// | `pending` | `pending@pending.example.com` | Pending Example | works: the domain is not verified |
/// | `inactive` | `inactive@inactive.example.com` | Inactive Example | works: the connection is off |
pub fn seeded_users() -> Vec<User> {
    vec![
        User::new("jane", "jane.doe@example.com")
            .with_name("Jane", "Doe")
            .with_picture("https://img.example.com/jane.png"),
        User::new("member_of_two", "123@gmail.com").with_name("Chris", "Chooser"),
        User::new("someone", "someone@sso.example.com").with_name("Some", "One"),
        User::new("without_organization", "without.organization@example.com"),
        User::new("member_of_hundred", "member.of.hundred@example.com").with_name("Joy", "Joiner"),
        User::new("consultant", "consultant@example.com").with_name("Con", "Sultant"),
        User::new("unverified", "unverified@example.com").who_must(Step::EmailVerification),
        User::new("enrolling", "enrolling@example.com").who_must(Step::MfaEnrollment),
        User::new("challenged", "challenged@example.com").who_must(Step::MfaChallenge),
        User::new("pending", "pending@pending.example.com"),
        User::new("inactive", "inactive@inactive.example.com"),
    ]
}

/// The organizations that every environment starts with: those listed at [`seeded_users`],
/// including the hundred from `Team 001` to `Team 100`.
pub fn seeded_organizations() -> Vec<Organization> {
    let mut organizations = vec![
        Organization::new("Example"),
        Organization::new("MASADAS"),
        Organization::new("TAUNTA SCRE"),
        Organization::new("Sso Example")
            .with_domain("sso.example.com")
            .with_connection(true)
            .requiring_sso(),
        Organization::new("Mfa Example").requiring_mfa(),
        Organization::new("Pending Example")
            .with_pending_domain("pending.example.com")
            .with_connection(true),
        Organization::new("Inactive Example")
            .with_domain("inactive.example.com")
            .with_connection(false),
    ];
    organizations.extend(team_names().map(|name| Organization::new(&name)));
    organizations
}

pub(super) fn memberships(users: &[User], organizations: &[Organization]) -> Vec<Membership> {
    users
        .iter()
        .flat_map(|user| {
            organizations_of(&user.short_name).into_iter().filter_map(move |name| {
                let organization = organizations.iter().find(|other| other.name == name)?;
                Some(membership(user, organization))
            })
        })
        .collect()
}

fn membership(user: &User, organization: &Organization) -> Membership {
    let member = Membership::as_member(&user.id, &organization.id);
    if user.short_name != "jane" {
        return member;
    }
    let permissions = PERMISSIONS.map(str::to_owned).to_vec();
    Membership { role: "admin".to_owned(), permissions, ..member }
}

fn organizations_of(short_name: &str) -> Vec<String> {
    let names: &[&str] = match short_name {
        "jane" | "unverified" | "enrolling" | "challenged" => &["Example"],
        "member_of_two" => &["MASADAS", "TAUNTA SCRE"],
        "someone" => &["Sso Example"],
        "member_of_hundred" => return team_names().collect(),
        "consultant" => &["Example", "Sso Example", "Mfa Example"],
        "pending" => &["Pending Example"],
        "inactive" => &["Inactive Example"],
        _ => &[],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn team_names() -> impl Iterator<Item = String> {
    (1..=100).map(|number| format!("Team {number:03}"))
}

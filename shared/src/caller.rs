//! The caller of a request and their profile, independent of the identity provider.

use std::fmt;

/// A user whose session has been verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user_id: String,
    /// The session, which belongs to one browser or device.
    pub session_id: String,
    /// The organization that the session acts in, if any.
    pub organization_id: Option<String>,
    /// The user's permissions there, as slugs.
    pub permissions: Vec<String>,
    /// The administrator who impersonates the user, if any, as the session names them: usually an
    /// e-mail address. `Debug` omits it.
    pub impersonator: Option<String>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Caller")
            .field("user_id", &self.user_id)
            .field("organization_id", &self.organization_id)
            .field("permissions", &self.permissions)
            .finish_non_exhaustive()
    }
}

/// A user's profile as their identity provider knows it. Personal, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The primary e-mail address, if the provider has verified it.
    pub email: Option<String>,
    /// The full name, or the part of it that the provider has.
    pub name: Option<String>,
    /// The address of a picture.
    pub picture: Option<String>,
}

impl Person {
    /// A person with these names and this picture. Blank ones count as absent.
    pub fn new(email: Option<&str>, names: [Option<&str>; 2], picture: Option<&str>) -> Self {
        let names = names.into_iter().filter_map(present).map(str::trim);
        let name = names.collect::<Vec<_>>().join(" ");
        Self {
            email: present(email).map(str::to_owned),
            name: Some(name).filter(|name| !name.is_empty()),
            picture: present(picture).map(str::to_owned),
        }
    }
}

/// Treats a blank string as absent, because providers use both.
pub(crate) fn present(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn does_not_print_who_impersonates() {
        let caller = Caller {
            user_id: "user_1".to_owned(),
            session_id: "session_1".to_owned(),
            organization_id: None,
            permissions: Vec::new(),
            impersonator: Some("admin@example.com".to_owned()),
        };
        let printed = format!("{caller:?}");
        assert!(printed.contains("user_1") && !printed.contains("admin"), "{printed}");
    }

    #[test]
    fn a_person_has_the_names_that_are_not_blank() {
        for (names, expected) in [
            ([Some("Jane"), Some("Doe")], Some("Jane Doe")),
            ([Some(" Jane "), Some("")], Some("Jane")),
            ([None, Some("Doe")], Some("Doe")),
            ([Some(" "), None], None),
        ] {
            let person = Person::new(Some(""), names, Some(" "));
            assert_eq!(person.name.as_deref(), expected);
            assert!(person.email.is_none() && person.picture.is_none());
        }
    }
}

//! Ids from providers. Each kind has its own type, so that they cannot be mixed up.

use crate::text::is_visible_ascii;

/// Defines an id type.
macro_rules! id {
    ($name:ident, $what:literal) => {
        #[doc = concat!("The id of ", $what, ": visible ASCII characters.")]
        #[derive(Clone, Debug, PartialEq, Eq, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses an id. Only the provider knows whether it exists.
            pub fn parse(id: &str) -> Option<Self> {
                $crate::ids::has_form(id).then(|| Self(id.to_owned()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(id: String) -> Result<Self, Self::Error> {
                if $crate::ids::has_form(&id) {
                    Ok(Self(id))
                } else {
                    Err(concat!("not the id of ", $what))
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}
pub(crate) use id;

/// Whether `id` is one or more visible ASCII characters and does not begin with a dot: `.` and `..`
/// are path steps even if they are percent-encoded.
pub(crate) fn has_form(id: &str) -> bool {
    is_visible_ascii(id) && !id.starts_with('.')
}

#[cfg(test)]
#[allow(unreachable_pub, reason = "the macro makes public types, a test has no use for them")]
mod tests {
    id!(ThingId, "a thing");

    #[test]
    fn takes_visible_characters_and_nothing_else() {
        for (id, good) in [
            ("thing_01HXYZ", true),
            ("a/b?c=%2e", true),
            ("", false),
            (".", false),
            ("..", false),
            ("thing 1", false),
            ("thing\n", false),
            ("thïng", false),
        ] {
            assert_eq!(ThingId::parse(id).is_some(), good, "{id:?}");
            let read = serde_json::from_value::<ThingId>(id.into());
            assert_eq!(read.is_ok(), good, "{id:?} in JSON");
        }
    }

    #[test]
    fn is_the_same_text_in_and_out() {
        let id = ThingId::parse("thing_1").expect("an id");
        assert_eq!((id.as_str(), id.to_string().as_str()), ("thing_1", "thing_1"));
        assert_eq!(serde_json::to_value(&id).expect("JSON"), "thing_1");
    }
}

//! The metadata of a recording: the user-defined metadata of its object in S3.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata>
//!
//! S3 accepts up to 2 KB of ASCII. If it rejects the metadata, the recording is lost when it ends.
//! Values are percent-encoded as by JavaScript's `encodeURIComponent`, and truncated to fit.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters that `encodeURIComponent` escapes.
/// <https://tc39.es/ecma262/#sec-encodeuricomponent-uricomponent>
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// S3's limit for all names and values, in bytes. It is not documented whether the `x-amz-meta-`
/// prefix counts, so we count it.
const MAX_BYTES: usize = 2 * 1024;

const PREFIX: &str = "x-amz-meta-";

/// The name of the value with the organization that a recording belongs to, if any.
pub(super) const ORGANIZATION: &str = "organization";

/// The name of the value with the user who started it. Every recording of ours has one.
pub(super) const STARTED_BY: &str = "started-by";

/// The encoded ellipsis at the end of a truncated text.
pub(super) const CUT: &str = "%E2%80%A6";

/// The bytes reserved for the participants, which are added last, so that long values before them
/// leave room.
const PARTICIPANTS_RESERVE: usize = 96;

/// The metadata of one object, truncated to S3's limit. It may be personal, so it has no `Debug`.
pub(super) struct ObjectMetadata {
    values: BTreeMap<&'static str, String>,
    left: usize,
}

impl ObjectMetadata {
    /// Empty metadata.
    pub(super) fn new() -> Self {
        Self { values: BTreeMap::new(), left: MAX_BYTES }
    }

    /// Adds a text, truncated to fit. An empty text is left out.
    pub(super) fn add(&mut self, name: &'static str, text: &str) {
        let room = self.room_for(name);
        self.insert(name, cut(text, room));
    }

    /// Adds a text, truncated so that the participants still fit.
    pub(super) fn add_sparing(&mut self, name: &'static str, text: &str) {
        let room = self.room_for(name).saturating_sub(PARTICIPANTS_RESERVE);
        self.insert(name, cut(text, room));
    }

    /// Adds a list, separated by commas. If it does not fit, the items left out are only counted:
    /// `alice,bob,+98`.
    pub(super) fn add_list(&mut self, name: &'static str, items: &[&str]) {
        let room = self.room_for(name);
        self.insert(name, cut_list(items, room));
    }

    /// The values by name.
    pub(super) fn into_values(self) -> BTreeMap<&'static str, String> {
        self.values
    }

    fn room_for(&self, name: &str) -> usize {
        self.left.saturating_sub(PREFIX.len() + name.len())
    }

    fn insert(&mut self, name: &'static str, value: String) {
        if value.is_empty() {
            return;
        }
        self.left = self.room_for(name).saturating_sub(value.len());
        self.values.insert(name, value);
    }
}

/// A text, encoded for a value.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// A text, encoded and truncated to `room` bytes between two characters.
fn cut(text: &str, room: usize) -> String {
    let whole = encode(text);
    if whole.len() <= room {
        return whole;
    }
    let mut kept = String::new();
    for character in text.chars() {
        let next = encode(character.encode_utf8(&mut [0; 4]));
        if kept.len() + next.len() + CUT.len() > room {
            break;
        }
        kept.push_str(&next);
    }
    if kept.len() + CUT.len() > room { String::new() } else { kept + CUT }
}

/// A list, encoded and truncated to `room` bytes.
fn cut_list(items: &[&str], room: usize) -> String {
    let encoded: Vec<String> = items.iter().map(|item| encode(item)).collect();
    let whole = encoded.join(",");
    if whole.len() <= room {
        return whole;
    }
    let mut kept = String::new();
    let mut left = encoded.len();
    for item in &encoded {
        let separator = usize::from(!kept.is_empty());
        let count = format!(",+{}", left - 1);
        if kept.len() + separator + item.len() + count.len() > room {
            break;
        }
        if separator == 1 {
            kept.push(',');
        }
        kept.push_str(item);
        left -= 1;
    }
    let count = if kept.is_empty() { format!("+{left}") } else { format!(",+{left}") };
    if kept.len() + count.len() > room { String::new() } else { kept + &count }
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::collection::vec;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn size(metadata: &ObjectMetadata) -> usize {
        let sizes =
            metadata.values.iter().map(|(name, value)| PREFIX.len() + name.len() + value.len());
        sizes.sum()
    }

    fn decode(text: &str) -> String {
        percent_decode_str(text).decode_utf8().expect("text").into_owned()
    }

    #[test]
    fn values_come_back_as_they_were() {
        let topic = "Wöchentlich <b>100 %</b>\r\nX-Evil: 1 🎉, \u{0}";
        let mut metadata = ObjectMetadata::new();
        metadata.add("topic", topic);
        metadata.add("nothing", "");
        let values = metadata.into_values();
        let value = &values["topic"];
        assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{value}");
        assert_eq!(decode(value), topic);
        assert_eq!(values.len(), 1, "what is empty is left out");
    }

    #[test]
    fn a_list_is_separated_by_commas_that_nothing_in_it_can_imitate() {
        let mut metadata = ObjectMetadata::new();
        metadata.add_list("participants", &["alice", "b,ob", "+3"]);
        assert_eq!(metadata.into_values()["participants"], "alice,b%2Cob,%2B3");
    }

    #[test]
    fn what_does_not_fit_is_cut_between_characters() {
        let mut metadata = ObjectMetadata::new();
        metadata.add("topic", &"🎉".repeat(400));
        assert!(size(&metadata) <= MAX_BYTES);
        let topic = decode(&metadata.into_values()["topic"]);
        assert!(topic.ends_with("🎉…"), "{topic}");
    }

    #[test]
    fn what_is_cut_uses_its_room_to_the_last_byte() {
        let text = "a".repeat(20);
        for (room, kept) in [(20, &*text), (15, "aaaaaa%E2%80%A6"), (9, CUT), (8, "")] {
            assert_eq!(cut(&text, room), kept, "{room}");
        }
        let list = ["aaaa", "bbbb", "cccc"];
        for (room, kept) in [
            (14, "aaaa,bbbb,cccc"),
            (13, "aaaa,bbbb,+1"),
            (12, "aaaa,bbbb,+1"),
            (11, "aaaa,+2"),
            (7, "aaaa,+2"),
            (6, "+3"),
            (2, "+3"),
            (1, ""),
        ] {
            assert_eq!(cut_list(&list, room), kept, "{room}");
        }
    }

    #[test]
    fn participants_that_do_not_fit_are_counted() {
        let names: Vec<String> = (0..2000).map(|number| format!("participant {number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut metadata = ObjectMetadata::new();
        metadata.add("room", &"é".repeat(128));
        metadata.add("zone", &"é".repeat(64));
        metadata.add_sparing("topic", &"🎉".repeat(200));
        metadata.add_list("participants", &names);
        assert!(size(&metadata) <= MAX_BYTES, "{}", size(&metadata));
        let values = metadata.into_values();
        let (kept, count) = values["participants"].rsplit_once(",+").expect("a count");
        let kept = kept.split(',').count();
        assert!(kept >= 1);
        assert_eq!(kept + count.parse::<usize>().expect("a number"), names.len());
    }

    #[test]
    fn all_values_fit_with_each_at_its_limit() {
        let names: Vec<String> = (0..2000).map(|number| format!("participant {number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for email in ["a".repeat(64) + "@" + &"b".repeat(189), "é".repeat(126) + "@é"] {
            let mut metadata = ObjectMetadata::new();
            // The longest room and zone names allowed, in bytes.
            metadata.add("room", &"字".repeat(85));
            metadata.add("zone", &"🎉".repeat(64));
            metadata.add(STARTED_BY, &"u".repeat(40));
            metadata.add(ORGANIZATION, &"o".repeat(40));
            metadata.add_sparing("impersonated-by", &email);
            metadata.add_sparing("topic", &"🎉".repeat(200));
            metadata.add_list("participants", &names);
            assert!(size(&metadata) <= MAX_BYTES, "{}", size(&metadata));
            let values = metadata.into_values();
            assert_eq!(decode(&values["room"]), "字".repeat(85));
            assert_eq!(decode(&values["zone"]), "🎉".repeat(64));
            assert_eq!(values[ORGANIZATION].len(), 40);
            let impersonator = decode(&values["impersonated-by"]);
            let kept = impersonator.strip_suffix('…').unwrap_or(&impersonator);
            assert!(kept.len() > 20 && email.starts_with(kept), "{impersonator}");
            assert!(values.contains_key("participants"));
        }
    }

    #[test]
    fn there_is_always_room_for_a_count() {
        let long = "é".repeat(1000);
        assert_eq!(cut_list(&[&long, &long], 50), "+2");
        assert_eq!(cut_list(&["a", &long, "b"], 50), "a,+2");
        assert_eq!(cut_list(&[&long], 1), "");
        assert_eq!(cut_list(&["a", "b"], 3), "a,b");
        assert_eq!(cut_list(&[], 3), "");
    }

    proptest! {
        #[test]
        fn any_texts_fit_and_come_back_as_far_as_they_were_kept(
            texts in vec(any::<String>(), 3),
            long in "\\PC{0,700}",
            names in vec("\\PC{0,40}", 0..60),
        ) {
            let mut metadata = ObjectMetadata::new();
            metadata.add("room", &texts[0]);
            metadata.add("zone", &texts[1]);
            metadata.add_sparing("impersonated-by", &texts[2]);
            metadata.add_sparing("topic", &long);
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            metadata.add_list("participants", &names);
            prop_assert!(size(&metadata) <= MAX_BYTES, "{}", size(&metadata));
            let values = metadata.into_values();
            for (name, value) in &values {
                prop_assert!(!value.is_empty(), "{name}");
                prop_assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{value}");
            }
            let [room, zone, impersonator] = &texts[..] else { unreachable!("three texts") };
            for (name, text) in
                [("room", room), ("zone", zone), ("impersonated-by", impersonator), ("topic", &long)]
            {
                let Some(value) = values.get(name) else { continue };
                let value = decode(value);
                let kept = value.strip_suffix('…').unwrap_or(&value);
                prop_assert!(value == *text || text.starts_with(kept), "{name}: {value}");
            }
        }

        #[test]
        fn a_list_says_how_many_items_it_has(items in vec("[a-z🎉,+ ]{1,30}", 1..80), room in 0_usize..600) {
            let items: Vec<&str> = items.iter().map(String::as_str).collect();
            let list = cut_list(&items, room);
            prop_assert!(list.len() <= room && list.is_ascii());
            if list.is_empty() {
                return Ok(());
            }
            // An item's own plus sign is escaped, so a part that has one is the count.
            let (kept, counted): (Vec<&str>, Vec<&str>) =
                list.split(',').partition(|part| !part.starts_with('+'));
            let left = counted.first().map_or(0, |count| count[1..].parse().expect("a number"));
            prop_assert!(counted.len() <= 1);
            prop_assert_eq!(kept.len() + left, items.len());
            for (kept, item) in kept.iter().zip(&items) {
                prop_assert_eq!(&decode(kept), item);
            }
        }
    }
}

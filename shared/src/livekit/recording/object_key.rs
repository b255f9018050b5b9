//! The key of a recording's S3 object, made only of characters that have no special meaning
//! anywhere.
//!
//! LiveKit's recorder sanitizes a path before it substitutes its own variables (`{room_name}`), and
//! S3 treats `../` as a literal name while browsers resolve it. Therefore user input is reduced to
//! letters, digits, `_` and `-`.

use std::fmt;
use std::time::Duration;

use time::{Date, Month, PrimitiveDateTime, Time};

use crate::clock::Timestamp;
use crate::livekit::RoomName;
use crate::livekit::recording::zone::Zone;
use crate::text::{FINGERPRINT_DIGITS, fingerprint};

/// The first part of every key.
pub(super) const FOLDER: &str = "recordings";

/// How many bytes of a text are kept if it is too long or has other characters.
const MAX_KEPT: usize = 48;

/// The longest text that is kept unchanged, in bytes.
const MAX_PART: usize = 64;

/// The folder of an organization's recordings of a room in a zone. No other organization, room or
/// zone maps to it, in either room namespace. Names may be personal, so `Debug` omits them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ObjectFolder(String);

/// The key of one recording. Keys of one folder sort by time. `Debug` omits it, like the folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ObjectKey(String);

/// The part of a key after its folder: `<date>/<time>-<random>.mp4`.
const FORM: &str = "0000-00-00/000000-xxxxxxxxxxxxxxxx.mp4";

/// The date in a key, with its `/`.
const DATE_FORM: &str = "0000-00-00/";

impl fmt::Debug for ObjectFolder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ObjectFolder(_)")
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ObjectKey(_)")
    }
}

impl ObjectFolder {
    /// `recordings/<zone>/<room>/`, where `<room>` begins with the organization's id and ends with
    /// a digest of both.
    pub(super) fn of(zone: &Zone, room: &RoomName) -> Self {
        Self::at(zone, room.owned_name())
    }

    /// The folder that earlier versions used, in which organizations that shared a room also shared
    /// its folder. Recordings that they started may still be running.
    pub(super) fn shared(zone: &Zone, room: &RoomName) -> Self {
        Self::at(zone, room.as_str())
    }

    fn at(zone: &Zone, room: &str) -> Self {
        Self(format!("{FOLDER}/{}/{}/", part(zone.as_str()), part(room)))
    }

    /// Whether the object with this key is in this folder.
    pub(super) fn holds(&self, key: &str) -> bool {
        key.starts_with(&self.0)
    }

    /// Whether a key starts with our folder.
    pub(super) fn is_ours(key: &str) -> bool {
        key.split('/').next() == Some(FOLDER)
    }

    /// The folder as text, with a `/` at the end.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// A key that is in this folder and that [`new_key`](Self::new_key) could have made.
    pub(super) fn key(&self, text: &str) -> Option<ObjectKey> {
        let own = text.strip_prefix(&self.0)?;
        moment(own).map(|_| ObjectKey(text.to_owned()))
    }

    /// Like [`key`](Self::key), for a key without its folder.
    pub(super) fn key_of(&self, own: &str) -> Option<ObjectKey> {
        self.key(&format!("{}{own}", self.0))
    }

    /// `text`, if it is the folder of one day.
    pub(super) fn day(&self, text: &str) -> Option<String> {
        let own = text.strip_prefix(&self.0)?;
        (own.len() == DATE_FORM.len() && date(own).is_some()).then(|| text.to_owned())
    }

    /// A new key in this folder: `<date>/<time>-<random>.mp4`, in UTC. Keys sort by time.
    pub(super) fn new_key(&self, now: Timestamp) -> ObjectKey {
        let moment = now.utc();
        let (year, month, day) = moment.to_calendar_date();
        let (hour, minute, second) = moment.to_hms();
        let month = u8::from(month);
        let random: u64 = rand::random();
        ObjectKey(format!(
            "{}{year:04}-{month:02}-{day:02}/{hour:02}{minute:02}{second:02}-{random:016x}.mp4",
            self.0
        ))
    }
}

impl ObjectKey {
    /// The key as text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the folder: `<date>/<time>-<random>.mp4`.
    pub(super) fn own_part(&self) -> &str {
        &self.0[self.0.len().saturating_sub(FORM.len())..]
    }

    /// When the recording was started.
    pub(super) fn started(&self) -> Timestamp {
        moment(self.own_part()).unwrap_or(Timestamp::EPOCH)
    }

    /// The last part of the key, which is safe to log: `<time>-<random>.mp4`.
    pub(super) fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

/// Whether a text has the form of the part of a key after its folder. Its date and time may be
/// invalid.
pub(super) fn is_own_part(text: &str) -> bool {
    has_form(text, FORM)
}

/// Whether a text has decimal digits where `form` has `0`, hexadecimal ones where it has `x`, and
/// elsewhere the same characters.
fn has_form(text: &str, form: &str) -> bool {
    text.len() == form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b'x' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            form => byte == form,
        })
}

/// The time in the part of a key after its folder, if it has our form.
fn moment(own: &str) -> Option<Timestamp> {
    if !is_own_part(own) {
        return None;
    }
    let number = |from: usize| own.get(from..from + 2)?.parse::<u8>().ok();
    let time = Time::from_hms(number(11)?, number(13)?, number(15)?).ok()?;
    let seconds = PrimitiveDateTime::new(date(own)?, time).assume_utc().unix_timestamp();
    Some(Timestamp::EPOCH.after(Duration::from_secs(u64::try_from(seconds).ok()?)))
}

/// The date at the start of a text, which is followed by a `/`.
fn date(own: &str) -> Option<Date> {
    let date = own.get(..DATE_FORM.len()).filter(|date| has_form(date, DATE_FORM))?;
    let month = Month::try_from(date.get(5..7)?.parse::<u8>().ok()?).ok()?;
    let (year, day) = (date.get(..4)?.parse().ok()?, date.get(8..10)?.parse().ok()?);
    Date::from_calendar_date(year, month, day).ok()
}

/// A text as a part of a key: unchanged if it is harmless, otherwise its harmless characters with a
/// digest of the whole text, so that two texts never map to the same part.
pub(super) fn part(text: &str) -> String {
    if text.len() <= MAX_PART && text.bytes().all(is_harmless) && !ends_like_a_digest(text) {
        return text.to_owned();
    }
    let harmless = |byte: u8| if is_harmless(byte) { char::from(byte) } else { '_' };
    let part: String = text.bytes().take(MAX_KEPT).map(harmless).collect();
    part + "-" + &fingerprint(text)
}

fn is_harmless(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Whether a text could be mistaken for one that was changed.
fn ends_like_a_digest(text: &str) -> bool {
    text.rsplit_once('-').is_some_and(|(_, end)| {
        end.len() == FINGERPRINT_DIGITS && end.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use proptest::prelude::{
        any, prop_assert, prop_assert_eq, prop_assert_ne, prop_assume, proptest,
    };

    use super::*;
    use crate::caller::Caller;
    use crate::clock::Clock;
    use crate::livekit::{RoomId, Rooms};
    use crate::settings::Settings;

    fn room_in(namespace: &str, organization: Option<&str>, name: &str) -> RoomName {
        let pairs = [("ROOM_NAMESPACE", namespace)];
        let mut settings = Settings::from_pairs(pairs, Clock::system()).expect("settings");
        let rooms = Rooms::to_join(&mut settings).expect("rooms");
        let caller = Caller {
            user_id: "user_1".to_owned(),
            session_id: "session_1".to_owned(),
            organization_id: organization.map(str::to_owned),
            permissions: Vec::new(),
            impersonator: None,
        };
        rooms.room(&caller, &RoomId::parse(name).expect("a name")).expect("a room")
    }

    fn room(name: &str) -> RoomName {
        room_in("none", None, name)
    }

    fn zone(name: &str) -> Zone {
        Zone::parse(name).expect("a zone")
    }

    fn folder(zone: &str, name: &str) -> String {
        ObjectFolder::of(&self::zone(zone), &room(name)).0
    }

    #[test]
    fn a_folder_names_the_zone_the_organization_and_the_room() {
        for (namespace, organization, name, part) in [
            ("none", None, "daily", "_daily-674c94e2d24480a5"),
            ("none", Some("org_1"), "daily", "org_1_daily-52384296d926106a"),
            ("organization", Some("org_1"), "daily", "org_1_daily-52384296d926106a"),
            ("none", Some("org_2"), "daily", "org_2_daily-a62dfa39431b7886"),
        ] {
            let folder =
                ObjectFolder::of(&zone("eu_west-1"), &room_in(namespace, organization, name));
            assert_eq!(folder.0, format!("recordings/eu_west-1/{part}/"));
        }
    }

    #[test]
    fn no_name_that_a_caller_can_choose_leads_into_another_organizations_folder() {
        let theirs = ObjectFolder::of(&zone("1"), &room_in("none", Some("org_1"), "daily"));
        let part = theirs.0.split('/').nth(2).expect("a room").to_owned();
        let digest = part.rsplit('-').next().expect("a digest").to_owned();
        for name in [
            "daily",
            "org_1:daily",
            ":org_1:daily",
            "org_1_daily",
            &part,
            &format!("daily-{digest}"),
            "../org_1:daily",
            &format!("../{part}"),
        ] {
            for organization in [None, Some("org_2"), Some("org_11")] {
                let room = room_in("none", organization, name);
                assert_ne!(ObjectFolder::of(&zone("1"), &room), theirs, "{name} {organization:?}");
            }
        }
    }

    #[test]
    fn the_folder_of_earlier_versions_has_the_rooms_name_alone() {
        let shared =
            |name| ObjectFolder::shared(&zone("1"), &room_in("none", Some("org_1"), name)).0;
        assert_eq!(shared("test-room"), "recordings/1/test-room/");
        assert_eq!(shared("a b"), "recordings/1/a_b-c8687a08aa5d6ed2/");
        // With rooms per organization, nothing has changed.
        let apart = room_in("organization", Some("org_1"), "daily");
        assert_eq!(ObjectFolder::shared(&zone("1"), &apart), ObjectFolder::of(&zone("1"), &apart));
    }

    #[test]
    fn nothing_that_could_mean_something_is_left_of_other_names() {
        let long = "x".repeat(128);
        for hostile in [
            "../../etc/passwd",
            "..",
            ".",
            "/",
            "a/b",
            "a\\b",
            "{room_name}",
            "{time}{utc}",
            "%2e%2e%2f",
            "https://example.com/?a=b#c",
            "10.0.0.1",
            "🎉",
            "Ünïcode 字",
            "a b",
            "*?\"<>|",
            "$(id)`id`",
            &long,
        ] {
            let hostile = &hostile[..hostile.len().min(128)];
            let folder = folder("1", hostile);
            let part = folder.strip_prefix("recordings/1/").expect("the zone stays");
            let part = part.strip_suffix('/').expect("a folder");
            assert!(part.bytes().all(is_harmless), "{hostile}: {part}");
            assert!(ends_like_a_digest(part) && part.len() <= MAX_PART + 1, "{hostile}: {part}");
        }
    }

    #[test]
    fn no_two_names_share_a_folder() {
        let changed = part("a b");
        let names = ["a b", "a_b", "a/b", "a%20b", "a\u{a0}b", &changed, &part(&changed), "A_B"];
        let parts: HashSet<String> = names.iter().map(|name| part(name)).collect();
        assert_eq!(parts.len(), names.len());
        let long = "y".repeat(MAX_PART);
        assert_eq!(part(&long), long);
        assert_ne!(part(&format!("{long}y")), part(&format!("{long}z")));
    }

    #[test]
    fn only_a_key_below_our_folder_is_ours() {
        for (key, is_ours) in [
            ("recordings/1/room/2025-07-14/095456-0123456789abcdef.mp4", true),
            ("recordings", true),
            ("", false),
            ("recordings-of-another/1.mp4", false),
            ("elsewhere/recordings/1.mp4", false),
            ("/recordings/1.mp4", false),
        ] {
            assert_eq!(ObjectFolder::is_ours(key), is_ours, "{key}");
        }
    }

    #[test]
    fn a_keys_name_is_what_follows_the_day() {
        let folder = ObjectFolder::of(&zone("1"), &room("room"));
        let key = folder.key_of("2025-07-14/095456-0123456789abcdef.mp4").expect("a key");
        assert_eq!(key.name(), "095456-0123456789abcdef.mp4");
    }

    #[test]
    fn a_key_says_when_and_is_in_its_folder_only() {
        let folder = ObjectFolder::of(&zone("1"), &room("room"));
        let now = Timestamp::EPOCH.after(Duration::from_secs(1_752_486_896));
        let key = folder.new_key(now);
        let start = format!("{}2025-07-14/095456-", folder.0);
        let random = key.as_str().strip_prefix(&start).expect("the time");
        assert_eq!(random.len(), "0123456789abcdef.mp4".len());
        assert_ne!(folder.new_key(now), key, "two of one second differ");
        assert!(folder.new_key(now.after(Duration::from_secs(1))).as_str() > key.as_str());
        assert!(folder.holds(key.as_str()) && ObjectFolder::is_ours(key.as_str()));
        for (zone, name) in [("1", "roo"), ("1", "room2"), ("2", "room"), ("11", "room")] {
            let other = ObjectFolder::of(&self::zone(zone), &self::room(name));
            assert!(!other.holds(key.as_str()), "{zone} {name}");
        }
    }

    #[test]
    fn only_keys_that_we_could_have_made_are_ours() {
        let folder = ObjectFolder::of(&zone("1"), &room("room"));
        let now = Timestamp::EPOCH.after(Duration::from_secs(1_752_486_896));
        let key = folder.new_key(now);
        assert_eq!(folder.key(key.as_str()), Some(key.clone()));
        assert_eq!(folder.key_of(key.own_part()), Some(key.clone()));
        assert_eq!(key.started(), now);
        let day = format!("{}2025-07-14/", folder.0);
        assert_eq!(folder.day(&day), Some(day));
        for own in [
            "",
            "2025-07-14/",
            "2025-07-14/095456-0123456789abcdef.mp3",
            "2025-07-14/095456-0123456789abcdef.mp4.json",
            "2025-07-14/095456-0123456789ABCDEF.mp4",
            "2025-07-14/095456-0123456789abcde.mp4",
            "2025-07-14/245456-0123456789abcdef.mp4",
            "2025-02-30/095456-0123456789abcdef.mp4",
            "2025-13-14/095456-0123456789abcdef.mp4",
            "1969-12-31/235959-0123456789abcdef.mp4",
            "+025-07-14/095456-0123456789abcdef.mp4",
            "2025-07-14/+95456-0123456789abcdef.mp4",
            "2025/07/14/095456-0123456789abcdef.mp4",
            "2025-07-14//95456-0123456789abcdef.mp4",
            "../07-14-/0095456-0123456789abcdef.mp4",
            "2025-07-14/095456-0123456789abcd\u{e9}.mp4",
        ] {
            assert_eq!(folder.key_of(own), None, "{own}");
        }
        let other = ObjectFolder::of(&zone("2"), &room("room"));
        assert_eq!(other.key(key.as_str()), None);
        for day in ["2025-07-14", "2025-07-32/", "2025-07-1/", "live/", "2025-07-14/0/"] {
            assert_eq!(folder.day(&format!("{}{day}", folder.0)), None, "{day}");
        }
    }

    proptest! {
        #[test]
        fn any_text_becomes_a_harmless_part_of_its_own(one in any::<String>(), other in any::<String>()) {
            // Neither a room nor a zone is empty.
            prop_assume!(!one.is_empty());
            let changed = part(&one);
            prop_assert!(!changed.is_empty() && changed.len() <= MAX_KEPT + 1 + FINGERPRINT_DIGITS);
            prop_assert!(changed.bytes().all(is_harmless), "{changed}");
            prop_assert_eq!(part(&one), changed.as_str());
            prop_assume!(one != other);
            prop_assert_ne!(part(&other), changed);
        }

        #[test]
        fn harmless_texts_that_look_alike_have_parts_of_their_own(one in "[a-c_-]{0,3}(-[0-9a-f]{15,17})?", other in "[a-c_ /-]{0,3}(-[0-9a-f]{15,17})?") {
            prop_assume!(one != other);
            prop_assert_ne!(part(&one), part(&other));
            // Nor can anybody choose the part that another text was changed to.
            prop_assert_ne!(part(&part(&other)), part(&one));
        }

        #[test]
        fn a_new_key_comes_back_from_its_text(name in "\\PC{1,40}", zone in "\\PC{1,20}", seconds in 0_u64..253_402_300_800) {
            let (Some(id), Some(zone)) = (RoomId::parse(&name), Zone::parse(&zone)) else {
                return Ok(());
            };
            let now = Timestamp::EPOCH.after(Duration::from_secs(seconds));
            let folder = ObjectFolder::of(&zone, &room(id.as_str()));
            let key = folder.new_key(now);
            prop_assert_eq!(folder.key(key.as_str()), Some(key.clone()));
            prop_assert_eq!(folder.key_of(key.own_part()), Some(key.clone()));
            prop_assert_eq!(key.started(), now);
            prop_assert!(key.as_str().is_ascii() && key.as_str().len() <= 1024);
            prop_assert_eq!(key.as_str().matches('/').count(), 4);
        }

        #[test]
        fn any_text_is_a_key_of_the_folder_or_none(own in any::<String>(), like in "[0-9]{4}-[0-9]{2}-[0-9]{2}/[0-9]{6}-[0-9a-f]{16}\\.mp4") {
            let folder = ObjectFolder::of(&self::zone("1"), &room("room"));
            for own in [own, like] {
                if let Some(key) = folder.key_of(&own) {
                    prop_assert_eq!(key.own_part(), own.as_str());
                    prop_assert!(folder.holds(key.as_str()) && is_own_part(&own));
                }
            }
        }
    }
}

//! The recordings in the bucket, newest first.
//!
//! S3 lists keys only in ascending order, which is their order in time, and a thousand per call.
//! Therefore a page needs:
//!
//! | recordings of the room and zone | calls |
//! |---|---|
//! | up to 1,000, or up to 1,000 before the cursor | 1: the list from its beginning |
//! | more | 2 for that and for the list of days (a third beyond 1,000 days), then 1 to 4 for the last days before the cursor |
//! | more than 1,000 in one day | 1 more for each further thousand of that day |
//!
//! The days are read in windows that grow while they hold too little for a page, and shrink if they
//! hold more than a call returns. Other objects in the folder are skipped, but S3 counts them.

use std::time::Duration;

use crate::api::ApiError;
use crate::clock::Timestamp;
use crate::livekit::recording::object_key::{ObjectFolder, ObjectKey};
use crate::livekit::recording::storage::Storage;
use crate::object_store::{AccessKey, Bucket, Link, Listing, Object};
use crate::settings::{Incomplete, Settings};

/// How many recordings a page has.
pub(super) const PAGE_LENGTH: usize = 100;

/// How long a link is valid.
const LINK_LIFETIME: Duration = Duration::from_mins(10);

/// How many days the first window has.
const FIRST_WINDOW: usize = 8;

/// How much larger or smaller the next window is.
const WINDOW_FACTOR: usize = 4;

/// The recordings in the bucket.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    bucket: Bucket,
}

/// A recording in the bucket.
#[derive(Clone, Debug)]
pub(super) struct RecordedObject {
    /// Its key.
    pub(super) key: ObjectKey,
    /// Its size in bytes.
    pub(super) size: Option<u64>,
    /// When it was last modified.
    pub(super) changed: Option<Timestamp>,
}

/// A page of the recordings in a folder, newest first.
#[derive(Debug)]
pub(super) struct ObjectsPage {
    /// Up to [`PAGE_LENGTH`] recordings.
    pub(super) objects: Vec<RecordedObject>,
    /// Whether there are older ones.
    pub(super) has_more: bool,
    /// The key that the list was read with, to sign links.
    pub(super) access_key: AccessKey,
}

impl Objects {
    /// Reads what [`Storage::configure`] reads, and the keys of the function's role, which are used
    /// if there is no key pair.
    pub(super) fn configure(settings: &mut Settings) -> Result<Self, Incomplete> {
        let storage = Storage::configure(settings);
        let role = Storage::role(settings);
        Ok(Self { bucket: storage?.bucket(settings, role?)? })
    }

    /// A page of the recordings in a folder: those older than `before`.
    pub(super) async fn page(
        &self,
        folder: &ObjectFolder,
        before: Option<&ObjectKey>,
    ) -> Result<ObjectsPage, ApiError> {
        let mut reader = Reader {
            bucket: &self.bucket,
            access_key: self.bucket.key().await?,
            folder,
            before: before.map(ObjectKey::as_str),
        };
        let mut objects = reader.newest().await?;
        let has_more = objects.len() > PAGE_LENGTH;
        objects.truncate(PAGE_LENGTH);
        Ok(ObjectsPage { objects, has_more, access_key: reader.access_key })
    }

    /// A link that plays a recording. `None` if the access key has expired.
    pub(super) fn link(
        &self,
        access_key: &AccessKey,
        key: &ObjectKey,
    ) -> Result<Option<Link>, ApiError> {
        self.bucket.link(access_key, key.as_str(), "video/mp4", LINK_LIFETIME)
    }
}

/// Reads the list of one folder.
struct Reader<'a> {
    bucket: &'a Bucket,
    access_key: AccessKey,
    folder: &'a ObjectFolder,
    before: Option<&'a str>,
}

impl Reader<'_> {
    /// At least one more than a page of recordings, newest first, unless there are fewer.
    async fn newest(&mut self) -> Result<Vec<RecordedObject>, ApiError> {
        if let Some(all) = self.window(None, self.before, Rest::LeaveOut).await? {
            return Ok(all);
        }
        let days = self.days().await?;
        let mut newest = Vec::new();
        let (mut unread, mut width) = (days.len(), FIRST_WINDOW);
        while newest.len() <= PAGE_LENGTH && unread > 0 {
            let start = unread.saturating_sub(width);
            // Later days have been read. After the last day there may be newer keys.
            let end = days.get(unread).map(String::as_str).or(self.before);
            let rest = if unread - start == 1 { Rest::Read } else { Rest::LeaveOut };
            match self.window(Some(&days[start]), end, rest).await? {
                Some(older) => {
                    newest.extend(older);
                    unread = start;
                    width = width.saturating_mul(WINDOW_FACTOR);
                }
                None => width = ((unread - start) / WINDOW_FACTOR).max(1),
            }
        }
        Ok(newest)
    }

    /// The recordings from the day `start`, or from the beginning, up to but not including `end`,
    /// newest first. `None` if they do not fit into one call and the rest is to be left out.
    async fn window(
        &mut self,
        start: Option<&str>,
        end: Option<&str>,
        rest: Rest,
    ) -> Result<Option<Vec<RecordedObject>>, ApiError> {
        let mut after = start.map(str::to_owned);
        let mut found = Vec::new();
        let is_before_end = |key: &str| end.is_none_or(|end| key < end);
        let is_within = |key: &str| start.is_none_or(|start| start < key) && is_before_end(key);
        loop {
            let listing =
                Listing { prefix: self.folder.as_str(), after: after.as_deref(), folders: false };
            let page = self.bucket.list(&mut self.access_key, &listing).await?;
            let next = page.end().filter(|key| is_before_end(key) && Some(key) > after.as_ref());
            let objects = page.objects.into_iter().filter(|object| is_within(&object.key));
            found.extend(objects.filter_map(|object| self.recorded(&object)));
            match (next, rest) {
                (None, _) => break,
                (Some(_), Rest::LeaveOut) => return Ok(None),
                (Some(key), Rest::Read) => after = Some(key),
            }
        }
        // S3 lists keys in order and once; another store may not.
        found.sort_unstable_by(|one, other| other.key.cmp(&one.key));
        found.dedup_by(|one, other| one.key == other.key);
        Ok(Some(found))
    }

    /// The folders of the days until the day of `before`, oldest first.
    async fn days(&mut self) -> Result<Vec<String>, ApiError> {
        let mut days = Vec::new();
        let mut after = None;
        loop {
            let listing =
                Listing { prefix: self.folder.as_str(), after: after.as_deref(), folders: true };
            let page = self.bucket.list(&mut self.access_key, &listing).await?;
            let next = page.end().filter(|key| {
                self.before.is_none_or(|before| **key < *before) && Some(key) > after.as_ref()
            });
            let folders = page.folders.into_iter().filter_map(|folder| self.folder.day(&folder));
            days.extend(folders.filter(|day| self.before.is_none_or(|before| **day < *before)));
            match next {
                Some(key) => after = Some(key),
                None => break,
            }
        }
        days.sort_unstable();
        days.dedup();
        Ok(days)
    }

    fn recorded(&self, object: &Object) -> Option<RecordedObject> {
        let key = self.folder.key(&object.key)?;
        Some(RecordedObject { key, size: object.size, changed: object.changed })
    }
}

/// What to do with the rest of a window that does not fit into one call.
#[derive(Clone, Copy)]
enum Rest {
    Read,
    LeaveOut,
}

//! Lists are read in pages: so many at once, and where the next page begins.

use serde::{Deserialize, Serialize};
use sqlx::Any;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;

use crate::db::StoreError;
use crate::hub::Hub;

/// More on one page nobody reads, and a client that wants all asks page by page.
pub const PAGE_MAX: i64 = 500;

/// A part of a list. `next` is handed back to get the part after it; it means nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

impl Hub {
    /// A part of a list by a query that wants its limit yet, as its last value. `read` makes of a row its
    /// place in the list and what stands there, `cursor` of a place what is handed back.
    pub(crate) async fn page_of<R, T>(
        &self,
        query: Query<'_, Any, AnyArguments>,
        limit: i64,
        read: impl Fn(&AnyRow) -> Result<(R, T), StoreError>,
        cursor: impl Fn(&R) -> String,
    ) -> Result<Page<T>, StoreError> {
        let limit = clamp(limit);
        let mut conn = self.db().reader().await?;
        let rows = query.bind(limit + 1).fetch_all(&mut *conn).await?;
        let rows = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(page(rows, limit, cursor))
    }
}

/// From one row more than asked for, which tells that there is more.
fn page<R, T>(mut rows: Vec<(R, T)>, limit: i64, cursor: impl Fn(&R) -> String) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(0);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|(at, _)| cursor(at));
    Page { items: rows.into_iter().map(|(_, item)| item).collect(), next }
}

/// Where a list goes on that is ordered by a number and a text: `number/text`. It begins at `first`,
/// also for a cursor that nobody was given.
pub(crate) fn place(after: Option<&str>, first: i64) -> (i64, &str) {
    let place = after.and_then(|a| a.split_once('/')).and_then(|(n, text)| Some((n.parse().ok()?, text)));
    place.unwrap_or((first, ""))
}

/// How many rows to read for a page of `limit`.
pub(crate) fn clamp(limit: i64) -> i64 {
    limit.clamp(1, PAGE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_goes_on_after_its_place_and_begins_for_a_cursor_that_nobody_was_given() {
        assert_eq!(place(Some("12/hgh.sandbox:A/1"), i64::MAX), (12, "hgh.sandbox:A/1"));
        assert_eq!(place(Some("-1/x"), 0), (-1, "x"));
        for strange in [None, Some(""), Some("x"), Some("x/y"), Some("99999999999999999999/y")] {
            assert_eq!(place(strange, i64::MAX), (i64::MAX, ""), "{strange:?}");
        }
    }
}
